"""What ferry says no to, before anything is touched (How it is shown 2; S4, U5)."""
import contextlib
import glob
import json
import os
import re
import threading

import libvirt
import pytest

from pair import guests
from pair.ferry import CONFIG

SLOW = ("--bandwidth", "8Mi")
HUGE = "<memoryBacking><hugepages><page size='2' unit='M'/></hugepages></memoryBacking>"


def assert_refused(pair, code, *words, to="beta", guest="g1", exit_code=1):
    """`ferry check` and `ferry migrate` say no with this reason, and the guest never notices."""
    mark = pair.monitor.mark()
    for verb in ("check", "migrate"):
        done = pair.alpha.ferry(verb, guest, "--to", to, check=False)
        said = done.stdout + done.stderr
        assert done.returncode == exit_code, said
        for word in words:
            assert word in said, said
        if exit_code == 1:
            done = pair.alpha.ferry("--json", verb, guest, "--to", to, check=False)
            assert code in [reason["code"] for reason in json.loads(done.stdout)["reasons"]]
    pair.monitor.next_beat(host="alpha")
    pair.monitor.assert_one_guest(mark)
    assert {beat.nics for beat in pair.monitor.beats[mark:]} <= {pair.monitor.beats[mark].nics}
    assert not pair.alpha.ferryd.markers() and not pair.beta.ferryd.markers()


@contextlib.contextmanager
def lesser_host(host, pattern, replacement):
    """The host's libvirtd believes that its QEMU can do less: what it once probed is in a cache file."""
    host.run("virsh", "domcapabilities", "--virttype", "qemu")
    for path in glob.glob(f"{host.folder}/var/cache/libvirt/qemu/capabilities/*.xml"):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(re.sub(pattern, replacement, text))
    host.restart_libvirtd()
    try:
        yield
    finally:
        for path in glob.glob(f"{host.folder}/var/cache/libvirt/qemu/capabilities/*.xml"):
            os.remove(path)
        host.restart_libvirtd()


def test_both_hosts_have_one_uuid(pair):
    """As copied machines do; it is asked for again when libvirtd has been restarted."""
    pair.fresh("plain")
    conf = f"{pair.beta.folder}/etc/libvirt/libvirtd.conf"
    with open(conf, encoding="utf-8") as file:
        own = file.read()

    def configure(text):
        with open(conf, "w", encoding="utf-8") as file:
            file.write(text)
        pair.beta.restart_libvirtd()
        pair.beta.ferryd.wait_libvirt()

    configure(own.replace(pair.beta.uuid, pair.alpha.uuid))
    try:
        assert_refused(pair, "same-host-uuid", f"alpha and beta have one host UUID ({pair.alpha.uuid})")
        with pytest.raises(libvirt.libvirtError, match="migrate guest to the same host"):
            pair.migrate_by_libvirt(pair.alpha)
    finally:
        configure(own)
    assert pair.alpha.ferry("check", "g1", "--to", "beta").returncode == 0


def test_target_lacks_the_machine_type(pair):
    pair.fresh()
    with lesser_host(pair.beta, r"<machine [^>]*name='pc-q35-10.0'.*?/>", ""):
        assert_refused(pair, "machine-type", "beta lacks pc-q35-10.0")
    assert pair.alpha.ferry("check", "g1", "--to", "beta").returncode == 0


def test_target_lacks_a_cpu_feature(pair):
    pair.fresh()
    with lesser_host(pair.beta, r"(<property name='(?:pni|sse3)' type='boolean' value=)'true'", r"\1'false'"):
        assert_refused(pair, "cpu-feature", "beta lacks pni")
    assert pair.alpha.ferry("check", "g1", "--to", "beta").returncode == 0


@contextlib.contextmanager
def huge_pages(*hosts):
    """Both have a place for them, which libvirtd looks for when it starts; a function sets how many there are."""
    def set_number(number):
        with open("/proc/sys/vm/nr_hugepages", "w", encoding="ascii") as file:
            file.write(str(number))

    for host in hosts:
        host.run("mkdir", "-p", "/dev/hugepages")
        host.run("mount", "-t", "hugetlbfs", "hugetlbfs", "/dev/hugepages")
        host.restart_libvirtd()
    try:
        yield set_number
    finally:
        set_number(0)
        for host in hosts:
            host.run("umount", "/dev/hugepages")
            host.restart_libvirtd()


def test_target_lacks_huge_pages(pair):
    """The two hosts have one kernel, so what the guest takes of its pages here is not free there."""
    pair.fresh("plain")
    with huge_pages(*pair.hosts) as set_number:
        set_number(20)
        pair.alpha.libvirt.createXML(guests.bare("huge", HUGE))
        assert_refused(pair, "huge-pages", "beta lacks 16 free huge pages of 2048 KiB (4 are free)", guest="huge")
        set_number(36)
        pair.alpha.ferry("migrate", "huge", "--to", "beta")
        pair.beta.domain("huge").destroy()


def test_target_lacks_the_option_rom(pair):
    """QEMU itself would find another size out at the end of the transfer; what counts is the size of its block."""
    rom = "/var/lib/libvirt/own.rom"
    nic = f"<interface type='user'><model type='virtio'/><rom file='{rom}'/><alias name='ua-net0'/></interface>"
    pair.fresh("plain")
    pair.alpha.run("truncate", "-s", "8K", rom)
    pair.alpha.libvirt.createXML(guests.bare("rom", devices=nic))
    assert_refused(pair, "no-rom", f"beta does not have {rom}, the option ROM of ua-net0", guest="rom")
    pair.beta.run("truncate", "-s", "9K", rom)
    assert_refused(pair, "rom-size-differs", "takes 8 KiB of the guest and 16 KiB on beta", guest="rom")
    pair.beta.run("truncate", "-s", "5K", rom)
    pair.alpha.ferry("migrate", "rom", "--to", "beta")
    pair.beta.domain("rom").destroy()


ON_ALPHA = """
<disk type='file' device='cdrom'><source file='/srv/system.iso'/><target dev='sda' bus='sata'/><readonly/></disk>
<interface type='direct'><source dev='lonely' mode='bridge'/><model type='virtio'/><rom enabled='no'/></interface>"""


def test_target_lacks_what_the_guest_sits_on(pair):
    """A disk's file and a NIC's network device, both alpha's own."""
    pair.fresh("plain")
    pair.alpha.run("mount", "-t", "tmpfs", "tmpfs", "/srv")
    pair.alpha.run("truncate", "-s", "1M", "/srv/system.iso")
    pair.alpha.run("ip", "link", "add", "lonely", "type", "veth", "peer", "name", "lonely-peer")
    try:
        pair.alpha.libvirt.createXML(guests.bare("sits", devices=ON_ALPHA))
        assert_refused(pair, "no-disk", "beta does not have /srv/system.iso, the guest's disk sda", guest="sits")
        assert_refused(pair, "no-network-device", "beta has no network device lonely", guest="sits")
        pair.alpha.domain("sits").destroy()
    finally:
        pair.alpha.run("ip", "link", "delete", "lonely")
        pair.alpha.run("umount", "/srv")


def test_target_lacks_the_network(pair):
    """libvirt's: not defined, not active, and there."""
    pair.fresh("plain")
    networks = [host.libvirt.networkDefineXML(guests.LAN) for host in pair.hosts]
    networks[0].create()
    try:
        pair.alpha.libvirt.createXML(guests.bare("lan", devices="<interface type='network'><source network='lan'/><rom enabled='no'/>"
                                                                "<model type='virtio'/></interface>"))
        assert_refused(pair, "no-network", "libvirt network lan of beta, which the guest's interface net0 is on, is not active",
                       guest="lan")
        networks[1].undefine()
        assert_refused(pair, "no-network", "beta has no libvirt network lan", guest="lan")
        networks[1] = pair.beta.libvirt.networkDefineXML(guests.LAN)
        networks[1].create()
        pair.alpha.ferry("migrate", "lan", "--to", "beta")
        pair.beta.domain("lan").destroy()
    finally:
        for host in pair.hosts:
            host.run("sh", "-c", "virsh net-destroy lan; virsh net-undefine lan", check=False)


def test_target_lacks_the_address(pair):
    """VNC on alpha's address of the wire: QEMU could not listen there."""
    pair.fresh("plain")
    address = pair.alpha.address.rsplit(":", 1)[0]
    vnc = f"<graphics type='vnc' port='5999' listen='{address}'/><video><model type='vga'/></video>"
    pair.alpha.libvirt.createXML(guests.bare("vnc", devices=vnc))
    assert_refused(pair, "no-listen-address", f"beta does not have the address {address}", guest="vnc")
    pair.alpha.domain("vnc").destroy()


def test_a_disk_of_this_host_alone(pair):
    """ferry goes by what libvirt goes by: the type of its file system, and what the administrator says of a folder."""
    pair.fresh("plain")
    exported = f"{pair.folder}/exported"
    os.makedirs(exported)
    pair.alpha.run("truncate", "-s", "1M", f"{exported}/disk.img")
    pair.alpha.libvirt.createXML(guests.bare("disk", devices=f"<disk type='file' device='disk'><source file='{exported}/disk.img'/>"
                                                             "<target dev='vda' bus='virtio'/></disk>"))
    assert_refused(pair, "disk-not-shared", f"disk vda is the local file {exported}/disk.img", guest="disk")
    with pytest.raises(libvirt.libvirtError, match="without shared storage is unsafe"):
        pair.alpha.domain("disk").migrate(pair.beta.libvirt, libvirt.VIR_MIGRATE_LIVE)
    with pair.alpha.says_in("qemu.conf", f'shared_filesystems = [ "{exported}" ]'):
        pair.alpha.ferry("migrate", "disk", "--to", "beta")
        pair.beta.domain("disk").destroy()


@pytest.fixture
def disk(pair):
    """A file that libvirt is told is shared."""
    folder = f"{pair.folder}/shared"
    os.makedirs(folder, exist_ok=True)
    pair.alpha.run("truncate", "-s", "1M", f"{folder}/disk.img")
    with pair.alpha.says_in("qemu.conf", f'shared_filesystems = [ "{folder}" ]'):
        yield (f"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{folder}/disk.img'/>"
               "<target dev='vda' bus='virtio'/>%s</disk>")


def assert_stays(pair, word):
    """ferry says beforehand what libvirt would, who is asked, too."""
    assert_refused(pair, "not-migratable", word, guest="stays")
    done = pair.alpha.ferry("guest", "save", "stays", "/tmp/stays", check=False)
    assert done.returncode == 1 and "not-migratable" in done.stdout + done.stderr
    shown = pair.alpha.ferry_json("guest", "show", "stays")
    assert not shown["movable"] and [reason["code"] for reason in shown["reasons"]] == ["not-migratable"]
    with pytest.raises(libvirt.libvirtError, match="cannot migrate domain|is not supported|active block job"):
        pair.alpha.domain("stays").migrate(pair.beta.libvirt, libvirt.VIR_MIGRATE_LIVE)
    with pytest.raises(libvirt.libvirtError, match="cannot migrate domain|is not supported|active block job"):
        pair.alpha.domain("stays").save("/tmp/stays")


def test_devices_that_nobody_moves(pair, disk):
    pair.fresh("plain")
    for device, word in (
            ("<shmem name='own' role='peer'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>", "whose role is not"),
            ("<sound model='virtio'/>", "sound0"),
            ("<sound model='usb'/>", "sound0"),
            ("<crypto model='virtio' type='qemu'><backend model='builtin' queues='1'/></crypto>", "crypto0"),
            (disk % "<transient/>", "a transient disk, virtio-disk0")):
        pair.alpha.libvirt.createXML(guests.bare("stays", devices=device))
        assert_stays(pair, word)
        pair.alpha.domain("stays").destroy()


def test_a_block_job(pair, disk):
    """As long as it goes on."""
    pair.fresh("plain")
    pair.alpha.libvirt.createXML(guests.bare("stays", devices=disk % ""))
    pair.alpha.run("virsh", "blockcopy", "stays", "vda", f"{pair.folder}/shared/copy.img", "--transient-job")
    assert_stays(pair, "a disk that a block job works on, virtio-disk0")
    pair.alpha.run("virsh", "blockjob", "stays", "vda", "--abort")
    pair.alpha.ferry("migrate", "stays", "--to", "beta")
    pair.beta.domain("stays").destroy()


def test_target_has_no_libvirtd(pair):
    pair.fresh()
    pair.beta.libvirtd.stop()
    try:
        mark = pair.monitor.mark()
        for verb in ("check", "migrate"):
            done = pair.alpha.ferry(verb, "g1", "--to", "beta", check=False)
            assert done.returncode not in (0, 22) and "libvirt" in done.stdout + done.stderr
        done = pair.alpha.ferry("host", "check", "beta", check=False)
        assert done.returncode == 1 and re.search(r"libvirt +no ", done.stdout)
        done = pair.beta.ferry("guest", "list", check=False)
        assert done.returncode == 9 and "is libvirtd running?" in done.stderr
        pair.monitor.assert_one_guest(mark)
    finally:
        pair.beta.start_libvirtd()
    pair.beta.ferryd.wait_libvirt()  # by itself
    pair.alpha.ferry("migrate", "g1", "--to", "beta")


def test_target_is_not_there(pair):
    pair.fresh()
    mark = pair.monitor.mark()
    pair.beta.ferryd.stop()
    try:
        done = pair.alpha.ferry("migrate", "g1", "--to", "beta", check=False)
        assert done.returncode == 10 and "beta" in done.stderr
    finally:
        pair.beta.ferryd.start()
    pair.assert_stayed(mark, pair.alpha)


def test_guest_or_host_unknown(pair):
    pair.fresh()
    assert_refused(pair, None, "guest web is not on this host", guest="web", exit_code=3)
    assert_refused(pair, None, "host gamma is not known here", to="gamma", exit_code=3)


def test_already_there(pair):
    """Asked to move to the host where it is; and the target has a guest of this name."""
    pair.fresh("plain")
    assert_refused(pair, "already-there", "the guest is already there", to="alpha")
    other = pair.alpha.domain("g1").XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    pair.beta.libvirt.defineXML(other)
    assert_refused(pair, "guest-exists", "beta has a guest of this UUID already")
    pair.beta.domain("g1").undefine()
    pair.beta.libvirt.defineXML(re.sub("<uuid>.*</uuid>", "", other))
    assert_refused(pair, "name-taken", "beta has another guest named g1")
    pair.beta.domain("g1").undefine()


def test_a_guest_that_does_not_run(pair):
    pair.fresh("plain")
    pair.alpha.domain("g1").destroy()
    done = pair.alpha.ferry("migrate", "g1", "--to", "beta", check=False)
    assert done.returncode == 1 and "is shut off, not running" in done.stderr


def test_already_moving(pair):
    mark = pair.fresh("plain")
    job = pair.alpha.migrate(pair.beta, "g1", *SLOW)
    for host, target in ((pair.alpha, "beta"), (pair.alpha, "alpha")):
        done = host.ferry("migrate", "g1", "--to", target, check=False)
        assert done.returncode in (1, 5) and "g1" in done.stdout + done.stderr
    done = pair.alpha.ferry("migrate", "g1", "--to", "beta", check=False)
    assert done.returncode == 5 and job.id in done.stderr
    job.wait()
    pair.assert_moved(mark, pair.alpha, job)


def test_two_migrations_at_once(pair):
    """Two users, one guest: one of them gets it, the other is told which job has it."""
    mark = pair.fresh("plain")
    answers = []

    def ask():
        answers.append(pair.alpha.ferry("--json", "migrate", "g1", "--to", "beta", "--detach", check=False))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.returncode for answer in answers) == [0, 5, 5, 5]
    job = next(json.loads(answer.stdout) for answer in answers if answer.returncode == 0)
    assert all(job["id"] in answer.stdout + answer.stderr for answer in answers)
    pair.alpha.job(job["id"]).wait()
    pair.assert_moved(mark, pair.alpha)
