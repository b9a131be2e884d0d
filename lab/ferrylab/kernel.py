"""Debian's kernel, and the modules that Debian does not ship.

- mtty and its like are the kernel's own samples of mediated devices, built against Debian's headers.
- Debian leaves IOMMUFD and VFIO's cdevs out.  All of VFIO being modules, and all that iommufd needs of
  vmlinux being exported, both are built again with that switched on; vmlinuz stays Debian's.
"""
import glob
import os
import re
import shutil
import subprocess
import tempfile

from . import packages
from .place import cache, digest, run

DRIVERS = ["vfio-pci", "vfio_iommu_type1", "mdev", "igb", "igbvf", "e1000e", "virtio_net", "net_failover", "9p",
           "9pnet_virtio", "macvtap", "tun", "vhost_net", "veth", "bridge", "8021q", "dummy"]
BOOT = ["virtio_pci", "virtio_blk", "ext4", "overlay"]
SAMPLES = "obj-m := mtty.o mdpy.o mbochs.o\n"
MAKEFILES = {
    "Kbuild": "obj-m := mtty.o mdpy.o mbochs.o iommufd/ vfio/\n",
    "vfio/Makefile": "obj-m := vfio.o vfio_iommu_type1.o pci/ mdev/\n"
                     "vfio-y := vfio_main.o device_cdev.o group.o iommufd.o container.o virqfd.o\n",
    "vfio/pci/Makefile": "obj-m := vfio-pci-core.o vfio-pci.o\n"
                         "vfio-pci-core-y := vfio_pci_core.o vfio_pci_intrs.o vfio_pci_rdwr.o vfio_pci_config.o\n"
                         "vfio-pci-y := vfio_pci.o vfio_pci_igd.o\n",
}
IOMMUFD = ("-DCONFIG_IOMMUFD_MODULE=1 -DCONFIG_IOMMUFD_DRIVER=1 -DCONFIG_VFIO_DEVICE_CDEV=1 "
           "-DCONFIG_INTERVAL_TREE_SPAN_ITER=1")


class Build:
    """One kernel version's temporary build folder."""

    def __init__(self, work, kernel, version):
        self.work, self.release = work, kernel + "-amd64"
        self.debs = packages.kernel_packages(kernel, version)
        self.root = os.path.join(work, "root")
        self.source = os.path.join(work, "source")

    def unpack(self):
        os.makedirs(self.source)
        for package in self.debs[:-1]:
            run(["dpkg-deb", "-x", packages.path_of(package), self.root])
        makefile = f"{self.root}/usr/src/linux-headers-{self.release}/Makefile"
        run(["sed", "-i", f"s#/usr/src/#{self.root}/usr/src/#", makefile])
        wanted = ["*/samples/vfio-mdev/*", "*/drivers/vfio/*", "*/drivers/iommu/iommufd/*", "*/drivers/iommu/iommu-priv.h",
                  "*/lib/interval_tree.c"]
        # the package holds one tar.xz: neither it nor the whole source is ever on disk
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", packages.path_of(self.debs[-1])], stdout=subprocess.PIPE) as deb, \
                subprocess.Popen(["tar", "-xO", "--wildcards", "./usr/src/linux-source-*.tar.xz"], stdin=deb.stdout,
                                 stdout=subprocess.PIPE) as tar:
            run(["tar", "-xJ", "-C", self.source, "--strip-components=1", "--wildcards", *wanted], stdin=tar.stdout)
        run(["depmod", "-b", self.root, self.release])

    def make(self, folder, flags=""):
        # without BTF_MODULES= it asks for pahole
        run(["make", "-s", f"-j{os.cpu_count()}", "-C", f"{self.root}/usr/src/linux-headers-{self.release}", f"M={folder}",
             "CONFIG_DEBUG_INFO_BTF_MODULES=", f"KCFLAGS={flags}", "modules"])
        modules = glob.glob(folder + "/**/*.ko", recursive=True)
        run(["strip", "--strip-debug", *modules])
        return modules

    def samples(self):
        folder = os.path.join(self.work, "samples")
        shutil.copytree(f"{self.source}/samples/vfio-mdev", folder)
        write(f"{folder}/Kbuild", SAMPLES)
        return self.make(folder)

    def with_iommufd(self):
        folder = os.path.join(self.work, "iommufd")
        shutil.copytree(f"{self.source}/samples/vfio-mdev", folder)
        shutil.copytree(f"{self.source}/drivers/vfio", f"{folder}/vfio")
        shutil.copytree(f"{self.source}/drivers/iommu/iommufd", f"{folder}/iommufd")
        shutil.copy(f"{self.source}/drivers/iommu/iommu-priv.h", folder)
        # the one part of lib/ that Debian's vmlinux lacks: the interval tree's span iterator
        with open(f"{self.source}/lib/interval_tree.c", encoding="ascii") as file:
            span = file.read().partition("#ifdef CONFIG_INTERVAL_TREE_SPAN_ITER")
        span = "#include <linux/interval_tree.h>\n" + "".join(span[1:])
        write(f"{folder}/iommufd/span.c", re.sub(r"^EXPORT_SYMBOL.*$", "", span, flags=re.M))
        for name, text in MAKEFILES.items():
            write(os.path.join(folder, name), text)
        objects = [os.path.basename(path)[:-1] + "o" for path in glob.glob(f"{folder}/iommufd/*.c") if "selftest" not in path]
        write(f"{folder}/iommufd/Makefile", f"obj-m := iommufd.o\niommufd-y := {' '.join(sorted(objects))}\n")
        return self.make(folder, IOMMUFD)

    def needed(self, names):
        """Files of Debian's own modules, dependencies first."""
        files = []
        for name in names:
            shown = run(["modprobe", "-d", self.root, "-S", self.release, "--show-depends", name])
            files += re.findall(r"^insmod (\S+)", shown, re.M)
        return list(dict.fromkeys(files))

    def tree(self, folder, modules):
        """lib/modules/RELEASE of one flavour: plain files, so that busybox can load them too."""
        lib = f"{folder}/lib/modules/{self.release}"
        os.makedirs(lib + "/kernel")
        for path in glob.glob(f"{self.root}/lib/modules/{self.release}/modules.builtin*") + [
                f"{self.root}/lib/modules/{self.release}/modules.order"]:
            shutil.copy(path, lib)
        for path in modules:
            plain(path, lib + "/kernel")
        run(["depmod", "-b", folder, self.release])


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def plain(path, folder):
    """Copies a module, unpacked; one of that name that is there already is replaced."""
    target = os.path.join(folder, os.path.basename(path).removesuffix(".xz"))
    if path.endswith(".xz"):
        with open(target, "wb") as file:
            subprocess.run(["xz", "-dc", path], stdout=file, check=True)
    else:
        shutil.copy(path, target)
    return target


def build():
    """Returns the folder with vmlinuz, boot/ and modules of both flavours; makes it unless it is there."""
    kernel, version = packages.newest_kernel()
    debs = packages.kernel_packages(kernel, version)
    final = os.path.join(cache(), f"kernel-{kernel}-{digest(version, files=[__file__])}")
    if os.path.isdir(final):
        return final
    packages.fetch(debs)
    with tempfile.TemporaryDirectory(dir=cache(), prefix="kernel.") as work:
        job = Build(work, kernel, version)
        job.unpack()
        ready = os.path.join(work, "ready")
        debian = job.needed(DRIVERS)
        samples = job.samples()
        job.tree(f"{ready}/debian", debian + samples)
        job.tree(f"{ready}/iommufd", debian + samples + job.with_iommufd())
        os.makedirs(f"{ready}/boot")
        order = [os.path.basename(plain(path, f"{ready}/boot")) for path in job.needed(BOOT)]
        write(f"{ready}/boot/order", "\n".join(order) + "\n")
        write(f"{ready}/release", job.release + "\n")
        shutil.copy(f"{job.root}/boot/vmlinuz-{job.release}", f"{ready}/vmlinuz")
        os.rename(ready, final)
    return final
