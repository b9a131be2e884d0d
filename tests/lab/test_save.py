"""A guest with a managed mediated device is saved on one host and restored on the other, its device's state with it."""
import json
import re
import time

import pytest

from conftest import running

UUID = "c7a5fdbd-edaf-4455-926a-d65c16db1812"
MDEV = "11111111-0000-4000-8000-000000000012"
FILE = "/root/saved/g1"
SCRATCH = 7  # of the 16550 that mtty emulates: a register that holds what is written
# mtty says neither its driver nor a firmware, so nothing is known of its state: whoever knows it has to say so.
RULE = {"ferry_compat_rules": 1, "vendor": "linux", "rules": [{
    "id": "mtty", "effect": "relax", "reason": "mtty's state has one format since Linux 6.7",
    "when": {"both": {"mdev_type": {"prefix": "mtty-"}}},
    "assume": {"source": {"version": "1.0"}, "target": {"version": "1.0"}}}]}
DOMAIN = f"""<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>g1</name><uuid>{UUID}</uuid>
  <metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'>
    <ferry:mdev alias='ua-gpu0' pool='gpus' type='mtty-1' managed='yes'/></ferry:guest></metadata>
  <memory unit='MiB'>32</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc-q35-10.0'>hvm</type></os>
  <features><acpi/></features>
  <cpu mode='custom'><model>qemu64</model></cpu>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/><memballoon model='none'/>
    <controller type='pci' index='0' model='pcie-root'/>
    <hostdev mode='subsystem' type='mdev' model='vfio-pci'>
      <source><address uuid='{MDEV}'/></source><alias name='ua-gpu0'/>
    </hostdev>
  </devices>
  <qemu:override><qemu:device alias='ua-gpu0'><qemu:frontend>
    <qemu:property name='x-device-dirty-page-tracking' type='string' value='off'/>
    <qemu:property name='enable-migration' type='string' value='on'/>
  </qemu:frontend></qemu:device></qemu:override>
</domain>"""


def put(host, path, text):
    assert host.sh(f"mkdir -p $(dirname {path}); cat >{path}", data=text.encode())[0] == 0


def wait_for(what, true, limit_s=60):
    end = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.5)


def port(host):
    """Where the guest's firmware put the mediated device's registers."""
    told = []
    wait_for("the firmware to set the device up", lambda: told.append(
        re.search(r"BAR0: I/O at (0x[0-9a-f]+)", host("virsh qemu-monitor-command g1 --hmp 'info pci'", limit_s=60)))
        or told[-1], 200)
    return int(told[-1].group(1), 16)


def poke(host, value):
    host(f"virsh qemu-monitor-command g1 --hmp 'o /b {port(host) + SCRATCH:#x} {value:#x}'", limit_s=60)


def peek(host):
    said = host(f"virsh qemu-monitor-command g1 --hmp 'i /b {port(host) + SCRATCH:#x}'", limit_s=60)
    return int(said.rsplit("=", 1)[1], 16)


def held(host):
    """What the host's devices are at: mediated ones, and claims."""
    return host("ls /sys/bus/mdev/devices; ferry pool show gpus --json")


@pytest.fixture(scope="module")
def pair(lab_image, ferry_tree, request):
    for group in running(ferry_tree, ("alpha", "beta"), request):
        both = [group.each["alpha"], group.each["beta"]]
        for host in both:
            host(f"date -s @{int(time.time())} >/dev/null; modprobe -a mtty vfio_iommu_type1; udevadm settle; mkdir -p /root/saved")
            wait_for("mtty in ferryd's inventory", lambda: "mtty-2" in host("ferry mdev types"))
            host("ferry pool define gpus --parent mtty --type mtty-1")
            # mtty's parent has no driver, so rules that deny drivers may apply to it: they are masked.
            host("mkdir -p /etc/ferry/compat.d; for f in /usr/share/ferry/compat.d/*.json /usr/local/share/ferry/compat.d/*.json;"
                 " do [ ! -e $f ] || : >/etc/ferry/compat.d/${f##*/}; done")
            put(host, "/etc/ferry/compat.d/mtty.json", json.dumps(RULE))
        yield both


def start(host):
    put(host, "/tmp/g1.xml", DOMAIN)
    host("virsh -q define /tmp/g1.xml; ferry guest start g1", limit_s=200)


def copy(source, target, target_ip="10.9.0.2"):
    for name in (FILE, f"{FILE}.ferry"):
        target(f"rm -f {name}; (timeout 60 socat -u TCP-LISTEN:9999,reuseaddr OPEN:{name},creat,trunc >/dev/null 2>&1 &) ; sleep 1")
        source(f"socat -u FILE:{name} TCP:{target_ip}:9999")
        wait_for(f"{name} to arrive", lambda: source(f"sha256sum <{name}") == target(f"sha256sum <{name}"))


def test_saved_here_restored_there(pair):
    alpha, beta = pair
    free = [held(host) for host in pair]
    start(alpha)
    poke(alpha, 0x5A)
    assert MDEV in held(alpha)

    # a disk that is too small: the guest goes on with its devices
    alpha("mkdir -p /mnt/small; mount -t tmpfs -o size=200k small /mnt/small")
    status, text = alpha.sh("ferry guest save g1 /mnt/small/g1", limit_s=200)
    assert status == 1 and "runs on as before" in text, text
    assert alpha("ls /mnt/small").split() == [] and alpha("virsh domstate g1").strip() == "running"
    assert peek(alpha) == 0x5A and MDEV in held(alpha)

    poke(alpha, 0xA5)
    status, text = alpha.sh(f"ferry guest save g1 {FILE}", limit_s=200)
    assert status == 0 and f"g1 is saved in {FILE}" in text, text + alpha("cat /var/log/ferryd.log")
    assert alpha("virsh domstate g1").strip() == "shut off"
    wait_for("nothing to be held", lambda: held(alpha) == free[0])
    told = json.loads(alpha(f"cat {FILE}.ferry"))
    assert {(row["alias"], row["way"]) for row in told["devices"]} == {("ua-gpu0", "state")}
    assert alpha(f"stat -c %a {FILE} {FILE}.ferry").split() == ["600", "600"]

    # on a host that it does not fit: refused before the file is touched, which stays good
    copy(alpha, beta)
    beta("ferry pool undefine gpus; ferry pool define gpus --parent mtty --type mtty-2")
    for verb, code in (("--check", 1), ("", 1)):
        status, text = beta.sh(f"ferry guest restore {FILE} {verb}")
        assert status == code and "mtty-2" in text, text
    beta("ferry pool undefine gpus; ferry pool define gpus --parent mtty --type mtty-1; rm /etc/ferry/compat.d/mtty.json")
    status, text = beta.sh(f"ferry guest restore {FILE} --check")
    assert status == 21 and "--accept-unknown" in text, text
    put(beta, "/etc/ferry/compat.d/mtty.json", json.dumps(RULE))

    # damaged on the way
    size = int(beta(f"stat -c %s {FILE}"))
    beta(f"cp {FILE} {FILE}.whole; truncate -s {size // 2} {FILE}")
    status, text = beta.sh(f"ferry guest restore {FILE}")
    assert status == 1 and f"ends at byte {size // 2}" in text, text
    beta(f"cp {FILE}.whole {FILE}; printf '\\377\\125' | dd of={FILE} bs=1 seek={size // 2} conv=notrunc 2>/dev/null")
    status, text = beta.sh(f"ferry guest restore {FILE}")
    assert status == 1 and "are not what was saved" in text, text
    beta(f"mv {FILE}.whole {FILE}")
    assert held(beta) == free[1]

    status, text = beta.sh(f"ferry guest restore {FILE}", limit_s=200)
    assert status == 0 and f"g1 goes on from {FILE}" in text, text + beta("cat /var/log/ferryd.log")
    assert beta("virsh domstate g1").strip() == "running" and peek(beta) == 0xA5
    xml = beta("virsh dumpxml g1")
    made = beta("ls /sys/bus/mdev/devices").split()
    assert len(made) == 1 and made[0] in xml and made[0] != MDEV
    assert "urn:ferry:saved" not in xml
    status, text = beta.sh(f"ferry guest restore {FILE}")
    assert status == 1 and "guest-runs-here" in text

    beta("virsh -q destroy g1")
    wait_for("nothing to be held", lambda: held(beta) == free[1])
    beta("ferry guest start g1 && virsh -q destroy g1", limit_s=200)  # it has a definition here, too
    for host in pair:
        host.sh("virsh -q undefine g1")
    wait_for("nothing to be held", lambda: [held(host) for host in pair] == free)
