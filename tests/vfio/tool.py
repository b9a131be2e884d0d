#!/usr/bin/python3
"""ferry-vfio and the example as a user runs them, against simulated vfio-user servers.

usage: tool.py FERRY-VFIO SIMULATOR EXAMPLE
"""
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

TOOL, SIMULATOR, EXAMPLE = sys.argv[1:4]
LIMIT_S = 60


class Sim:
    """One simulated server; at its end, what it said of its device."""

    def __init__(self, folder, name, *options, clients=1):
        self.path = os.path.join(folder, name)
        self.dev = "vfio-user:" + self.path
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(
            [SIMULATOR, "--socket-path=" + self.path, f"--clients={clients}", *options],
            stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "listening\n"

    def end(self):
        lines = self.process.communicate(timeout=LIMIT_S)[0].splitlines()
        return dict(zip(lines[-1].split()[::2], lines[-1].split()[1::2]))

    def stop(self):
        self.process.kill()
        self.process.communicate()


def tool(*arguments, status=0):
    done = subprocess.run([TOOL, *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == status, (arguments, done)
    return done


def test_save_and_load(folder):
    source = Sim(folder, "a", "--size=3000000", "--register=77", "--dirty=10")
    target = Sim(folder, "b", "--size=3000000")
    state = os.path.join(folder, "state")
    report = json.loads(tool("save", source.dev, state, "--json").stdout)
    assert report["outcome"] == "done" and report["devices"][0]["precopy_bytes"] > 2900000
    assert stat.S_IMODE(os.stat(state).st_mode) == 0o600
    assert [name for name in os.listdir(folder) if "state" in name] == ["state"]
    assert report["downtime_ms"] > 0 and "downtime_ms" not in json.loads(
        tool("load", target.dev, state, "--json").stdout), "only a source knows it"
    before, after = source.end(), target.end()
    assert before["state"] == after["state"] == "RUNNING"
    assert after["register"] == "0x4d" and before["digest"] == after["digest"]
    content = json.loads(tool("inspect", state, "--json").stdout)
    assert content["description"]["device"]["device_id"] == "1234:5678"
    assert content["state_bytes"] == report["devices"][0]["precopy_bytes"] + report["devices"][0]["stop_bytes"]


def test_damaged_files(folder):
    source = Sim(folder, "a", "--size=200000", "--register=5")
    state, bad = os.path.join(folder, "state"), os.path.join(folder, "bad")
    tool("save", source.dev, state)
    with open(state, "rb") as file:
        good = file.read()
    half = len(good) // 2
    cases = {
        "empty": b"", "cut": good[:-1], "half": good[:half], "no-end": good[:-80],
        "flipped-header": bytes([good[0] ^ 1]) + good[1:],
        "flipped-data": good[:half] + bytes([good[half] ^ 1]) + good[half + 1:],
        "flipped-digest": good[:-1] + bytes([good[-1] ^ 1]),
        "twice": good[32:], "length": good[:16] + b"\xff\xff\xff\x7f" + good[20:],
    }
    for name, content in cases.items():
        target = Sim(folder, "b", "--size=200000", "--register=9", clients=2)
        with open(bad, "wb") as file:
            file.write(content)
        done = tool("load", target.dev, bad, status=10)
        assert " at byte " in done.stderr, (name, done)
        assert f"ferry-vfio: {bad}: " in (said := tool("inspect", bad, status=10).stderr) and " at byte " in said
        tool("info", target.dev)
        assert target.end()["state"] == "RUNNING", name
    source.stop()


def test_other_type_is_refused_first(folder):
    source = Sim(folder, "a", "--size=100000")
    facts, state = os.path.join(folder, "facts"), os.path.join(folder, "state")
    with open(facts, "w", encoding="utf-8") as file:
        json.dump({"driver_version": "2"}, file)
    tool("save", source.dev, state)
    target = Sim(folder, "b", "--size=100000", "--register=9", clients=4)
    with open(facts, "w", encoding="utf-8") as file:
        json.dump({"device_id": "1234:9999"}, file)
    done = tool("load", target.dev, state, "--facts", facts, status=1)
    assert 'device_id' in done.stdout and "1234" in done.stdout
    with open(facts, "w", encoding="utf-8") as file:
        json.dump({"driver_version": "2"}, file)
    assert "driver_version" in tool("load", target.dev, state, "--facts", facts, status=21).stdout
    tool("load", target.dev, state, "--facts", facts, "--accept-unknown")
    tool("load", target.dev, state, "--no-check", "--json")
    assert target.end()["register"] == "0x0"


def test_driver_refuses_what_we_let_pass(folder):
    source = Sim(folder, "a", "--size=100000", "--type=1")
    target = Sim(folder, "b", "--size=100000", "--type=2", "--register=3")
    state = os.path.join(folder, "state")
    tool("save", source.dev, state)
    done = tool("load", target.dev, state, status=9)
    assert "refused its state" in done.stderr and "Bad address" in done.stderr
    assert target.end()["state"] == "RUNNING"


def wait_for(path):
    end = time.monotonic() + LIMIT_S
    while not os.path.exists(path):
        assert time.monotonic() < end
        time.sleep(0.01)


def send_and_receive(folder, *options):
    source = Sim(folder, "a", "--size=3000000", "--register=1234", "--dirty=20", "--libvfio-user")
    target = Sim(folder, "b", "--size=3000000", "--libvfio-user")
    address = os.path.join(folder, "address")
    with subprocess.Popen([TOOL, "receive", target.dev, address, *options], stdout=subprocess.PIPE,
                          text=True) as receiver:
        wait_for(address)
        report = json.loads(tool("send", source.dev, address, "--json", *options).stdout)
        assert receiver.wait(timeout=LIMIT_S) == 0
    assert report["outcome"] == "done" and report["memory_bytes"] <= 16 << 20
    before, after = source.end(), target.end()
    assert (before["state"], after["state"]) == ("STOP", "RUNNING")
    assert after["register"] == "0x4d2" and before["digest"] == after["digest"]


def test_send_and_receive(folder):
    send_and_receive(folder)


def certificate(folder, name, *options):
    run = lambda *command: subprocess.run(command, cwd=folder, check=True, capture_output=True)  # noqa: E731
    run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
    run("openssl", "req", "-x509", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-days", "2",
        "-out", f"{name}.crt", *options)


def test_tls(folder):
    certificate(folder, "ca")
    certificate(folder, "stranger")
    files = [f"--tls-{what}={os.path.join(folder, name)}"
             for what, name in (("ca", "ca.crt"), ("cert", "ca.crt"), ("key", "ca.key"))]
    send_and_receive(folder, *files)
    address = os.path.join(folder, "other")
    source, target = Sim(folder, "c", clients=1), Sim(folder, "d", clients=1)
    with subprocess.Popen([TOOL, "receive", target.dev, address, *files], stderr=subprocess.PIPE,
                          text=True) as receiver:
        wait_for(address)
        stranger = [file.replace("/ca.", "/stranger.") for file in files]
        tool("send", source.dev, address, *stranger, status=8)
        assert receiver.wait(timeout=LIMIT_S) in (8, 10)
    assert target.end()["state"] == "RUNNING"


def test_hostile_sender(folder):
    target = Sim(folder, "b", "--size=100000", "--register=9", clients=2)
    address = os.path.join(folder, "address")
    with subprocess.Popen([TOOL, "receive", target.dev, address], stderr=subprocess.PIPE, text=True) as receiver:
        wait_for(address)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(address)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"x" * 100)
            connection.shutdown(socket.SHUT_WR)
            assert receiver.wait(timeout=LIMIT_S) == 10
        assert "damaged at byte 0: no frame begins there" in receiver.stderr.read()
    tool("info", target.dev)
    assert target.end()["register"] == "0x9"


def test_interrupted(folder):
    """Ctrl-C ends each wait; a name that is taken is not taken over, and the own one goes."""
    target, address = Sim(folder, "b", clients=9), os.path.join(folder, "address")
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen([TOOL, "receive", target.dev, address], stderr=subprocess.PIPE, text=True) as receiver:
            wait_for(address)
            receiver.send_signal(signal_number)
            assert receiver.wait(timeout=LIMIT_S) == 12
        assert not os.path.exists(address) and os.listdir(folder) == ["b"]
    with open(address, "w", encoding="utf-8") as file:
        file.write("mine")
    assert "it is there already" in tool("receive", target.dev, address, status=4).stderr
    assert os.path.getsize(address) == 4
    assert "at most 107 bytes" in tool("send", target.dev, folder + "/" + "x" * 200, status=2).stderr
    assert "is no address" in tool("send", target.dev, "nonsense", status=2).stderr
    tool("send", target.dev, "127.0.0.1:1", status=9)
    slow = Sim(folder, "slow", "--size=200000", "--delay-us=20000")
    with subprocess.Popen([TOOL, "test", slow.dev], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as tester:
        time.sleep(1)
        tester.send_signal(signal.SIGINT)
        out, err = tester.communicate(timeout=LIMIT_S)
        assert tester.returncode == 12 and "cancelled" in err and "skipped" in out, (tester.returncode, err)
    assert slow.end()["state"] == "RUNNING"


def interrupt(arguments, ready):
    """Runs the tool, and once ready() holds presses Ctrl-C: it ends as cancelled and says so."""
    with subprocess.Popen([TOOL, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
        end = time.monotonic() + LIMIT_S
        while not ready():
            assert time.monotonic() < end and running.poll() is None, arguments
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        error = running.communicate(timeout=LIMIT_S)[1]
        assert running.returncode == 12 and "cancelled" in error, (arguments, running.returncode, error)


def test_interrupted_at_work(folder):
    """Ctrl-C in the middle: no file, whole or partial, and the device runs, at both ends."""
    slow = ("--size=4000000", "--delay-us=30000", "--max-xfer=4096")
    source, target = Sim(folder, "a", *slow, clients=2), Sim(folder, "b", *slow, clients=2)
    state, address = os.path.join(folder, "state"), os.path.join(folder, "address")
    interrupt(["save", source.dev, state], lambda: any(name.startswith(".state.") for name in os.listdir(folder)))
    assert sorted(os.listdir(folder)) == ["a", "b"]
    large = Sim(folder, "c", "--size=4000000")
    tool("save", large.dev, state)
    loading = time.monotonic() + 1
    interrupt(["load", target.dev, state], lambda: time.monotonic() > loading)
    with subprocess.Popen([TOOL, "receive", target.dev, address], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True) as receiver:
        wait_for(address)
        sending = time.monotonic() + 1
        interrupt(["send", source.dev, address], lambda: time.monotonic() > sending)
        assert "the source gave up" in receiver.communicate(timeout=LIMIT_S)[1] and receiver.returncode == 10
    assert source.end()["state"] == target.end()["state"] == "RUNNING"


def test_conformance(folder):
    good = Sim(folder, "a", "--size=20000")
    report = json.loads(tool("test", good.dev, "--register=0:8", "--json").stdout)
    assert report["fail"] == 0 and report["pass"] >= 60, report
    assert len({check["id"] for check in report["checks"]}) == len(report["checks"]) >= 60
    careless = Sim(folder, "b", "--size=20000", "--accepts-all")
    report = json.loads(tool("test", careless.dev, "--json", status=1).stdout)
    failed = {check["id"] for check in report["checks"] if check["result"] == "fail"}
    assert {"load/truncated", "load/foreign", "load/empty", "load/flipped-first"} <= failed, failed
    quirky = Sim(folder, "c", "--size=20000", "--libvfio-user")
    report = json.loads(tool("test", quirky.dev, "--json", "--only=session,load").stdout)
    notes = {check["id"] for check in report["checks"] if check["result"] == "note"}
    assert {"session/reset-in-precopy", "session/reset-in-stop"} <= notes, notes
    assert len(tool("test", "--list").stdout.splitlines()) >= 60


def test_save_that_cannot_be_kept(folder):
    """Whatever becomes of the file, the device runs on and nothing is left."""
    source = Sim(folder, "a", "--size=100000", clients=20)
    state = os.path.join(folder, "state")
    os.mkdir(state)
    assert "Is a directory" in tool("save", source.dev, state, status=9).stderr
    tool("save", source.dev, os.path.join(folder, "none", "state"), status=3)
    os.mkfifo(os.path.join(folder, "pipe"))
    refused = tool("save", source.dev, os.path.join(folder, "pipe"), status=2).stderr
    assert "no regular file" in refused and stat.S_ISFIFO(os.stat(os.path.join(folder, "pipe")).st_mode)
    assert sorted(os.listdir(folder)) == ["a", "pipe", "state"]
    assert "RUNNING" in tool("info", source.dev).stdout
    kept = os.path.join(folder, "kept")
    tool("save", source.dev, kept, "--stay-stopped")
    assert "state: STOP\n" in tool("info", source.dev).stdout
    refused = tool("save", source.dev, kept, status=5).stderr
    assert "it is in STOP" in refused and "ferry-vfio run" in refused
    assert "state: RUNNING\n" in tool("run", source.dev).stdout
    tool("save", source.dev, kept)
    assert "names no check" in tool("test", source.dev, "--only=typo", status=2).stderr
    source.stop()


def test_usage(folder):
    assert "names no device" in tool("info", "nonsense", status=2).stderr
    tool("info", "0000:ff:1f.7", status=3)
    tool("info", "vfio-user:" + os.path.join(folder, "none"), status=3)
    for arguments, said in (([], "missing command: run"), (["nonsense"], 'no command "nonsense": run'),
                            (["save", "only-one"], 'expected "ferry-vfio save DEV FILE", not 1 arguments'),
                            (["info", "--list"], 'expected "ferry-vfio info DEV", not 0 arguments')):
        assert tool(*arguments, status=2).stderr.startswith("ferry-vfio: " + said), said
    assert "--memory=12x" in tool("info", "x", "--memory=12x", status=2).stderr
    tool("info", "x", "--no-such-option", status=2)
    assert tool("--version").stdout.startswith("ferry-vfio ")
    for wrong in ("--max-downtime=0", "--max-downtime=-1", "--precopy=-1", "--depth=17", "--timeout=0"):
        assert "out of range" in tool("info", "x", wrong, status=2).stderr, wrong


def test_example(folder):
    source, target = Sim(folder, "a", "--size=900000", "--register=8"), Sim(folder, "b", "--size=900000")
    done = subprocess.run([EXAMPLE, source.dev, target.dev], capture_output=True, text=True, timeout=LIMIT_S,
                          check=False)
    assert done.returncode == 0 and done.stdout.startswith("moved 9"), done
    assert source.end()["digest"] == target.end()["digest"]
    lost = subprocess.run([EXAMPLE, source.dev, target.dev], capture_output=True, text=True, timeout=LIMIT_S,
                          check=False)
    assert lost.returncode in (3, 9), lost
    assert "cannot connect" in lost.stderr


def main():
    for name, run in sorted(globals().items()):
        if name.startswith("test_"):
            with tempfile.TemporaryDirectory(prefix="ferry-vfio-") as folder:
                start = time.monotonic()
                run(folder)
                print(f"{name}: {time.monotonic() - start:.1f} s", flush=True)


main()
