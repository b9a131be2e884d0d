"""Managed mediated devices: made when their guest starts, removed when it stops, whoever starts and stops it."""
import json
import threading
import time

import pytest

from conftest import running

MTTY = "/sys/class/mdev_bus/mtty/mdev_supported_types"
# Guests of two names; the device of each is one of 12 of type mtty-2, through the pool or at the parent.
UUIDS = {"g1": "c7a5fdbd-edaf-4455-926a-d65c16db1809", "g2": "c7a5fdbd-edaf-4455-926a-d65c16db1810"}
MDEVS = {"g1": "11111111-0000-4000-8000-000000000001", "g2": "11111111-0000-4000-8000-000000000002"}
WHERE = {"g1": "pool='gpus'", "g2": "parent='mtty'"}
DOMAIN = """<domain type='qemu'>
  <name>{name}</name><uuid>{uuid}</uuid>
  <metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'>
    <ferry:mdev alias='ua-gpu0' {where} type='mtty-2' managed='yes'/></ferry:guest></metadata>
  <memory unit='MiB'>32</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <cpu mode='custom'><model>qemu64</model></cpu>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/><memballoon model='none'/>{disk}
    <hostdev mode='subsystem' type='mdev' model='vfio-pci'>
      <source><address uuid='{mdev}'/></source><alias name='ua-gpu0'/>
    </hostdev>
  </devices>
</domain>"""
NO_DISK = "<disk type='file' device='disk'><source file='/nowhere'/><target dev='vda' bus='virtio'/></disk>"
RESTART = """kill -9 $(pidof ferryd) 2>/dev/null
while pidof ferryd >/dev/null; do sleep 0.05; done
{environment} setsid ferryd >>/var/log/ferryd.log 2>&1 </dev/null &
n=0
until ferry guest list >/dev/null 2>&1; do n=$((n + 1)); [ $n -lt 200 ] || exit 1; sleep 0.1; done"""
STARTS = {"ferry": "ferry guest start", "virsh": "virsh -q start"}
ENDS = {"ferry": "ferry guest stop --force", "virsh": "virsh -q destroy"}


def domain(name, disk=""):
    return DOMAIN.format(name=name, uuid=UUIDS[name], mdev=MDEVS[name], where=WHERE[name], disk=disk)


def define(host, name, disk=""):
    host(f"cat >/tmp/{name}.xml <<'END'\n{domain(name, disk)}\nEND\nvirsh -q define /tmp/{name}.xml")


def restart(host, environment=""):
    """kill -9, and a new one."""
    host(RESTART.format(environment=environment), limit_s=600)


def mdevs(host):
    return host("ls /sys/bus/mdev/devices").split()


def claims(host):
    members = json.loads(host("ferry pool show gpus --json"))["members"]
    return [slot for member in members for slot in member["slots"] if slot["state"] != "foreign"]


def wait_for(what, true, limit_s=120):
    end = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.2)


@pytest.fixture(scope="module")
def booted(lab_image, ferry_tree, request):
    for group in running(ferry_tree, ("alpha",), request):
        host = group.each["alpha"]
        host("modprobe -a mtty vfio_iommu_type1; udevadm settle")
        wait_for("mtty in ferryd's inventory", lambda: "mtty-2" in host("ferry mdev types"))
        host("ferry pool define gpus --parent mtty --type mtty-2")
        yield host


@pytest.fixture
def host(booted):
    """With two guests, down; afterwards it has nothing that it did not have before."""
    for name in UUIDS:
        define(booted, name)
    before = booted(f"cat {MTTY}/*/available_instances"), mdevs(booted), claims(booted)
    yield booted
    for name in UUIDS:
        booted.sh(f"virsh -q destroy {name}")
    wait_for("the claims of the test to go", lambda: claims(booted) == before[2])
    assert (booted(f"cat {MTTY}/*/available_instances"), mdevs(booted), claims(booted)) == before


@pytest.mark.parametrize("tool", STARTS)
def test_start_and_stop(host, tool):
    host(f"{STARTS[tool]} g1", limit_s=600)
    assert mdevs(host) == [MDEVS["g1"]]
    assert host(f"basename $(readlink /sys/bus/mdev/devices/{MDEVS['g1']}/mdev_type)").strip() == "mtty-2"
    wait_for("the claim to be in use", lambda: [slot["claim"]["state"] for slot in claims(host)] == ["in_use"])
    assert "already" in host("ferry guest start g1")
    status, text = host.sh("ferry guest stop g1 --timeout 2")
    assert status == 1 and "still runs after 2 s" in text and "--force" in text
    host(f"{ENDS[tool]} g1", limit_s=600)
    assert mdevs(host) == [] and claims(host) == []
    host(f"{STARTS[tool]} g1", limit_s=600)  # again: the same UUID, a new device
    assert mdevs(host) == [MDEVS["g1"]]


def test_qemu_crashes(host):
    host("virsh -q start g2", limit_s=600)
    host("kill -9 $(pidof qemu-system-x86_64)")
    wait_for("the device to go", lambda: mdevs(host) == [] and claims(host) == [])


def test_ferryd_is_started_again(host):
    """What runs goes on; what ended meanwhile is cleaned up."""
    host("ferry guest start g1 && ferry guest start g2", limit_s=900)
    restart(host)
    time.sleep(3)
    assert sorted(mdevs(host)) == sorted(MDEVS.values())
    assert host("virsh -q list --name").split() == ["g1", "g2"]
    host("kill -9 $(pidof ferryd); virsh -q destroy g1", limit_s=600)
    assert sorted(mdevs(host)) == sorted(MDEVS.values())
    restart(host)
    wait_for("g1's device to go", lambda: mdevs(host) == [MDEVS["g2"]])
    assert len(claims(host)) == 1


def test_ferryd_is_away(host):
    host("kill -9 $(pidof ferryd); while pidof ferryd; do sleep 0.05; done")
    status, text = host.sh("virsh -q start g1", limit_s=600)
    assert status != 0 and "device ua-gpu0" in text and "systemctl start ferryd" in text
    restart(host)


def test_others_device_is_left_alone(host):
    host(f"echo {MDEVS['g1']} >{MTTY}/mtty-2/create")
    try:
        for start in STARTS.values():
            status, text = host.sh(f"{start} g1", limit_s=600)
            assert status != 0 and "was not made for this" in text
        assert mdevs(host) == [MDEVS["g1"]] and claims(host) == []
    finally:
        host(f"echo 1 >/sys/bus/mdev/devices/{MDEVS['g1']}/remove")


def test_two_guests_race_for_the_last(host):
    taken = [f"22222222-0000-4000-8000-0000000000{n:02}" for n in range(11)]
    host("".join(f"echo {uuid} >{MTTY}/mtty-2/create\n" for uuid in taken))
    try:
        results = {}
        threads = [threading.Thread(target=lambda name=name, start=start: results.update({name: host.sh(f"{start} {name}", 600)}))
                   for name, start in zip(UUIDS, STARTS.values())]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        won = [name for name in UUIDS if results[name][0] == 0]
        assert len(won) == 1, results
        lost = next(name for name in UUIDS if name not in won)
        assert f"guest {won[0]}" in results[lost][1]
        assert host("virsh -q list --name").split() == won
        assert [uuid for uuid in mdevs(host) if uuid not in taken] == [MDEVS[won[0]]]
        host(f"virsh -q destroy {won[0]}", limit_s=600)
        host(f"{STARTS['virsh']} {lost}", limit_s=600)
        host(f"virsh -q destroy {lost}", limit_s=600)
    finally:
        host("".join(f"echo 1 >/sys/bus/mdev/devices/{uuid}/remove\n" for uuid in taken))


def test_removal_while_in_use(host):
    host("ferry guest start g1", limit_s=600)
    status, text = host.sh(f"ferry mdev remove {MDEVS['g1']}", limit_s=30)
    assert status != 0 and "g1" in text
    assert mdevs(host) == [MDEVS["g1"]]


def test_start_waits_for_a_slow_cleanup(host):
    """ferryd is stopped just before the removal until somebody has the device open, as a driver that cleans up."""
    host("ferry guest start g1", limit_s=600)
    restart(host, "FERRY_STOP_AT=D.UNDO.before")
    host(f"""virsh -q destroy g1 >/dev/null 2>&1 &
        group=/dev/vfio/$(basename $(readlink /sys/bus/mdev/devices/{MDEVS['g1']}/iommu_group))
        n=0
        until grep -q '^State:.*stopped' /proc/$(pidof ferryd)/status; do n=$((n + 1)); [ $n -lt 300 ] || exit 1; sleep 0.1; done
        sleep 1000 <$group >/dev/null 2>&1 & echo $! >/tmp/holder
        until [ "$(readlink /proc/$!/fd/0)" = $group ]; do n=$((n + 1)); [ $n -lt 600 ] || exit 1; sleep 0.1; done
        (while [ -e /tmp/holder ]; do kill -CONT $(pidof ferryd); sleep 0.1; done) >/dev/null 2>&1 &
        wait %1""", limit_s=600)
    try:
        assert [slot["claim"]["state"] for slot in claims(host)] == ["releasing"]
        host("ferry guest start g1 >/tmp/start 2>&1 & echo $! >/tmp/pid")
        wait_for("the reason", lambda: "(sleep) has it open" in host("cat /tmp/start"))
        began = time.monotonic()
        host("kill $(cat /tmp/holder)")
        wait_for("the start's end", lambda: "guest g1 is running" in host("cat /tmp/start"), 120)
        print(f"started {time.monotonic() - began:.1f} s after the device was free")
        assert mdevs(host) == [MDEVS["g1"]]
    finally:
        host("kill $(cat /tmp/holder) 2>/dev/null; rm -f /tmp/holder; sleep 0.3; kill -CONT $(pidof ferryd)")
        restart(host)


def test_fifty_failing_starts(host):
    """More than twice as many as there are instances."""
    define(host, "g1", NO_DISK)
    for start in STARTS.values():
        said = host(f"for n in $(seq 25); do {start} g1 2>&1 && exit 1; done; true", limit_s=900)
        assert said.count("/nowhere") == 25, said
    assert mdevs(host) == [] and claims(host) == []


def test_guest_of_an_undecided_job(host):
    host(f"mkdir -p /var/lib/ferry/hold && echo 0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001 >/var/lib/ferry/hold/{UUIDS['g1']}")
    try:
        for start in STARTS.values():
            status, text = host.sh(f"{start} g1", limit_s=600)
            assert status != 0 and "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001" in text
        assert mdevs(host) == []
    finally:
        host(f"rm /var/lib/ferry/hold/{UUIDS['g1']}")


# Which of the points of devices a managed mdev passes, by how to get there; the others are VFs'.
CRASHES = {"start": {"CLAIM", "CREATE", "UNDO", "RELEASE"}, "run": {"KEEP"}}


@pytest.mark.parametrize("tool", STARTS)
@pytest.mark.parametrize("way", CRASHES)
def test_crash_at_every_point(host, way, tool):
    """kill -9 by itself at each point: after ferryd's next start nothing is left of a guest that is down."""
    points = [point for point in host("ferryd --list-crash-points").split()
              if point.startswith("D.") and point.split(".")[1] in CRASHES[way]]
    assert {point.split(".")[1] for point in points} == CRASHES[way]
    define(host, "g1", NO_DISK if way == "start" else "")
    for point in points:
        restart(host, f"FERRY_CRASH_AT={point}")
        host.sh(f"{STARTS[tool]} g1", limit_s=600)
        wait_for(f"ferryd's end at {point}", lambda: host.sh("pidof ferryd")[0] != 0)
        restart(host)
        host.sh("virsh -q destroy g1", limit_s=600)
        wait_for(f"nothing to be left after {point}", lambda: mdevs(host) == [] and claims(host) == [])
