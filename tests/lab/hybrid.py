"""What tests of pools and hybrid NICs share: a host with two 82576 cards of 7 VFs each, guests, and ferryd's API."""
import difflib
import json
import re
import time

from ferrylab import saved

SOCKET = "/run/ferry/ferryd.sock"
CONSOLE = saved.CONSOLE
NIC = """<interface type='network'>
      <mac address='{mac}'/>
      <source network='{pool}'/>
      <model type='virtio'/>
      <teaming type='persistent'/>
      <rom enabled='no'/>
      <alias name='ua-net{n}'/>
      <address type='pci' domain='0x0000' bus='0x{bus:02x}' slot='0x00' function='0x0'/>
    </interface>"""
META = ("<ferry:hybrid alias='ua-net{n}' pool='{pool}' vf-alias='ua-net{n}-vf' vf-address='0000:{vf_bus:02x}:00.0' "
        "on-no-vf='{on_no_vf}'/>")
GUEST = """<domain type='qemu'>
  <name>{name}</name>
  <metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'>{meta}</ferry:guest></metadata>
  <memory unit='MiB'>32</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc-q35-10.0'>hvm</type></os>
  <features><acpi/></features>
  <cpu mode='custom'><model>qemu64</model></cpu>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <controller type='pci' index='0' model='pcie-root'/>
    {ports}
    {nics}
    <memballoon model='none'/>
  </devices>
</domain>
"""


def tiny(name, number, nics=1, on_no_vf="refuse", pool="net-x"):
    """A guest without a disk, with hybrid NICs: the firmware alone runs, so no VF is ever driven."""
    ports = "".join(f"<controller type='pci' index='{n}' model='pcie-root-port'/>" for n in range(1, 2 * nics + 1))
    return GUEST.format(
        name=name, ports=ports,
        meta="".join(META.format(n=n, pool=pool, vf_bus=nics + n + 1, on_no_vf=on_no_vf) for n in range(nics)),
        nics="".join(NIC.format(mac=f"52:54:00:00:{number:02x}:{n:02x}", pool=pool, n=n, bus=n + 1) for n in range(nics)))


def linux(on_no_vf="degrade"):
    """The saved Linux guest, as this host shall run it."""
    nic = NIC.format(mac=saved.MAC, pool="net-x", n=0, bus=1)
    meta = META.format(n=0, pool="net-x", vf_bus=2, on_no_vf=on_no_vf)
    return saved.xml(nic, f"<metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'>{meta}</ferry:guest></metadata>")


def put(host, path, text):
    assert host.sh(f"cat >{path}", data=text.encode())[0] == 0


def define(host, name, number, **more):
    """A tiny guest, as virsh defines it."""
    put(host, f"/tmp/{name}.xml", tiny(name, number, **more))
    host(f"virsh define /tmp/{name}.xml")


def restart_ferryd(host, crash_at=""):
    """Ends ferryd, as kill -9 does, and starts it again; it dies at that point."""
    host("pid=$(pidof ferryd) && kill -9 $pid; while pidof ferryd; do sleep 0.1; done")
    host.start_ferryd(crash_at)


def set_up(host, pfs=("pf0", "pf1"), define=True):
    """Seven VFs on each PF, and pool net-x over them."""
    for pf in pfs:
        host(f"ferry pf set-vfs {pf} 7")
    if define:
        host("ferry pool define net-x --hybrid " + " ".join(f"--pf {pf}" for pf in pfs))


def call(host, method, path, body=None):
    """One request of the API.  Returns (status, body)."""
    return calls(host, [(method, path, body)])[0]


def calls(host, requests, limit_s=600):
    """Many requests, one after the other on one connection.  Returns [(status, body)]."""
    text = ""
    for number, (method, path, body) in enumerate(requests, 1):
        data = json.dumps(body) if body is not None else ""
        last = "Connection: close\r\n" if number == len(requests) else ""
        text += (f"{method} {path} HTTP/1.1\r\nHost: ferry\r\nContent-Type: application/json\r\n{last}"
                 f"Content-Length: {len(data)}\r\n\r\n{data}")
    status, said = host.sh(f"socat -t {limit_s} - UNIX-CONNECT:{SOCKET}", limit_s=limit_s, data=text.encode())
    assert status == 0, said
    return list(answers(said))


def answers(said):
    while said:
        head, _, rest = said.partition("\r\n\r\n")
        length = re.search(r"^Content-Length: (\d+)", head, re.M | re.I)
        size = int(length[1]) if length else 0
        yield int(head.split()[1]), json.loads(rest[:size]) if size else None
        said = rest[size:]


def claims(host):
    return call(host, "GET", "/v1/claims")[1]["claims"]


def pool(host, name="net-x"):
    return json.loads(host(f"ferry pool show {name} --json"))


def hybrids(host, guest):
    return json.loads(host(f"ferry guest show {guest} --json"))["hybrids"]


def states(host, guest):
    return [row["state"] for row in hybrids(host, guest)]


def until(look, wanted, limit_s=300):
    """Looks until it is as wanted; says what it was at last if it never is.  Returns it, and after how many s."""
    began = time.monotonic()
    while not wanted(last := look()):
        assert time.monotonic() - began < limit_s, f"not within {limit_s} s: {last}"
        time.sleep(2)  # each look costs the host, where guests run in an emulated processor
    return last, time.monotonic() - began


def inventory(host):
    """All that a test must leave as it was: devices, drivers, netdevs, settings of the VFs, claims."""
    host("udevadm settle")
    devices, _ = until(lambda: json.loads(host("ferry device list --json")),  # a PF loses its link for a while when it gets VFs
                       lambda found: all(row.get("link") != "down" for row in found["devices"]), 60)
    links = re.sub(r"(qlen|state|mode|group) \S+", "", host("ip -d link show"))
    return {"devices": devices, "links": links.splitlines(), "claims": claims(host),
            "vfio": host("ls /dev/vfio; ls /sys/bus/pci/drivers/vfio-pci; ls /run/libvirt/hostdevmgr 2>/dev/null || true")}


def changes(was, now):
    """What differs of two inventories, a row for each change; the kernel numbers the nodes of VFIO devices as they come."""
    texts = (re.sub(r'"cdev": "vfio\d+"', "", json.dumps(one, indent=1)).splitlines() for one in (was, now))
    return list(difflib.unified_diff(*texts, n=0, lineterm=""))
