"""Fixtures of the pair tests: hosts with libvirtd alone for a file, and one pair with ferry for all."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pair import programs  # pylint: disable=wrong-import-position
from pair.pair import Pair


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also what takes longer than minutes")


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
