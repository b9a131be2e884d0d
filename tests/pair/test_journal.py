"""A7: the disk of ferryd's journal is full, fails or is read-only, before and during a migration; its database is damaged.

No migration begins that could not be written down, one that is under way ends, and none needs a restart of ferryd.
"""
import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time

import pytest

from pair.ferry import PREFIX, STATE
from pair.namespaces import HERE, wait_for

DATABASE = "ferry.db"


# A small disk

@pytest.fixture
def small_disk(pair):
    """A function that fills the disk of a host's journal: on both hosts a file system of 16 MiB of its own."""
    for host in pair.hosts:
        host.ferryd.stop()
        host.run("sh", "-c", f"cp -a {STATE} /run/state && mount -t tmpfs -o size=16M none {STATE} && "
                             f"cp -a /run/state/. {STATE}/ && rm -r /run/state")
        host.ferryd.start()
    yield lambda host: host.run("sh", "-c", f"cat /dev/zero >{STATE}/fill", check=False)
    for host in pair.hosts:
        host.ferryd.stop()
        host.run("sh", "-c", f"rm -f {STATE}/fill && umount {STATE}")  # what it was before
        host.ferryd.start()


def free(host):
    host.run("rm", f"{STATE}/fill")


def assert_moves_without_restart(pair, mark, starts):
    """Space is back, and so is the service, with the same ferryds."""
    pair.alpha.ferry("migrate", "g1", "--to", "beta")
    pair.assert_moved(mark, pair.alpha)
    assert [host.ferryd.starts for host in pair.hosts] == starts


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_a_full_disk_begins_no_migration(pair, small_disk, name, count):
    mark = pair.fresh("plain")
    starts = [host.ferryd.starts for host in pair.hosts]
    host = getattr(pair, name)
    small_disk(host)
    done = pair.alpha.ferry("migrate", "g1", "--to", "beta", check=False)
    said = done.stdout + done.stderr  # a first record may have found room in what the journal had taken before
    assert done.returncode not in (0, 23) and ("No space left" in said or "is full" in said), said
    pair.assert_stayed(mark, pair.alpha)
    free(host)
    assert_moves_without_restart(pair, mark, starts)
    count("journal: full disk")


# When; how it ends: at the first there is no room for the source's hold marker any more
FILLS_UP = [("S.TRANSFER.before", "aborted"), ("S.HANDOFF.before", "migrated"), ("T.COMMIT.before", "migrated"),
            ("S.COMMITTED.before", "migrated")]


@pytest.mark.parametrize("point, outcome", FILLS_UP)
def test_the_disk_fills_up_in_a_migration(pair, small_disk, point, outcome, count):
    """It is stopped before its point of no return, or not hindered: the room for its records is taken when it begins."""
    mark = pair.fresh("plain")
    host = pair.alpha if point[0] == "S" else pair.beta
    host.ferryd.restart(FERRY_STOP_AT=point)
    job = pair.alpha.migrate(pair.beta)
    pair.wait_stopped(host, job)
    for each in pair.hosts:
        small_disk(each)
    host.ferryd.send(signal.SIGCONT)
    assert job.wait()["outcome"] == outcome
    (pair.assert_moved if outcome == "migrated" else pair.assert_stayed)(mark, pair.alpha, job)
    for each in pair.hosts:
        free(each)
    count("journal: disk fills up in a migration")


# A disk that fails

@pytest.fixture(scope="module")
def preload(tmp_path_factory, ferries):
    """failing-disk.c, built, where the hosts see it."""
    built = str(tmp_path_factory.mktemp("failing-disk") / "failing-disk.so")
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", built,
                    f"{HERE}/failing-disk.c"], check=True)
    for host in ferries.hosts:
        shutil.copy(built, host.namespace.path("/run/failing-disk.so"))
    yield "/run/failing-disk.so"
    for host in ferries.hosts:
        os.remove(host.namespace.path("/run/failing-disk.so"))


@pytest.fixture
def failing_disk(pair, preload):
    """A function that starts both ferryds so that their disk can fail()."""
    def start(host=None, **environment):
        for each in pair.hosts:
            each.ferryd.restart(LD_PRELOAD=preload, **(environment if each is host else {}))

    yield start
    for host in pair.hosts:
        mend(host)
        host.ferryd.send(signal.SIGCONT)


def fail(host, how):
    with open(host.namespace.path("/run/ferry-disk.new"), "w", encoding="ascii") as file:
        file.write(how)
    os.rename(host.namespace.path("/run/ferry-disk.new"), host.namespace.path("/run/ferry-disk"))


@contextlib.contextmanager
def passing_by(host):
    """While this lasts, @host's ferryd goes on whenever it stands at its point: it comes there at each try."""
    over = threading.Event()

    def go_on():
        while not over.wait(0.05):
            if host.ferryd.is_stopped():
                host.ferryd.send(signal.SIGCONT)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def mend(host):
    if os.path.exists(host.namespace.path("/run/ferry-disk")):
        os.remove(host.namespace.path("/run/ferry-disk"))


def later(*values):
    return pytest.param(*values, marks=pytest.mark.long)


@pytest.mark.parametrize("how, name", [("sync", "alpha"), ("write", "beta"), later("sync", "beta"), later("write", "alpha")])
def test_a_failing_disk_begins_no_migration(pair, failing_disk, how, name, count):
    mark = pair.fresh("plain")
    failing_disk()
    starts = [host.ferryd.starts for host in pair.hosts]
    host = getattr(pair, name)
    fail(host, how)
    done = pair.alpha.ferry("migrate", "g1", "--to", "beta", check=False)
    assert done.returncode not in (0, 23) and DATABASE in done.stderr, done.stderr
    pair.assert_stayed(mark, pair.alpha)
    mend(host)
    assert_moves_without_restart(pair, mark, starts)
    count(f"journal: {'sync fails' if how == 'sync' else 'read-only'}")


@pytest.mark.parametrize("how", ["sync", later("write")])
@pytest.mark.parametrize("point", ["S.HANDOFF.before", "T.COMMIT.before", "S.COMMITTED.before", later("S.TRANSFER.before"),
                                   later("T.RUNNING.before"), later("S.DONE.before"), later("T.DONE.before")])
def test_a_disk_fails_in_a_migration(pair, failing_disk, point, how, count):
    """It is as if ferryd stood still there: nothing is done that is not written, and all goes on when the disk does."""
    mark = pair.fresh("plain")
    host = pair.alpha if point[0] == "S" else pair.beta
    failing_disk(host, FERRY_STOP_AT=point)
    job = pair.alpha.migrate(pair.beta)
    pair.wait_stopped(host, job)
    starts = [host.ferryd.starts for host in pair.hosts]
    fail(host, how)
    with passing_by(host):
        time.sleep(2.5)
        assert point.split(".")[1] not in host.ferryd.records(job.id)
        pair.monitor.assert_one_guest(mark)
        mend(host)
        where = pair.where(job.id)
        wait_for("the end to be on the disk", lambda: "DONE" in host.ferryd.records(job.id))  # it is told before that
    (pair.assert_moved if where is pair.beta else pair.assert_stayed)(mark, pair.alpha, job)
    assert [host.ferryd.starts for host in pair.hosts] == starts
    count(f"journal: {'sync fails' if how == 'sync' else 'read-only'} in a migration")


# A database that is not to be used as it is

def damage(host):
    with open(f"{host.ferryd.state}/{DATABASE}", "r+b") as file:
        file.seek(4096)
        file.write(b"\x5a" * 8192)


def empty(host):
    open(f"{host.ferryd.state}/{DATABASE}", "wb").close()


def sql(statement):
    return lambda host: host.ferryd.sql(statement)


# name, what is done to it, what ferryd says of it
UNUSABLE = [
    ("damaged", damage, "cannot use"),
    ("of another program", sql("PRAGMA application_id = 7"), "not a database of ferry's"),
    ("of a newer ferry", sql("PRAGMA user_version = 99"), "knows only up to"),
    ("empty", empty, "not a database of ferry's"),
]


@pytest.fixture
def database(pair):
    """The path of alpha's database, ferryd being down; the good one is back afterwards."""
    pair.alpha.ferryd.stop()
    path = f"{pair.alpha.ferryd.state}/{DATABASE}"
    pair.alpha.ferryd.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(path, f"{path}.good")
    yield path
    pair.alpha.ferryd.stop()
    for suffix in ("-wal", "-shm"):
        if os.path.exists(path + suffix):
            os.remove(path + suffix)
    os.rename(f"{path}.good", path)
    pair.alpha.ferryd.start()


@pytest.mark.parametrize("change, says", [row[1:] for row in UNUSABLE], ids=[row[0] for row in UNUSABLE])
def test_a_database_that_cannot_be_used_is_kept(pair, database, change, says, count):
    """ferryd ends and says why; the file stays as it is, and the guest runs on."""
    mark = pair.fresh("plain")
    change(pair.alpha)
    with open(database, "rb") as file:
        before = file.read()
    done = pair.alpha.run(f"{PREFIX}/sbin/ferryd", check=False)
    assert done.returncode not in (0, 2) and says in done.stderr and f"{STATE}/{DATABASE}" in done.stderr, done.stderr
    with open(database, "rb") as file:
        assert file.read() == before
    pair.monitor.next_beat(host="alpha")
    pair.monitor.assert_one_guest(mark)
    count("journal: database that cannot be used")


OF_LATER_VERSIONS = ("SELECT 'DROP TABLE ' || name || ';' FROM sqlite_master WHERE type = 'table'"
                     " AND name NOT IN ('host', 'job', 'record') AND name NOT LIKE 'sqlite%'")


@pytest.mark.usefixtures("database")
def test_an_older_database_is_brought_up_to_date(pair, count):
    """One of the first version: what it knows stays, and a migration goes."""
    mark = pair.fresh("plain")
    pair.alpha.ferryd.sql(pair.alpha.ferryd.sql(OF_LATER_VERSIONS) + "PRAGMA user_version = 1")
    pair.alpha.ferryd.start()
    pair.alpha.ferryd.wait_libvirt()
    assert [host["name"] for host in pair.alpha.ferry_json("host", "list")["hosts"]] == ["beta"]
    pair.alpha.ferry("migrate", "g1", "--to", "beta")
    pair.assert_moved(mark, pair.alpha)
    count("journal: older database")
