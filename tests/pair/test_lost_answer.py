"""The link between the ferryds is cut at every stage of the handover, and heals after a while, or does not.

While it is cut: exactly one guest runs, or none runs and both sides say "in doubt".  Once it is whole:
one guest, and nothing to do for anybody.  lost-answer-demo shows libvirt alone at the same moment.
"""
import signal
import time

import pytest

from pair.ferry import PORT
from pair.namespaces import wait_for

RUNNING, PAUSED = 1, 3


def start_transfer(pair):
    """A migration that takes 4 s, well under way."""
    job = pair.alpha.migrate(pair.beta, "g1", "--bandwidth", "20Mi")
    job.wait_until("half done", lambda job: (job.get("progress") or {}).get("bytes", 0) > 30 << 20)
    return job


def cut_at_finish(pair):
    """libvirt's client has asked "finish"; the question never reaches the target."""
    job = start_transfer(pair)
    pair.wire.cut("beta", match=f"tcp dport {PORT}")
    wait_for("the source to stand still", lambda: pair.alpha.state("g1") == (PAUSED, 2))
    time.sleep(0.5)
    pair.wire.cut()
    return job


def cut_when_complete(pair):
    """The target is complete; its word of that never reaches the source."""
    job = start_transfer(pair)
    pair.wire.cut("alpha", match=f"tcp sport {PORT}")
    wait_for("the target to be complete", lambda: pair.beta.state("g1") == (PAUSED, 1))
    pair.wire.cut()
    return job


def cut_at(side, point):
    """The cut that comes while @side's ferryd stands at @point of its journal."""
    def cut(pair):
        host = getattr(pair, side)
        host.ferryd.restart(FERRY_STOP_AT=point)
        job = pair.alpha.migrate(pair.beta)
        pair.wait_stopped(host, job)
        pair.wire.cut()
        host.ferryd.send(signal.SIGCONT)
        return job

    return cut


def doubtful(pair, job):
    """Does no guest run, and do both sides say so?"""
    return [state and state[0] for state in pair.states().values()] == [PAUSED, PAUSED] and \
        {host.job(job.id).show()["state"] for host in pair.hosts} == {"in_doubt"}


def runs_at(pair, host):
    return pair.states()[host.name] == (RUNNING, pair.states()[host.name][1])


# name, how it is cut, where the guest runs while the link is down (None: nowhere, in doubt), where in the end
CUTS = [
    ("finish asked, target not complete", cut_at_finish, "alpha", "alpha"),
    ("complete, before HANDOFF", cut_when_complete, "alpha", "alpha"),
    ("HANDOFF, before GO", cut_at("alpha", "S.HANDOFF.after"), None, "beta"),
    ("GO, before RUNNING", cut_at("beta", "T.COMMIT.before"), "beta", "beta"),
    ("RUNNING, before release", cut_at("alpha", "S.COMMITTED.before"), "beta", "beta"),
]


@pytest.mark.parametrize("heals", ["heals", pytest.param("late", marks=pytest.mark.long)])
@pytest.mark.parametrize("cut, meanwhile, end", [row[1:] for row in CUTS], ids=[row[0] for row in CUTS])
def test_the_link_is_cut(pair, cut, meanwhile, end, heals, count):
    mark = pair.fresh()
    pair.alpha.domain("g1").setAutostart(1)
    job = cut(pair)
    since = time.monotonic()
    if meanwhile is None:
        wait_for("both sides to be in doubt", lambda: doubtful(pair, job), 8)
    else:
        wait_for(f"the guest to run at {meanwhile}", lambda: runs_at(pair, getattr(pair, meanwhile)))
        pair.monitor.next_beat(host=meanwhile)
    time.sleep(max(0, {"heals": 3, "late": 12}[heals] - (time.monotonic() - since)))
    pair.monitor.assert_one_guest(mark)  # and neither side has changed its mind
    if meanwhile is None:
        assert doubtful(pair, job) and pair.monitor.silent(0.5)
        shown = pair.alpha.ferry("job", "show", job.id, check=False)
        assert shown.returncode == 23 and "in_doubt" in shown.stdout
    else:
        assert [name for name, state in pair.states().items() if state and state[0] == RUNNING] == [meanwhile]
        pair.monitor.next_beat(host=meanwhile)
    pair.wire.heal()
    wait_for("the job to end by itself", lambda: job.show()["state"] in ("done", "failed", "cancelled"), 15)
    (pair.assert_moved if end == "beta" else pair.assert_stayed)(mark, pair.alpha, job)
    assert getattr(pair, end).domain("g1").autostart() == 1
    count("in the handover: link")


ONE_WAY = [pytest.param((name,), marks=pytest.mark.long, id=f"{name} deaf") for name in ("alpha", "beta")]


@pytest.mark.parametrize("deaf", [pytest.param((), id="both ways"), *ONE_WAY])
def test_the_link_is_cut_in_transfer(pair, deaf, count):
    """N1, N6: the source gives up within 10 s and has its device back; the target is empty after its lease."""
    mark = pair.fresh()
    job = pair.alpha.migrate(pair.beta, "g1", "--bandwidth", "4Mi")
    job.wait_until("transferring", lambda job: (job.get("progress") or {}).get("bytes", 0) > 4 << 20)
    pair.wire.cut(*deaf)
    job.wait_until("given up", lambda job: job["phase"] in (None, "undo"), 10)
    end = job.wait()
    assert end["state"] == "failed" and end["runs_on"] == "alpha" and end["reasons"]
    wait_for("the NIC to be back", lambda: pair.monitor.next_beat().nics == 1)
    wait_for("the target to be empty", lambda: pair.beta.domain("g1") is None, 20)
    pair.wire.heal()
    pair.assert_stayed(mark, pair.alpha, job)
    count("in the transfer: link")


def test_the_link_flaps(pair, count):
    """N6: a second there, a second not, and so on: the migration comes to its end, the same for both hosts."""
    mark = pair.fresh()
    job = pair.alpha.migrate(pair.beta, "g1", "--bandwidth", "20Mi")
    until = time.monotonic() + 90
    while job.show()["state"] not in ("done", "failed"):
        assert time.monotonic() < until, job.show()
        pair.wire.cut()
        time.sleep(1)
        pair.wire.heal()
        time.sleep(1)
    pair.assert_at_home(pair.where(job.id), job)
    pair.monitor.assert_one_guest(mark)
    count("in a migration: a link that flaps")
