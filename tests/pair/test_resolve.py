"""N4: a host burns down while the guest changes hosts; an operator decides for the other one; then the host is back.

Burning down is the end of all that runs there, ferryd, libvirtd and QEMU at once, and of its wire; its disk stays.
"""
import pytest

from pair.namespaces import wait_for


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
    pair.assert_runs_only_at(kept)


def test_keep_target(pair, burn):
    """S burns down after HANDOFF, its GO unheard: without its journal the guest starts from disk at T."""
    mark = pair.fresh()
    job = stop_at(pair, "alpha", "S.HANDOFF.after")
    wait_in_doubt(pair.beta, job)
    burn(pair.alpha)
    done = resolve(pair.beta, job, "target", "--cold", fenced="alpha")
    assert done.returncode == 0, done.stderr
    assert pair.monitor.next_beat(90, "beta").boot != pair.monitor.beats[mark].boot
    assert pair.beta.ferryd.record(job.id, "RESOLVED")["kept"] == "disk"
    assert_overruled(pair, burn, pair.beta, job, "migrated")
    assert pair.beta.domain("g1").isPersistent()
