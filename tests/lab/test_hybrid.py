"""Hybrid NICs on real hardware, as far as a VM has it: 82576 cards, libvirt, and a Linux guest that fails over."""
import json
import re

import pytest

from ferrylab import ferry, hosts, saved
from ferrylab.place import Scratch
from hybrid import (CONSOLE, call, calls, changes, claims, define, hybrids, inventory, linux, pool, put, restart_ferryd,
                    set_up, states, until)


# Where ferryd is killed while it plugs; those that come with --long only are like one before them.
POINTS = ["D.PLUG.before", "D.PLUG.after"]
LONG_POINTS = ["D.CLAIM.after", "D.SAVE.after", "D.KEEP.after"]
LINK_POINTS = ["D.LINK.before", "D.LINK.after"]


def pytest_generate_tests(metafunc):
    is_long = metafunc.config.getoption("--long")
    if "point" in metafunc.fixturenames:
        metafunc.parametrize("point", POINTS + is_long * LONG_POINTS)
    if "link_point" in metafunc.fixturenames:
        metafunc.parametrize("link_point", LINK_POINTS[:1 + is_long])


@pytest.fixture
def host(lab_image, ferry_tree):
    """A host with both cards, and the saved Linux guest as its disk /dev/vdb."""
    with Scratch() as folder:
        group = hosts.Hosts(folder, ("alpha",), igb=2, memory=2048, more=saved.disk())
        group.up()
        try:
            group.install(ferry_tree)
            yield group.each["alpha"]
        finally:
            group.down()


def lost(host):
    """Pings that the Linux guest says it has lost, and sent."""
    found = re.findall(r"lost (\d+) of (\d+)", host(f"cat {CONSOLE}"))
    return tuple(map(int, found[-1])) if found else (0, 0)


def restored(host):
    """The Linux guest, running with its VF and seen to use it."""
    put(host, "/tmp/linux.xml", linux())
    host("virsh restore /dev/vdb --xml /tmp/linux.xml", limit_s=400)
    return until(lambda: hybrids(host, "linux")[0], lambda row: row["state"] == "vf" and row["link"] == "down", 600)


def filter_has_mac(host, netdev):
    return saved.MAC in host(f"bridge fdb show dev {netdev}")


def test_failover_in_the_guest(host):
    """The VF comes by itself, is taken off and put back, and a ping runs all the time."""
    set_up(host)
    before = inventory(host)
    row, took = restored(host)
    print(f"VF in use {took:.0f} s after the restore")
    assert (row["mac"], row["address"], row["vf_address"]) == (saved.MAC, "0000:01:00.0", "0000:02:00.0")
    assert "igbvf,up" in until(lambda: host(f"tail -n 1 {CONSOLE}"), lambda text: "igbvf,up" in text and "reach" in text)[0]
    # one owner: macvtap is down, so its MAC is out of the PF's filter
    until(lambda: filter_has_mac(host, row["netdev"]), lambda has: not has)
    assert "UP" not in host(f"ip -br link show {row['macvtap']}")
    assert saved.MAC in host(f"ip link show {row['netdev']} | grep 'vf {row['vf_index']} '")
    began = lost(host)

    host.put(ferry.built("tests/migrate/hybrid-probe")[0], "/usr/local/bin/hybrid-probe")
    host("kill -STOP $(pidof ferryd)")
    print("off:", host(f"hybrid-probe {saved.UUID} ua-net0-vf 120", limit_s=180).strip())
    assert filter_has_mac(host, row["netdev"])
    assert saved.MAC not in host(f"ip link show {row['netdev']} | grep 'vf {row['vf_index']} '")
    until(lambda: host(f"tail -n 1 {CONSOLE}"), lambda text: "igbvf" not in text and "reach" in text)
    host("kill -CONT $(pidof ferryd)")
    again, took = until(lambda: hybrids(host, "linux")[0], lambda row: row["state"] == "vf" and row["link"] == "down", 600)
    print(f"on again after {took:.0f} s")
    assert again["vf"] == row["vf"]
    until(lambda: host(f"tail -n 1 {CONSOLE}"), lambda text: "igbvf,up" in text and "reach" in text)
    ended = lost(host)
    print(f"pings lost: {ended[0] - began[0]} of {ended[1] - began[1]}")
    assert ended[0] - began[0] <= 4

    # paused and resumed: libvirt takes macvtap up, ferryd takes it down again
    host("virsh suspend linux; virsh resume linux")
    until(lambda: filter_has_mac(host, row["netdev"]), lambda has: not has, 60)
    host("virsh destroy linux")
    until(lambda: claims(host), lambda rows: rows == [], 60)
    assert changes(before, inventory(host)) == []


def test_the_keeper_plugs_after_a_plain_start(host):
    """"virsh start" alone: libvirt picks the PF, and each hybrid gets a VF of that PF."""
    set_up(host)
    before = inventory(host)
    define(host, "one", 1)
    define(host, "two", 2, nics=2)
    for guest in ("one", "two"):
        host(f"virsh start {guest}", limit_s=300)
        rows, took = until(lambda: hybrids(host, guest), lambda rows: all(row["state"] == "plugged" for row in rows))
        print(f"{guest}: plugged {took:.1f} s after the start")
        for row in rows:
            assert row["pf"] == json.loads(host(f"ferry device show {row['vf']} --json"))["pf"]
            assert row["reason"].startswith("no driver in the guest uses the VF")
    assert len(claims(host)) == 3 and len({row["slot"] for row in claims(host)}) == 3
    assert {row["state"] for row in claims(host)} == {"in_use"}
    host("virsh destroy one; virsh destroy two")
    until(lambda: claims(host), lambda rows: rows == [], 60)
    host("virsh undefine one; virsh undefine two")
    assert changes(before, inventory(host)) == []


def test_the_fifteenth_guest(host):
    """P1: refused with the pool's numbers; with --allow-degraded on virtio alone, and plugged when a VF is freed."""
    set_up(host)
    taken = calls(host, [("POST", "/v1/claims", {"pool": "net-x", "alias": f"ua-net{n}", "prepare": True}) for n in range(14)])
    define(host, "late", 15)
    status, said = host.sh("ferry guest start late", limit_s=300)
    assert status == 1 and "pool net-x: 14 of 14 VFs used (pf0 7/7, pf1 7/7)" in said, said
    assert "shut off" in host("virsh domstate late") and len(claims(host)) == 14
    status, said = host.sh("virsh start late", limit_s=300)
    assert status != 0 and "VFs used" in said, said
    assert "shut off" in host("virsh domstate late") and len(claims(host)) == 14
    status, said = host.sh("ferry guest start late --allow-degraded", limit_s=300)
    assert status == 22, said
    row = hybrids(host, "late")[0]
    assert row["state"] == "degraded" and "VFs used" in row["reason"]
    mine = next(one for _, one in taken if one["slot"].startswith(row["pf"]))
    call(host, "DELETE", f"/v1/claims/{mine['generation']}")
    _, took = until(lambda: states(host, "late"), lambda now: now == ["plugged"], 120)
    print(f"plugged {took:.1f} s after a VF was freed")
    assert pool(host)["used"] == 14


def test_ferry_guest_start_lets_the_pf_follow(host):
    """libvirt alone would take the PF that it likes; ferry takes that of the VF, for this run only."""
    set_up(host)
    taken = calls(host, [("POST", "/v1/claims", {"pool": "net-x", "alias": f"ua-net{n}", "pf": "pf0"}) for n in range(7)])
    assert [status for status, _ in taken] == [201] * 7
    define(host, "one", 1)
    host("ferry guest start one", limit_s=300)
    until(lambda: states(host, "one"), lambda now: now == ["plugged"])
    assert hybrids(host, "one")[0]["netdev"] == "pf1"
    assert "network='net-x'" in host("virsh dumpxml one --inactive")
    host("ferry guest stop one --force", limit_s=120)
    until(lambda: claims(host), lambda rows: len(rows) == 7, 60)


def test_killed_while_it_plugs(host, point):
    """Wherever ferryd dies: after its restart the guest has its one VF, and nothing is left when the guest ends."""
    set_up(host)
    before = inventory(host)
    define(host, "one", 1, on_no_vf="degrade")
    restart_ferryd(host, crash_at=point)
    host.sh("virsh start one", limit_s=300)
    until(lambda: host.sh("pidof ferryd")[0], lambda status: status != 0, 120)
    host.start_ferryd()
    until(lambda: states(host, "one"), lambda now: now == ["plugged"], 120)
    until(lambda: [row["state"] for row in claims(host)], lambda now: now == ["in_use"], 60)
    host("virsh destroy one; virsh undefine one")
    until(lambda: claims(host), lambda rows: rows == [], 60)
    assert changes(before, inventory(host)) == []


def test_killed_while_it_takes_the_link_down(host, link_point):
    """Neither half alone: the guest reaches the host all the time, and the VF has the MAC in the end."""
    set_up(host)
    restart_ferryd(host, crash_at=link_point)
    put(host, "/tmp/linux.xml", linux())
    host("virsh restore /dev/vdb --xml /tmp/linux.xml", limit_s=400)
    until(lambda: host.sh("pidof ferryd")[0], lambda status: status != 0, 600)
    host.start_ferryd()
    until(lambda: hybrids(host, "linux")[0], lambda row: row["state"] == "vf" and row["link"] == "down", 300)
    until(lambda: filter_has_mac(host, hybrids(host, "linux")[0]["netdev"]), lambda has: not has, 60)
    until(lambda: host(f"tail -n 1 {CONSOLE}"), lambda text: "igbvf,up" in text and "reach" in text)
    assert [row["state"] for row in claims(host)] == ["in_use"]
    assert lost(host)[0] <= 4
