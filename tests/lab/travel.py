"""What tests of migrations share: two hosts that know each other, which have to be left as they were."""
import contextlib
import json

import pytest

from ferrylab import hosts, saved, scene
from ferrylab.place import Scratch
from hybrid import changes, claims, inventory, until


@contextlib.contextmanager
def two_hosts(ferry_tree, config="", **options):
    """[alpha, beta], which know each other."""
    with Scratch() as folder:
        group = hosts.Hosts(folder, ("alpha", "beta"), **options)
        group.up()
        try:
            group.put(ferry_tree, "/")
            pair = [group.each["alpha"], group.each["beta"]]
            scene.acquaint(pair, config)
            yield pair
        finally:
            group.down()


def migrate(host, other, guest, *options, limit_s=400):
    return host.sh(f"ferry migrate {guest} --to {other.name} {' '.join(options)}", limit_s=limit_s)


def log(host):
    return host("cat /var/log/ferryd.log")


def copy(source, target, *paths):
    """Files, to the same place at the other host."""
    for path in paths:
        target(f"mkdir -p $(dirname {path}); rm -f {path}; "
               f"(timeout 60 socat -u TCP-LISTEN:9999,reuseaddr OPEN:{path},creat,trunc >/dev/null 2>&1 &) ; sleep 1")
        source(f"socat -u FILE:{path} TCP:{target.address}:9999")
        until(lambda path=path: target(f"sha256sum <{path}"), lambda now, path=path: now == source(f"sha256sum <{path}"), 30)


def report(host):
    """How long each phase of the last move took, and how near its forecast was."""
    job = json.loads(host("ferry job list --json"))["jobs"][0]
    phases = ", ".join(f"{row['phase']} {row['duration_ms'] / 1000:.1f} s" for row in job["phases"])
    blackout, forecast = job["blackout_ms"], job["predicted_blackout_ms"]
    near = forecast is not None and abs(forecast - blackout) <= max(20, blackout / 4)
    print(f"{phases}; blackout {blackout} ms, forecast {forecast} ms{', near' if near else ''}")


@pytest.fixture(scope="module")
def pair(lab_image, ferry_tree):
    """alpha and beta with pools of VFs (net-x, two PFs) and of mediated devices (gpus), and the saved Linux guest as a disk."""
    with two_hosts(ferry_tree, scene.CONFIG, more=saved.disk(), **scene.HOSTS) as both:
        for host in both:
            scene.pools(host)
        yield both


def assert_as_before(host, was, limit_s=60):
    """Its inventory is what it was, within that time."""
    until(lambda: changes(was, inventory(host)), lambda found: found == [], limit_s)


@pytest.fixture
def clean(pair):
    """Both hosts, which the test has to leave as they were."""
    before = [inventory(host) for host in pair]
    yield pair
    for host in pair:
        host.start_ferryd()  # one that a test has killed
        host.sh("for g in $(virsh -q list --all --name); do virsh -q destroy $g; virsh -q undefine $g; done")
        for row in claims(host):
            if "guest" not in row:  # of a test that has failed
                scene.call(host, "DELETE", f"/v1/claims/{row['generation']}")
    for host, was in zip(pair, before):
        assert_as_before(host, was)
        assert host("virsh -q list --all; ls /var/lib/ferry/hold /sys/bus/mdev/devices | grep -v :").split() == []
