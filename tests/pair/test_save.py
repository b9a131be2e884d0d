"""A guest saved in a file and restored, here or on the other host: files that are damaged, disks that are full,
ferryds that are killed at every record.

Afterwards, always: one running guest with its device, or none and a whole file; no marker, no partial file.
"""
import glob
import json
import os
import shutil
import stat
import threading

import pytest

from pair.namespaces import wait_for

WHEN = ("before", "after")
POINTS = {
    "save_point": [f"S.{record}.{when}" for record in ("PLANNED", "DETACH", "TRANSFER", "COMMITTED", "DONE") for when in WHEN],
    "restore_point": [f"T.{record}.{when}" for record in ("RESERVED", "PREPARED", "COMMIT", "RUNNING", "DONE") for when in WHEN],
}


def pytest_generate_tests(metafunc):
    """Just before a record is, but for what was done since the last one, just after that: with --long only."""
    for name, points in POINTS.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, points if metafunc.config.getoption("--long") else points[1::2])


@pytest.fixture(name="file")
def saved_file(pair):
    """Where a guest is saved, in a folder that both hosts see."""
    folder = f"{pair.folder}/saved"
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    yield f"{folder}/g1"
    assert not glob.glob(f"{folder}/*.part"), "a partial file is left"


def save(host, file, *options):
    return host.ferry("guest", "save", "g1", file, *options, check=False)


def restore(host, file, *options):
    return host.ferry("guest", "restore", file, *options, check=False)


def is_down(pair):
    return all(state is None or state[0] == 5 for state in pair.states().values())


def assert_runs(pair, host):
    """The guest runs at @host alone, is heard, and has its device."""
    pair.assert_runs_only_at(host)
    wait_for("the guest's device to be back", lambda: host.has_device("g1", "ua-nic7"))
    wait_for("both hosts to be done with the guest", lambda: not any(each.ferryd.markers() for each in pair.hosts))


def refused(done, *words, code=1):
    said = done.stdout + done.stderr
    assert done.returncode == code and all(word in said for word in words), said


def test_there_and_elsewhere(pair, file):
    """Saved at alpha, restored at beta: the device is off while it is saved, the guest and its definition arrive."""
    mark = pair.fresh()
    done = save(pair.alpha, file)
    assert done.returncode == 0 and f"g1 is saved in {file}" in done.stdout, done.stdout + done.stderr
    assert is_down(pair) and not pair.alpha.ferryd.markers()
    assert stat.S_IMODE(os.stat(file).st_mode) == stat.S_IMODE(os.stat(f"{file}.ferry").st_mode) == 0o600
    with open(f"{file}.ferry", encoding="utf-8") as sidecar:
        told = json.load(sidecar)
    assert (told["guest_name"], told["host"], told["checksums"]["bytes"]) == ("g1", "alpha", os.path.getsize(file))

    done = restore(pair.beta, file, "--check")
    assert done.returncode == 0 and "saved on alpha" in done.stdout, done.stdout + done.stderr
    assert is_down(pair)
    done = restore(pair.beta, file)
    assert done.returncode == 0 and f"g1 goes on from {file}" in done.stdout, done.stdout + done.stderr
    assert_runs(pair, pair.beta)
    pair.monitor.assert_one_guest(mark)
    assert pair.beta.domain("g1").isPersistent()

    refused(restore(pair.beta, file), "guest-runs-here", "is up on beta")
    refused(restore(pair.alpha, file), "restored-already", "on beta")
    pair.beta.domain("g1").destroy()
    done = restore(pair.alpha, file, "--again")
    assert done.returncode == 0, done.stdout + done.stderr
    assert_runs(pair, pair.alpha)


def test_on_host(pair, file):
    """Alpha has beta restore what both see; what speaks against it here or there is told, and nothing is started."""
    mark = pair.fresh()
    there = ("--on-host", "beta")
    assert save(pair.alpha, file).returncode == 0
    done = restore(pair.alpha, file, *there, "--check")
    assert done.returncode == 0 and "it can be restored on beta" in done.stdout, done.stdout + done.stderr

    own = f"{pair.folder}/own"  # a folder of alpha's alone
    os.makedirs(own, exist_ok=True)
    pair.alpha.run("mount", "-t", "tmpfs", "own", own)
    pair.alpha.run("cp", file, f"{file}.ferry", own)
    refused(restore(pair.alpha, f"{own}/g1", *there), "no-such-file", "beta has no")
    shutil.copy(file, f"{own}/g1")
    damage(f"{own}/g1", os.path.getsize(file) - 7)
    refused(restore(pair.alpha, f"{own}/g1", *there), "another-file", "one of another length")
    os.remove(f"{own}/g1")
    pair.alpha.run("umount", own)
    assert restore(pair.alpha, file, "--on-host", "nobody").returncode == 3
    assert is_down(pair)

    done = restore(pair.alpha, file, *there)
    assert done.returncode == 0 and f"g1 goes on from {file}" in done.stdout, done.stdout + done.stderr
    assert_runs(pair, pair.beta)
    pair.monitor.assert_one_guest(mark)
    refused(restore(pair.alpha, file, *there, "--again"), "guest-runs-here", "is up on beta")
    refused(restore(pair.beta, file, "--on-host", "alpha", "--again"), "guest-runs-here", "is up on beta")


def damage(file, at, value=None):
    with open(file, "r+b") as content:
        if value is None:
            content.truncate(at)
        else:
            content.seek(at)
            old = content.read(1)[0]
            content.seek(at)
            content.write(bytes([old ^ value]))


def test_damaged(pair, file):
    """Whatever is wrong with the file or its sidecar is told, with the place, and nothing is started."""
    pair.fresh()
    assert save(pair.alpha, file).returncode == 0
    size = os.path.getsize(file)
    half, sidecar = size // 2, f"{file}.ferry"

    def write(path, text):
        with open(path, "w", encoding="utf-8") as content:
            content.write(text)

    with open(sidecar, encoding="utf-8") as content:
        told = json.load(content)
    foreign = json.dumps({**told, "guest_uuid": "00000000-0000-4000-8000-000000000009", "guest_name": "other"})
    rows = {
        "truncated": (lambda: damage(file, half), 1, f"ends at byte {half}"),
        "truncated in the head": (lambda: damage(file, 50), None, "cannot read the guest that is saved in"),
        "flipped": (lambda: damage(file, half, 0x10), 1, f"bytes {half >> 20 << 20} to"),
        "longer": (lambda: os.truncate(file, size + 7), 1, f"it has {size + 7} bytes"),
        "foreign sidecar": (lambda: write(sidecar, foreign), 1, "is of guest other"),
        "sidecar of another moment": (lambda: write(sidecar, json.dumps({**told, "checksums": {
            **told["checksums"], "digests": ["0" * 64] * len(told["checksums"]["digests"])}})), 1, "bytes 0 to"),
        "no sidecar at all": (lambda: write(sidecar, "rubbish"), 2, "g1.ferry cannot be used: line 1"),
        "a newer ferry's": (lambda: write(sidecar, json.dumps({**told, "ferry_saved_guest": 2})), None, "newer ferry"),
        "no guest": (lambda: write(file, "no guest"), None, "cannot read the guest that is saved in"),
    }
    whole = f"{file}.whole"
    os.rename(file, whole)
    for name, (harm, code, word) in rows.items():
        shutil.copy(whole, file)
        write(sidecar, json.dumps(told))
        harm()
        done = restore(pair.beta, file)
        said = done.stdout + done.stderr
        assert word in said and (done.returncode == code if code else done.returncode not in (0, 22)), (name, done)
        assert is_down(pair) and not pair.beta.ferryd.markers(), name
    os.rename(whole, file)
    os.remove(sidecar)
    done = restore(pair.alpha, file, "--check")
    assert done.returncode == 0 and f"not verified: there is no {sidecar}" in done.stdout
    done = restore(pair.alpha, file)
    assert done.returncode == 0 and "not verified" in done.stdout, done.stdout + done.stderr
    assert_runs(pair, pair.alpha)


def test_refused_before_anything_is_touched(pair, file):
    mark = pair.fresh()
    other = f"{file}.txt"
    with open(other, "w", encoding="utf-8") as content:
        content.write("mine")
    refused(save(pair.alpha, other), "file-exists", "--force")
    refused(save(pair.alpha, other, "--force"), "not-a-saved-guest")
    refused(save(pair.alpha, "/no/such/folder/g1"), "no-folder")
    assert save(pair.alpha, f"{file}.ferry").returncode == 2
    assert pair.alpha.ferry("guest", "save", "nobody", file, check=False).returncode == 3
    job = pair.alpha.migrate(pair.beta, "g1", "--bandwidth", "8Mi")
    done = save(pair.alpha, file)
    assert done.returncode != 0 and job.id in done.stderr
    pair.alpha.ferry("job", "cancel", job.id)
    job.wait()
    assert_runs(pair, pair.alpha)
    pair.monitor.assert_one_guest(mark)
    assert not os.path.exists(file)

    assert save(pair.alpha, file).returncode == 0
    assert restore(pair.alpha, file).returncode == 0
    refused(save(pair.alpha, file), "file-exists")
    assert save(pair.alpha, file, "--force").returncode == 0
    refused(pair.alpha.ferry("guest", "save", "g1", f"{file}2", check=False), "guest-not-running")
    assert restore(pair.alpha, file).returncode == 0  # a new sidecar: never restored
    assert_runs(pair, pair.alpha)


def test_paused(pair, file):
    """A guest that its user has paused is so again."""
    pair.fresh()
    pair.alpha.domain("g1").suspend()
    done = save(pair.alpha, file)
    assert done.returncode == 1 and "unplug-refused" in done.stdout, done.stdout  # it cannot let its device go
    pair.alpha.domain("g1").resume()
    assert_runs(pair, pair.alpha)
    pair.fresh("plain")
    pair.alpha.domain("g1").suspend()
    assert save(pair.alpha, file).returncode == 0
    assert restore(pair.alpha, file).returncode == 0
    assert pair.alpha.state("g1")[0] == 3
    pair.alpha.domain("g1").resume()
    pair.assert_runs_only_at(pair.alpha)


def test_libvirts_own_tools(pair, file):
    """virsh restores what ferry saved, and ferry restores what virsh saved."""
    mark = pair.fresh()
    assert save(pair.alpha, file).returncode == 0
    pair.alpha.run("virsh", "restore", file)
    pair.assert_runs_only_at(pair.alpha)
    assert not pair.alpha.has_device("g1", "ua-nic7")  # only ferry knows of it
    os.remove(file)
    pair.alpha.run("virsh", "save", "g1", file)
    os.remove(f"{file}.ferry")
    done = restore(pair.alpha, file)
    assert done.returncode == 0 and "not verified" in done.stdout, done.stdout + done.stderr
    pair.assert_runs_only_at(pair.alpha)
    pair.monitor.assert_one_guest(mark)


@pytest.fixture(name="small")
def small_disk(pair):
    """A disk of alpha's that is too small for the guest."""
    folder = f"{pair.folder}/small"
    os.makedirs(folder, exist_ok=True)
    pair.alpha.run("mount", "-t", "tmpfs", "-o", "size=8M", "small", folder)
    yield folder
    assert pair.alpha.run("ls", folder).stdout.split() == []
    pair.alpha.run("umount", folder)


def test_full_disk(pair, small):
    """The guest goes on with its device, and there is no file."""
    mark = pair.fresh()
    done = save(pair.alpha, f"{small}/g1")
    assert done.returncode == 1 and "runs on as before" in done.stdout, done.stdout + done.stderr
    job = pair.alpha.jobs()[0]
    undo = [phase["duration_ms"] for phase in job["phases"] if phase["phase"] == "undo"]
    assert job["state"] == "failed" and undo and undo[0] < 5000, job
    assert_runs(pair, pair.alpha)
    pair.monitor.assert_one_guest(mark)


def test_crash_on_the_way_back(pair, small):
    for when in WHEN:
        mark = pair.fresh()
        died_at(pair.alpha, f"S.ABORTED.{when}", lambda: save(pair.alpha, f"{small}/g1", "--detach"))
        pair.alpha.job(pair.alpha.jobs()[0]["id"]).wait()
        assert_runs(pair, pair.alpha)
        pair.monitor.assert_one_guest(mark)


def died_at(host, point, act):
    """ferryd dies there during act(), and is started again."""
    host.ferryd.restart(FERRY_CRASH_AT=point)
    starts = host.ferryd.starts
    act()
    wait_for(f"{host.name} to die at {point}", lambda: host.ferryd.starts > starts, 60)
    host.ferryd.wait_ready()
    host.ferryd.wait_libvirt()


def test_crash_while_it_saves(pair, file, save_point):
    """Either the guest runs with its device and there is no file, or it is down and the file is whole."""
    pair.fresh()
    died_at(pair.alpha, save_point, lambda: save(pair.alpha, file, "--detach"))
    jobs = [job for job in pair.alpha.jobs() if job["kind"] == "save"]
    if jobs and save_point != "S.PLANNED.before":
        job = pair.alpha.job(jobs[0]["id"]).wait()
        assert job["outcome"] in ("saved", "aborted") and job["file"] == file
        assert (job["outcome"] == "saved") == os.path.exists(file)
    wait_for("the marker to go", lambda: not pair.alpha.ferryd.markers())
    if os.path.exists(file):
        assert is_down(pair)
        assert restore(pair.alpha, file).returncode == 0
    assert_runs(pair, pair.alpha)


def test_crash_while_it_restores(pair, file, restore_point):
    """Either it runs with its device, or it is down, nothing is held, and the file can be restored."""
    pair.fresh()
    assert save(pair.alpha, file).returncode == 0
    died_at(pair.beta, restore_point, lambda: restore(pair.beta, file, "--detach"))
    for job in [job for job in pair.beta.jobs() if job["kind"] == "restore"][:1]:
        job = pair.beta.job(job["id"]).wait()
        assert job["outcome"] in ("restored", "aborted"), job
    if is_down(pair):
        assert restore(pair.beta, file).returncode == 0
    assert_runs(pair, pair.beta)


def test_cancel(pair, file):
    """Told truthfully, whenever it comes."""
    for point in ("S.DETACH.after", "S.TRANSFER.after"):
        pair.fresh()
        pair.alpha.ferryd.restart(FERRY_STOP_AT=point)
        job = pair.alpha.job(pair.alpha.ferry_json("guest", "save", "g1", file, "--force", "--detach")["id"])
        pair.wait_stopped(pair.alpha, job)
        asking = threading.Thread(target=pair.alpha.ferry, args=("job", "cancel", job.id), kwargs={"check": False})
        asking.start()
        pair.alpha.ferryd.send(18)  # SIGCONT
        asking.join()
        end = job.wait()
        assert (end["state"], end["outcome"]) in (("cancelled", "aborted"), ("done", "saved")), end
        if end["state"] == "done":
            assert restore(pair.alpha, file).returncode == 0
        assert_runs(pair, pair.alpha)
        pair.alpha.ferryd.restart()
