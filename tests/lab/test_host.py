"""src/host on the real kernel: its calls (tests/host/probe.c) beside the kernel's own files and iproute2."""
import json

import pytest

from ferrylab import ferry

UUID = "11111111-0000-4000-8000-00000000000"
MTTY = "/sys/class/mdev_bus/mtty/mdev_supported_types"


@pytest.fixture(scope="session")
def probe():
    """tests/host/probe.c, one call of src/host a run."""
    return ferry.built("tests/host/host-probe")


def parts(text):
    """What a script said, by the lines "== name" in it."""
    found = {}
    for part in text.split("== ")[1:]:
        name, _, said = part.partition("\n")
        found[name] = said.strip()
    return found


def device(said, name):
    return next(row for row in json.loads(said) if row["name"] == name)


@pytest.mark.parametrize("iommufd", [False, True], ids=["debian", "iommufd"])
def test_mediated_devices(lab_run, probe, iommufd):
    done = lab_run(f"""exec 2>&1
        probe() {{ host-probe "$@"; }}
        modprobe vfio_iommu_type1
        echo "== none"; probe inventory
        modprobe mtty
        echo "== parent"; probe inventory
        echo "== create"; probe create mtty mtty-2 {UUID}1
        echo "== again"; probe create mtty mtty-1 {UUID}1
        echo "== type"; probe create mtty mtty-7 {UUID}2
        echo "== attr"; probe create mtty mtty-1 {UUID}2 no_such=1; ls /sys/bus/mdev/devices
        echo "== both"; probe inventory
        for n in $(seq 10 31); do echo 11111111-0000-4000-8000-0000000000$n >{MTTY}/mtty-1/create; done
        echo "== full"; probe create mtty mtty-1 {UUID}2
        echo "== facts"; probe facts {UUID}1
        echo "== type-facts"; probe facts mtty mtty-1
        echo "== remove"; probe remove {UUID}1 5000; ls /sys/bus/mdev/devices | grep -c {UUID}1
        echo "== remove-again"; probe remove {UUID}1 5000
        echo "== in-use"
        group=/dev/vfio/$(basename $(readlink /sys/bus/mdev/devices/11111111-0000-4000-8000-000000000010/iommu_group))
        sleep 100 <$group & sleep 1
        probe remove 11111111-0000-4000-8000-000000000010 5000
        echo "== used"; probe inventory
        echo "== watch"; probe watch 20 'echo 1 >/sys/bus/mdev/devices/11111111-0000-4000-8000-000000000011/remove'
        """, iommufd=iommufd, programs=probe)
    said = parts(done.stdout)
    assert said["none"] == "[]"
    parent = device(said["parent"], "mtty")
    assert parent["roles"] == ["parent"] and parent["path"] == "devices/virtual/mtty/mtty"
    assert [(row["type"], row["available"]) for row in parent["types"]] == [("mtty-1", 24), ("mtty-2", 12)]
    assert said["create"] == ""
    assert said["again"].startswith("exists: cannot create mdev") and "The UUID is taken on this host" in said["again"]
    assert said["type"] == "not-found: mtty has no type \"mtty-7\", but mtty-1, mtty-2"
    assert "The device was removed again." in said["attr"] and said["attr"].endswith(UUID + "1")
    both = json.loads(said["both"])
    assert [row["available"] for row in device(said["both"], "mtty")["types"]] == [22, 11]
    mdev = both[0]
    assert (mdev["name"], mdev["parent"], mdev["type"], mdev["bus"]) == (UUID + "1", "mtty", "mtty-2", "mdev")
    assert mdev["iommu_group"] >= 0 and mdev["path"] == f"devices/virtual/mtty/mtty/{UUID}1"
    assert mdev.get("cdev") == ("vfio0" if iommufd else None)
    assert said["full"].startswith("exhausted: cannot create mdev") and "nothing left for this type" in said["full"]
    facts = json.loads(said["facts"])
    assert (facts["class"], facts["mdev_type"], facts["device_api"]) == ("mdev", "mtty-2", "vfio-pci")
    assert facts["kernel"].startswith("6.12.")
    assert json.loads(said["type-facts"])["state"] == "type"
    assert said["remove"] == "0" and said["remove-again"] == ""
    assert said["in-use"].startswith("busy: cannot remove mdev") and "(sleep) has it open" in said["in-use"]
    assert "(sleep)" in device(said["used"], UUID[:-1] + "10")["used_by"]
    assert UUID[:-1] + "11" not in said["watch"] and UUID[:-1] + "12" in said["watch"]


def test_two_pfs_of_seven_vfs(lab_run, probe):
    done = lab_run("""exec 2>&1
        probe() { host-probe "$@"; }
        modprobe -a vfio-pci vfio_iommu_type1
        pf=$(basename $(readlink /sys/class/net/pf0/device)) other=$(basename $(readlink /sys/class/net/pf1/device))
        sleep 2
        ip link show pf0 >/tmp/before; cat /sys/class/net/*/operstate >>/tmp/before
        echo "== none"; probe inventory
        ip link show pf0 >/tmp/after; cat /sys/class/net/*/operstate >>/tmp/after
        echo "== untouched"; cmp /tmp/before /tmp/after && echo same
        echo "== too-many"; probe set-vfs $pf 8
        echo "== no-pf"; probe set-vfs 0000:00:00.0 1
        echo "== set"; probe set-vfs $pf 7; probe set-vfs $other 7; cat /sys/class/net/pf[01]/device/sriov_numvfs
        echo "== same"; probe set-vfs $pf 7
        vf=$(basename $(readlink /sys/class/net/pf0/device/virtfn2))
        echo vfio-pci >/sys/bus/pci/devices/$vf/driver_override; echo $vf >/sys/bus/pci/drivers_probe
        echo "== all"; probe inventory
        echo "== vf"; echo $vf
        echo "== fresh"; probe vf-read pf0 2
        echo "== write"; probe vf-write pf0 2 '{"mac": "52:54:00:00:0a:01", "vlan": 42, "vlan_priority": 3, "vlan_protocol": 33024,
            "spoof_check": 0, "trust": 1}'
        echo "== iproute"; ip link show pf0 | grep 'vf 2 '
        echo "== read"; probe vf-read pf0 2
        echo "== back"; probe vf-write pf0 2 '{"mac": "00:00:00:00:00:00", "vlan": 0, "vlan_priority": 0, "spoof_check": 1, "trust": 0}'
        ip link show pf0 | grep 'vf 2 '
        echo "== lacking"; probe vf-write pf0 2 '{"link_state": 1}'
        echo "== no-vf"; probe vf-read pf0 9
        echo "== facts"; probe facts $vf
        echo "== in-use"
        sleep 100 </dev/vfio/$(basename $(readlink /sys/bus/pci/devices/$vf/iommu_group)) & sleep 1
        probe set-vfs $pf 0
        kill %1 2>/dev/null || kill $!; sleep 1
        echo "== watch"; probe watch 30 "echo 0 >/sys/bus/pci/devices/$other/sriov_numvfs; udevadm settle"
        echo "== fewer"; probe set-vfs $pf 3; cat /sys/class/net/pf0/device/sriov_numvfs
        """, igb=2, programs=probe, limit_s=400)
    said = parts(done.stdout)
    none = json.loads(said["none"])
    assert [(row["netdev"], row["driver"], row["n_vfs"], row["total_vfs"]) for row in none] == [("pf0", "igb", 0, 7), ("pf1", "igb", 0, 7)]
    assert said["untouched"] == "same"
    assert said["too-many"].endswith("it can have 7 at most") and said["no-pf"].startswith("not-found: 0000:00:00.0 is no device")
    assert said["set"].split() == ["7", "7"] and said["same"] == ""
    everything = json.loads(said["all"])
    vfs = [row for row in everything if row["roles"] == ["vf"]]
    assert len(everything) == 16 and len(vfs) == 14
    assert sorted(row["vf_index"] for row in vfs) == sorted(2 * list(range(7)))
    assert len({row["iommu_group"] for row in vfs}) == 14
    used = device(said["all"], said["vf"])
    assert (used["driver"], used["vf_index"], used["device_id"]) == ("vfio-pci", 2, "808610ca")
    assert device(said["all"], used["pf"])["netdev"] == "pf0"
    assert json.loads(said["fresh"])["mac"] == "00:00:00:00:00:00"
    assert said["write"] == "unsupported 0x0"
    for word in ("52:54:00:00:0a:01", "vlan 42", "qos 3", "spoof checking off", "trust on"):
        assert word in said["iproute"]
    now = json.loads(said["read"])
    assert (now["mac"], now["vlan"], now["vlan_priority"], now["vlan_protocol"]) == ("52:54:00:00:0a:01", 42, 3, 0x8100)
    assert (now["spoof_check"], now["trust"]) == (0, 1)
    for word in ("00:00:00:00:00:00", "spoof checking on", "trust off"):
        assert word in said["back"]
    assert "vlan" not in said["back"].split("\n")[1]
    assert said["lacking"] == "unsupported 0x10"
    assert said["no-vf"].startswith("not-found: cannot read the settings of VF 9 of pf0")
    facts = json.loads(said["facts"])
    assert (facts["class"], facts["device_id"], facts["driver"]) == ("pci", "808610ca", "igb")
    assert facts["kernel"].startswith("6.12.") and facts["parent_id"] == "808610c9"
    assert said["in-use"].startswith("busy: cannot change the number of VFs") and "(sleep)" in said["in-use"]
    assert len(json.loads(said["watch"])) == 9
    assert said["fewer"] == "3"
