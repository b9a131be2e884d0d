"""g1: a guest without an operating system that has devices of every way to travel: a mediated device whose state moves, hybrid
NICs, and a VF of its own that is taken off and put back (ua-nic7).

Its firmware drives no device, so that nothing has to be waited for but ferry."""
import json
import re

from hybrid import META, NIC, claims, hybrids, put, until

UUID = "c7a5fdbd-edaf-4455-926a-d65c16db1813"
MDEV = "11111111-0000-4000-8000-000000000013"
MARK = 0x5A
VF_MAC = "52:54:00:00:0b:07"
# Its addresses in the guest: hybrids at the buses 1 and 2 with their VFs at 3 and 4, its own VF at 5, the mediated device at 6.
PORTS = "".join(f"<controller type='pci' index='{n}' model='pcie-root-port'/>" for n in range(1, 7))
VF = f"""<interface type='hostdev' managed='yes'><mac address='{VF_MAC}'/>
  <source><address type='pci' domain='0x{{0}}' bus='0x{{1}}' slot='0x{{2}}' function='0x{{3}}'/></source><vlan><tag id='42'/></vlan>
  <alias name='ua-nic7'/><rom bar='off'/><address type='pci' domain='0x0000' bus='0x05' slot='0x00' function='0x0'/></interface>"""
DOMAIN = f"""<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>g1</name><uuid>{UUID}</uuid>
  <metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'><ferry:mdev alias='ua-gpu0' pool='gpus' type='mtty-1' managed='yes'/>
    {{meta}}<ferry:ephemeral alias='ua-nic7' pool='net-x'/></ferry:guest></metadata>
  <memory unit='MiB'>32</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc-q35-10.0'>hvm</type></os>
  <features><acpi/></features>
  <cpu mode='custom'><model>qemu64</model></cpu>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/><memballoon model='none'/>
    <controller type='pci' index='0' model='pcie-root'/>{PORTS}{{nics}}
    <hostdev mode='subsystem' type='mdev' model='vfio-pci'>
      <source><address uuid='{MDEV}'/></source><alias name='ua-gpu0'/>
      <address type='pci' domain='0x0000' bus='0x06' slot='0x00' function='0x0'/>
    </hostdev>
  </devices>
  <qemu:commandline><qemu:arg value='-global'/>
    <qemu:arg value='ICH9-LPC.acpi-pci-hotplug-with-bridge-support={{acpi}}'/></qemu:commandline>
</domain>"""


def nic_mac(n):
    return f"52:54:00:00:0b:0{n}"


def domain(hybrids_n, asks):
    return DOMAIN.format(
        acpi="on" if asks else "off",
        meta="".join(META.format(n=n, pool="net-x", vf_bus=n + 3, on_no_vf="degrade") for n in range(hybrids_n)),
        nics="".join(NIC.format(mac=nic_mac(n), pool="net-x", n=n, bus=n + 1) for n in range(hybrids_n)))


def start(host, hybrids_n=2, asks=False):
    """Started, its hybrids plugged in, and a VF of pf1 given to it for as long as it runs.

    @asks: its own VF goes when the guest lets go of it, and the firmware only does that by booting again; otherwise that is not
    asked, for the power of the VF's slot is off.  Hybrids' VFs go at once, for without a driver QEMU shows none to the guest."""
    put(host, "/tmp/g1.xml", domain(hybrids_n, asks))
    host("virsh -q define /tmp/g1.xml; ferry guest start g1", limit_s=300)
    until(lambda: {row["state"] for row in hybrids(host, "g1")}, lambda now: now <= {"plugged"}, 120)
    name = free_vf(host, "pf1")
    put(host, "/tmp/vf.xml", VF.format(*re.split("[:.]", name)))
    host("virsh -q attach-device g1 /tmp/vf.xml --live", limit_s=120)


def free_vf(host, netdev):
    rows = json.loads(host("ferry device list --json"))["devices"]
    pf = next(row["name"] for row in rows if row.get("netdev") == netdev)
    return max(row["name"] for row in rows if row.get("pf") == pf and row["state"] == "free")


def vf_of(host):
    """The host's name of the guest's own VF; None without, or when it is not where it has to be in the guest."""
    for text in re.findall(r"<interface type='hostdev'.*?</interface>", host("virsh dumpxml g1"), re.S):
        if "ua-nic7" in text and VF_MAC in text and "bus='0x05'" in text:
            return "%s:%s:%s.%s" % re.search(r"<source>.*?domain='0x(\w+)' bus='0x(\w+)' slot='0x(\w+)' function='0x(\w+)'",
                                             text, re.S).groups()
    return None


def settings(host, pf, index):
    """What the PF does for one VF: its MAC, its VLAN."""
    return host(f"ip link show {pf} | grep 'vf {index} '")


def assert_devices(host, hybrids_n=2):
    """It runs with all of them: each at its address, with its MAC and VLAN, and claimed."""
    assert host("virsh domstate g1").strip() == "running"
    rows = hybrids(host, "g1")
    assert [row["state"] for row in rows] == ["plugged"] * hybrids_n and len({row["vf"] for row in rows}) == hybrids_n
    for n, row in enumerate(rows):
        assert (row["mac"], row["address"], row["vf_address"]) == (nic_mac(n), f"0000:0{n + 1}:00.0", f"0000:0{n + 3}:00.0")
        assert nic_mac(n) in settings(host, row["netdev"], row["vf_index"])
    own = vf_of(host)
    assert own not in [None, *(row["vf"] for row in rows)]
    told = json.loads(host(f"ferry device show {own} --json"))
    mine = [line for pf in ("pf0", "pf1") for line in host(f"ip link show {pf}").splitlines() if VF_MAC in line]
    assert len(mine) == 1 and "vlan 42" in mine[0], (told, mine)
    assert {row["state"] for row in claims(host) if row.get("guest")} == {"in_use"}


def mdev_of(host):
    return re.search(r"<address uuid='([^']*)'", host("virsh dumpxml g1"))[1]
