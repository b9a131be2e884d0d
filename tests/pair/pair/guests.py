"""Domain XML of the guests that the pair tests move."""

LINUX_MIB = 128

LINUX = """\
<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  {metadata}
  <memory unit='MiB'>{memory}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-10.0'>hvm</type>
    <kernel>{folder}/vmlinuz</kernel>
    <initrd>{folder}/initrd</initrd>
    <cmdline>console=ttyS0 quiet panic=-1 nokaslr mitigations=off no_timer_check tsc=reliable cryptomgr.notests</cmdline>
  </os>
  <features><acpi/></features>
  <cpu mode='custom' match='exact' check='none'><model>qemu64</model></cpu>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <interface type='direct'>
      <mac address='52:54:00:00:0a:01'/>
      <source dev='pf0' mode='bridge'/>
      <model type='virtio'/>
      <rom enabled='no'/>
      <alias name='ua-net0'/>
    </interface>
    {nic7}
    <serial type='file'><source path='/var/log/libvirt/{name}.console'/></serial>
    <memballoon model='none'/>
  </devices>
</domain>"""

NAMESPACE = "urn:ferry:guest:1"
EPHEMERAL = (f"<metadata><ferry:guest xmlns:ferry='{NAMESPACE}'><ferry:ephemeral alias='ua-nic7'/></ferry:guest>"
             "</metadata>")

NIC7 = """\
<interface type='direct'>
      <mac address='52:54:00:00:0a:07'/>
      <source dev='pf0' mode='bridge'/>
      <model type='e1000e'/>
      <rom enabled='no'/>
      <alias name='ua-nic7'/>
    </interface>"""

UUID = "0f0e1d2c-3b4a-4958-8776-695a4b3c2d1e"


def linux(folder, name="g1", uuid=UUID, metadata=EPHEMERAL, nic7=NIC7):
    """The Linux guest: virtio NIC on macvtap and, unless told otherwise, an e1000e that is ephemeral."""
    return LINUX.format(folder=folder, name=name, uuid=uuid, metadata=metadata, nic7=nic7, memory=LINUX_MIB)


BARE = """\
<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>32</memory>
  {more}
  <os><type arch='x86_64' machine='pc-q35-10.0'>hvm</type>{boot}</os>
  <features><acpi/></features>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator><memballoon model='none'/>{devices}</devices>
</domain>"""


def bare(name, more="", devices="", boot=""):
    """A guest without a system: its firmware finds nothing to boot, which is quick to move."""
    return BARE.format(name=name, more=more, devices=devices, boot=boot)


# A network of libvirt, on the hosts' network card.
LAN = "<network><name>lan</name><forward mode='bridge'><interface dev='pf0'/></forward></network>"

TYPICAL = """\
<domain type='qemu'>
  <name>{name}</name>
  <metadata><os:libosinfo xmlns:os='http://libosinfo.org/xmlns/libvirt/domain/1.0'><os:os id='http://debian.org/debian/12'/>
  </os:libosinfo></metadata>
  <memory unit='MiB'>64</memory>
  <vcpu placement='static'>2</vcpu>
  <os><type arch='x86_64' machine='pc-q35-10.0'>hvm</type><boot dev='hd'/></os>
  <features><acpi/><apic/><vmport state='off'/></features>
  <cpu mode='host-model' check='partial'/>
  <clock offset='utc'><timer name='rtc' tickpolicy='catchup'/><timer name='hpet' present='no'/></clock>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' discard='unmap'/><source file='{disk}'/><target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'><driver name='qemu' type='raw'/><target dev='sda' bus='sata'/><readonly/></disk>
    <controller type='usb' model='qemu-xhci' ports='15'/>
    <interface type='network'><source network='{network}'/><model type='virtio'/></interface>
    <console type='pty'><target type='serial'/></console>
    <channel type='unix'><source mode='bind'/><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <input type='tablet' bus='usb'/>
    <graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'/>
    <sound model='ich9'/>
    <video><model type='vga' vram='16384' heads='1' primary='yes'/></video>
    <memballoon model='virtio'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <watchdog model='itco' action='reset'/>
  </devices>
</domain>"""


def typical(name, disk, network):
    """What virt-install makes of a guest, with its disk and network."""
    return TYPICAL.format(name=name, disk=disk, network=network)
