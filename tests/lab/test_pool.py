"""A pool over two PFs of 7 VFs each, on real ones: 14 claims and no more, nothing left behind."""
import random
import time

import pytest

from hybrid import call, calls, changes, claims, define, hybrids, inventory, pool, put, set_up, states, tiny, until

pytestmark = pytest.mark.lab(igb=2)


def need(n, **more):
    return {"pool": "net-x", "alias": f"ua-net{n}", "prepare": True, **more}


def test_fourteen_and_no_more(lab_host):
    """P1: all VFs of both PFs, whichever; the 15th is refused with the pool's numbers."""
    set_up(lab_host)
    taken = calls(lab_host, [("POST", "/v1/claims", need(n)) for n in range(14)])
    assert [status for status, _ in taken] == [201] * 14, taken
    assert len({row["slot"] for _, row in taken}) == 14
    status, problem = call(lab_host, "POST", "/v1/claims", need(14))
    assert status == 409
    assert problem["reasons"][0]["message"].startswith("pool net-x: 14 of 14 VFs used (pf0 7/7, pf1 7/7)")
    status, said = lab_host.sh("ferry pool undefine net-x")
    assert status == 1 and "ua-net0" in said
    calls(lab_host, [("DELETE", f"/v1/claims/{row['generation']}", None) for _, row in taken])
    assert claims(lab_host) == []
    lab_host("ferry pool undefine net-x")


def start(host, command, numbers):
    for n in numbers:
        began = time.monotonic()
        host(f"{command} g{n}", limit_s=300)
        print(f"{command} g{n}: {time.monotonic() - began:.1f} s")


def until_plugged(host, n_guests):
    """Each of the first guests has its VF; returns after how many s."""
    return until(lambda: [states(host, f"g{n}") for n in range(n_guests)], lambda now: now == n_guests * [["plugged"]])[1]


@pytest.mark.lab(igb=2, memory=3072)
def test_as_many_guests(lab_host, request):
    """P1 with guests, 14 with --long, else 2 beside 12 claims: each has its own VF, one more is refused, nothing stays."""
    guests = 14 if request.config.getoption("--long") else 2
    set_up(lab_host)
    before = inventory(lab_host)
    for n in (*range(guests), 14):
        define(lab_host, f"g{n}", n)
    start(lab_host, "virsh start", range(2))  # libvirt picks a PF of each, and the VFs follow
    until_plugged(lab_host, 2)
    others = calls(lab_host, [("POST", "/v1/claims", need(n)) for n in range(guests, 14)]) if guests < 14 else []
    start(lab_host, "ferry guest start", range(2, guests))
    print(f"all plugged {until_plugged(lab_host, guests):.0f} s after that; {lab_host('free -m | grep Mem').strip()}")
    for n in range(guests):
        row, = hybrids(lab_host, f"g{n}")
        assert f"52:54:00:00:{n:02x}:00" in lab_host(f"ip link show {row['netdev']} | grep 'vf {row['vf_index']} '")
    assert len({row["slot"] for row in claims(lab_host)}) == 14
    # with virsh, libvirt has picked the PF before ferry is asked
    for command, full in (("ferry guest start", "14 of 14 VFs used (pf0 7/7, pf1 7/7)"), ("virsh start", "7 of 7 VFs used (pf")):
        status, said = lab_host.sh(f"{command} g14", limit_s=300)
        assert status == 1 and f"pool net-x: {full}" in said, said
    order = list(range(guests))
    random.Random(5).shuffle(order)
    lab_host("; ".join(f"virsh destroy g{n}" for n in order), limit_s=300)
    if others:
        calls(lab_host, [("DELETE", f"/v1/claims/{row['generation']}", None) for _, row in others])
    until(lambda: claims(lab_host), lambda rows: rows == [], 120)
    lab_host("; ".join(f"virsh undefine g{n}" for n in (*range(guests), 14)))
    assert changes(before, inventory(lab_host)) == []


def test_many_rounds(lab_host, request):
    """14 claims, made, and freed in random order, 10 times (100 with --long): the host is as it was."""
    rounds = 100 if request.config.getoption("--long") else 10
    set_up(lab_host)
    lab_host("ip link set pf0 vf 2 trust on; ip link set pf1 vf 5 spoofchk off; ip link set pf0 vf 3 vlan 100 qos 3")
    before = inventory(lab_host)
    first = call(lab_host, "POST", "/v1/claims", need(0))[1]["generation"]
    call(lab_host, "DELETE", f"/v1/claims/{first}")
    dice = random.Random(7)
    began = time.monotonic()
    for number in range(rounds // 10):
        requests = []
        for _ in range(10):
            requests += [("POST", "/v1/claims", need(n)) for n in range(14)]
            generations = list(range(first + 1, first + 15))
            dice.shuffle(generations)
            requests += [("DELETE", f"/v1/claims/{generation}", None) for generation in generations]
            first += 14
        statuses = [status for status, _ in calls(lab_host, requests)]
        assert statuses == 10 * (14 * [201] + 14 * [204]), number
        print(f"{10 * number + 10} rounds after {time.monotonic() - began:.0f} s")
    print(f"{rounds} rounds of 14 claims: {(time.monotonic() - began) * 1000 / rounds / 14:.1f} ms for claim, save and release")
    assert changes(before, inventory(lab_host)) == []


def test_settings_come_back(lab_host):
    """P6: whatever a guest, or its administrator, set on the VF."""
    set_up(lab_host)
    lab_host("ip link set pf0 vf 0 trust on; ip link set pf0 vf 0 spoofchk off; ip link set pf0 vf 0 vlan 100 qos 5")
    before = lab_host("ip link show pf0")
    _, row = call(lab_host, "POST", "/v1/claims", need(0, pf="pf0"))
    assert row["slot"].endswith("/vf0")
    lab_host("ip link set pf0 vf 0 trust off; ip link set pf0 vf 0 spoofchk on; ip link set pf0 vf 0 vlan 0; "
             "ip link set pf0 vf 0 mac 52:54:00:77:77:77")
    assert lab_host("ip link show pf0") != before
    call(lab_host, "DELETE", f"/v1/claims/{row['generation']}")
    assert lab_host("ip link show pf0") == before


def test_late_release_hits_nobody(lab_host):
    """P7: a claim that has gone is released again, when its VF is another one's."""
    set_up(lab_host, pfs=("pf0",))
    _, old = call(lab_host, "POST", "/v1/claims", need(0))
    call(lab_host, "DELETE", f"/v1/claims/{old['generation']}")
    _, new = call(lab_host, "POST", "/v1/claims", need(1))
    assert new["slot"] == old["slot"]
    lab_host("ip link set pf0 vf 0 mac 52:54:00:00:0b:01")
    assert call(lab_host, "DELETE", f"/v1/claims/{old['generation']}")[0] == 204
    assert [row["generation"] for row in claims(lab_host)] == [new["generation"]]
    assert "52:54:00:00:0b:01" in lab_host("ip link show pf0 | grep 'vf 0'")


def test_a_pf_without_link(lab_host):
    """P8: told within 5 s; new claims go to the other PF; afterwards all is as before."""
    set_up(lab_host)
    used = [call(lab_host, "POST", "/v1/claims", need(n, pf="pf1"))[1] for n in range(2)]
    began = time.monotonic()
    lab_host("ip link set pf1 down")
    while "degraded" not in pool(lab_host):
        assert time.monotonic() - began < 30
    took = time.monotonic() - began
    print(f"seen after {took:.1f} s")
    assert "7 of 14" in str(pool(lab_host)["degraded"])
    _, row = call(lab_host, "POST", "/v1/claims", need(5, policy="spread"))
    _, on_pf1 = call(lab_host, "POST", "/v1/claims", need(6, policy="spread"))
    others = {used[0]["slot"].split("/")[0]}
    assert row["slot"].split("/")[0] not in others and on_pf1["slot"].split("/")[0] not in others
    lab_host("ip link set pf1 up")
    began = time.monotonic()
    while "degraded" in pool(lab_host):
        assert time.monotonic() - began < 60
    assert len(claims(lab_host)) == 4


def test_companion_network(lab_host):
    """Made with the pool, gone with it; somebody else's of that name is left alone."""
    set_up(lab_host)
    told = lab_host("virsh net-dumpxml net-x")
    assert "<interface dev='pf0'" in told and "<interface dev='pf1'" in told and "urn:ferry:pool:1" in told
    assert "Autostart:      yes" in lab_host("virsh net-info net-x")
    lab_host("ferry pool undefine net-x")
    assert lab_host.sh("virsh net-info net-x")[0] != 0
    lab_host("cat >/tmp/net.xml <<E\n<network><name>net-x</name><forward mode='bridge'><interface dev='pf0'/></forward></network>\nE\n"
             "virsh net-define /tmp/net.xml")
    status, said = lab_host.sh("ferry pool define net-x --hybrid --pf pf0 --pf pf1")
    assert status != 0 and "libvirt has a network net-x that ferry did not make" in said
    assert "<interface dev='pf1'" not in lab_host("virsh net-dumpxml net-x")


def test_vlan_needs_its_devices(lab_host):
    """The virtio half must be in the VLAN too."""
    set_up(lab_host, define=False)
    define = "ferry pool define net-x --hybrid --pf pf0 --pf pf1 --vlan 42"
    lab_host("ip link add link pf0 name pf0.42 type vlan id 42")
    status, said = lab_host.sh(define)
    assert status == 1 and "pf1 has no device of VLAN 42" in said
    assert lab_host.sh("virsh net-info net-x")[0] != 0
    lab_host("ip link add link pf1 name other type vlan id 42")
    lab_host(define)
    told = lab_host("virsh net-dumpxml net-x")
    assert "<interface dev='pf0.42'" in told and "<interface dev='other'" in told


def test_guest_in_a_vlan(lab_host):
    """Both halves are in the VLAN of their pool: the VF by its port, the virtio half on a VLAN device of the same PF."""
    lab_host("for n in 0 1; do ip link set pf$n up; ip link add link pf$n name pf$n.42 type vlan id 42; ip link set pf$n.42 up; done")
    set_up(lab_host, define=False)
    lab_host("ferry pool define net-x --hybrid --pf pf0 --pf pf1 --vlan 42")
    before = inventory(lab_host)
    define(lab_host, "g1", 1)
    lab_host("ferry guest start g1", limit_s=300)
    until(lambda: states(lab_host, "g1"), lambda now: now == ["plugged"])
    row, = hybrids(lab_host, "g1")
    pf, vlan = row["netdev"].split(".")
    assert pf in ("pf0", "pf1") and vlan == "42" and f"{row['macvtap']}@{row['netdev']}" in lab_host("ip -br link")
    vf = lab_host(f"ip link show {pf} | grep 'vf {row['vf_index']} '")
    assert "52:54:00:00:01:00" in vf and "vlan 42" in vf
    lab_host("virsh destroy g1; virsh undefine g1")
    until(lambda: claims(lab_host), lambda rows: rows == [], 60)
    assert changes(before, inventory(lab_host)) == []


def test_a_port_profile(lab_host):
    """802.1Qbh goes with VFs alone: a pool of those takes it; on a hybrid it is refused, and nothing is changed."""
    profile = "<virtualport type='802.1Qbh'><parameters profileid='ex-profile-7'/></virtualport>"
    network = "<network><name>{0}</name><forward mode='{1}' managed='yes'><pf dev='{2}'/></forward>{3}</network>"
    set_up(lab_host, define=False)
    put(lab_host, "/tmp/vfs.xml", network.format("vfs", "hostdev", "pf0", profile))
    lab_host("ferry pool define /tmp/vfs.xml")
    assert pool(lab_host, "vfs")["port_profile"] == "ex-profile-7"
    put(lab_host, "/tmp/net.xml", network.format("net-y", "hostdev-hybrid", "pf1", profile))
    status, said = lab_host.sh("ferry pool define /tmp/net.xml")
    assert status == 2 and "a hybrid takes no port profile" in said
    lab_host("ferry pool define net-x --hybrid --pf pf1")
    put(lab_host, "/tmp/g1.xml", tiny("g1", 1).replace("<model type='virtio'/>", "<model type='virtio'/>" + profile))
    status, said = lab_host.sh("ferry guest define /tmp/g1.xml")
    assert status == 2 and "a hybrid takes no port profile (802.1Qbh)" in said
    assert lab_host.sh("virsh dominfo g1")[0] != 0
