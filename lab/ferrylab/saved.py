"""A Linux guest for the hosts: booted on this machine, under the hosts' own libvirtd in a chroot, and saved there.
Restoring it in a host takes seconds where booting it there takes minutes."""
import glob
import os
import shutil
import subprocess
import tempfile

from . import image, kernel, packages
from .place import GUEST, cache, digest, locked, run

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "linux")
NAME, UUID, MAC = "linux", "c7a5fdbd-edaf-4455-926a-d65c16db1810", "52:54:00:00:0a:01"
CONSOLE = "/tmp/linux.console"
NIC = """<interface type='ethernet'>
      <mac address='%s'/>
      <model type='virtio'/>
      <teaming type='persistent'/>
      <rom enabled='no'/>
      <alias name='ua-net0'/>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </interface>""" % MAC
BOOT = """<kernel>/lab/vmlinuz</kernel>
    <initrd>/lab/initrd</initrd>
    <cmdline>console=ttyS0 quiet panic=-1 nokaslr mitigations=off no_timer_check tsc=reliable cryptomgr.notests init_on_alloc=0 init_on_free=1</cmdline>"""
# Three root ports: its NIC's, one that is kept for a VF, and one for a device that is plugged in later; with I/O space, which
# the firmware gives to no empty port by itself and mtty's registers need.
# The guest's time is counted in its instructions: a host that shares its processors with others may be slower
# than the guest's timer ticks come, and by real time the guest would do nothing but tick.
XML = """<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>%s</name>
  <uuid>%s</uuid>
  %s<memory unit='MiB'>192</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-10.0'>hvm</type>
    %s
  </os>
  <features><acpi/></features>
  <cpu mode='custom' match='exact' check='none'><model>qemu64</model></cpu>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <controller type='pci' index='0' model='pcie-root'/>
    <controller type='pci' index='1' model='pcie-root-port'/>
    <controller type='pci' index='2' model='pcie-root-port'/>
    <controller type='pci' index='3' model='pcie-root-port'/>
    %s
    <serial type='file'><source path='%s'/></serial>
    <memballoon model='none'/>
  </devices>
  <qemu:commandline>
    <qemu:arg value='-icount'/>
    <qemu:arg value='shift=7'/>
    <qemu:arg value='-global'/>
    <qemu:arg value='pcie-root-port.io-reserve=4096'/>
  </qemu:commandline>
</domain>
"""
SCRIPT = """
mkdir -p /dev/net; mknod /dev/net/tun c 10 200
virsh -q create /lab/linux.xml
i=0
until grep -qs '^G .*LOST' {console}; do
	i=$((i + 1)); [ $i -lt 600 ] || {{ cat {console} >&2; exit 1; }}
	sleep 0.1
done
virsh -q save {name} /lab/linux.save
"""


def xml(nic, metadata=""):
    """The guest as a host shall run it: @nic takes the place of its interface, @metadata is ferry's."""
    return XML % (NAME, UUID, metadata, "", nic, CONSOLE)


def initrd(folder, target):
    """busybox, the network drivers, and linux/init."""
    root = folder + "/root"
    os.makedirs(root + "/bin")
    for name in ("proc", "sys", "dev", "tmp"):
        os.makedirs(f"{root}/{name}")
    shutil.copy("/bin/busybox", root + "/bin/busybox")
    shutil.copytree(kernel.build() + "/debian/lib/modules", root + "/lib/modules")
    shutil.copy(HERE + "/init", root + "/init")
    with open(target, "wb") as file, subprocess.Popen(["find", "."], cwd=root, stdout=subprocess.PIPE) as find:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0"], cwd=root, stdin=find.stdout, stdout=file, check=True)


def boot_and_save(work):
    root = work + "/host"
    os.makedirs(root)
    run(["debugfs", "-R", f"rdump / {root}", image.build() + "/host.img"])
    initrd(work, root + "/lab/initrd")
    shutil.copy(image.build() + "/vmlinuz", root + "/lab/vmlinuz")
    with open(root + "/lab/linux.xml", "w", encoding="ascii") as file:
        file.write(XML % (NAME, UUID, "", BOOT, NIC, CONSOLE))
    run(["unshare", "--mount", "--net", "--uts", "--pid", "--fork", "--kill-child", "/bin/sh", os.path.join(GUEST, "in-chroot"),
         root, SCRIPT.format(console=CONSOLE, name=NAME)])
    saved = root + "/lab/linux.save"
    os.truncate(saved, (os.path.getsize(saved) + 511) // 512 * 512)
    return saved


def build():
    """Returns the file with the saved guest, which a host gets as a disk; makes it unless it is there."""
    name = digest(os.path.basename(image.build()), *packages.installed(), files=[__file__, *glob.glob(HERE + "/*")])
    final = os.path.join(cache(), f"guest-{name}.save")
    with locked("guest"):
        if not os.path.exists(final):
            for old in glob.glob(os.path.join(cache(), "guest-*.save")):
                os.unlink(old)
            with tempfile.TemporaryDirectory(dir=cache(), prefix="guest.") as work:
                os.rename(boot_and_save(work), final)
    return final


def disk():
    """QEMU arguments that give a host the saved guest as /dev/vdb."""
    return ["-drive", f"if=none,id=guest,file={build()},format=raw,readonly=on,file.locking=off", "-device",
            "virtio-blk-pci,drive=guest"]
