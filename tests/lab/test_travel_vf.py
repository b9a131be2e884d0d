"""Devices of every way travel with one guest: a mediated device's state, two hybrids, a VF that is taken off for the move; by
"ferry migrate", and through a file.  That a Linux guest keeps its network is tested in test_travel_nic.py."""
import json

from every_way import MARK, assert_devices, start
from ferrylab import scene
from hybrid import claims, hybrids, inventory
from travel import clean, copy, log, migrate, pair, report  # noqa: F401 (fixtures)


def assert_nothing_left(host):
    assert claims(host) == [] and host("virsh -q list --all --name; ls /sys/bus/mdev/devices; ls /var/lib/ferry/hold").split() == []


def refused(alpha, beta):
    """A driver that is not known to join both halves, no free VF: told in the check, nothing is touched; and what libvirt says."""
    empty = scene.occupy(beta, ["pf0"] * 7 + ["pf1"] * 7)
    before = inventory(alpha), inventory(beta)
    for command in ("check", "migrate"):
        status, text = alpha.sh(f"ferry {command} g1 --to beta")
        assert status == 1 and "--allow-degraded" in text and "net-x of beta has nothing free for ua-nic7" in text, text
    assert (inventory(alpha), inventory(beta)) == before
    status, text = alpha.sh(f"virsh migrate --live g1 qemu+tcp://{beta.address}/system", limit_s=120)
    print(f"\"virsh migrate --live\" of it: {text.strip()}")
    assert status != 0 and alpha("virsh domstate g1").strip() == "running"
    assert (inventory(alpha), inventory(beta)) == before
    empty()


def test_there_and_back(clean):  # noqa: F811
    """P3, P4, P5, M1: with VFs of the other PF each time; its driver is not known to join them, which has to be accepted."""
    alpha, beta = clean
    start(alpha)
    scene.poke(alpha, MARK, "g1")
    refused(alpha, beta)
    for source, target, others in ((alpha, beta, "pf1"), (beta, alpha, "pf0")):
        empty = scene.occupy(target, [others] * 7)
        status, text = migrate(source, target, "g1", "--allow-degraded")
        assert status == 0, text + log(source) + log(target)
        report(source)
        assert scene.peek(target, "g1") == MARK
        assert_devices(target)
        assert {row["netdev"] for row in hybrids(target, "g1")} == {"pf0", "pf1"} - {others}
        empty()
        assert len(claims(target)) == 4
        assert_nothing_left(source)


def test_saved_and_restored(clean):  # noqa: F811
    """V1: hybrids and the VF are off in the file, none is used meanwhile; restored over there it has others, of another PF."""
    alpha, beta = clean
    start(alpha)
    scene.poke(alpha, MARK, "g1")
    status, text = alpha.sh("mkdir -p /root/saved; ferry guest save g1 /root/saved/g1", limit_s=300)
    assert status == 0, text + log(alpha)
    assert claims(alpha) == [] and alpha("ls /sys/bus/mdev/devices").split() == []
    assert json.loads(alpha("ferry pool show net-x --json"))["used"] == 0
    copy(alpha, beta, "/root/saved/g1", "/root/saved/g1.ferry")
    empty = scene.occupy(beta, ["pf1"] * 7)
    status, text = beta.sh("ferry guest restore /root/saved/g1", limit_s=300)
    assert status == 0, text + log(beta)
    assert scene.peek(beta, "g1") == MARK
    assert_devices(beta)
    assert {row["netdev"] for row in hybrids(beta, "g1")} == {"pf0"}
    empty()
