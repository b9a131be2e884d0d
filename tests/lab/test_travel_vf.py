"""Devices of every way travel with one guest: a mediated device's state, two hybrids, a VF that is taken off for the move; by
"ferry migrate", and through a file.  That a Linux guest keeps its network is tested in test_travel_nic.py."""
import json
import os
from random import Random

import pytest

from every_way import MARK, assert_devices, start
from ferrylab import scene
from hybrid import changes, claims, define, hybrids, inventory, states, until
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
    assert changes(before, (inventory(alpha), inventory(beta))) == []
    status, text = alpha.sh(f"virsh migrate --live g1 qemu+tcp://{beta.address}/system", limit_s=120)
    print(f"\"virsh migrate --live\" of it: {text.strip()}")
    assert status != 0 and "VFIO migration is not supported in kernel" in text
    assert alpha("virsh domstate g1").strip() == "running"
    assert changes(before, (inventory(alpha), inventory(beta))) == []
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


FILE = "/root/saved/g1"


def full_disk(host):
    """V3: the guest goes on with all that was taken off, and there is no file."""
    host("mkdir -p /mnt/small; mount -t tmpfs -o size=200k small /mnt/small")
    status, text = host.sh("ferry guest save g1 /mnt/small/g1", limit_s=300)
    print(f"full disk: {text.strip()}")
    assert status == 1 and "runs on as before" in text, text
    assert host("ls /mnt/small").split() == []
    host("umount /mnt/small")
    assert_devices(host)


def damaged(host):
    """V3: told with the place, and nothing is touched."""
    before = inventory(host)
    size = int(host(f"cp {FILE} {FILE}.whole; stat -c %s {FILE}"))
    flip = f"printf '\\377\\125' | dd of={FILE} bs=1 seek={size // 2} conv=notrunc 2>/dev/null"
    for script, said in ((f"truncate -s {size // 2} {FILE}", f"ends at byte {size // 2}"), (flip, "are not what was saved")):
        host(f"cp {FILE}.whole {FILE}; {script}")
        status, text = host.sh(f"ferry guest restore {FILE}", limit_s=300)
        print(f"damaged: {text.strip()}")
        assert status == 1 and said in text, text
    assert changes(before, inventory(host)) == [] and host("virsh -q list --all --name").split() == []
    host(f"mv {FILE}.whole {FILE}")


def test_saved_and_restored(clean):  # noqa: F811
    """V1: hybrids and the VF are off in the file, none is used meanwhile; restored over there it has others, of another PF."""
    alpha, beta = clean
    start(alpha)
    scene.poke(alpha, MARK, "g1")
    full_disk(alpha)
    status, text = alpha.sh(f"mkdir -p /root/saved; ferry guest save g1 {FILE}", limit_s=300)
    assert status == 0, text + log(alpha)
    assert claims(alpha) == [] and alpha("ls /sys/bus/mdev/devices").split() == []
    assert json.loads(alpha("ferry pool show net-x --json"))["used"] == 0
    copy(alpha, beta, FILE, f"{FILE}.ferry")
    empty = scene.occupy(beta, ["pf1"] * 7)
    damaged(beta)
    status, text = alpha.sh(f"ferry guest restore {FILE} --on-host beta", limit_s=300)
    assert status == 0, text + log(beta)
    assert scene.peek(beta, "g1") == MARK
    assert_devices(beta)
    assert {row["netdev"] for row in hybrids(beta, "g1")} == {"pf0"}
    empty()


def assert_no_more_than(host, guests):
    """One VF and one macvtap for each guest that runs there, and nothing else."""
    assert sorted(host("virsh -q list --name").split()) == sorted(guests)
    assert sorted(row["guest"]["name"] for row in claims(host)) == sorted(guests)
    assert json.loads(host("ferry pool show net-x --json"))["used"] == len(guests)
    assert host("ip -br link show type macvtap").count("macvtap") == len(guests)


@pytest.fixture
def shuttles(request):
    """How many guests, how often some of them change their host."""
    return (10, int(os.environ.get("FERRY_LAB_SHUTTLES", "100"))) if request.config.getoption("--long") else (2, 1)


def test_shuttling_guests(clean, shuttles):  # noqa: F811
    """P2: any of the guests move to the other host, in any order; each has a VF of its own there."""
    guests_n, rounds = shuttles
    chance = Random(rounds)
    places = {f"g{n}": clean[n % 2] for n in range(guests_n)}
    for n, (guest, host) in enumerate(places.items()):
        define(host, guest, n)
        host(f"ferry guest start {guest}", limit_s=300)
    for _ in range(rounds):
        for guest in chance.sample(sorted(places), chance.randint(1, guests_n)):
            source = places[guest]
            target, = (host for host in clean if host is not source)
            status, text = migrate(source, target, guest, "--allow-degraded")
            assert status == 0, text + log(source) + log(target)
            places[guest] = target
        for host in clean:
            here = [guest for guest, place in places.items() if place is host]
            for guest in here:
                until(lambda host=host, guest=guest: states(host, guest), lambda now: now == ["plugged"], 60)
            assert_no_more_than(host, here)
