"""The lab's tests run programs in VMs with real VFIO, mediated devices and SR-IOV.  lab/README.md tells how.

lab_run    boots one VM, runs a script in it
lab_host   one host with libvirtd (and ferryd), ready in seconds
lab_pair   two of them, alpha and beta, on one wire
"""
import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lab"))
from ferrylab import ferry, hosts, image, job  # noqa: E402
from ferrylab.place import Scratch  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also what takes longer than minutes")


def pytest_configure(config):
    config.addinivalue_line("markers", "lab(iommufd, igb, memory): what kind of hosts lab_host and lab_pair are")


@pytest.fixture(scope="session")
def lab_image():
    return image.build()


@pytest.fixture(scope="session")
def ferry_tree():
    """What "meson install" puts where, of this build."""
    with Scratch() as folder:
        yield ferry.installed(folder)


@pytest.fixture
def lab_run(lab_image, ferry_tree, tmp_path):
    """lab_run(script, *args, iommufd=False, igb=0, programs=(), files=(), limit_s=300): runs a script (its text,
    sh unless it has a "#!" line) in a VM of its own, with ferry installed; returns CompletedProcess with both
    streams in stdout.  A VM that dies or does not end is an error, not a result."""

    def run(script, *args, **options):
        path = tmp_path / "script"
        path.write_text(script if script.startswith("#!") else "#!/bin/sh\n" + script, encoding="utf-8")
        status, text = job.run(path, args, tree=ferry_tree, **options)
        return subprocess.CompletedProcess([str(path), *args], status, text)

    return run


def running(ferry_tree, names, request):
    """Hosts as the test's mark says: @pytest.mark.lab(iommufd=True, igb=1, memory=1536)."""
    mark = request.node.get_closest_marker("lab")
    with Scratch() as folder:
        group = hosts.Hosts(folder, names, **(mark.kwargs if mark else {}))
        group.up()
        try:
            group.install(ferry_tree)
            yield group
        finally:
            group.down()


@pytest.fixture
def lab_host(lab_image, ferry_tree, request):
    """One fresh host, alpha: host("script") gives what it said, host.sh() the status too, host.put(), host.uri."""
    for group in running(ferry_tree, ("alpha",), request):
        yield group.each["alpha"]


@pytest.fixture
def lab_pair(lab_image, ferry_tree, request):
    """Two fresh hosts on one wire, (alpha, beta)."""
    for group in running(ferry_tree, ("alpha", "beta"), request):
        yield group.each["alpha"], group.each["beta"]
