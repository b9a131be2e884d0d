"""Fixtures of the pair tests: hosts with libvirtd alone for a file, and one pair with ferry for all."""
import os
import sys
from collections import Counter

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pair import programs  # pylint: disable=wrong-import-position
from pair.pair import Pair


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also what takes longer than minutes")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes longer than minutes")


def pytest_collection_modifyitems(config, items):
    left = [item for item in items if config.getoption("long") or not item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=[item for item in items if item not in left])
    items[:] = left


@pytest.fixture
def count(record_property):
    """count(what, n=1): what this test survived, for the table at the end if it passes."""
    return lambda what, n=1: record_property(f"survived {what}", n)


def pytest_terminal_summary(terminalreporter):
    table = Counter()
    for report in terminalreporter.stats.get("passed", []):
        for name, n in report.user_properties:
            if name.startswith("survived "):
                table[name.removeprefix("survived ")] += n
    if table:
        terminalreporter.section("survived, each with one guest in the end or rightly none")
        for what, n in [*sorted(table.items()), ("in all", sum(table.values()))]:
            terminalreporter.write_line(f"{what:50} {n:6}")


@pytest.fixture(scope="module")
def hosts():
    """Two hosts with libvirtd alone."""
    with Pair() as pair:
        yield pair


@pytest.fixture(scope="session")
def ferries():
    """Two hosts with libvirtd and ferryd, known to each other."""
    with Pair(programs.build()) as pair:
        pair.start_ferry()
        yield pair


@pytest.fixture
def pair(ferries):
    """The same, each test finding them whole; what the daemons said is shown when the test fails."""
    ferries.settle()
    yield ferries
    for host in ferries.hosts:
        print(f"--- {host.name}: ferryd\n{host.tail('ferryd', 20)}")
