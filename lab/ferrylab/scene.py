"""Two hosts that know each other, and a Linux guest with a hybrid NIC and a mediated device: what lab/demo shows and
tests/lab tests.

The guest is restored from the state in which it was saved on this machine (saved.py): booting it in a host would take
minutes.  Where it was saved there are no mediated devices, so that is plugged in afterwards."""
import json
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor

from . import saved
from .place import LabError

GUEST = saved.NAME
MDEV = "11111111-0000-4000-8000-000000000011"
NIC = f"""<interface type='network'>
      <mac address='{saved.MAC}'/><source network='net-x'/><model type='virtio'/><teaming type='persistent'/>
      <rom enabled='no'/><alias name='ua-net0'/>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </interface>"""
HYBRID = "<{0}hybrid alias='ua-net0' pool='net-x' vf-alias='ua-net0-vf' vf-address='0000:02:00.0' on-no-vf='degrade'/>"
GPU = "<{0}mdev alias='ua-gpu0' pool='gpus' type='mtty-1' managed='yes'/>"
HOSTDEV = f"""<hostdev mode='subsystem' type='mdev' model='vfio-pci'>
  <source><address uuid='{MDEV}'/></source><alias name='ua-gpu0'/>
  <address type='pci' domain='0x0000' bus='0x03' slot='0x00' function='0x0'/>
</hostdev>"""
# Limits for a guest in an emulated processor of an emulated host, on a machine that others may use too.
CONFIG = "[migrate]\ndetach_timeout_s=120\ntransfer_timeout_s=300\nloaded_timeout_ms=20000\npeer_keepalive_s=5\ntls=no\nvf_settle_ms=15000"
REGISTER = 7  # of the 16550 that mtty emulates: its scratch register holds what is written
# The hosts' kernel has IOMMUFD: without it libvirt wants an override for the mdev, which a plugged device cannot have.
HOSTS = {"iommufd": True, "igb": 2, "memory": 2048}


def until(what, look, limit_s=120):
    """Looks until there is something to be seen; returns it, and after how many s."""
    began = time.monotonic()
    while not (seen := look()):
        if time.monotonic() - began > limit_s:
            raise LabError(f"{what}: not within {limit_s} s")
        time.sleep(1)
    return seen, time.monotonic() - began


def put(host, path, text):
    status, said = host.sh(f"mkdir -p {os.path.dirname(path)} && cat >{path}", data=(text + "\n").encode())
    if status != 0:
        raise LabError(f"{host.name}: {path}: {said}")


def call(host, method, path, body=None):
    """One request of ferryd's API, for what is no command."""
    data = json.dumps(body) if body else ""
    text = (f"{method} {path} HTTP/1.1\r\nHost: ferry\r\nConnection: close\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\n\r\n{data}")
    answer = host.sh("socat -t 60 - UNIX-CONNECT:/run/ferry/ferryd.sock", data=text.encode())[1]
    if not answer.startswith("HTTP/1.1 20"):
        raise LabError(f"{method} {path}: {answer}")
    body = answer.partition("\r\n\r\n")[2]
    return json.loads(body) if body else None


# ---- the hosts ----

def acquaint(pair, config=CONFIG):
    """Of hosts that have ferry's files: certificates, a libvirtd that finds them and the hook, a ferryd with that configuration,
    each other's names, and the modules of mdevs."""
    pair[0]("ldconfig; ferry pki init")
    bundles = [pair[0](f"ferry pki issue {host.name} 2>/dev/null") for host in pair]
    at_once(introduce, pair, bundles, pair[::-1], [config] * len(pair))


def introduce(host, bundle, other, config):
    put(host, "/tmp/bundle.pem", bundle)
    put(host, "/etc/ferry/ferryd.conf", config)
    host("ldconfig; ferry pki install /tmp/bundle.pem; modprobe -a mtty vfio_iommu_type1; udevadm settle; mkdir -p /var/lib/ferry/hold")
    host.restart_libvirtd()
    host.start_ferryd()
    host(f"ferry host add {other.name} --address {other.address}:8442 2>/dev/null")
    until("mtty in ferryd's inventory", lambda: "mtty-2" in host("ferry mdev types"))


def at_once(function, *rows):
    """Calls it for each host at the same time; the first error is raised when all have ended."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(function, *rows))


def pools(host):
    """Seven VFs on each PF, pool net-x over them, pool gpus of mediated devices."""
    host("ferry pf set-vfs pf0 7 && ferry pf set-vfs pf1 7 && ferry pool define net-x --hybrid --pf pf0 --pf pf1 && "
         "ferry pool define gpus --parent mtty --type mtty-1")


def occupy(host, netdevs):
    """Somebody takes a VF of each of these PFs; gives what makes them free again."""
    taken = [call(host, "POST", "/v1/claims", {"pool": "net-x", "alias": f"ua-x{n}", "pf": pf}) for n, pf in enumerate(netdevs)]
    return lambda: [call(host, "DELETE", f"/v1/claims/{row['generation']}") for row in taken]


# ---- the guest ----

def restore(host):
    put(host, "/tmp/guest.xml", saved.xml(NIC, "<metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'>"
                                          + HYBRID.format("ferry:") + "</ferry:guest></metadata>"))
    host("virsh -q define /tmp/guest.xml && virsh -q restore /dev/vdb --xml /tmp/guest.xml", limit_s=400)


def plug_mdev(host):
    """One of the pool, made and held for this guest as "ferry guest start" would have done."""
    call(host, "POST", "/v1/claims", {"pool": "gpus", "type": "mtty-1", "alias": "ua-gpu0", "uuid": MDEV, "prepare": True,
                                      "guest": {"uuid": saved.UUID, "name": GUEST}})
    put(host, "/tmp/hostdev.xml", HOSTDEV)
    host(f"virsh -q metadata {GUEST} urn:ferry:guest:1 --key ferry --live --config "
         f"--set \"<guest>{GPU.format('')}{HYBRID.format('')}</guest>\" && "
         f"virsh -q attach-device {GUEST} /tmp/hostdev.xml --live --config", limit_s=120)


def said(host):
    """The guest's last word: ({interface: driver}, whether it reaches alpha, pings lost, pings sent)."""
    text = host(f"cat {saved.CONSOLE} 2>/dev/null || true")
    rows = re.findall(r"^G \d\S* (.*) (reach|LOST) \(lost (\d+) of (\d+)\)", text, re.M)
    if not rows:
        return {}, False, 0, 0
    nics, reach, lost, sent = rows[-1]
    return dict(re.findall(r"(\w+)\[(\w+),", nics)), reach == "reach", int(lost), int(sent)


def used_vf(host):
    """(nullable) The hybrid as "ferry guest show" has it, once the guest's driver uses the VF and virtio is down."""
    nics, reaches = said(host)[:2]
    if "igbvf" not in nics.values() or not reaches:
        return None  # the cheap look first: all of it takes from the guest's processor
    row = json.loads(host(f"ferry guest show {GUEST} --json"))["hybrids"][0]
    return row if row["state"] == "vf" and row["link"] == "down" else None


# ---- registers of a guest's mtty ----

def monitor(host, command, guest=GUEST):
    return host(f"virsh qemu-monitor-command {guest} --hmp '{command}'", limit_s=60)


def port(host, guest=GUEST):
    """(nullable) Where the register is, once the guest's firmware or driver has set the device up."""
    found = re.search(r"BAR0: I/O at (0x[0-9a-f]{1,4}) ", monitor(host, "info pci", guest))
    return int(found[1], 16) + REGISTER if found else None


def poke(host, value, guest=GUEST):
    where = until("the guest to set the mediated device up", lambda: port(host, guest), 200)[0]
    monitor(host, f"o /b {where:#x} {value:#x}", guest)


def peek(host, guest=GUEST):
    where = until("the guest to set the mediated device up", lambda: port(host, guest), 200)[0]
    return int(monitor(host, f"i /b {where:#x}", guest).rsplit("=", 1)[1], 16)
