"""ferry migrate as a user meets it: what works, what is refused, what is undone.  Evidence is the guest's own."""
import contextlib
import html
import json
import os
import random
import re
import signal
import subprocess
import time
import uuid

import libvirt
import pytest

from pair import guests, web
from pair.ferry import CONFIG, PREFIX
from pair.namespaces import wait_for

SLOW = ("--bandwidth", "8Mi")  # 75 MiB of guest memory then take 9 s


def nics_heard(pair, mark):
    """How many e1000e NICs the guest said it has, in order, each number once per stretch."""
    heard = []
    for beat in pair.monitor.beats[mark:]:
        if not heard or heard[-1] != beat.nics:
            heard.append(beat.nics)
    return heard


def transferring(job):
    return job["phase"] == "transfer" and (job.get("progress") or {}).get("bytes", 0) > 1 << 20


@contextlib.contextmanager
def configured(hosts, **values):
    """With other values of [migrate] in their ferryd.conf."""
    def configure(host, sections):
        host.ferryd.stop()
        host.ferryd.configure(sections)
        host.ferryd.start()
        host.ferryd.wait_libvirt()

    for host in hosts:
        configure(host, {**CONFIG, "migrate": {**CONFIG["migrate"], **values}})
    try:
        yield
    finally:
        for host in hosts:
            configure(host, CONFIG)


def test_as_many_as_may_move_at_once(pair):
    mark = pair.fresh("plain")
    with configured(pair.hosts, max_out=1, max_in=1):
        pair.alpha.libvirt.createXML(guests.bare("second"))
        job = pair.alpha.migrate(pair.beta, "g1", *SLOW)
        job.wait_until("transferring", transferring)
        done = pair.alpha.ferry("--json", "migrate", "second", "--to", "beta", check=False)
        assert done.returncode == 1
        assert {reason["code"] for reason in json.loads(done.stdout)["reasons"]} == {"source-busy", "target-busy"}
        job.wait()
        pair.assert_moved(mark, pair.alpha, job)
        pair.alpha.ferry("migrate", "second", "--to", "beta")
        pair.beta.domain("second").destroy()


def test_plain(pair):
    """A guest without devices of the host: there and, at once, back (M13)."""
    mark = pair.fresh("plain")
    pair.alpha.domain("g1").setAutostart(1)
    with pair.ping() as ping:
        done = pair.alpha.ferry("--json", "migrate", "g1", "--to", "beta")
    job = json.loads(done.stdout.splitlines()[-1])
    pair.assert_moved(mark, pair.alpha)
    assert (job["state"], job["outcome"], job["runs_on"]) == ("done", "migrated", "beta")
    assert job["degraded"] == [] and job["progress"]["bytes"] > 1 << 20
    assert 0 < job["blackout_ms"] <= pair.monitor.blackout_ms(mark) + 50
    assert pair.beta.domain("g1").autostart() == 1
    assert ping.received > ping.sent // 2
    assert pair.alpha.ferryd.records(job["id"]) == ["PLANNED", "TRANSFER", "HANDOFF", "COMMITTED", "DONE"]
    assert pair.beta.ferryd.records(job["id"]) == ["RESERVED", "PREPARED", "COMMIT", "RUNNING", "DONE"]
    mark = pair.monitor.mark()
    pair.beta.ferry("migrate", "g1", "--to", "alpha")
    pair.assert_moved(mark, pair.beta)
    assert pair.alpha.domain("g1").autostart() == 1


def test_as_virt_install_makes_it(pair):
    """A qcow2 disk with a backing file, a libvirt network, VNC, an agent's channel: there and back, and by a file."""
    pair.fresh("plain")
    folder = f"{pair.folder}/images"
    os.makedirs(folder)
    pair.alpha.run("sh", "-c", f"cd {folder} && qemu-img create -q -f qcow2 base 16M && qemu-img create -q -f qcow2 -b base -F qcow2 top")
    with contextlib.ExitStack() as configured:
        for host in pair.hosts:
            configured.enter_context(host.says_in("qemu.conf", f'shared_filesystems = [ "{folder}" ]'))
            host.libvirt.networkDefineXML(guests.LAN).create()
            configured.callback(host.run, "sh", "-c", "virsh net-destroy lan; virsh net-undefine lan", check=False)
        pair.alpha.libvirt.defineXML(guests.typical("web", f"{folder}/top", "lan")).create()
        pair.alpha.run("virsh", "snapshot-create-as", "web", "one")
        done = pair.alpha.ferry("migrate", "web", "--to", "beta", check=False)
        assert done.returncode == 1 and "has-snapshots: guest web has snapshots (1)" in done.stdout + done.stderr
        with pytest.raises(libvirt.libvirtError, match="cannot migrate domain with 1 snapshots"):
            pair.alpha.domain("web").migrate(pair.beta.libvirt, libvirt.VIR_MIGRATE_LIVE)
        pair.alpha.ferry("guest", "save", "web", "/tmp/web.save")  # which libvirt does
        pair.alpha.ferry("guest", "restore", "/tmp/web.save")
        pair.alpha.run("virsh", "snapshot-delete", "web", "one")
        for source, target in (pair.hosts, pair.hosts[::-1]):
            source.ferry("migrate", "web", "--to", target.name)
            pair.wait_done()
            assert target.state("web")[0] == 1 and source.domain("web") is None
        pair.alpha.ferry("guest", "save", "web", "/tmp/web.save", "--force")
        pair.alpha.ferry("guest", "restore", "/tmp/web.save")
        assert pair.alpha.state("web")[0] == 1
        pair.alpha.run("sh", "-c", "virsh destroy web && virsh undefine web && rm -f /tmp/web.save*")


def test_names(pair):
    """What libvirt takes as a name travels (K11): a long one, one of more than ASCII, one that looks like an option."""
    pair.clear()
    for name in ("n" * 200, "web nürnberg <&>", "--json"):
        pair.alpha.libvirt.createXML(guests.bare(html.escape(name)))
        assert pair.alpha.ferry("check", "--to", "beta", "--", name).returncode == 0
        pair.alpha.ferry("migrate", "--to", "beta", "--", name)
        assert name in pair.beta.ferry("guest", "list").stdout
        pair.beta.domain(name).destroy()


def test_the_same_request_twice_is_one_migration(pair):
    """Over HTTP with an Idempotency-Key: while the job runs, when it is over, and after a restart of ferryd."""
    def ask(**options):
        return web.ask(web.unix(pair.alpha), "POST", "/v1/migrations", {"guest": "g1", "to": "beta", **options}, headers)

    mark = pair.fresh("plain")
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    status, job = ask()
    assert status == 202
    assert (ask()[0], ask()[1]["id"]) == (202, job["id"])
    status, other = ask(max_downtime_ms=500)
    assert (status, other["type"]) == (409, "exists") and job["id"] in other["detail"]
    pair.alpha.job(job["id"]).wait()
    for _ in range(2):
        status, again = ask()
        assert (status, again["id"], again["state"]) == (202, job["id"], "done")
        pair.alpha.ferryd.restart()
    pair.assert_moved(mark, pair.alpha)
    headers = {"Idempotency-Key": "k" * 201}
    assert ask()[0] == 400


def test_ephemeral(pair):
    """The NIC is taken off, seen to be gone by the guest, and is back at the target; on the way back too (M13)."""
    mark = pair.fresh()
    for source, target in ((pair.alpha, pair.beta), (pair.beta, pair.alpha)):
        mark = pair.monitor.mark()
        done = source.ferry("migrate", "g1", "--to", target.name)
        pair.assert_moved(mark, source)
        assert re.search(rf"g1 runs on {target.name}: moved in [\d.]+ m?s, blackout \d+ ms, [\d.]+ MiB", done.stdout)
        wait_for("the guest to drive its NIC again", lambda: pair.monitor.next_beat().nics == 1)
        assert nics_heard(pair, mark) == [1, 0, 1]


def test_the_network_is_ready_when_the_guest_runs(pair):
    """M8: an announcement of the guest's address leaves the target within 50 ms of its first packet there."""
    mark = pair.fresh("plain")
    since = time.monotonic()
    pair.alpha.ferry("migrate", "g1", "--to", "beta")
    pair.assert_moved(mark, pair.alpha)
    first = next(beat.at for beat in pair.monitor.beats[mark:] if beat.host == "beta")
    announced = [at for at, host in pair.monitor.announcements if host == "beta" and at > since]
    assert announced and announced[0] - first < 0.05


def test_check_touches_nothing(pair):
    mark = pair.fresh()
    before = pair.alpha.domain("g1").XMLDesc()
    done = pair.alpha.ferry("check", "g1", "--to", "beta")
    assert "g1 can move to beta" in done.stdout and "ua-nic7 is taken off" in done.stdout
    assert pair.alpha.ferry("migrate", "g1", "--to", "beta", "--check").stdout == done.stdout
    assert pair.alpha.ferry_json("check", "g1", "--to", "beta")["verdict"] == "yes"
    assert pair.alpha.domain("g1").XMLDesc() == before
    assert not pair.alpha.ferryd.markers() and pair.beta.domain("g1") is None
    assert nics_heard(pair, mark) == [1]


def test_a_guest_that_ignores_the_unplug(pair):
    """A2, U2: deadline, rollback, a clear word; the device is still there, and comes back when released late."""
    mark = pair.fresh()
    pair.monitor.command("deaf")
    job = pair.alpha.migrate(pair.beta)
    shown = job.wait_until("waiting for the guest", lambda job: job["phase"] == "detach" and job["waiting_for"])
    assert "release ua-nic7" in shown["waiting_for"] and shown["since"]
    assert "waiting for" in pair.alpha.ferry("job", "show", job.id, check=False).stdout
    end = job.wait()
    assert end["state"] == "failed" and end["runs_on"] == "alpha"
    assert "did not release ua-nic7" in end["reasons"][0]["message"] and "12 s" in end["reasons"][0]["message"]
    assert pair.alpha.has_device("g1", "ua-nic7") and nics_heard(pair, mark) == [1]
    pair.assert_stayed(mark, pair.alpha, job)
    pair.monitor.command("hear")
    wait_for("the late unplug", lambda: 0 in nics_heard(pair, mark))
    wait_for("its repair", lambda: pair.monitor.next_beat().nics == 1, 15)
    pair.assert_stayed(mark, pair.alpha)


@pytest.mark.parametrize("connections, said", [(1, ["multifd: off"]), (3, ["multifd: on", "multifd-channels: 3"])])
def test_parallel_connections(pair, connections, said):
    mark = pair.fresh()
    job = pair.alpha.migrate(pair.beta, "g1", "--parallel", str(connections), *SLOW)
    job.wait_until("transferring", transferring)
    asked = [pair.alpha.run("virsh", "qemu-monitor-command", "g1", "--hmp", f"info migrate_{what}").stdout
             for what in ("capabilities", "parameters")]
    assert all(part in "".join(asked) for part in said)
    ended = job.wait()
    assert (ended["outcome"], ended["parallel"]) == ("migrated", connections)
    pair.assert_moved(mark, pair.alpha, job)


def test_a_fast_link_gets_more_connections(pair):
    mark = pair.fresh()
    with configured(pair.hosts, link_mib_s=3072):
        job = pair.alpha.migrate(pair.beta, "g1")
        assert job.wait()["parallel"] == 3
        pair.assert_moved(mark, pair.alpha, job)


def test_cancel_during_transfer(pair):
    """A1: everything is back within 10 s, and the next migration works."""
    mark = pair.fresh()
    job = pair.alpha.migrate(pair.beta, "g1", *SLOW)
    job.wait_until("transferring", transferring)
    pair.alpha.ferry("job", "cancel", job.id)
    end = job.wait(10)
    assert end["state"] == "cancelled" and end["runs_on"] == "alpha"
    pair.assert_stayed(mark, pair.alpha, job)
    wait_for("the NIC to be back", lambda: pair.monitor.next_beat().nics == 1)
    pair.alpha.ferry("migrate", "g1", "--to", "beta")
    pair.assert_moved(mark, pair.alpha)


class Terminal:
    """ferry migrate in the foreground, as in a terminal: it can be sent Ctrl-C."""

    def __init__(self, host, *arguments):
        self._process = subprocess.Popen(host.namespace.wrap([f"{PREFIX}/bin/ferry", *arguments]), text=True,
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def interrupt(self):
        with open(f"/proc/{self._process.pid}/task/{self._process.pid}/children", encoding="ascii") as file:
            os.kill(int(file.read()), signal.SIGINT)

    def end(self):
        out, err = self._process.communicate(timeout=60)
        return self._process.returncode, out, err


def test_ctrl_c_cancels_and_waits_for_the_undo(pair):
    mark = pair.fresh("plain")
    terminal = Terminal(pair.alpha, "migrate", "g1", "--to", "beta", *SLOW)
    wait_for("the transfer", lambda: any(map(transferring, pair.alpha.jobs())))
    terminal.interrupt()
    code, out, err = terminal.end()
    assert code == 12 and "asked to cancel" in err and "g1 runs on alpha" in out
    pair.assert_stayed(mark, pair.alpha)


def test_a_second_ctrl_c_leaves_the_job_running(pair):
    """The target does not answer meanwhile, so there is time for it: the undo waits for its word."""
    mark = pair.fresh("plain")
    terminal = Terminal(pair.alpha, "migrate", "g1", "--to", "beta", *SLOW)
    wait_for("the transfer", lambda: any(map(transferring, pair.alpha.jobs())))
    pair.beta.ferryd.send(signal.SIGSTOP)
    try:
        terminal.interrupt()
        wait_for("the job to be cancelling", lambda: pair.alpha.jobs()[0]["state"] == "cancelling")
        time.sleep(1)
        terminal.interrupt()
        code, _, err = terminal.end()
    finally:
        pair.beta.ferryd.send(signal.SIGCONT)
    job = pair.alpha.job(pair.alpha.jobs()[0]["id"])
    assert code == 12 and f"job {job.id} goes on" in err and "ferry job watch" in err
    assert job.wait()["state"] == "cancelled"
    pair.assert_stayed(mark, pair.alpha, job)


def test_a_guest_paused_by_its_user_stays_paused(pair):
    mark = pair.fresh("plain")
    pair.alpha.domain("g1").suspend()
    before = pair.monitor.beats[-1]
    job = pair.alpha.migrate(pair.beta)
    assert job.wait()["runs_on"] == "beta"
    assert pair.states() == {"alpha": None, "beta": (3, 1)} and pair.monitor.silent(0.5)
    pair.beta.domain("g1").resume()
    assert pair.monitor.next_beat(host="beta").number > before.number
    pair.assert_moved(mark, pair.alpha, job)


def test_cancelled_around_the_point_of_no_return(pair, request):
    """A6: every cancellation answers "aborted, runs at the source" or "too late, runs at the target", and it is true."""
    chance = random.Random(6)
    ends = []
    for _ in range(20 if request.config.getoption("long") else 2):
        mark = pair.fresh("plain")
        job = pair.alpha.migrate(pair.beta)
        job.wait_until("transferring", lambda job: job["phase"] not in ("plan", "check", "reserve", "prepare"))
        time.sleep(chance.uniform(0, 2))
        asked = pair.alpha.ferry("job", "cancel", job.id, check=False)
        end = job.wait()
        ends.append(end["runs_on"])
        if end["state"] == "cancelled":
            pair.assert_stayed(mark, pair.alpha, job)
        else:
            assert end["state"] == "done" and asked.returncode != 0 and asked.stderr
            pair.assert_moved(mark, pair.alpha, job)
    assert set(ends) <= {"alpha", "beta"}
