"""The lab is what it says: the devices are there, results come back, and nothing stays behind."""
import glob
import os
import signal
import subprocess
import sys
import tempfile
import time

import pytest

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
