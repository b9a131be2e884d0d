"""A guest that writes faster than the link takes it (M7): said in numbers, undone when nobody helps, and what helps."""
import pytest

from pair.ferry import CONFIG

NARROW = ("--bandwidth", "4Mi")


@pytest.fixture
def busy(pair):
    """The guest rewrites 8 MiB of random bytes of its memory over and over; beta and alpha give up after 15 s."""
    for host in pair.hosts:
        host.ferryd.configure({**CONFIG, "migrate": {**CONFIG.get("migrate", {}), "no_progress_s": 15}})
        host.ferryd.restart()
    mark = pair.fresh("plain")
    pair.monitor.command("fill 12")
    pair.monitor.command("dirty 800")  # KiB, a hundred times a second at most
    yield mark
    for host in pair.hosts:
        host.ferryd.configure()
        host.ferryd.restart()


def test_no_convergence_is_told_and_ends(pair, busy):
    job = pair.alpha.migrate(pair.beta, "g1", *NARROW)
    told = job.wait_until("no end in sight", lambda job: (job.get("progress") or {}).get("diverging"), 120)
    progress = told["progress"]
    assert progress["rounds"] <= 4 and progress["dirty_rate_bps"] >= 0.95 * progress["rate_bps"] > 0
    assert "--max-downtime" in told["waiting_for"] and "--auto-converge" in told["waiting_for"]
    assert told["timer"]["name"] == "no_progress_s" and told["timer"]["left_ms"] <= 15000
    assert progress["resent_bytes"] > 0 and progress["sent_bytes"] > progress["resent_bytes"]
    end = job.wait(60)
    assert end["state"] == "failed" and end["runs_on"] == "alpha"
    assert end["reasons"][0]["code"] == "no-progress"
    pair.assert_stayed(busy, pair.alpha, job)


def test_a_longer_stop_helps(pair, busy):
    """What is offered works: with the stop that the numbers ask for, it goes."""
    done = pair.alpha.ferry("migrate", "g1", "--to", "beta", "--max-downtime", "20s", *NARROW)
    assert "g1 runs on beta" in done.stdout
    pair.assert_moved(busy, pair.alpha)
