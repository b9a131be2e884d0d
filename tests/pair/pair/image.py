"""The demonstration guest's kernel and initramfs: Debian's kernel package, busybox and our beacon."""
import glob
import hashlib
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = ("virtio", "virtio_ring", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci",
           "failover", "net_failover", "virtio_net", "e1000e")


def cache_folder():
    """Where downloads stay, so that only the first demo or test run needs the network."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.path.join(base, "ferry")
    os.makedirs(folder, exist_ok=True)
    return folder


def _output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def _kernel_package():
    """The image package that Debian's linux-image-amd64 stands for today."""
    for line in _output("apt-cache", "depends", "linux-image-amd64").splitlines():
        if line.strip().startswith("Depends: linux-image-"):
            return line.split()[1]
    raise RuntimeError("apt knows no linux-image-amd64: run apt-get update")


def _download(folder, say):
    """The kernel package's file; an older one that is there already does as well."""
    found = sorted(glob.glob(f"{folder}/linux-image-*.deb"))
    if not found:
        say("downloading Debian's kernel package (71 MB) for the guest")
        command = ["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root"]
        try:
            subprocess.run([*command, _kernel_package()], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        except (subprocess.CalledProcessError, RuntimeError):
            subprocess.run(["apt-get", "update", "-q"], check=True, stdout=subprocess.DEVNULL)
            subprocess.run([*command, _kernel_package()], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        found = sorted(glob.glob(f"{folder}/linux-image-*.deb"))
    return found[-1]


def _unpack_kernel(package, folder):
    os.makedirs(folder, exist_ok=True)
    wanted = ["./boot/vmlinuz-*"] + [f"*/{name}.ko" for name in MODULES]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as archive:
        subprocess.run(["tar", "-x", "-C", folder, "--wildcards", "--transform", "s,.*/,,", *wanted],
                       stdin=archive.stdout, check=True)
    os.rename(glob.glob(f"{folder}/vmlinuz-*")[0], f"{folder}/vmlinuz")


def _key(package):
    """Of all that a guest saved here depends on: its files, its XML, and the QEMU that resumes it."""
    digest = hashlib.sha256(os.path.basename(package).encode())
    digest.update(_output("qemu-system-x86_64", "--version").encode())
    for path in (f"{HERE}/guest/init", f"{HERE}/guest/beacon.c", f"{HERE}/guests.py", "/bin/busybox"):
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def _make_initrd(folder, kernel):
    root = f"{folder}/root"
    for name in ("bin", "proc", "sys", "dev", "modules"):
        os.makedirs(f"{root}/{name}")
    subprocess.run(["gcc", "-O2", "-static", "-Wall", "-Wextra", "-Werror", "-o", f"{root}/beacon",
                    f"{HERE}/guest/beacon.c"], check=True)
    copies = [("/bin/busybox", "bin/busybox"), (f"{HERE}/guest/init", "init")]
    copies += [(f"{kernel}/{name}.ko", f"modules/{name}.ko") for name in MODULES]
    for source, target in copies:
        subprocess.run(["install", "-m755", source, f"{root}/{target}"], check=True)
    subprocess.run(f"find . | cpio -o -H newc --quiet -R 0:0 >{folder}/initrd", shell=True, cwd=root, check=True)


def build(folder, say=print):
    """Makes @folder/vmlinuz and @folder/initrd, unless they are there and current.

    Saved guests that are kept in the folder go when they would not fit any more.
    """
    package = _download(cache_folder(), say)
    key = _key(package)
    if os.path.exists(f"{folder}/{key}"):
        return
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    kernel = package[: -len(".deb")]
    if not os.path.exists(f"{kernel}/vmlinuz"):
        say("unpacking the guest's kernel")
        _unpack_kernel(package, kernel)
    _make_initrd(folder, kernel)
    shutil.copy(f"{kernel}/vmlinuz", folder)
    with open(f"{folder}/{key}", "w", encoding="ascii"):
        pass
