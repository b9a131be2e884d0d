"""What is begun and does not come to its end: cancelled in each phase, a guest or a device that refuses, VFs that break."""
import json
import os
import time
from random import Random

import pytest

from every_way import MARK, VF_MAC, assert_devices, mdev_of, settings, start, vf_of
from ferrylab import scene
from hybrid import changes, claims, hybrids, inventory, restart_ferryd, until
from travel import clean, pair  # noqa: F401 (fixtures)

ENDED = ("done", "refused", "failed", "cancelled")


def job_of(host, job):
    return json.loads(host.sh(f"ferry job show {job} --json")[1])


def begin(host, other):
    """A migration of g1; gives the job's id."""
    return json.loads(host(f"ferry migrate g1 --to {other.name} --allow-degraded --detach --json"))["id"]


def until_phase(host, job, *phases):
    return until(lambda: job_of(host, job)["phase"], lambda now: now in phases, 120)[0]


def until_ended(host, job, state):
    """How it ended, as people see it."""
    now, took = until(lambda: job_of(host, job), lambda now: now["state"] in ENDED, 180)
    assert now["state"] == state, now
    print(f"{state} after {took:.1f} s more: {'; '.join(row['message'] for row in now.get('reasons', []))}")
    return now


def let_go(host, job):
    """The guest's firmware answers no unplug; what is asked for goes when the guest boots again."""
    while job_of(host, job)["phase"] == "detach":
        host.sh("timeout 2 virsh -q reset g1")  # once the transfer has begun libvirt would keep it waiting until that is over


def cancel(host, job):
    host(f"ferry job cancel {job}")
    return until_ended(host, job, "cancelled")


class Before:
    """What both hosts have while the guest runs at alpha, which nothing that is undone may change."""

    def __init__(self, alpha, beta):
        self.hosts = alpha, beta
        self.seen = self.look()

    def look(self):
        alpha, beta = self.hosts
        row = hybrids(alpha, "g1")[0]
        return {"alpha": inventory(alpha), "beta": inventory(beta), "hybrid": row, "own": vf_of(alpha), "mdev": mdev_of(alpha),
                "settings": settings(alpha, row["netdev"], row["vf_index"])}

    def check(self):
        alpha, beta = self.hosts
        assert_devices(alpha, 1)
        # alpha's job ends when beta has taken the decision down, which beta then carries out: docs/handover.md, row S19
        until(lambda: claims(beta) + beta("virsh -q list --all --name; ls /var/lib/ferry/hold").split(),
              lambda left: left == [], 60)
        found = changes(self.seen, self.look())
        assert not found, "\n".join(found)
        assert [host("ls /var/lib/ferry/hold").split() for host in self.hosts] == [[], []]
        assert beta("virsh -q list --all --name; ls /sys/bus/mdev/devices").split() == []


def test_cancelled_in_each_phase(clean):  # noqa: F811
    """A1, A2: before the handover, whatever it is at, the guest keeps its devices or has them back: VFs in their slots with
    MAC and VLAN.  The other host has nothing."""
    alpha, beta = clean
    start(alpha, 1, asks=True)
    before = Before(alpha, beta)
    for point in ("T.RESERVED.after", "T.PREPARED.before"):
        restart_ferryd(beta, point)  # beta's ferryd dies there, so that it lasts
        job = begin(alpha, beta)
        until(lambda: beta.sh("pidof ferryd")[0], lambda status: status != 0, 60)
        assert job_of(alpha, job)["phase"] in ("reserve", "prepare")
        alpha(f"ferry job cancel {job}")
        beta.start_ferryd()
        until_ended(alpha, job, "cancelled")
        before.check()

    job = begin(alpha, beta)
    until_phase(alpha, job, "detach")
    cancel(alpha, job)
    assert_devices(alpha, 1)
    # it lets go of what it was asked for, too late: it gets that back
    alpha("(sleep 2; virsh -q reset g1) & virsh -q event g1 device-removed --timeout 60; wait")
    until(lambda: vf_of(alpha), lambda now: now is not None, 60)
    before.check()

    job = begin(alpha, beta)
    until_phase(alpha, job, "detach")
    let_go(alpha, job)
    until_phase(alpha, job, "transfer")
    assert vf_of(alpha) is None
    cancel(alpha, job)
    before.check()


def test_device_refuses_its_state(clean):  # noqa: F811
    """A5, A9: what is at beta under the name that was reserved is another type: all is undone, and libvirt's word is told."""
    alpha, beta = clean
    start(alpha, 1, asks=True)
    before = Before(alpha, beta)
    job = begin(alpha, beta)
    until_phase(alpha, job, "detach")
    uuid = beta("ls /sys/bus/mdev/devices").strip()
    beta(f"echo 1 >/sys/bus/mdev/devices/{uuid}/remove; echo {uuid} >/sys/class/mdev_bus/mtty/mdev_supported_types/mtty-2/create")
    let_go(alpha, job)
    reasons = until_ended(alpha, job, "failed")["reasons"]
    beta(f"[ ! -e /sys/bus/mdev/devices/{uuid} ] || echo 1 >/sys/bus/mdev/devices/{uuid}/remove")
    assert [row["code"] for row in reasons] == ["transfer-failed"] * 2 and "migration out" in reasons[1]["message"], reasons
    before.check()


def break_reserved(host):
    """VFs that are claimed there let no driver be chosen any more.  Returns their names by the aliases that they are for."""
    rows = json.loads(host("ferry device list --json"))["devices"]
    broken = {row["claim"]["alias"]: row["name"] for row in rows if row["bus"] == "pci" and "claim" in row}
    for name in broken.values():
        host(f"mount --bind /dev/null /sys/bus/pci/devices/{name}/driver_override")
    return broken


def test_reserved_vf_breaks(clean):  # noqa: F811
    """A4: VFs that were there when they were reserved take no driver now.  The guest runs over there, its hybrid gets another one
    of the pool; its own VF is told to be missing, and comes when what is broken is mended."""
    alpha, beta = clean
    start(alpha, 1, asks=True)
    scene.poke(alpha, MARK, "g1")
    job = begin(alpha, beta)
    until_phase(alpha, job, "detach")
    broken = break_reserved(beta)
    assert sorted(broken) == ["ua-net0-vf", "ua-nic7"]
    let_go(alpha, job)
    now = until_ended(alpha, job, "done")
    print(f"degraded: {now['degraded']}")
    assert alpha.sh(f"ferry job watch {job}")[0] == 22
    assert [row["alias"] for row in now["degraded"]] == ["ua-nic7"] and "ferryd goes on trying" in now["degraded"][0]["message"]
    assert hybrids(beta, "g1")[0]["state"] == "plugged" and hybrids(beta, "g1")[0]["vf"] != broken["ua-net0-vf"]
    for name in broken.values():
        beta(f"umount /sys/bus/pci/devices/{name}/driver_override")
    _, took = until(lambda: vf_of(beta), lambda found: found is not None, 150)
    print(f"mended {took:.0f} s later")
    assert vf_of(beta) == broken["ua-nic7"] and scene.peek(beta, "g1") == MARK
    assert_devices(beta, 1)
    assert claims(alpha) == []


def test_vf_still_open(clean):  # noqa: F811
    """A3: another process has the guest's own VF open for longer than the guest.  The kernel takes it from vfio-pci only when that
    ends; until then the job waits, and then all goes on."""
    alpha, beta = clean
    start(alpha, 1)
    own = vf_of(alpha)
    alpha(f"node=/dev/vfio/devices/$(ls /sys/bus/pci/devices/{own}/vfio-dev); sleep 600 <$node >/dev/null 2>&1 & echo $! >/tmp/user")
    job = begin(alpha, beta)
    until(lambda: alpha(f"ls /sys/bus/pci/devices/{own}"), lambda files: "driver" not in files.split(), 60)
    time.sleep(6)
    now = job_of(alpha, job)
    assert (now["phase"], now["waiting_for"]) == ("detach", "the guest to release ua-nic7")
    alpha("kill $(cat /tmp/user)")
    until_ended(alpha, job, "done")
    assert_devices(beta, 1)
    assert VF_MAC not in alpha("ip link show pf1")


def cancelled_after(here, there, pause_s):
    """One migration, cancelled that long after it was asked for.  Returns the job when it has ended."""
    job = begin(here, there)
    here.sh(f"sleep {pause_s:.2f}; ferry job cancel {job}")
    return until(lambda: job_of(here, job), lambda now: now["state"] in ENDED, 180)[0]


class Aim:
    """Moments in each phase, those in which fewest were cancelled first, learnt from the migrations before."""
    PHASES = ("reserve", "detach", "transfer")  # the target makes the devices while it reserves them

    def __init__(self, chance):
        self.chance, self.hits, self.windows = chance, dict.fromkeys(self.PHASES, 0), {}

    def next(self):
        begin_s, end_s = self.windows.get(min(self.hits, key=self.hits.get), (0, 10))
        return max(0, self.chance.uniform(begin_s, end_s) - 0.3)  # the command takes its time, too

    def learn(self, job):
        """When its phases were; counts the one in which it was cancelled, if it was."""
        ended_s, last = 0, None
        for row in job["phases"]:
            took_s = row["duration_ms"] / 1000
            if row["phase"] in self.PHASES:
                last = row["phase"]
                self.windows.setdefault(last, (ended_s, ended_s + took_s))
                if job["state"] == "done":
                    self.windows[last] = ended_s, ended_s + took_s
            ended_s += took_s
        if job["state"] == "cancelled" and last:
            self.hits[last] += 1


@pytest.fixture
def tries(request):
    return int(os.environ.get("FERRY_LAB_CANCELS", "100" if request.config.getoption("--long") else "2"))


def test_cancelled_at_any_moment(clean, tries):  # noqa: F811
    """A1, A6: what a cancel answers is true, and the host where the guest is not has nothing of it."""
    here, there = clean
    aim = Aim(Random(tries))
    start(here, 1)
    for _ in range(tries):
        job = cancelled_after(here, there, aim.next())
        assert job["state"] in ("cancelled", "done"), job
        aim.learn(job)
        if job["state"] == "done":
            here, there = there, here
        until(lambda: claims(there), lambda rows: rows == [], 60)
        assert_devices(here, 1)
        assert there("virsh -q list --all --name; ls /sys/bus/mdev/devices; ls /var/lib/ferry/hold").split() == []
    print(f"cancelled in {aim.hits}, of {tries}")
    assert sum(aim.hits.values()) > 0
