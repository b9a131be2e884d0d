"""PFs and VFs as an administrator handles them: listed, made, refused while in use, restored, probed."""
import json

import pytest

from hybrid import until

RESTART = """kill $(pidof ferryd)
while pidof ferryd >/dev/null; do sleep 0.05; done
setsid ferryd >>/var/log/ferryd.log 2>&1 </dev/null &
n=0
until ferry device list >/dev/null 2>&1; do n=$((n + 1)); [ $n -lt 200 ] || exit 1; sleep 0.1; done"""
VFIO = """vf=$(basename $(readlink /sys/class/net/pf0/device/virtfn2))
echo vfio-pci >/sys/bus/pci/devices/$vf/driver_override
echo $vf >/sys/bus/pci/drivers_probe
echo $vf"""
LINKS = "ip -o link show | sed 's/ state [A-Z]*//; s/<[^>]*>//'"
EVERYTHING = f"{LINKS}; ls /sys/bus/mdev/devices /sys/bus/pci/devices /dev/vfio 2>&1; true"


def devices(host):
    return json.loads(host("ferry device list --json"))["devices"]


def pfs(host):
    return {row["netdev"]: row for row in json.loads(host("ferry pf list --json"))["pfs"]}


def counts(host):
    return [(row["n_vfs"], row["total_vfs"], row["used_vfs"], row["free_vfs"]) for _, row in sorted(pfs(host).items())]


def restart(host):
    host(RESTART, limit_s=200)


@pytest.mark.lab(igb=2)
def test_pfs(lab_host):
    host = lab_host
    before = host(EVERYTHING)

    # D1: none yet, and the command that makes them; looking changes nothing
    assert [row["note"] for row in devices(host)] == [
        f'0 of 7 VFs: "ferry pf set-vfs pf{n} 7" makes them' for n in range(2)]
    assert host(EVERYTHING) == before

    host("ferry pf set-vfs pf0 7 --keep && ferry pf set-vfs pf1 3")
    assert counts(host) == [(7, 7, 0, 7), (3, 7, 0, 3)]
    vfs = [row for row in devices(host) if row["roles"] == ["vf"]]
    assert sorted(row["vf_index"] for row in vfs) == sorted([*range(7), *range(3)])
    assert {row["state"] for row in vfs} == {"free"}
    assert len({row["iommu_group"] for row in vfs}) == 10 and not any("driver" in row for row in vfs)
    assert host("cat /etc/ferry/ferryd.conf") == "[pf pf0]\nvfs = 7\n"

    # in use by somebody unknown: foreign, and its PF is left alone
    vf = host(VFIO).strip()
    host(f"""sleep 1000 </dev/vfio/$(basename $(readlink /sys/bus/pci/devices/{vf}/iommu_group)) >/dev/null 2>&1 &
        sleep 0.5""")
    used = next(row for row in devices(host) if row["name"] == vf)
    assert used["state"] == "foreign" and "(sleep)" in used["used_by"]
    status, text = host.sh("ferry pf set-vfs pf0 0")
    assert status == 1 and f"VF 2 ({vf}) of pf0 is used by process" in text and "(sleep)" in text
    status, text = host.sh(f"ferry device show {vf} --probe")
    assert status == 1 and f"{vf} is used by process" in text
    # D7: a new start of ferryd sees what the old one saw
    seen = devices(host)
    restart(host)
    assert devices(host) == seen and counts(host) == [(7, 7, 1, 6), (3, 7, 0, 3)]
    host("kill $(pidof sleep); sleep 0.5")

    # D6: plain vfio-pci; and one that no VFIO driver has
    shown = json.loads(host(f"ferry device show {vf} --probe --json"))
    assert shown["migration"]["message"] == (
        "not migratable: driver vfio-pci has no migration support; ephemeral possible")
    assert shown["facts"]["driver"] == "igb" and json.loads(host("ferry pool list --json; :"))["pools"] == []
    status, text = host.sh(f"ferry device show {vfs[0]['name']} --probe")
    assert status == 1 and "no-vfio-driver" in text

    # C3: what a boot takes, ferryd gives back to the PF that is named, before it says that it is ready
    host("for pf in pf0 pf1; do echo 0 >/sys/class/net/$pf/device/sriov_numvfs; done; udevadm settle")
    restart(host)
    until(lambda: counts(host), lambda rows: rows[1] == (0, 7, 0, 0) and rows[0][0] == 7, 60)
    assert "pf0 has its 7 VFs again" in host("cat /var/log/ferryd.log")

    host("ferry pf set-vfs pf0 0 --keep; udevadm settle")
    assert host("cat /etc/ferry/ferryd.conf") == "[pf pf0]\nvfs = 0\n"
    assert host(EVERYTHING) == before
