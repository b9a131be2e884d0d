"""Guests with hybrid NICs and VFs move from host to host: two 82576 cards in both, and a Linux guest that fails over."""
import json
from random import Random

import pytest

from ferrylab import saved, scene
from hybrid import claims, inventory, until
from travel import log, migrate, two_hosts

MARK = 0x5A


@pytest.fixture(scope="module")
def pair(lab_image, ferry_tree):
    with two_hosts(ferry_tree, scene.CONFIG, more=saved.disk(), **scene.HOSTS) as both:
        for host in both:
            scene.pools(host)
        yield both


@pytest.fixture
def rounds(request):
    """There and back: a guest that is emulated twice over takes more than a minute for each way."""
    return 20 if request.config.getoption("--long") else 1


@pytest.fixture
def clean(pair):
    """Both hosts, which the test has to leave as they were."""
    before = [inventory(host) for host in pair]
    yield pair
    for host in pair:
        host.sh("for g in $(virsh -q list --all --name); do virsh -q destroy $g; virsh -q undefine $g; done")
    for host, was in zip(pair, before):
        until(lambda: inventory(host), lambda now: now == was, 60)
        assert host("virsh -q list --all; ls /var/lib/ferry/hold /sys/bus/mdev/devices | grep -v :").split() == []


def crowd(host, turn, random, netdev):
    """Others take VFs there: first all of that PF, later any; gives what ends it."""
    if turn < 4:
        return scene.occupy(host, [netdev] * 7)
    return scene.occupy(host, [pf for pf in ("pf0", "pf1") for _ in range(random.randrange(5))])


def report(host):
    """How long each phase of the last move took, and how near its forecast was."""
    job = json.loads(host("ferry job list --json"))["jobs"][0]
    phases = ", ".join(f"{row['phase']} {row['duration_ms'] / 1000:.1f} s" for row in job["phases"])
    print(f"{phases}; blackout {job['blackout_ms']} ms, forecast {job['predicted_blackout_ms']} ms")


def linux_moves(source, target, turn, chance):
    """P3, P4, M2: the VF over there is of the other PF; names and addresses stay, and so does the mdev's state."""
    row, (nics, _, lost, sent) = scene.until("the VF in use", lambda: scene.used_vf(source), 60)[0], scene.said(source)
    empty = crowd(target, turn, chance, row["netdev"])
    status, text = migrate(source, target, "linux")
    assert status == 0, text + log(source) + log(target)
    report(source)
    there, took = scene.until("the VF in use", lambda: scene.used_vf(target), 300)
    now, _, lost_now, sent_now = scene.said(target)
    print(f"VF of {there['netdev']} in use {took:.0f} s later; pings lost: {lost_now - lost} of {sent_now - sent}")
    assert turn >= 4 or there["netdev"] != row["netdev"]
    assert [there[key] for key in ("mac", "address", "vf_address")] == [row[key] for key in ("mac", "address", "vf_address")]
    assert now == nics and lost_now - lost <= 4
    assert scene.peek(target) == MARK
    assert sorted(one["alias"] for one in claims(target) if one.get("guest")) == ["ua-gpu0", "ua-net0-vf"]
    assert claims(source) == [] and source("virsh -q list --all --name; ls /sys/bus/mdev/devices").split() == []
    assert "network='net-x'" in target("virsh dumpxml linux --inactive")
    empty()


def test_linux_there_and_back(clean, rounds):
    """A managed mdev and a hybrid NIC; a ping runs all the time."""
    alpha, beta = clean
    chance = Random(rounds)
    scene.restore(alpha)
    scene.plug_mdev(alpha)
    scene.poke(alpha, MARK)
    _, took = scene.until("the VF in use", lambda: scene.used_vf(alpha), 300)
    print(f"VF in use {took:.0f} s after the mediated device")
    for turn, (source, target) in enumerate([(alpha, beta), (beta, alpha)] * rounds):
        linux_moves(source, target, turn, chance)
