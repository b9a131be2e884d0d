"""ferry guest define and add-device against a real libvirt: what it accepts is kept, older forms become its own.

The examples are those of the unit tests, which say in their first line what they show.
"""
import glob
import json
import os
import re
import sqlite3
import subprocess

import libvirt
import pytest

from pair.programs import TOP

EXAMPLES = f"{TOP}/tests/xml/examples"
# "guest" is not there before: libvirt makes up what the file leaves out
MADE_UP = re.compile(r"(<uuid>|<mac address=')[^<']*")


def read(path):
    """Without KVM on this machine; everything else as it is."""
    with open(path, encoding="utf-8") as file:
        return re.sub(r"(<domain\s+type\s*=\s*['\"])kvm", r"\1qemu", file.read())


def names(pattern):
    found = sorted(os.path.basename(path) for path in glob.glob(pattern))
    assert found
    return found


class Definer:
    """One host; what is defined through it is gone after the test."""

    def __init__(self, host):
        self.host = host

    def write(self, xml):
        with open(self.host.namespace.path("/run/guest.xml"), "w", encoding="utf-8") as file:
            file.write(xml)
        return "/run/guest.xml"

    def ferry(self, xml, *options, check=True):
        return self.host.ferry("guest", "define", self.write(xml), *options, check=check)

    def inactive(self, xml):
        name = self.name(xml)
        return self.host.libvirt.lookupByName(name).XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)

    @staticmethod
    def name(xml):
        return re.search(r"<name>(?:<!\[CDATA\[)?([^<\]]*)", xml).group(1)

    def forget(self):
        for domain in self.host.libvirt.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_INACTIVE):
            if domain.name() != "g1":
                domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)


@pytest.fixture
def pools(pair):
    """Pools whose PFs this machine has not: as if they were taken out after the pools were defined."""
    definitions = {"net-x": {"name": "net-x", "kind": "vf", "pfs": ["eth3", "eth4"], "hybrid": True},
                   "net-x-42": {"name": "net-x-42", "kind": "vf", "pfs": ["eth3"], "hybrid": True, "vlan": 42},
                   "net-x-vfs": {"name": "net-x-vfs", "kind": "vf", "pfs": ["eth3"], "ephemeral": True, "vlan": 42},
                   "gpus": {"name": "gpus", "kind": "mdev", "parents": ["mtty"], "types": ["mtty-2"]}}
    path = f"{pair.alpha.folder}/var/lib/ferry/ferry.db"
    with sqlite3.connect(path, timeout=10) as store:
        for name, definition in definitions.items():
            store.execute("INSERT INTO pool (name, definition, created_us) VALUES (?, ?, 1)", (name, json.dumps(definition)))
    yield
    with sqlite3.connect(path, timeout=10) as store:
        store.execute("DELETE FROM pool")


@pytest.fixture
def definer(pair, pools):  # pylint: disable=redefined-outer-name,unused-argument
    definer = Definer(pair.alpha)
    definer.forget()
    yield definer
    definer.forget()


def assert_valid(xml, tmp_path):
    """libvirt's own schema, by its own tool."""
    path = tmp_path / "domain.xml"
    path.write_text(xml, encoding="utf-8")
    done = subprocess.run(["virt-xml-validate", str(path), "domain"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", names(f"{TOP}/tests/xml/foreign/*.xml"))
def test_what_libvirt_accepts_is_kept(definer, file):
    """Defined by ferry and defined by libvirt alone: the same guest."""
    xml = read(f"{TOP}/tests/xml/foreign/{file}")
    definer.host.libvirt.defineXML(xml)
    alone = definer.inactive(xml)
    definer.forget()
    done = definer.ferry(xml)
    assert done.stdout == f"guest {definer.name(xml)} is defined\n"
    assert MADE_UP.sub("", definer.inactive(xml)) == MADE_UP.sub("", alone)


# What of ferry's metadata, and of the device, is there afterwards
BECOMES = {
    "domain-mdev-managed-parent-name.xml": ("alias=\"ua-gpu0\" type=\"nvidia-474\" parent=\"0000:41:00.0\" managed=\"yes\"", "ua-gpu0"),
    "domain-mdev-managed-parent-address.xml": ("parent=\"0000:41:00.0\" managed=\"yes\"", "ua-ferry0"),
    "domain-mdev-managed-uuid.xml": ("type=\"mtty-2\" parent=\"mtty\"", "uuid='0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c004'"),
    "domain-mdev-vendor-product-type.xml": ("vendor-id=\"0x10de\" product-id=\"0x20b5\"", "ua-gpu0"),
    "domain-hybrid-one-element.xml": ("vf-address=\"0000:03:00.0\"", "<teaming type='persistent'/>"),
    "domain-hybrid-by-network.xml": ("vf-address=\"0000:03:00.0\"", "<teaming type='persistent'/>"),
    "domain-ephemeral-attribute.xml": ("alias=\"ua-card0\"", "<hostdev mode='subsystem' type='pci' managed='yes'>"),
}


@pytest.mark.parametrize("file", [name for name in names(f"{EXAMPLES}/domain-*.xml")
                                  if name not in ("domain-live.xml", "domain-hybrid-fixed-vf.xml")])
def test_example(definer, file, tmp_path):
    """Every form is defined; done again nothing changes, and libvirt's schema holds for what is written."""
    xml = read(f"{EXAMPLES}/{file}")
    assert_valid(definer.ferry(xml, "--check-only").stdout, tmp_path)
    assert definer.host.domain(definer.name(xml)) is None
    said = definer.ferry(xml).stdout.splitlines()
    assert said[-1] == f"guest {definer.name(xml)} is defined"
    assert any(not line.startswith("warning: ") for line in said[:-1]) == (file in BECOMES)
    defined = definer.inactive(xml)
    for part in BECOMES.get(file, ()):
        assert part.replace('"', "'") in defined.replace('"', "'")
    again = definer.ferry(defined).stdout.splitlines()
    assert all(line.startswith("warning: ") for line in again[:-1])
    assert definer.inactive(xml) == defined
    shown = definer.host.ferry_json("guest", "show", definer.name(xml))
    assert shown["name"] == definer.name(xml)


@pytest.mark.parametrize("file", names(f"{EXAMPLES}/refused/domain-*.xml"))
def test_refused(definer, file):
    """With file, line and element, and nothing is defined."""
    xml = read(f"{EXAMPLES}/refused/{file}")
    done = definer.ferry(xml, check=False)
    assert done.returncode == 2 and re.search(r"/run/guest.xml: line \d+, <\w+>: ", done.stderr)
    assert definer.host.domain(definer.name(xml)) is None


PLAIN = """<domain type='qemu'><name>plain</name><memory unit='MiB'>64</memory><os><type machine='{machine}'>hvm</type></os>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>{devices}</devices></domain>"""
NIC = "<interface type='hostdev-hybrid'><source network='net-x'/></interface>"


def places(xml):
    """The VFs' places, and those that devices have."""
    kept = re.findall(r"vf-address=.(0000:[0-9a-f:.]+)", xml)
    taken = ["{2}:{3}:{4}.{5}".format(*([0, 0] + [part[2:] for part in found])) for found in
             re.findall(r"domain='(0x[0-9a-f]+)' bus='(0x[0-9a-f]+)' slot='(0x[0-9a-f]+)' function='(0x[0-9a-f]+)'", xml)]
    return kept, taken


@pytest.mark.parametrize("machine", ["q35", "pc"])
@pytest.mark.parametrize("devices", [NIC, NIC * 3, NIC + "<rng model='virtio'><backend model='random'>/dev/random</backend></rng>" * 9,
                                     NIC + "<sound model='ich9'/><controller type='usb' model='ich9-ehci1'/><video><model type='vga'/></video>"
                                     "<channel type='unix'><target type='virtio' name='a'/></channel><watchdog model='i6300esb'/>"],
                         ids=["one", "three", "crowd", "legacy"])
def test_the_vfs_place_stays_free(definer, machine, devices):
    """Whatever libvirt places around it: a free root port or slot, the same when defined again."""
    definer.ferry(PLAIN.format(machine=machine, devices=devices))
    xml = definer.inactive("<name>plain</name>")
    kept, taken = places(xml)
    assert len(kept) == devices.count("hybrid") and len(set(kept)) == len(kept) and not set(kept) & set(taken)
    for place in kept:
        bus = int(place[5:7], 16)
        assert machine == "pc" or f"<controller type='pci' index='{bus}' model='pcie-root-port'>" in xml
    definer.ferry(xml)
    assert definer.inactive("<name>plain</name>") == xml


def test_add_device(definer):
    """Each way; the definition is changed, and what is wrong leaves it as it was."""
    ferry = definer.host.ferry
    definer.ferry(PLAIN.format(machine="q35", devices=""))
    ferry("guest", "add-device", "plain", "--mdev-type", "mtty-2", "--pool", "gpus", "--attr", "a=1", "--attr", "a=2", "--alias", "ua-gpu")
    ferry("guest", "add-device", "plain", "--hybrid", "net-x", "--mac", "52:54:00:00:00:77", "--on-no-vf", "degrade")
    ferry("guest", "add-device", "plain", "--ephemeral", "ua-gpu")
    ferry("guest", "add-device", "plain", "--ephemeral", "ua-gpu")
    path = definer.write("<!-- a NIC --><interface type='user' ephemeral='yes'/>")
    ferry("guest", "add-device", "plain", path)
    shown = definer.host.ferry_json("guest", "show", "plain")
    assert [(mdev["alias"], mdev["pool"], mdev["made"]) for mdev in shown["mdevs"]] == [("ua-gpu", "gpus", False)]
    assert [(nic["alias"], nic["mac"], nic["on_no_vf"]) for nic in shown["hybrids"]] == [("ua-ferry0", "52:54:00:00:00:77", "degrade")]
    assert [row["alias"] for row in shown["devices"] if row["ephemeral"]] == ["ua-ferry1", "ua-gpu"]
    before = definer.inactive("<name>plain</name>")
    for arguments, code, words in ((["--ephemeral", "ua-none"], 3, "ua-ferry0"), (["--hybrid", "none"], 2, "net-x, net-x-42"),
                                   (["--mdev-type", "t"], 2, "--parent PARENT or --pool POOL"), (["--mdev-type", "t", "--mac", "x"], 2, "--hybrid"),
                                   (["--mdev-type", "mtty-2", "--pool", "gpus", "--alias", "ua-gpu"], 2, "another device's")):
        done = ferry("guest", "add-device", "plain", *arguments, check=False)
        assert done.returncode == code and words in done.stderr, done.stderr
    # the same of that alias again is no other one; without an alias it is, and is said
    for again in (["--mdev-type", "mtty-2", "--pool", "gpus", "--attr", "a=1", "--attr", "a=2", "--alias", "ua-gpu"],
                  ["--hybrid", "net-x", "--mac", "52:54:00:00:00:77", "--on-no-vf", "degrade", "--alias", "ua-ferry0"]):
        assert ferry("guest", "add-device", "plain", *again).stdout == "guest plain has this device already\n"
    assert definer.inactive("<name>plain</name>") == before
    said = ferry("guest", "add-device", "plain", "--hybrid", "net-x", "--on-no-vf", "degrade").stdout
    assert "warning: guest plain has one like it, ua-ferry0: this is another" in said
    assert len(definer.host.ferry_json("guest", "show", "plain")["hybrids"]) == 2
    assert ferry("guest", "add-device", "none", "--hybrid", "net-x", check=False).returncode == 3
