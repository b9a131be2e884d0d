"""kill -9 of either ferryd in the transfer and at every crash point that there is; it is started again as by systemd.

Afterwards: one running guest, the job ended and truthfully told by both sides, and definition, autostart,
device and hold markers as they should be.
"""
import signal
import subprocess

import pytest

from pair import programs
from pair.namespaces import wait_for

OF_SUCCESS = {"S": ("PLANNED", "DETACH", "TRANSFER", "HANDOFF", "COMMITTED", "DONE"),
              "T": ("RESERVED", "PREPARED", "COMMIT", "RUNNING", "DONE")}
SIDES = {"S": "alpha", "T": "beta"}


def crash_points():
    """Asked, not listed."""
    program = f"{programs.build()}/src/daemon/ferryd"
    return subprocess.run([program, "--list-crash-points"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()


# Those of devices, D, are the lab's: guests here have none.
POINTS = [point for point in crash_points() if point.split(".")[0] in SIDES]


def points(flow):
    """Those that a migration of this kind passes."""
    def is_of_success(point):
        side, record, _ = point.split(".")
        return record in OF_SUCCESS[side]

    return [point for point in POINTS if {"success": is_of_success(point), "abort": ".ABORTED." in point,
                                          "lost": ".LOST." in point}[flow]]


def test_every_point_is_in_a_test():
    elsewhere = [point for point in POINTS if ".RESOLVED." in point]  # the simulator alone dies at these
    assert sorted(POINTS) == sorted(points("success") + points("abort") + points("lost") + elsewhere)


def job_of(pair):
    """The one job that either host knows since the guest is fresh; None if none was begun."""
    for host in pair.hosts:
        for job in host.jobs():
            if job["id"] not in pair.seen:
                return job["id"]
    return None


def fresh(pair):
    """A fresh guest that starts by itself with its host."""
    pair.seen = {job["id"] for host in pair.hosts for job in host.jobs()}
    mark = pair.fresh()
    pair.alpha.domain("g1").setAutostart(1)
    return mark


def assert_one_end(pair, mark):
    """The job, if there is one, is over; the guest is whole where both sides say."""
    for host in pair.hosts:
        host.ferryd.wait_ready()
    job = job_of(pair)
    where = pair.where(job) if job else pair.alpha
    (pair.assert_stayed if where is pair.alpha else pair.assert_moved)(mark, pair.alpha, job and pair.alpha.job(job))
    assert where.domain("g1").autostart() == 1
    return where


@pytest.mark.parametrize("point", points("success"))
def test_crash_on_the_way(pair, point):
    mark = fresh(pair)
    host = getattr(pair, SIDES[point[0]])
    host.ferryd.restart(FERRY_CRASH_AT=point)
    starts = host.ferryd.starts
    pair.alpha.ferry("migrate", "g1", "--to", "beta", "--detach", check=False)
    wait_for(f"{host.name} to die at {point}", lambda: host.ferryd.starts > starts, 60)
    where = assert_one_end(pair, mark)
    decided = ["S.HANDOFF.after", "S.COMMITTED", "S.DONE", "T.COMMIT", "T.RUNNING", "T.DONE"]
    if any(point.startswith(name) for name in decided):
        assert where is pair.beta, "from HANDOFF on it only goes forward"


@pytest.mark.parametrize("point", points("abort"))
def test_crash_on_the_way_back(pair, point):
    mark = fresh(pair)
    host = getattr(pair, SIDES[point[0]])
    host.ferryd.restart(FERRY_CRASH_AT=point)
    starts = host.ferryd.starts
    job = pair.alpha.migrate(pair.beta, "g1", "--bandwidth", "8Mi")
    job.wait_until("transferring", lambda job: (job.get("progress") or {}).get("bytes", 0) > 1 << 20)
    pair.alpha.ferry("job", "cancel", job.id, check=False)
    wait_for(f"{host.name} to die at {point}", lambda: host.ferryd.starts > starts, 60)
    assert assert_one_end(pair, mark) is pair.alpha


@pytest.mark.parametrize("point", points("lost"))
def test_crash_when_the_guest_dies_at_the_target(pair, point):
    """The target has committed, then its QEMU dies: it may have run there, so the source's copy may not run again."""
    fresh(pair)
    pair.beta.ferryd.restart(FERRY_STOP_AT="T.COMMIT.after", FERRY_CRASH_AT=point)
    starts = pair.beta.ferryd.starts
    job = pair.alpha.migrate(pair.beta)
    pair.wait_stopped(pair.beta, job)
    pair.beta.kill_guest("g1")
    pair.beta.ferryd.send(signal.SIGCONT)
    wait_for(f"beta to die at {point}", lambda: pair.beta.ferryd.starts > starts, 60)
    ends = [host.job(job.id).wait() for host in pair.hosts]
    assert [end["outcome"] for end in ends] == ["lost", "lost"] and [end["runs_on"] for end in ends] == [None, None]
    assert all(state is None or state[0] == 5 for state in pair.states().values())
    assert not pair.alpha.ferryd.markers() and not pair.beta.ferryd.markers()


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_killed_in_transfer(pair, name):
    mark = fresh(pair)
    job = pair.alpha.migrate(pair.beta, "g1", "--bandwidth", "8Mi")
    job.wait_until("transferring", lambda job: (job.get("progress") or {}).get("bytes", 0) > 1 << 20)
    getattr(pair, name).ferryd.send(signal.SIGKILL)
    assert assert_one_end(pair, mark) is pair.alpha
    end = job.wait()
    assert end["state"] == "failed" and end["reasons"]
    assert pair.alpha.ferry("migrate", "g1", "--to", "beta").returncode == 0


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_libvirtd_killed_in_the_hold(pair, name):
    """The hold stands without libvirtd: QEMU is a child of neither."""
    mark = fresh(pair)
    pair.alpha.ferryd.restart(FERRY_STOP_AT="S.HANDOFF.before")
    job = pair.alpha.migrate(pair.beta)
    pair.wait_stopped(pair.alpha, job)
    host = getattr(pair, name)
    host.libvirtd.stop(signal.SIGKILL)
    host.start_libvirtd()
    pair.alpha.ferryd.send(signal.SIGCONT)
    job.wait()
    assert_one_end(pair, mark)
