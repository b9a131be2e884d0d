"""Debian packages of the lab: which versions, and those that are unpacked but never installed."""
import glob
import os
import re
import subprocess
import sys

from .place import LabError, SBIN, cache, run

# Programs that go into the image from this machine: their versions decide when to pack it again.
INSTALLED = ["busybox-static", "dash", "ethtool", "iproute2", "kmod", "libpciaccess0", "libvirt-clients", "libvirt-daemon",
             "libvirt-daemon-driver-network", "libvirt-daemon-driver-qemu", "libvirt0", "mdevctl", "qemu-system-common",
             "qemu-system-data", "qemu-system-x86", "seabios", "socat", "udev", "libglib2.0-0", "libjansson4", "libmicrohttpd12",
             "libcurl3-gnutls", "libgnutls30", "libsqlite3-0", "libxml2", "libnl-route-3-200", "libsystemd0", "libudev1", "libc6"]


def installed():
    """package=version of everything that is copied from this machine."""
    text = run(["dpkg-query", "-W", "-f", "${Package}=${Version} ${db:Status-Status}\n", *INSTALLED])
    found = dict.fromkeys(line.split()[0] for line in text.splitlines() if line.endswith(" installed"))
    lacking = set(INSTALLED) - {item.split("=")[0] for item in found}
    if lacking:
        raise LabError(f"lab: not installed: {' '.join(sorted(lacking))}: run packaging/install-packages")
    return list(found)


def offered():
    """The kernel that Debian's security archive has now, as apt's lists know it."""
    told = subprocess.run(["apt-cache", "depends", "linux-headers-6.12-amd64"], capture_output=True, text=True, check=False)
    return re.search(r"Depends: linux-headers-(6\.12\S*)-amd64", told.stdout)


def newest_kernel():
    """('6.12.1+deb12', package version): what the archive offers, else what was fetched before."""
    here = sorted(glob.glob(os.path.join(cache(), "deb", "linux-image-6.12.*-amd64-unsigned_*")))
    match = offered()
    if not match and not here:
        run(["apt-get", "update", "-q"])  # a machine whose packages are all there, but not apt's lists
        match = offered()
    if match:
        shown = run(["apt-cache", "show", f"linux-headers-{match[1]}-amd64"])
        return match[1], re.search(r"^Version: (.*)$", shown, re.M)[1]
    if not here:
        raise LabError("lab: apt offers no linux-headers-6.12-amd64: is Debian's security archive in its sources?")
    name, version, _ = os.path.basename(here[-1]).split("_")
    return name[len("linux-image-"):-len("-amd64-unsigned")], version


def kernel_packages(kernel, version):
    names = [f"linux-image-{kernel}-amd64-unsigned", f"linux-headers-{kernel}-amd64", f"linux-headers-{kernel}-common",
             f"linux-kbuild-{kernel}", "linux-source-6.12"]
    return [(name, version) for name in names]


def nodedev_package(versions):
    """libvirt's node device driver, of the version that its other parts have here."""
    version = next(item.split("=")[1] for item in versions if item.startswith("libvirt-daemon="))
    return ("libvirt-daemon-driver-nodedev", version)


def path_of(package):
    name, version = package
    found = glob.glob(os.path.join(cache(), "deb", f"{name}_{version.replace(':', '%3a')}_*.deb"))
    return found[0] if found else None


def fetch(packages):
    """Downloads what is not there yet; nothing is installed.  Offline it is enough that all are there."""
    missing = [item for item in packages if path_of(item) is None]
    if not missing:
        return
    folder = os.path.join(cache(), "deb")
    os.makedirs(folder, exist_ok=True)
    print("lab: downloading", *(name for name, _ in missing), file=sys.stderr)
    wanted = [f"{name}={version}" for name, version in missing]
    command = ["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", *wanted]
    if subprocess.run(command, cwd=folder, env={**os.environ, "PATH": SBIN}, stdout=subprocess.DEVNULL,
                      check=False).returncode != 0:
        raise LabError("lab: cannot download " + " ".join(wanted) + ": run apt-get update, or see above")
