"""Migrations back and forth, with kills at random moments among them: nothing grows.

A round is 30 migrations of which every third meets a kill, and 20 without, at whose begin and end the daemons are
looked at: no more file descriptors, threads or memory.  From round to round neither the database may grow (its
tombstones stay for tombstone_days: between rounds that time goes by in it) nor what is outside.
"""
import os
import random
import signal
import time

import pytest

from pair.ferry import CONFIG

MIGRATIONS = int(os.environ.get("FERRY_SOAK_MIGRATIONS", "500"))
SEED = int(os.environ.get("FERRY_SOAK_SEED", "8"))
ROUND, QUIET = 50, 20
TOMBSTONE_US = 31 * 24 * 3600 * 1000000  # longer than tombstone_days

# By how much they may differ between two looks: what is opened or freed at other moments, not once a migration.
SLACK = {"ferryd fds": 6, "ferryd threads": 6, "ferryd KiB": 4096, "libvirtd fds": 6, "libvirtd KiB": 8192,
         "database bytes": 256 << 10, "macvtaps": 0, "files in /run/ferry": 0, "markers": 0}
OF_A_ROUND = ("ferryd fds", "ferryd threads", "ferryd KiB", "libvirtd fds", "libvirtd KiB")
OF_ALL = ("database bytes", "libvirtd fds", "macvtaps", "files in /run/ferry", "markers")


def _process(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        status = dict(line.split(":", 1) for line in file)
    return len(os.listdir(f"/proc/{pid}/fd")), int(status["Threads"]), int(status["VmRSS"].split()[0])


def _in_use(host):
    """Of the database's file, which keeps for the next ones the room of all jobs that it ever held at a time."""
    used, free, size = (int(host.ferryd.sql(f"PRAGMA {name}", "-readonly"))
                        for name in ("page_count", "freelist_count", "page_size"))
    return (used - free) * size


@pytest.fixture
def patient(pair):
    """A guest may take its time to let a device go: what else the machine does meanwhile is not what is looked at."""
    def configure(sections):
        for host in pair.hosts:
            host.ferryd.stop()
            host.ferryd.configure(sections)
            host.ferryd.start()
            host.ferryd.wait_libvirt()

    configure({**CONFIG, "migrate": {**CONFIG["migrate"], "detach_timeout_s": 120}})
    yield pair
    configure(CONFIG)


def look(pair):
    """What must not grow, by host and name."""
    sizes = {}
    for host in pair.hosts:
        fds, threads, memory = _process(host.ferryd.pid)
        libvirt_fds, _, libvirt_memory = _process(host.libvirtd.pid)
        sizes[host.name] = {
            "ferryd fds": fds, "ferryd threads": threads, "ferryd KiB": memory,
            "libvirtd fds": libvirt_fds, "libvirtd KiB": libvirt_memory,
            "database bytes": _in_use(host), "macvtaps": host.macvtaps(),
            "files in /run/ferry": len(os.listdir(host.namespace.path("/run/ferry"))),
            "markers": len(host.ferryd.markers())}
    return sizes


def assert_no_growth(before, after, names):
    grown = [(host, name, before[host][name], after[host][name]) for host in before for name in names
             if after[host][name] > before[host][name] + SLACK[name]]
    assert not grown, grown


def let_tombstones_age(host):
    """ferryd forgets them when it starts, else once an hour."""
    host.ferryd.stop()
    host.ferryd.sql(f"UPDATE job SET created_us = created_us - {TOMBSTONE_US},"
                    f" updated_us = updated_us - {TOMBSTONE_US}")
    host.ferryd.start()
    host.ferryd.wait_libvirt()
    assert host.jobs() == []


def kill_something(pair, chance):
    """Somewhere from the plan to the clean-up; what died is started again.  Returns what it was."""
    time.sleep(chance.uniform(0, 2.5))
    host = chance.choice(pair.hosts)
    what = chance.choice(["ferryd", "ferryd", "ferryd", "libvirtd", "link"])
    if what == "ferryd":
        host.ferryd.send(signal.SIGKILL)
    elif what == "libvirtd":
        host.libvirtd.stop(signal.SIGKILL)
        host.start_libvirtd()
    else:
        pair.wire.cut()
        time.sleep(2)
        pair.wire.heal()
    for each in pair.hosts:
        each.ferryd.wait_ready()
        each.ferryd.wait_libvirt()
    return what


def migrate_once(pair, source, mark, kill=lambda: None):
    """Returns where the guest is then; whatever was killed, it is one, whole, and both hosts know."""
    job = source.migrate(pair.other(source))
    killed = kill()
    end = job.wait()
    assert killed or end["outcome"] == "migrated", end["reasons"]
    where = pair.where(job.id)
    if end["outcome"] != "migrated":
        pair.wait_whole(where)
    pair.assert_at_home(where, job)
    pair.monitor.assert_one_guest(mark)
    del pair.monitor.beats[mark:-1]  # judged
    return where


def one_round(pair, where, mark, chance, count):
    """Returns where the guest is, and what was seen at the begin and at the end of the quiet part."""
    for i in range(ROUND - QUIET):
        kill = (lambda: kill_something(pair, chance)) if i % 3 == 0 else (lambda: None)
        where = migrate_once(pair, where, mark, kill)
    count("in the soak: kill at a random moment", (ROUND - QUIET) // 3)
    for host in pair.hosts:
        let_tombstones_age(host)
    looks = []
    for quiet in range(QUIET):
        where = migrate_once(pair, where, mark)
        if where is pair.alpha and (len(looks) == 0 or quiet >= QUIET - 2):
            looks.append(look(pair))
    count("in the soak: migration", ROUND)
    return where, looks[0], looks[-1]


@pytest.mark.long
def test_soak(patient, count):
    pair, chance = patient, random.Random(SEED)
    mark = pair.fresh()
    where, first = pair.alpha, None
    for done in range(ROUND, MIGRATIONS + 1, ROUND):
        where, begin, end = one_round(pair, where, mark, chance, count)
        print(f"after {done} migrations: {end}", flush=True)
        assert_no_growth(begin, end, OF_A_ROUND)
        first = first or end
        assert_no_growth(first, end, OF_ALL)
