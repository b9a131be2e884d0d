"""The lab is what it says: the devices are there, results come back, and nothing stays behind."""
import glob
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from ferrylab.place import LabError

LAB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lab")
MTTY = "/sys/class/mdev_bus/mtty/mdev_supported_types"
UUID = "11111111-0000-4000-8000-000000000001"


def test_status_and_arguments_come_back(lab_run):
    done = lab_run('printf "%s|" "$@"; exit 7', "a", "b c", "it's")
    assert done.returncode == 7
    assert done.stdout == "a|b c|it's|"


@pytest.mark.parametrize("iommufd", [False, True], ids=["debian", "iommufd"])
def test_mediated_device(lab_run, iommufd):
    done = lab_run(f"""set -e
        modprobe -a vfio_iommu_type1 mtty
        echo {UUID} >{MTTY}/mtty-1/create
        cat {MTTY}/mtty-1/available_instances
        test -c /dev/vfio/$(basename $(readlink /sys/bus/mdev/devices/{UUID}/iommu_group)) && echo group
        test -c /dev/vfio/devices/vfio0 && test -c /dev/iommu && echo cdev || echo no cdev""", iommufd=iommufd)
    assert done.stdout.split("\n") == ["23", "group", "cdev" if iommufd else "no cdev", ""]
    assert done.returncode == 0


def test_two_cards_of_seven(lab_run):
    done = lab_run("""set -e
        for pf in pf0 pf1; do
            cat /sys/class/net/$pf/device/sriov_totalvfs
            echo 7 >/sys/class/net/$pf/device/sriov_numvfs
        done
        ls -d /sys/bus/pci/devices/*/physfn | wc -l
        ls -d /sys/bus/pci/devices/*/physfn/../iommu_group >/dev/null
        ip link show pf1 | grep -c 'vf [0-6] '""", igb=2)
    assert done.stdout.split() == ["7", "7", "14", "7"]
    assert done.returncode == 0


def children(pid):
    """Processes that say in their environment that they belong to the run with this mark."""
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as file:
                if pid in file.read():
                    found.append(path)
        except OSError:
            pass  # it ended meanwhile
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_stays_when_killed(lab_image, number, tmp_path):
    script = tmp_path / "script"
    script.write_text("echo here; sleep 600", encoding="ascii")
    with tempfile.TemporaryDirectory() as temporary:
        mark = f"LAB_TEST_MARK={os.getpid()}-{number}"
        environment = {**os.environ, "TMPDIR": temporary, "LAB_TEST_MARK": mark.split("=")[1]}
        with subprocess.Popen([sys.executable, os.path.join(LAB, "run"), str(script)], env=environment,
                              stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"here\n"
            assert os.listdir(temporary)
            process.send_signal(number)
        deadline = time.monotonic() + 20
        while (children(mark.encode()) or os.listdir(temporary)) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not children(mark.encode())
        assert not os.listdir(temporary)


def libvirt(host, *command):
    done = subprocess.run(["virsh", "-q", "-c", host.uri, *command], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.lab(igb=1)
def test_pair_of_hosts(lab_pair, tmp_path):
    alpha, beta = lab_pair
    assert [libvirt(host, "hostname") for host in lab_pair] == ["alpha", "beta"]
    assert alpha("ping -c 1 -W 5 10.9.0.2 >/dev/null && virsh -q -c qemu+tcp://10.9.0.2/system hostname") == "beta\n"
    assert beta("cat /sys/class/net/pf0/device/sriov_totalvfs") == "7\n"
    (tmp_path / "file").write_bytes(bytes(range(256)) * 4000)
    beta.put(tmp_path / "file", "/opt/some folder/file")
    status, said = beta.sh("sha256sum '/opt/some folder/file'; exit 9")
    assert (status, said.split()[0]) == (9, hashlib.sha256((tmp_path / "file").read_bytes()).hexdigest())
    assert abs(int(alpha("date +%s")) - time.time()) < 30


def test_libvirt_sees_new_mediated_devices(lab_host):
    lab_host(f"modprobe mtty; echo {UUID} >{MTTY}/mtty-2/create; udevadm settle")
    name = f"mdev_{UUID.replace('-', '_')}_mtty"
    deadline = time.monotonic() + 10
    while libvirt(lab_host, "nodedev-list", "--cap", "mdev") != name and time.monotonic() < deadline:
        time.sleep(0.2)
    assert "<type id='mtty-2'/>" in libvirt(lab_host, "nodedev-dumpxml", name)


def test_a_script_without_end(lab_host):
    """The failure tells what the host's kernel is at, and the host goes on."""
    with pytest.raises(LabError, match="(?s)no end after 2 s: sleep 30.*Show Blocked State"):
        lab_host.sh("sleep 30", limit_s=2)
    assert lab_host("echo on") == "on\n"


def test_up_sh_put_down(lab_image, tmp_path):
    """As by hand; in a folder of its own, so that somebody's hosts go on running."""
    environment = {**os.environ, "FERRY_LAB_UP": str(tmp_path / "up")}

    def lab(name, *args):
        return subprocess.run([os.path.join(LAB, name), *args], env=environment, capture_output=True, text=True, check=False)

    assert "run lab/up" in lab("sh", "alpha", "true").stderr
    try:
        done = lab("up", "--no-ferry")
        assert "virsh -c qemu+tcp://127.0.0.1:" in done.stdout, done.stderr
        done = lab("sh", "beta", "hostname; exit 3")
        assert (done.stdout, done.returncode) == ("beta\n", 3)
        assert lab("put", "beta", os.path.join(LAB, "README.md"), "/tmp/readme").returncode == 0
        assert lab("sh", "beta", "wc -c </tmp/readme").stdout.strip() == str(os.path.getsize(os.path.join(LAB, "README.md")))
    finally:
        assert lab("down").returncode == 0
    assert "run lab/up" in lab("sh", "alpha", "true").stderr


def test_ferryd_answers_in_every_host(lab_pair):
    for host in lab_pair:
        status, said = host.sh("ferry guest list --json")
        assert (status, json.loads(said)) == (0, {"guests": []}), host("cat /var/log/ferryd.log")
