"""A guest with a managed mediated device moves from host to host by "ferry migrate", its device's state with it."""
import glob
import json
import re
import struct
import time

import pytest

from conftest import running
from ferrylab import kernel
from hybrid import changes, inventory

ADDRESSES = {"alpha": "10.9.0.1", "beta": "10.9.0.2"}
UUID = "c7a5fdbd-edaf-4455-926a-d65c16db1811"
MDEV = "11111111-0000-4000-8000-000000000011"
MAGIC = 0x7e9d09898c3e2c4e  # of its state: MTTY_MAGIC of the kernel's samples/vfio-mdev/mtty.c
TYPES = "/sys/class/mdev_bus/mtty/mdev_supported_types"
SCRATCH = 7  # of the 16550 that mtty emulates: a register that holds what is written
# mtty says no firmware, so nothing is known of its state: whoever knows it has to say so.
RULE = {"ferry_compat_rules": 1, "vendor": "linux", "rules": [{
    "id": "mtty", "effect": "relax", "reason": "mtty's state has one format since Linux 6.7",
    "when": {"both": {"mdev_type": {"prefix": "mtty-"}}},
    "assume": {"source": {"version": "1.0"}, "target": {"version": "1.0"}}}]}
DOMAIN = """<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>g1</name><uuid>{uuid}</uuid>
  <metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'>
    <ferry:mdev alias='ua-gpu0' pool='{pool}' type='{type}' managed='yes'/></ferry:guest></metadata>
  <memory unit='MiB'>32</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <cpu mode='custom'><model>qemu64</model></cpu>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/><memballoon model='none'/>
    <hostdev mode='subsystem' type='mdev' model='vfio-pci'>
      <source><address uuid='{mdev}'/></source><alias name='ua-gpu0'/>
    </hostdev>
  </devices>{override}
</domain>"""
POOLS = {"mtty-1": "gpus", "mtty-2": "twos"}
OVERRIDE = """<qemu:override><qemu:device alias='ua-gpu0'><qemu:frontend>
    <qemu:property name='x-device-dirty-page-tracking' type='string' value='off'/>
    <qemu:property name='enable-migration' type='string' value='on'/>
  </qemu:frontend></qemu:device></qemu:override>"""


def wait_for(what, true, limit_s=60):
    end = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.2)


def define(host, mdev_type="mtty-1", override=OVERRIDE):
    xml = DOMAIN.format(uuid=UUID, mdev=MDEV, type=mdev_type, pool=POOLS[mdev_type], override=override)
    host(f"cat >/tmp/g1.xml <<'END'\n{xml}\nEND\nvirsh -q define /tmp/g1.xml")


def put_rule(host, rule):
    # The rule that ferry brings for mtty says the same of every host: it is masked, so that the hosts can differ.
    host("mkdir -p /etc/ferry/compat.d; : >/etc/ferry/compat.d/50-mtty.json")
    host(f"mkdir -p /etc/ferry/compat.d && cat >/etc/ferry/compat.d/mtty.json <<'END'\n{json.dumps(rule)}\nEND")


def state(host):
    """All that a migration could leave behind: devices, what the types have left, claims, guests, markers."""
    return host("""ls /sys/bus/mdev/devices; cat /sys/class/mdev_bus/mtty/mdev_supported_types/*/available_instances
        ferry pool show gpus --json; ferry pool show twos --json; virsh -q list --all; ls /var/lib/ferry/hold""")


def port(host):
    """Where the guest's firmware put the device's registers."""
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


def mdev_of(host, inactive=""):
    return re.search(r"<address uuid='([^']*)'", host(f"virsh dumpxml g1 {inactive}"))[1]


@pytest.fixture(scope="module")
def booted(lab_image, ferry_tree, request):
    for group in running(ferry_tree, ("alpha", "beta"), request):
        hosts = [group.each["alpha"], group.each["beta"]]
        for host in hosts:
            host(f"date -s @{int(time.time())} >/dev/null; modprobe -a mtty vfio_iommu_type1; udevadm settle; mkdir -p /var/lib/ferry/hold")
        hosts[0]("ferry pki init")
        for host in hosts:
            bundle = hosts[0](f"ferry pki issue {host.name} 2>/dev/null")
            host(f"cat >/tmp/b.pem <<'END'\n{bundle}\nEND\nferry pki install /tmp/b.pem")
            host("kill $(pidof ferryd); while pidof ferryd >/dev/null; do sleep 0.1; done; rm -f /run/ferry/ferryd.sock")
            host("printf '\\n[migrate]\\ntransfer_timeout_s=300\\n' >>/etc/ferry/ferryd.conf")  # an emulated processor seals 1 MiB/s
            host.restart_libvirtd()
            host.start_ferryd()
        for host, other in (hosts, hosts[::-1]):
            host(f"ferry host add {other.name} --address {ADDRESSES[other.name]}:8442")
            wait_for("mtty in ferryd's inventory", lambda: "mtty-2" in host("ferry mdev types"))
            host("ferry pool define gpus --parent mtty --type mtty-1; ferry pool define twos --parent mtty --type mtty-2")
        yield hosts


@pytest.fixture
def pair(booted):
    for host in booted:
        put_rule(host, RULE)
    before = [state(host) for host in booted]
    yield booted
    for host in booted:
        host.sh("virsh -q destroy g1; virsh -q undefine g1")
    wait_for("both hosts to be as before", lambda: [state(host) for host in booted] == before)


def migrate(host, other, *options):
    return host.sh(f"ferry migrate g1 --to {other.name} {' '.join(options)}", limit_s=300)


def assert_as_predicted(host, predicted, is_first):
    """M3: a guest that never moved has no figure, then the last move's; how near that comes is printed, not judged."""
    job = json.loads(host("ferry job list --json"))["jobs"][0]
    print(f"blackout {job['blackout_ms']} ms, predicted {predicted['message']}; progress {job['progress']}")
    assert job["predicted_blackout_ms"] == predicted["blackout_ms"]
    if is_first:
        assert predicted["basis"] != "measured"
        return
    assert predicted["basis"] == "measured"


def test_there_and_back(pair):
    """There over one connection, back over three: QEMU then sends the device's state over these, too."""
    alpha, beta = pair
    define(alpha)
    alpha("ferry guest start g1", limit_s=200)
    poke(alpha, 0x5A)
    for source, target, connections in ((alpha, beta, 1), (beta, alpha, 3)):
        status, text = source.sh(f"ferry check g1 --to {target.name}")
        assert status == 0, text
        predicted = json.loads(source(f"ferry check g1 --to {target.name} --json"))["blackout"]
        status, text = migrate(source, target, f"--parallel {connections}")
        assert status == 0, text + target("cat /var/log/ferryd.log")
        assert_as_predicted(source, predicted, source is alpha)
        assert target("virsh domstate g1").strip() == "running"
        assert peek(target) == 0x5A
        assert source("virsh -q list --all --name").split() == []
        assert source("ls /sys/bus/mdev/devices").split() == []
        uuid = mdev_of(target)
        assert mdev_of(target, "--inactive") == uuid and target("ls /sys/bus/mdev/devices").split() == [uuid]
        slots = json.loads(target("ferry pool show gpus --json"))["members"][0]["slots"]
        assert [slot["claim"]["state"] for slot in slots] == ["in_use"]
        poke(target, 0x5A)
    loads = json.loads(alpha("ferry check g1 --to beta --json"))["devices"][0]["candidates"][0]["loads"]
    assert loads["success"] >= 1 and loads["rejected"] == 0
    alpha("virsh -q destroy g1")
    wait_for("the device to go", lambda: alpha("ls /sys/bus/mdev/devices").split() == [])
    alpha("ferry guest start g1 && virsh -q destroy g1", limit_s=200)  # what the target defined starts again


def load_other_driver(host):
    """mtty as another version of it would be: it says 0.2, and its state begins with another magic number."""
    path, = glob.glob(kernel.build() + "/debian/lib/modules/*/kernel/mtty.ko")
    with open(path, "rb") as file:
        module = file.read()
    for old, new in ((struct.pack("<Q", MAGIC), struct.pack("<Q", MAGIC + 1)), (b"\0version=0.1\0", b"\0version=0.2\0")):
        assert old in module
        module = module.replace(old, new)
    assert host.sh("cat >/tmp/mtty.ko && rmmod mtty && insmod /tmp/mtty.ko && cat /sys/module/mtty/version",
                   data=module) == (0, "0.2\n")
    wait_for("mtty in ferryd's inventory", lambda: "mtty-2" in host("ferry mdev types"))


def load_own_driver(host):
    host("rmmod mtty; modprobe mtty; [ $(cat /sys/module/mtty/version) = 0.1 ]; udevadm settle")
    wait_for("mtty in ferryd's inventory", lambda: "mtty-2" in host("ferry mdev types"))


def other_driver(host):
    """K1: its administrator says that both hosts need one version of the driver."""
    load_other_driver(host)
    put_rule(host, {**RULE, "rules": [*RULE["rules"], {
        "id": "one-driver", "effect": "deny", "reason": "mtty must be of one version on both hosts",
        "when": {"both": {"mdev_type": {"prefix": "mtty-"}}, "differ": ["driver_version"]}}]})


# what is done at beta, the guest's type, the check's exit status, what is said
REFUSED = {
    "other-type": ("ferry pool undefine gpus; ferry pool define gpus --parent mtty --type mtty-2", "mtty-1", 1, ["mtty-2"]),
    "no-pool": ("ferry pool undefine gpus", "mtty-1", 1, ["there is no pool gpus"]),
    "nothing-free": ("for n in $(seq 10 33); do echo 22222222-0000-4000-8000-0000000000$n; done"
                     " >/tmp/taken; while read u; do echo $u >/sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1/create; done </tmp/taken",
                     "mtty-1", 1, ["in use"]),
    "other-version": ("sed -i 's/\"target\": {\"version\": \"1.0\"}/\"target\": {\"version\": \"0.9\"}/' /etc/ferry/compat.d/mtty.json",
                      "mtty-1", 1, ["version"]),
    "other-driver": (other_driver, "mtty-1", 1, ["rule:mtty/one-driver: a rule denies this pair: mtty must be of one version on both",
                                              '(driver_version: the source has "0.1", the target "0.2")']),
    "no-rule": ("rm /etc/ferry/compat.d/mtty.json", "mtty-1", 21, ["--accept-unknown"]),
    "two-ports-into-one": ("ferry pool undefine twos; ferry pool define twos --parent mtty --type mtty-1", "mtty-2", 1,
                           ["mtty-1", "mtty-2"]),
}
REPAIR = """[ ! -e /tmp/taken ] || while read u; do echo 1 >/sys/bus/mdev/devices/$u/remove; done </tmp/taken; rm -f /tmp/taken
ferry pool undefine gpus; ferry pool define gpus --parent mtty --type mtty-1
ferry pool undefine twos; ferry pool define twos --parent mtty --type mtty-2"""


def everything(hosts):
    return [(inventory(host), state(host)) for host in hosts]


@pytest.mark.parametrize("mdev_type", POOLS)
def test_refused(pair, mdev_type):
    """Whatever beta lacks, nothing is touched on either host, and the guest runs on."""
    alpha, beta = pair
    define(alpha, mdev_type)
    alpha("ferry guest start g1", limit_s=200)
    for name, (prepare, needed, code, parts) in REFUSED.items():
        if needed != mdev_type:
            continue
        prepare(beta) if callable(prepare) else beta(prepare)
        try:
            before = everything(pair)
            status, text = alpha.sh("ferry check g1 --to beta")
            print(f"{name}: {text}")
            assert status == code and all(part in text for part in parts), (name, text)
            status, text = migrate(alpha, beta)
            assert status == 1 and all(part in text for part in parts), (name, text)
            assert changes(before, everything(pair)) == [], name
        finally:
            beta(REPAIR)
            put_rule(beta, RULE)
            if callable(prepare):
                load_own_driver(beta)
    assert alpha("virsh domstate g1").strip() == "running"


# What beta is given, how its driver is loaded, and what libvirt says.
FORCED = {
    "no device": ("true", None, f"mediated device '{MDEV}' not found"),
    "one port for two": (f"echo {MDEV} >{TYPES}/mtty-1/create", None, "load of migration failed: Bad address"),
    "another driver": (f"echo {MDEV} >{TYPES}/mtty-2/create", load_other_driver, "load of migration failed: Bad address"),
}


def test_forced_without_check(pair):
    """What users get today: a guest that ferry does not know, moved by libvirt alone to where its device is missing, of another
    type or of another driver, which nothing looks at before the state arrives."""
    alpha, beta = pair
    alpha(f"echo {MDEV} >{TYPES}/mtty-2/create")
    xml = DOMAIN.format(uuid=UUID, mdev=MDEV, type="mtty-2", pool="twos", override=OVERRIDE)
    plain = re.sub("<metadata>.*</metadata>", "", xml, flags=re.S)
    alpha(f"cat >/tmp/plain.xml <<'END'\n{plain}\nEND\nvirsh -q create /tmp/plain.xml", limit_s=200)
    for name, (made, load, said) in FORCED.items():
        if load:
            load(beta)
        beta(made)
        began = time.monotonic()
        status, text = alpha.sh(f"virsh migrate --live g1 qemu+tcp://{ADDRESSES['beta']}/system", limit_s=200)
        print(f"{name}: after {time.monotonic() - began:.1f} s: {text.strip()}")
        assert status != 0 and said in text and "mtty" not in text
        assert alpha("virsh domstate g1").strip() == "running" and "g1" not in beta("virsh -q list --all")
        beta(f"[ ! -e /sys/bus/mdev/devices/{MDEV} ] || echo 1 >/sys/bus/mdev/devices/{MDEV}/remove")
    load_own_driver(beta)
    alpha(f"virsh -q destroy g1; echo 1 >/sys/bus/mdev/devices/{MDEV}/remove")


def test_shipped_rule(pair):
    """What ferry brings of rules is enough for mtty, and the others say nothing of it."""
    alpha, beta = pair
    define(alpha)
    alpha("ferry guest start g1", limit_s=200)
    beta("rm /etc/ferry/compat.d/*.json")
    status, text = alpha.sh("ferry check g1 --to beta --json")
    assert status == 0, text
    assert json.loads(text)["devices"][0]["candidates"][0]["basis"] == "rule"


def test_dirty_tracking_is_told(pair):
    """Debian's kernel announces dirty tracking that it does not have: said before libvirt does."""
    alpha, beta = pair
    define(alpha, override="")
    alpha("ferry guest start g1", limit_s=200)
    status, text = alpha.sh("ferry check g1 --to beta")
    assert status == 1 and "x-device-dirty-page-tracking" in text
    assert MDEV not in state(beta)
