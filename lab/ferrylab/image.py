"""The lab's one disk image: libvirtd, QEMU, udevd, busybox, the libraries of ferry, both sets of modules."""
import functools
import glob
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

from . import kernel, packages
from .place import GUEST, SBIN, LabError, cache, digest, locked, run

LIBS = "/usr/lib/x86_64-linux-gnu"
PROGRAMS = ["libvirtd", "virsh", "qemu-system-x86_64", "socat", "ethtool", "ip", "bridge", "kmod", "ldconfig", "mdevctl",
            "udevadm", "/usr/bin/dash", "/usr/lib/systemd/systemd-udevd", "/usr/lib/libvirt/libvirt_iohelper"]
# what ferry is linked to, so that a build of it needs nothing but itself in the lab
FERRY_LIBS = ["libglib-2.0.so.0", "libgobject-2.0.so.0", "libgio-2.0.so.0", "libjansson.so.4", "libmicrohttpd.so.12",
              "libcurl-gnutls.so.4", "libgnutls.so.30", "libsqlite3.so.0", "libxml2.so.2", "libnl-3.so.200",
              "libnl-route-3.so.200", "libsystemd.so.0", "libudev.so.1", "libvirt.so.0", "libvirt-qemu.so.0"]
FOLDERS = ["dev", "proc", "sys", "tmp", "run", "root", "lab", "mnt", "etc/libvirt/hooks/qemu.d", "etc/mdevctl.d/scripts.d/callouts",
           "etc/mdevctl.d/scripts.d/notifiers", "etc/udev/rules.d", "usr/bin", "usr/sbin", "usr/lib64", "usr/lib/udev/rules.d",
           "usr/share/qemu", "usr/share/seabios", "usr/share/libvirt", "usr/local/bin", "var/lib/libvirt/qemu",
           "var/log/libvirt/qemu", "var/cache/libvirt"]
FILES = {
    # libvirtd will not start without its default user, even when qemu.conf names another
    "etc/passwd": "root:x:0:0::/root:/bin/sh\nlibvirt-qemu:x:64055:64055::/:/bin/false\n",
    "etc/group": "".join(f"{name}:x:{number}:\n" for name, number in (
        ("root", 0), ("tty", 5), ("disk", 6), ("lp", 7), ("dialout", 20), ("cdrom", 24), ("tape", 26), ("audio", 29),
        ("video", 44), ("kmem", 15), ("input", 101), ("sgx", 102), ("kvm", 104), ("render", 105), ("ferry", 900),
        ("libvirt-qemu", 64055))),
    "etc/hosts": "127.0.0.1 localhost\n10.9.0.1 alpha\n10.9.0.2 beta\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "etc/ld.so.conf": "/usr/local/lib\n/usr/local/lib/x86_64-linux-gnu\n",
    "etc/libvirt/network.conf": 'firewall_backend = "none"\n',
    "etc/libvirt/libvirtd.conf": 'listen_tls = 0\nlisten_tcp = 1\nauth_tcp = "none"\nauth_unix_rw = "none"\n'
                                 'log_outputs = "2:file:/var/log/libvirt/libvirtd.log"\n',
    "etc/libvirt/qemu.conf": 'user = "root"\ngroup = "root"\nsecurity_driver = "none"\ncgroup_controllers = []\nnamespaces = []\n'
                             'remember_owner = 0\nstdio_handler = "file"\n',
}
UDEV_RULES = ["50-udev-default.rules", "80-drivers.rules"]


def inputs():
    """Everything that goes in, as one short name: the image is packed again only when this changes."""
    versions = packages.installed()
    here = [path for path in glob.glob(os.path.join(GUEST, "*")) + [__file__]]
    return versions, digest(*versions, os.path.basename(kernel.build()), files=here)


def in_path(name):
    found = shutil.which(name, path=SBIN)
    if found is None:
        raise LabError(f"lab: no {name} on this machine: run packaging/install-packages")
    return found


def with_libraries(root, files):
    """Copies programs to where they are here, with every library that they load."""
    libraries = set()
    for path in files:
        copy(path, root + unmerged(path))
        told = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
        libraries |= set(re.findall(r"(?:=> |^\t)(/\S+)", told, re.M))
    for path in libraries:
        if not os.path.exists(root + unmerged(path)):
            copy(path, root + unmerged(path))


def unmerged(path):
    """Debian has merged /lib, /bin and /sbin into /usr."""
    return path if path.startswith("/usr/") else "/usr" + path


def copy(path, target):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copy2(path, target)


def shell(root):
    """dash, and busybox for what it has not; busybox's own sh would take its applets over real programs."""
    os.symlink("dash", root + "/usr/bin/sh")
    path = in_path("busybox")
    copy(path, root + "/usr/bin/busybox")
    for applet in run([path, "--list"]).split():
        if not any(os.path.lexists(f"{root}/usr/{folder}/{applet}") for folder in ("bin", "sbin")):
            os.symlink("busybox", f"{root}/usr/bin/{applet}")


def node_devices(root, work, versions):
    """libvirt's node device driver is unpacked only, so that nothing of it starts on this machine."""
    package = packages.nodedev_package(versions)
    packages.fetch([package])
    run(["dpkg-deb", "-x", packages.path_of(package), work + "/nodedev"])
    driver = glob.glob(work + "/nodedev/usr/lib/*/libvirt/connection-driver/*.so")[0]
    with_libraries(root, [driver])
    os.rename(root + unmerged(driver), f"{root}{LIBS}/libvirt/connection-driver/{os.path.basename(driver)}")


def fill(root, work, versions, kernel_folder):
    for folder in FOLDERS:
        os.makedirs(os.path.join(root, folder), exist_ok=True)
    for folder in ("bin", "sbin", "lib", "lib64"):
        os.symlink("usr/" + folder, os.path.join(root, folder))
    os.symlink("../run", root + "/var/run")
    libraries = [f"{LIBS}/{name}" for name in FERRY_LIBS]
    with_libraries(root, [*(in_path(name) for name in PROGRAMS), *libraries, *glob.glob(LIBS + "/libvirt/connection-driver/*.so")])
    node_devices(root, work, versions)
    for name in ("modprobe", "depmod", "insmod", "rmmod", "lsmod"):
        os.symlink("../bin/kmod", f"{root}/usr/sbin/{name}")
    shell(root)
    for name in ("cpu_map", "schemas"):
        shutil.copytree("/usr/share/libvirt/" + name, f"{root}/usr/share/libvirt/{name}")
    for path in glob.glob("/usr/share/qemu/*.bin") + glob.glob("/usr/share/seabios/*.bin"):
        if os.path.basename(path).startswith(("bios-", "kvmvapic", "linuxboot", "pvh")):
            copy(path, root + os.path.dirname(path) + "/" + os.path.basename(path))
    for name in UDEV_RULES:
        copy("/usr/lib/udev/rules.d/" + name, f"{root}/usr/lib/udev/rules.d/{name}")
    for name, text in FILES.items():
        with open(os.path.join(root, name), "w", encoding="ascii") as file:
            file.write(text)
    for name in ("init", "agent"):
        copy(os.path.join(GUEST, name), f"{root}/{'init' if name == 'init' else 'usr/sbin/lab-agent'}")
    modules(root, kernel_folder)


def modules(root, kernel_folder):
    """Debian's VFIO and the one with IOMMUFD side by side; init mounts one of them."""
    with open(kernel_folder + "/release", encoding="ascii") as file:
        release = file.read().strip()
    for flavour in ("debian", "iommufd"):
        shutil.copytree(f"{kernel_folder}/{flavour}/lib/modules/{release}", f"{root}/usr/lib/modules-{flavour}")
    os.makedirs(f"{root}/usr/lib/modules/{release}")


def initial_ramdisk(work, kernel_folder, target):
    """Just enough to mount the image."""
    root = work + "/initrd"
    for folder in ("bin", "dev", "proc", "low", "rw", "new"):
        os.makedirs(f"{root}/{folder}")
    shutil.copytree(kernel_folder + "/boot", root + "/modules")
    copy(in_path("busybox"), root + "/bin/busybox")
    copy(os.path.join(GUEST, "initrd-init"), root + "/init")
    with open(target, "wb") as file, subprocess.Popen(["find", "."], cwd=root, stdout=subprocess.PIPE) as find:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0"], cwd=root, stdin=find.stdout, stdout=file, check=True)


def capabilities(root):
    """libvirt's capability cache, made here in a chroot: 5 s less at every first use in the lab.  libvirt
    compares change times of the programs with it; ext4 keeps them (mke2fs copies them), a cpio would not."""
    run(["unshare", "--mount", "--net", "--uts", "--pid", "--fork", "--kill-child", "/bin/sh", os.path.join(GUEST, "in-chroot"),
         root, "virsh -q domcapabilities >/dev/null; virsh -q capabilities >/dev/null"])
    os.unlink(root + "/var/log/libvirt/libvirtd.log")


def pack(root, target):
    kib = sum(os.lstat(os.path.join(folder, name)).st_blocks for folder, _, names in os.walk(root) for name in names) // 2
    run(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-N", "8000", "-E", "root_owner=0:0", "-d", root, target,
         f"{kib // 1024 + 32}m"])
    os.chmod(target, stat.S_IRUSR)


def sweep(keep):
    """Folders that no build would choose any more, and what killed builds left behind."""
    for path in glob.glob(os.path.join(cache(), "image-*")) + glob.glob(os.path.join(cache(), "kernel*")):
        if os.path.isdir(path) and path not in keep:
            shutil.rmtree(path, ignore_errors=True)


@functools.cache
def build():
    """Returns the folder with vmlinuz, initrd and host.img; makes what is missing, and says so."""
    with locked("build"):
        versions, name = inputs()
        kernel_folder = kernel.build()
        final = os.path.join(cache(), "image-" + name)
        if os.path.isdir(final):
            return final
        print("lab: packing the image", file=sys.stderr)
        sweep({kernel_folder})
        with tempfile.TemporaryDirectory(dir=cache(), prefix="image-") as work:
            root, ready = work + "/root", work + "/ready"
            os.makedirs(ready)
            fill(root, work, versions, kernel_folder)
            initial_ramdisk(work, kernel_folder, ready + "/initrd")
            capabilities(root)
            pack(root, ready + "/host.img")
            shutil.copy(kernel_folder + "/vmlinuz", ready)
            os.rename(ready, final)
        return final
