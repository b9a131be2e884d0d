"""N4: a host burns down while the guest changes hosts; an operator decides for the other one, or the host is back.

Burning down is the end of all that runs there, ferryd, libvirtd and QEMU at once, and of its wire; its disk stays.
"""
import glob
import shutil
import signal

import pytest

from pair.namespaces import wait_for

PAUSED = 3


@pytest.fixture
def burn(pair):
    """A function that burns a host down; afterwards every host is up again."""
    down = []

    def burn_down(host):
        pair.wire.cut()
        host.power_off()
        down.append(host)

    burn_down.down = down
    yield burn_down
    for host in down:
        bring_back(pair, host)


def bring_back(pair, host):
    pair.wire.heal()
    host.power_on()


def evidence(host, folder):
    """The database of a burnt host, brought to the other: with the log that has the newest records."""
    for path in glob.glob(f"{host.ferryd.state}/ferry.db*"):
        shutil.copy(path, folder)
    return f"{folder}/ferry.db"


def stop_at(pair, side, point):
    """A migration whose ferryd at @side stands at @point of its journal."""
    host = getattr(pair, side)
    host.ferryd.restart(FERRY_STOP_AT=point)
    job = pair.alpha.migrate(pair.beta)
    pair.wait_stopped(host, job)
    return job


def wait_in_doubt(host, job):
    def doubts():
        done = host.ferry("--json", "job", "show", job.id, check=False)
        return done.returncode == 23

    wait_for(f"{host.name} to be in doubt", doubts, 60)


def resolve(host, job, keep, *options, fenced):
    return host.ferry("resolve", job.id, "--keep", keep, "--fenced", fenced, "--reason", "a test burnt it", *options,
                      check=False)


def assert_overruled(pair, burn, kept, job, outcome):
    """The burnt host is back: it starts nothing, hears of the decision, and keeps nothing of the guest."""
    other = pair.other(kept)
    burn.down.remove(other)
    bring_back(pair, other)
    end = other.job(job.id).wait()
    assert end["outcome"] == outcome and end["reasons"][-1]["code"] == "overruled"
    wait_for("nothing of it to be left", lambda: other.domain("g1") is None and not other.ferryd.markers())
    assert kept.job(job.id).wait()["outcome"] == outcome
    wait_for("no marker", lambda: not kept.ferryd.markers())
    pair.monitor.next_beat(90, kept.name)  # it may just be starting from disk
    pair.assert_runs_only_at(kept)


def test_keep_source_that_the_target_never_took(pair, burn, tmp_path, count):
    """S has handed over, T burns down before it commits: its journal proves that, so the guest's memory goes on."""
    mark = pair.fresh()
    job = stop_at(pair, "beta", "T.COMMIT.before")
    wait_in_doubt(pair.alpha, job)
    burn(pair.beta)
    for keep, fenced in (("source", "gamma"), ("target", "beta")):
        assert resolve(pair.alpha, job, keep, fenced=fenced).returncode == 2
    done = resolve(pair.alpha, job, "source", "--journal", evidence(pair.beta, tmp_path), fenced="beta")
    assert done.returncode == 0, done.stderr
    end = job.wait()
    assert (end["state"], end["outcome"], end["runs_on"]) == ("failed", "aborted", "alpha")
    pair.monitor.next_beat(host="alpha")
    assert pair.monitor.hosts(mark) == ["alpha"]
    said = pair.alpha.ferryd.record(job.id, "RESOLVED")
    assert (said["kept"], said["fenced"], said["by"], said["reason"]) == ("memory", "beta", "local", "a test burnt it")
    assert "never ran there" in said["because"]
    assert_overruled(pair, burn, pair.alpha, job, "aborted")
    pair.assert_stayed(mark, pair.alpha)  # the same boot, its counter goes on, its device is back
    count("host burnt down, operator decides")


@pytest.mark.long
def test_keep_source_that_the_target_ran(pair, burn, tmp_path, count):
    """T committed and ran: S's memory is dead.  The command says so, and starts the guest from disk."""
    mark = pair.fresh()
    job = stop_at(pair, "alpha", "S.COMMITTED.before")
    pair.monitor.next_beat(host="beta")
    burn(pair.beta)
    journal = evidence(pair.beta, tmp_path)
    pair.alpha.ferryd.send(signal.SIGKILL)  # what it heard of RUNNING dies with it
    wait_in_doubt(pair.alpha, job)
    refused = resolve(pair.alpha, job, "source", "--journal", journal, fenced="beta")
    assert refused.returncode == 1 and "memory-lost" in refused.stderr and "--cold" in refused.stderr
    assert pair.alpha.state("g1")[0] == PAUSED and pair.monitor.silent(0.5)
    done = resolve(pair.alpha, job, "source", "--journal", journal, "--cold", fenced="beta")
    assert done.returncode == 0, done.stderr
    assert job.wait()["runs_on"] == "alpha"
    assert pair.monitor.next_beat(90, "alpha").boot != pair.monitor.beats[mark].boot
    assert pair.alpha.ferryd.record(job.id, "RESOLVED")["kept"] == "disk"
    assert_overruled(pair, burn, pair.alpha, job, "aborted")
    count("host burnt down, operator decides")


@pytest.mark.parametrize("kept", ["memory", pytest.param("disk", marks=pytest.mark.long)])
def test_keep_target(pair, burn, tmp_path, kept, count):
    """S burns down after HANDOFF, its GO unheard: with its journal the copy goes on, without it starts from disk."""
    mark = pair.fresh()
    job = stop_at(pair, "alpha", "S.HANDOFF.after")
    wait_in_doubt(pair.beta, job)
    burn(pair.alpha)
    options = ("--journal", evidence(pair.alpha, tmp_path)) if kept == "memory" else ("--cold",)
    done = resolve(pair.beta, job, "target", *options, fenced="alpha")
    assert done.returncode == 0, done.stderr
    beat = pair.monitor.next_beat(90, "beta")
    assert (beat.boot == pair.monitor.beats[mark].boot) == (kept == "memory")
    assert pair.beta.ferryd.record(job.id, "RESOLVED")["kept"] == kept
    assert_overruled(pair, burn, pair.beta, job, "migrated")
    assert pair.beta.domain("g1").isPersistent()
    if kept == "memory":
        pair.assert_moved(mark, pair.alpha)
    count("host burnt down, operator decides")


@pytest.mark.long
def test_the_source_never_comes_back(pair, burn, count):
    """T runs the guest and waits for S's last word; while S answers that is no case for an operator, then it is."""
    mark = pair.fresh()
    job = stop_at(pair, "alpha", "S.COMMITTED.before")
    pair.monitor.next_beat(host="beta")
    burn(pair.alpha)
    done = resolve(pair.beta, job, "target", fenced="alpha")
    assert done.returncode == 0, done.stderr
    end = pair.beta.job(job.id).wait()
    assert (end["state"], end["runs_on"]) == ("done", "beta") and not pair.beta.ferryd.markers()
    pair.monitor.assert_one_guest(mark)
    count("host burnt down, operator decides")


@pytest.mark.parametrize("point", ["S.HANDOFF.after", pytest.param("S.COMMITTED.before", marks=pytest.mark.long)])
def test_the_source_is_back(pair, burn, point, count):
    """R4, R5: handed over, S loses power and comes back: T's copy is the guest and goes on, without an operator."""
    mark = pair.fresh()
    job = stop_at(pair, "alpha", point)
    burn(pair.alpha)
    burn.down.remove(pair.alpha)
    bring_back(pair, pair.alpha)
    assert job.wait()["outcome"] == "migrated"
    pair.assert_moved(mark, pair.alpha, job)
    count("host burnt down, and comes back")


@pytest.mark.long
def test_the_source_is_back_that_had_not_handed_over(pair, burn, count):
    """R5: its QEMU is gone, and T's copy may not go on: nothing is held any more, the guest starts from disk at S."""
    mark = pair.fresh()
    job = stop_at(pair, "alpha", "S.HANDOFF.before")
    wait_in_doubt(pair.beta, job)
    burn(pair.alpha)
    burn.down.remove(pair.alpha)
    bring_back(pair, pair.alpha)
    assert job.wait()["outcome"] == "guest-ended" and pair.beta.job(job.id).wait()["outcome"] == "aborted"
    assert pair.beta.domain("g1") is None and not any(host.ferryd.markers() for host in pair.hosts)
    pair.monitor.assert_one_guest(mark)
    pair.alpha.domain("g1").create()  # the hook lets it
    pair.monitor.next_beat(90, "alpha")
    count("host burnt down, and comes back")


def test_a_host_that_answers_is_not_fenced(pair):
    """Stopped at HANDOFF, then both let go on: the job ends by itself, and the decision is refused until then."""
    mark = pair.fresh()
    job = stop_at(pair, "alpha", "S.HANDOFF.before")
    wait_in_doubt(pair.beta, job)
    pair.alpha.ferryd.send(signal.SIGCONT)
    done = resolve(pair.beta, job, "target", "--cold", fenced="alpha")
    assert done.returncode in (1, 2) and ("not-fenced" in done.stderr or "is over" in done.stderr)
    assert job.wait()["outcome"] == "migrated"
    pair.assert_moved(mark, pair.alpha, job)


AT = [pytest.param(f"{side}.RESOLVED.{when}", marks=[pytest.mark.long] * (side + when in ("Sbefore", "Tafter")))
      for side in "ST" for when in ("before", "after")]


@pytest.mark.parametrize("point", AT)
def test_crash_while_it_is_resolved(pair, burn, point, count):
    """The decision is in the journal, and then it is carried out, or it is not, and is to be given again."""
    mark = pair.fresh()
    kept, lost, keep = (pair.alpha, pair.beta, "source") if point[0] == "S" else (pair.beta, pair.alpha, "target")
    job = stop_at(pair, lost.name, "T.COMMIT.before" if keep == "source" else "S.HANDOFF.after")
    wait_in_doubt(kept, job)
    burn(lost)
    kept.ferryd.restart(FERRY_CRASH_AT=point)
    wait_in_doubt(kept, job)
    assert resolve(kept, job, keep, "--cold", fenced=lost.name).returncode not in (0, 1, 2)
    kept.ferryd.wait_ready()
    if point.endswith("before"):
        wait_in_doubt(kept, job)
        assert resolve(kept, job, keep, "--cold", fenced=lost.name).returncode == 0
    assert_overruled(pair, burn, kept, job, "aborted" if keep == "source" else "migrated")
    if keep == "source":  # without a disk its memory goes on
        pair.assert_stayed(mark, pair.alpha)
    count("host burnt down, ferryd killed at RESOLVED")
