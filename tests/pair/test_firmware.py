"""Files of the host beside a guest's disks: firmware, its variables (NVRAM), a kernel, a TPM's state.  Each host has a /var
of its own; what is in the pair's folder both see, as hosts do that share storage."""
import contextlib
import os

import pytest

from pair import guests
from pair.pair import GUESTS
from test_refuse import assert_refused

OWN = "/var/lib/libvirt/images"
BIOS = "/usr/share/seabios/bios-256k.bin"
FLASH = "<loader readonly='yes' type='pflash'>{code}</loader><nvram template='{template}'>{nvram}</nvram>"


@pytest.fixture
def firmware(pair):
    """A function that defines and starts a guest on alpha with its variables at a path, and gives the path."""
    pair.fresh("plain")
    for host in pair.hosts:
        host.run("mkdir", "-p", OWN)
    shared = f"{pair.folder}/firmware"
    os.makedirs(shared, exist_ok=True)
    pair.alpha.run("truncate", "-s", "64K", f"{shared}/template.fd")

    def start(nvram, code=BIOS):
        path = nvram.format(shared=shared, own=OWN)
        boot = FLASH.format(code=code.format(own=OWN), template=f"{shared}/template.fd", nvram=path)
        pair.alpha.libvirt.defineXML(guests.bare("uefi", boot=boot)).create()
        return path

    with pair.alpha.says_in("qemu.conf", f'shared_filesystems = [ "{pair.folder}" ]'):
        yield start
    for host in pair.hosts:
        host.run("sh", "-c", "virsh destroy uefi; virsh undefine --nvram uefi", check=False)
        host.run("rm", "-rf", OWN, check=False)


def has(host, path):
    return host.run("test", "-e", path, check=False).returncode == 0


def test_variables_that_both_hosts_use_stay(pair, firmware):
    """They are the guest's, which runs on the other host by now: its definition goes from here without them."""
    path = firmware("{shared}/uefi.fd")
    pair.alpha.ferry("migrate", "uefi", "--to", "beta")
    pair.wait_done()
    assert pair.alpha.domain("uefi") is None and pair.beta.state("uefi")[0] == 1
    assert os.path.getsize(path) == 64 * 1024
    pair.beta.domain("uefi").destroy()
    pair.beta.domain("uefi").create()


def test_variables_of_one_host_go_with_the_guest(pair, firmware):
    path = firmware("{own}/uefi.fd")
    pair.alpha.run("sh", "-c", f"printf changed | dd of={path} conv=notrunc status=none")
    pair.alpha.domain("uefi").destroy()
    pair.alpha.domain("uefi").create()  # QEMU reads them when it starts
    pair.alpha.ferry("migrate", "uefi", "--to", "beta")
    assert not has(pair.alpha, path)
    assert pair.beta.run("head", "-c", "7", path).stdout == "changed"


def test_an_undone_migration_leaves_the_variables(pair, firmware):
    path = firmware("{shared}/uefi.fd")
    job = pair.alpha.migrate(pair.beta, "uefi", "--bandwidth", "1Mi")
    job.wait_until("the transfer", lambda shown: shown["phase"] == "transfer")
    pair.alpha.ferry("job", "cancel", job.id)
    assert job.wait()["state"] == "cancelled"
    pair.wait_done()
    assert pair.beta.domain("uefi") is None and pair.alpha.state("uefi")[0] == 1
    assert os.path.getsize(path) == 64 * 1024


def test_firmware_that_the_target_has_otherwise(pair, firmware):
    """Missing, of another size, and the same."""
    pair.alpha.run("cp", BIOS, f"{OWN}/code.fd")
    firmware("{own}/uefi.fd", code="{own}/code.fd")
    assert_refused(pair, "no-boot-file", f"beta does not have {OWN}/code.fd, which the guest starts from", guest="uefi")
    pair.beta.run("sh", "-c", f"cat {BIOS} {BIOS} >{OWN}/code.fd")
    assert_refused(pair, "rom-size-differs", f"{OWN}/code.fd has 262144 bytes, and 524288 on beta", guest="uefi")
    pair.beta.run("cp", BIOS, f"{OWN}/code.fd")
    pair.alpha.ferry("migrate", "uefi", "--to", "beta")


def test_a_kernel_that_the_target_lacks(pair):
    pair.fresh("plain")
    for host in pair.hosts:
        host.run("mkdir", "-p", OWN)
    pair.alpha.run("cp", f"{GUESTS}/vmlinuz", f"{OWN}/vmlinuz")
    pair.alpha.libvirt.createXML(guests.bare("kernel", boot=f"<kernel>{OWN}/vmlinuz</kernel>"))
    try:
        assert_refused(pair, "no-boot-file", f"beta does not have {OWN}/vmlinuz", guest="kernel")
    finally:
        pair.alpha.domain("kernel").destroy()
        pair.alpha.run("rm", "-rf", OWN)


SWTPM_CONF = 'swtpm_user = "root"\nswtpm_group = "root"'
TPM = "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"
TPM_STATE = "/var/lib/libvirt/swtpm"


def test_an_emulated_tpm(pair):
    """Its state goes with the guest; a target without swtpm is refused."""
    pair.fresh("plain")
    with contextlib.ExitStack() as configured:
        for host in pair.hosts:
            host.run("mkdir", "-p", TPM_STATE, "/var/lib/swtpm-localca", "/var/log/swtpm/libvirt/qemu")
            configured.enter_context(host.says_in("qemu.conf", SWTPM_CONF))
        pair.alpha.libvirt.defineXML(guests.bare("tpm", devices=TPM)).create()
        state = f"{TPM_STATE}/{pair.alpha.domain('tpm').UUIDString()}/tpm2/tpm2-00.permall"
        for source, target in (pair.hosts, pair.hosts[::-1]):
            source.ferry("migrate", "tpm", "--to", target.name)
            pair.wait_done()
            assert has(target, state) and source.run("ls", TPM_STATE).stdout == ""
        pair.beta.run("mount", "--bind", "/dev/null", "/usr/bin/swtpm")
        configured.callback(pair.beta.run, "umount", "/usr/bin/swtpm")
        pair.beta.restart_libvirtd()
        assert_refused(pair, "no-tpm", "beta lacks an emulated TPM (swtpm), which the guest uses", guest="tpm")
        pair.alpha.run("sh", "-c", "virsh destroy tpm && virsh undefine --tpm tpm")
