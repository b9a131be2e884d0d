"""A Linux guest with a hybrid NIC and a mediated device moves from host to host, with two 82576 cards each: it fails over."""
import os
from random import Random

import pytest

from ferrylab import scene
from hybrid import claims, hybrids
from neighbours import PAIRS, Neighbours
from travel import clean, log, migrate, pair, report  # noqa: F401 (fixtures)

MARK = 0x5A


@pytest.fixture
def rounds(request):
    """There and back: a guest that is emulated twice over takes more than a minute for each way."""
    return int(os.environ.get("FERRY_LAB_ROUNDS", "20" if request.config.getoption("--long") else "2"))


def crowd(host, turn, random, netdev):
    """Others take VFs there: first all of that PF, later any; gives what ends it."""
    if turn < 4:
        return scene.occupy(host, [netdev] * 7)
    return scene.occupy(host, [pf for pf in ("pf0", "pf1") for _ in range(random.randrange(5))])


def linux_moves(source, target, turn, chance):
    """P3: the VF over there is of the other PF."""
    row = hybrids(source, "linux")[0]
    empty = crowd(target, turn, chance, row["netdev"])
    status, text = migrate(source, target, "linux")
    assert status == 0, text + log(source) + log(target)
    report(source)
    there = hybrids(target, "linux")[0]
    assert turn >= 4 or there["netdev"] != row["netdev"]
    assert [there[key] for key in ("mac", "address", "vf_address")] == [row[key] for key in ("mac", "address", "vf_address")]
    assert sorted(one["alias"] for one in claims(target) if one.get("guest")) == ["ua-gpu0", "ua-net0-vf"]
    assert claims(source) == [] and source("virsh -q list --all --name; ls /sys/bus/mdev/devices").split() == []
    assert "network='net-x'" in target("virsh dumpxml linux --inactive")
    empty()


def as_it_was(host, nics, lost, sent, moves):
    """P4, M2: names and the mdev's state have stayed, and the network was hardly away.  Returns pings lost and sent."""
    row, took = scene.until("the VF in use", lambda: scene.used_vf(host), 300)
    now, _, lost_now, sent_now = scene.said(host)
    print(f"VF of {row['netdev']} in use {took:.0f} s later; pings lost: {lost_now - lost} of {sent_now - sent}")
    assert now == nics and lost_now - lost <= 4 * moves
    assert scene.peek(host) == MARK
    return lost_now, sent_now


def in_touch(near):
    """P9: the guests there reach the one that comes, over the VF, over macvtap, at either host; each other all the time."""
    gaps = near.end()
    print("; ".join(f"{pair[0]} to {pair[1]}: at most {gap} s of {watched} s" for pair, (gap, watched) in gaps.items()))
    return all(gap is not None and gap <= (1 if pair == PAIRS[-1] else 10) for pair, (gap, _) in gaps.items())


def test_linux_there_and_back(clean, rounds):  # noqa: F811
    """A managed mdev and a hybrid NIC; a ping runs all the time.  M13: it moves again as soon as it has come back, when its
    driver does not have its VF yet."""
    alpha, beta = clean
    chance = Random(rounds)
    scene.restore(alpha)
    scene.plug_mdev(alpha)
    scene.poke(alpha, MARK)
    _, took = scene.until("the VF in use", lambda: scene.used_vf(alpha), 300)
    print(f"VF in use {took:.0f} s after the mediated device")
    nics, _, lost, sent = scene.said(alpha)
    near = Neighbours(beta, "pf1" if hybrids(alpha, "linux")[0]["netdev"] == "pf0" else "pf0")
    moves = 0
    for turn, (source, target) in enumerate([(alpha, beta), (beta, alpha)] * rounds):
        linux_moves(source, target, turn, chance)
        moves += 1
        if turn == 1 and rounds > 1 or turn >= 4 and not chance.randrange(3):
            continue
        lost, sent = as_it_was(target, nics, lost, sent, moves)
        moves = 0
        if turn == 0:
            kept = in_touch(near)
    assert kept
