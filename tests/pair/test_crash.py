"""kill -9 of all that can die, and cut links, at every crash point that there is; what died is started again.

At a point: the ferryd that passes it stands still there (FERRY_STOP_AT) while the victim dies, then goes on, unless
it is the victim itself.  Afterwards: one running guest by its own word, the job ended and told alike by both sides,
and definition, autostart, device and hold markers as they should be.  Each run counts in the table at the end.
"""
import signal
import subprocess
import time

import pytest

from pair import programs
from pair.ferry import FINAL
from pair.namespaces import HERE, wait_for

OF_SUCCESS = {"S": ("PLANNED", "DETACH", "TRANSFER", "HANDOFF", "COMMITTED", "DONE"),
              "T": ("RESERVED", "PREPARED", "COMMIT", "RUNNING", "DONE")}
SIDES = {"S": "alpha", "T": "beta"}
WHENS = ("before", "after")
SHUT_OFF = 5


def crash_points():
    """Asked, not listed."""
    program = f"{programs.build()}/src/daemon/ferryd"
    return subprocess.run([program, "--list-crash-points"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()


# Those of devices, D, are the lab's: guests here have none.
POINTS = [point for point in crash_points() if point.split(".")[0] in SIDES]


def points(flow):
    """Those that a migration of this kind passes."""
    def is_passed(point):
        side, name, _ = point.split(".")
        return {"success": name in OF_SUCCESS[side], "abort": name in ("ABORTED", "DONE"), "lost": name == "LOST"}[flow]

    return [point for point in POINTS if is_passed(point)]


# How each kind of death is done

def kill_ferryd(*names):
    def kill(pair):
        starts = {name: getattr(pair, name).ferryd.starts for name in names}
        for name in names:
            getattr(pair, name).ferryd.send(signal.SIGKILL)
        for name in names:
            wait_for(f"ferryd of {name} to be started again", lambda name=name:
                     getattr(pair, name).ferryd.starts > starts[name])

    return kill


def kill_libvirtd(name):
    def kill(pair):
        host = getattr(pair, name)
        host.libvirtd.stop(signal.SIGKILL)
        host.start_libvirtd()

    return kill


def kill_qemu(name):
    return lambda pair: getattr(pair, name).kill_guest("g1")


def cut(*deaf):
    """For longer than it takes both sides to be in doubt; then the link heals."""
    def fault(pair):
        pair.wire.cut(*deaf)
        for host in pair.hosts:
            host.ferryd.send(signal.SIGCONT)
        time.sleep(2)
        pair.wire.heal()

    return fault


KILLS = {
    "ferryd of the point": None,  # of its side: see kill_of()
    "ferryd of the other host": None,
    "both ferryds": kill_ferryd("alpha", "beta"),
    "libvirtd of the source": kill_libvirtd("alpha"),
    "libvirtd of the target": kill_libvirtd("beta"),
    "QEMU of the source": kill_qemu("alpha"),
    "QEMU of the target": kill_qemu("beta"),
    "link": cut(),
    "link to the source": cut("alpha"),
    "link to the target": cut("beta"),
}


def kill_of(kind, point):
    if kind.startswith("ferryd of"):
        own = kind == "ferryd of the point"
        return kill_ferryd(SIDES[point[0] if own else "T" if point[0] == "S" else "S"])
    return KILLS[kind]


# Where a QEMU is at which points: at the others there is none to kill, or the job has nothing to do with it any more.
QEMU_AT = {
    ("success", "QEMU of the source"): ("S.PLANNED", "S.DETACH", "S.TRANSFER", "S.HANDOFF", "S.COMMITTED", "T.RESERVED",
                                        "T.PREPARED", "T.COMMIT"),
    ("success", "QEMU of the target"): ("S.HANDOFF", "S.COMMITTED", "S.DONE", "T.COMMIT", "T.RUNNING", "T.DONE"),
    ("abort", "QEMU of the source"): ("S.ABORTED",),
    ("abort", "QEMU of the target"): ("S.ABORTED",),
}


def can_be(flow, point, kind):
    return "QEMU" not in kind or point.rsplit(".", 1)[0] in QEMU_AT.get((flow, kind), ())


ALL = [(flow, point, kind) for flow in ("success", "abort") for point in points(flow) for kind in KILLS
       if can_be(flow, point, kind)]


def representative():
    """Of each record one point with a kill of its own ferryd, and one with another kind, these in turn."""
    chosen, turn = [], 0
    others = [kind for kind in KILLS if kind != "ferryd of the point"]
    for flow in ("success", "abort"):
        for i, record in enumerate(dict.fromkeys(point.rsplit(".", 1)[0] for point in points(flow))):
            chosen.append((flow, f"{record}.{WHENS[i % 2]}", "ferryd of the point"))
            point = f"{record}.{WHENS[1 - i % 2]}"
            while not can_be(flow, point, others[turn % len(others)]):
                turn += 1
            chosen.append((flow, point, others[turn % len(others)]))
            turn += 1
    return chosen


def pytest_generate_tests(metafunc):
    if "kill" in metafunc.fixturenames:
        cases = ALL if metafunc.config.getoption("long") else representative()
        metafunc.parametrize("flow, point, kill", cases, ids=["-".join(case) for case in cases])


def test_every_point_and_every_kill_is_in_a_test():
    elsewhere = {point for point in POINTS if ".RESOLVED." in point}  # test_resolve.py
    assert set(POINTS) == {point for _, point, _ in ALL} | set(points("lost")) | elsewhere
    assert {point for _, point, _ in representative()} == {point for _, point, _ in ALL}
    assert {kind for _, _, kind in representative()} == set(KILLS)
    assert len(ALL) >= 200 and len(representative()) >= 30


# What a run is, and how it ends

def job_of(pair):
    """The one job that either host knows since the guest is fresh; None if none was begun."""
    for host in pair.hosts:
        for job in host.jobs():
            if job["id"] not in pair.seen:
                return job["id"]
    return None


def fresh(pair, variant="ephemeral"):
    """A fresh guest that starts by itself with its host."""
    pair.seen = {job["id"] for host in pair.hosts for job in host.jobs()}
    mark = pair.fresh(variant)
    pair.alpha.domain("g1").setAutostart(1)
    return mark


def reach(pair, flow, point):
    """A migration whose ferryd stands at @point; returns the command that waits for that ferryd's answer."""
    host = getattr(pair, SIDES[point[0]])
    host.ferryd.restart(FERRY_STOP_AT=point)
    if flow == "abort":
        job = pair.alpha.migrate(pair.beta, "g1", "--bandwidth", "8Mi")
        job.wait_until("transferring", lambda job: (job.get("progress") or {}).get("bytes", 0) > 1 << 20)
        command = pair.alpha.ferry_later("job", "cancel", job.id)
    else:
        command = pair.alpha.ferry_later("migrate", "g1", "--to", "beta", "--detach")
    wait_for(f"{host.name} to stand at {point}", host.ferryd.is_stopped, 60)
    return command


def decided(point):
    """Has the target committed, or will it once it hears?"""
    return point == "S.HANDOFF.after" or point.split(".")[1] in ("COMMITTED", "COMMIT", "RUNNING", "DONE")


def ends_at(flow, point, kill):
    """The hosts where the guest may run in the end; none when the copy died that alone could go on."""
    record = point.rsplit(".", 1)[0]
    if kill == "QEMU of the target":  # before COMMIT is written T has looked: that is as after it (T12)
        return ("alpha",) if flow == "abort" or record == "S.HANDOFF" else ()
    if kill == "QEMU of the source":
        return ("beta",) if record in ("S.HANDOFF", "S.COMMITTED", "T.COMMIT") else ()
    if flow == "abort":
        return ("alpha",)
    return ("beta",) if decided(point) else ("alpha", "beta")


def assert_one_end(pair, mark):
    """The job, if there is one, is over; the guest is whole where both sides say."""
    job = job_of(pair)
    where = pair.where(job) if job else pair.alpha
    (pair.assert_stayed if where is pair.alpha else pair.assert_moved)(mark, pair.alpha, job and pair.alpha.job(job))
    assert where.domain("g1").autostart() == 1
    return where


def assert_none_left(pair, mark):
    """The guest is dead and nothing of it is held: it starts from disk where it is defined, which is at one host."""
    job = job_of(pair)
    ends = {host.job(job).wait()["outcome"] for host in pair.hosts if job in {row["id"] for row in host.jobs()}}
    wait_for("both hosts to be done with the guest", lambda: not any(host.ferryd.markers() for host in pair.hosts))
    wait_for("no copy to be left", lambda: {state and state[0] for state in pair.states().values()} <= {None, SHUT_OFF})
    pair.monitor.assert_one_guest(mark)
    homes = [host for host in pair.hosts if host.domain("g1")]
    assert len(homes) == 1 and homes[0].domain("g1").autostart() == 1
    homes[0].domain("g1").create()  # the hook lets it
    return ends


def test_kill(pair, flow, point, kill, count):
    mark = fresh(pair)
    command = reach(pair, flow, point)
    kill_of(kill, point)(pair)
    for host in pair.hosts:
        host.ferryd.send(signal.SIGCONT)
    command.wait(60)
    for host in pair.hosts:
        host.ferryd.wait_ready()
    where = ends_at(flow, point, kill)
    if where:
        assert assert_one_end(pair, mark).name in where
    else:  # an aborted job's target does not know that the guest has ended since
        assert assert_none_left(pair, mark) in ({"migrated"}, {"lost"}, {"guest-ended"}, {"guest-ended", "aborted"})
    wait_for("no device to be left", lambda: sum(host.macvtaps() for host in pair.hosts) == 2)
    count(f"at a point: {kill}")


@pytest.mark.parametrize("point", points("lost"))
def test_crash_when_the_guest_dies_at_the_target(pair, point, count):
    """The target has committed, then its QEMU dies: it may have run there, so the source's copy may not run again."""
    mark = fresh(pair, "plain")
    pair.beta.ferryd.restart(FERRY_STOP_AT="T.COMMIT.after", FERRY_CRASH_AT=point)
    starts = pair.beta.ferryd.starts
    job = pair.alpha.migrate(pair.beta)
    pair.wait_stopped(pair.beta, job)
    pair.beta.kill_guest("g1")
    pair.beta.ferryd.send(signal.SIGCONT)
    wait_for(f"beta to die at {point}", lambda: pair.beta.ferryd.starts > starts, 60)
    pair.beta.ferryd.wait_ready()
    assert assert_none_left(pair, mark) == {"lost"}
    count("at a point: QEMU, then ferryd of the target")


@pytest.mark.parametrize("point, ends", [("S.TRANSFER.after", {"guest-ended", "aborted"}), ("T.COMMIT.after", {"lost"})])
@pytest.mark.parametrize("kind, whose", [("zombie", "qemu-system-x86 Z"), ("stranger", "sleep S")])
def test_dead_guest_whose_pid_is_there(pair, point, ends, kind, whose, count):
    """A guest that died while ferryd was dead, too: its zombie is not taken for it, nor is who has its pid now touched."""
    mark = fresh(pair, "plain")
    host = getattr(pair, SIDES[point[0]])
    command = reach(pair, "success", point)
    host.ferryd.die()
    pid = host.run("cat", "/run/libvirt/qemu/g1.pid").stdout.strip()
    if kind == "stranger":
        host.kill_guest("g1")  # libvirt has seen it: later it would itself kill who has the pid
    with subprocess.Popen(host.namespace.wrap(["/usr/bin/python3", f"{HERE}/remains.py", kind, pid]),
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as remains:
        assert remains.stdout.readline() == "there\n"
        if kind == "zombie":  # libvirt waits for its end, too, and answers when it has come, or says "paused"
            wait_for("libvirt to see that QEMU dies",
                     lambda: host.run("timeout", "1", "virsh", "domstate", "g1", check=False).stdout.strip() != "running")
        host.ferryd.start()
        command.wait(60)
        job = host.job(job_of(pair))
        if kind == "zombie":
            time.sleep(2)
            assert (job.show()["state"] in FINAL, job.show()["runs_on"]) == (False, None)
        else:
            assert job.wait()["outcome"] in ends
        assert remains.communicate()[0].strip() == whose
    assert assert_none_left(pair, mark) == ends
    count(f"at a point: QEMU, as a {kind}")


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_killed_in_transfer(pair, name, count):
    mark = fresh(pair)
    job = pair.alpha.migrate(pair.beta, "g1", "--bandwidth", "8Mi")
    job.wait_until("transferring", lambda job: (job.get("progress") or {}).get("bytes", 0) > 1 << 20)
    getattr(pair, name).ferryd.send(signal.SIGKILL)
    for host in pair.hosts:
        host.ferryd.wait_ready()
    assert assert_one_end(pair, mark) is pair.alpha
    end = job.wait()
    assert end["state"] == "failed" and end["reasons"]
    assert pair.alpha.ferry("migrate", "g1", "--to", "beta").returncode == 0
    count("in the transfer: ferryd")
