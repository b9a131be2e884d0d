"""Mediated devices by hand: made with and without UUID, from XML, raced for, probed, and removed or not."""
import json
import threading
import time

from hybrid import calls

UUID = "11111111-0000-4000-8000-0000000000"
PARENT = "/sys/class/mdev_bus/mtty"
XML = f"""<device><name>mdev_ignored</name><path>/ignored</path><parent>mtty_mtty</parent>
<capability type='mdev'><type id='mtty-1'/><uuid>{UUID}02</uuid><iommuGroup number='99'/></capability></device>"""
GUEST = f"""<domain type='qemu'><name>g1</name><memory unit='MiB'>32</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os><cpu mode='custom'><model>qemu64</model></cpu><devices>
<emulator>/usr/bin/qemu-system-x86_64</emulator><controller type='usb' model='none'/><memballoon model='none'/>
<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='{UUID}01'/></source></hostdev>
</devices></domain>"""
RESTART = """kill -9 $(pidof ferryd)
while pidof ferryd >/dev/null; do sleep 0.05; done
setsid ferryd >>/var/log/ferryd.log 2>&1 </dev/null &
n=0
until ferry device list >/dev/null 2>&1; do n=$((n + 1)); [ $n -lt 200 ] || exit 1; sleep 0.1; done"""


def mdevs(host):
    return {row["name"]: row for row in json.loads(host("ferry mdev list --json"))["mdevs"]}


def left(host):
    parents = json.loads(host("ferry mdev types --json"))["parents"]
    return [row["available"] for parent in parents for row in parent["types"]]


def wait_for_left(host, wanted):
    """What others make reaches ferryd's inventory by an event."""
    end = time.monotonic() + 30
    while (seen := left(host)) != wanted:
        assert time.monotonic() < end, f"{seen} left, not {wanted}"
        time.sleep(0.1)


def load(host):
    host("modprobe mtty")
    wait_for_left(host, [24, 12])


def threads(host):
    return int(host("ls /proc/$(pidof ferryd)/task | wc -l"))


def test_by_hand(lab_host):
    host = lab_host
    load(host)
    assert "24 × mtty-1 or 12 × mtty-2" in host("ferry device list")

    # a UUID given, none given, from XML; types are alternatives, and all are counted anew
    assert host(f"ferry mdev create --parent mtty --type mtty-2 --uuid {UUID}01").strip() == UUID + "01"
    made = host("ferry mdev create --parent mtty_mtty --type mtty-1").strip()
    host(f"cat >/tmp/mdev.xml <<'END'\n{XML}\nEND")
    assert host("ferry mdev create /tmp/mdev.xml").strip() == UUID + "02"
    assert set(mdevs(host)) == {UUID + "01", UUID + "02", made} and left(host) == [20, 10]
    assert host("ls /sys/bus/mdev/devices").split() == sorted(mdevs(host))
    status, text = host.sh(f"ferry mdev create --parent mtty --type mtty-1 --uuid {UUID}01")
    assert status == 4 and "The UUID is taken on this host" in text

    # what ferry prints, libvirt makes again
    host(f"ferry mdev show {UUID}02 --xml >/tmp/out.xml && ferry mdev remove {UUID}02 && ! ferry mdev show {UUID}02")
    host("ln -sf /proc/self/fd/0 /dev/stdin; virsh -q nodedev-create /tmp/out.xml", limit_s=300)
    assert mdevs(host)[UUID + "02"]["type"] == "mtty-1"

    # what mdevctl keeps is shown, as its
    host(f"mdevctl define -u {UUID}03 -p mtty -t mtty-2 -a; mdevctl define -u {UUID}02 -p mtty -t mtty-1")
    known = mdevs(host)
    assert (known[UUID + "03"]["state"], known[UUID + "03"]["autostart"]) == ("defined", True)
    assert known[UUID + "02"]["defined"] and known[UUID + "02"]["active"] and not known[UUID + "01"]["defined"]
    host(f"mdevctl undefine -u {UUID}03; mdevctl undefine -u {UUID}02")

    # probed once, for all of its kind, and remembered over a crash
    text = host(f"ferry device show {UUID}01 --probe")
    assert "migratable: stop-copy, P2P, pre-copy, log of dirty pages; state: 96 bytes" in text
    assert json.loads(host("ferry device show " + UUID + "02 --json"))["migration"].get("migratable") is None  # mtty-1
    host(RESTART, limit_s=200)
    assert json.loads(host(f"ferry device show {UUID}01 --json"))["migration"]["stop_copy_bytes"] == 96

    # a guest has it: named, at once, and nothing waits in the kernel
    host(f"cat >/tmp/g1.xml <<'END'\n{GUEST}\nEND\nvirsh -q create /tmp/g1.xml", limit_s=600)
    before = threads(host)
    row = mdevs(host)[UUID + "01"]
    assert row["state"] == "foreign" and "guest g1" in row["used_by"]
    status, text = host.sh(f"ferry mdev remove {UUID}01")
    assert status == 1 and "guest g1" in text and "stop the guest" in text
    status, text = host.sh(f"ferry device show {UUID}01 --probe")
    assert status == 1 and "guest g1" in text
    assert threads(host) <= before and mdevs(host)[UUID + "01"]["state"] == "foreign"
    host("virsh -q destroy g1", limit_s=300)
    host(f"ferry mdev remove {UUID}01")

    # one left, two want it: one has it, the other is told what there is
    host(f"for n in $(seq 11); do cat /proc/sys/kernel/random/uuid >{PARENT}/mdev_supported_types/mtty-2/create; done")
    wait_for_left(host, [0, 0])
    for _ in range(5):
        host(f"ferry mdev remove {made}", limit_s=200)
        one, two = host("""for n in 1 2; do
                (ferry mdev create --parent mtty --type mtty-1 >/tmp/out$n 2>&1; echo $? >>/tmp/out$n) & done
            wait; cat /tmp/out1; echo ==; cat /tmp/out2""", limit_s=200).split("==\n")
        won, lost = sorted((one, two), key=lambda said: said.split()[-1])
        made = won.split()[0]
        assert won.split()[1] == "0" and made in host("ls /sys/bus/mdev/devices")
        assert lost.split()[-1] == "1" and "no-free-slot: mtty has no mtty-1 left: it carries mtty-" in lost
        assert len(mdevs(host)) == 13
    host("for mdev in $(ls /sys/bus/mdev/devices); do ferry mdev remove $mdev || exit 1; done", limit_s=400)
    wait_for_left(host, [24, 12])
    assert mdevs(host) == {} and host("ls /sys/bus/mdev/devices") == ""


def test_tries_for_the_last(lab_host, request):
    """C5: two connections want the last instance, give it back, and want it again, 60 times each (500 with --long):
    one has it at a time, nothing leaks."""
    host, tries = lab_host, 500 if request.config.getoption("--long") else 60
    load(host)
    host(f"for n in $(seq 23); do cat /proc/sys/kernel/random/uuid >{PARENT}/mdev_supported_types/mtty-1/create; done")
    wait_for_left(host, [1, 0])
    before = set(mdevs(host))
    answers = {}

    def race(side):
        requests = []
        for n in range(tries):
            uuid = f"{side}1111111-0000-4000-8000-{n:012}"
            requests += [("POST", "/v1/mdevs", {"parent": "mtty", "type": "mtty-1", "uuid": uuid}), ("DELETE", f"/v1/mdevs/{uuid}", None)]
        answers[side] = calls(host, requests)

    began = time.monotonic()
    racers = [threading.Thread(target=race, args=(side,)) for side in "ab"]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    won, lost = 0, 0
    for said in answers.values():
        for (made, body), (removed, _) in zip(said[::2], said[1::2]):
            assert (made, removed) in ((201, 204), (409, 404)), (made, body, removed)
            assert made == 201 or body["reasons"][0]["code"] == "no-free-slot", body
            won, lost = won + (made == 201), lost + (made == 409)
    print(f"{won} had it, {lost} were refused, in {time.monotonic() - began:.0f} s")
    assert won + lost == 2 * tries and won > 0 and lost > 0
    wait_for_left(host, [1, 0])
    assert set(mdevs(host)) == before
