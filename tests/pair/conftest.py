"""Fixtures of the pair tests: the programs, built and installed once; one pair of hosts for each test file."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pair import programs as build  # pylint: disable=wrong-import-position
from pair.pair import Pair


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also what takes longer than minutes")


@pytest.fixture(scope="session")
def programs():
    """What `meson install` of this tree puts under /usr/local."""
    return build.install()


@pytest.fixture(scope="module")
def hosts():
    """Two hosts with libvirtd alone."""
    with Pair() as pair:
        yield pair
