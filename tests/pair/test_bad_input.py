"""Bad input to the programs and the daemon (How it is shown 6): a clear answer or a closed connection, nothing else.

The same attacks go to the daemon that does a migration meanwhile, and to one built with AddressSanitizer, which
must end without a leak.
"""
import contextlib
import os
import random
import subprocess
import threading
import time

import pytest

from pair import web
from pair.ferry import PORT, PREFIX
from pair.namespaces import Service, wait_for
from pair.programs import TOP

MIB = 1 << 20


# The programs

@pytest.mark.parametrize("arguments, words", [
    (["--nonsense"], "nonsense"),
    (["migrate"], "GUEST"),
    (["migrate", "g1"], "--to"),
    (["migrate", "g1", "--to", "beta", "--max-downtime", "soon"], "max-downtime"),
    (["migrate", "g1", "--to", "beta", "--bandwidth", "-3"], "bandwidth"),
    (["job", "explode"], "explode"),
    (["frobnicate"], "frobnicate"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_wrong_use_is_exit_2_and_one_hint(pair, arguments, words):
    """U5: the table of exit codes; a line or two, never the whole help."""
    done = pair.alpha.ferry(*arguments, check=False)
    assert done.returncode == 2 and done.stdout == "" and words in done.stderr
    assert len(done.stderr.splitlines()) <= 3


@pytest.mark.parametrize("text, where", [
    ("[daemon]\nsocket = /run/x\nsokcet = /run/y\n", "3: there is no key sokcet"),
    ("[demon]\n", "1: there is no section"),
    ("[migrate]\nlease_s = soon\n", "2: lease_s"),
    ("[migrate]\nlease_s = -1\n", "2: lease_s"),
    ("nonsense\n", "1:"),
    ("[daemon\n", "1:"),
    ("[daemon]\nsocket = relative\n", "2: socket"),
    ("[daemon]\n\xff\xfe\n", "2:"),
], ids=["unknown key", "unknown section", "not a number", "out of range", "no section", "half a section", "relative path",
        "not UTF-8"])
def test_malformed_configuration_names_file_and_line(pair, text, where):
    path = pair.alpha.namespace.path("/run/bad.conf")
    with open(path, "w", encoding="latin-1") as file:
        file.write(text)
    done = pair.alpha.run(f"{PREFIX}/sbin/ferryd", "--check-config", "--config", "/run/bad.conf", check=False, timeout_s=10)
    assert done.returncode == 2 and f"/run/bad.conf:{where}" in done.stderr
    done = pair.alpha.run(f"{PREFIX}/sbin/ferryd", "--config", "/run/bad.conf", check=False, timeout_s=10)
    assert done.returncode == 2 and f"/run/bad.conf:{where}" in done.stderr


# Requests: what is sent, and the status and words that come back

JSON = {"Content-Type": "application/json"}
REQUESTS = {
    "malformed JSON": ("POST", "/v1/migrations", b'{"guest": "g1",\n oops', JSON, 400, "line 2"),
    "truncated JSON": ("POST", "/v1/migrations", b"{", JSON, 400, "line 1"),
    "not an object": ("POST", "/v1/migrations", b"[]", JSON, 400, ""),
    "not UTF-8": ("POST", "/v1/migrations", b'{"guest": "\xff"}', JSON, 400, ""),
    "unknown key": ("POST", "/v1/migrations", b'{"guest":"g1","to":"beta","fast":1}', JSON, 400, "fast"),
    "missing key": ("POST", "/v1/migrations", b'{"guest":"g1"}', JSON, 400, "to"),
    "wrong type": ("POST", "/v1/migrations", b'{"guest":7,"to":"beta"}', JSON, 400, "guest"),
    "deep JSON": ("POST", "/v1/migrations", b"[" * 100000, JSON, 400, ""),
    "oversized body": ("POST", "/v1/migrations", b'{"guest":"' + b"x" * MIB + b'"}', JSON, 413, ""),
    "unknown route": ("GET", "/v1/nonsense", None, {}, 404, "/v1/nonsense"),
    "not our API": ("GET", "/", None, {}, 404, ""),
    "climbing path": ("GET", "/v1/jobs/../../etc/passwd", None, {}, 404, ""),
    "unknown job": ("GET", "/v1/jobs/nonsense", None, {}, 404, "nonsense"),
    "wrong method": ("PUT", "/v1/jobs", b"{}", JSON, 405, ""),
    "wrong content type": ("POST", "/v1/migrations", b"guest=g1", {"Content-Type": "text/plain"}, 415, ""),
}


class Target:
    """A daemon under attack: how to reach it, and its process."""

    def __init__(self, socket, tcp, pid):
        self.socket, self.tcp, self.pid = socket, tcp, pid

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def assert_well(self):
        status, answer = web.ask(self.socket(), "GET", "/v1/version")
        assert status == 200 and answer["ferry"]


def send_bad_requests(target):
    for name, (method, path, body, headers, status, words) in REQUESTS.items():
        found, answer = web.ask(target.socket(), method, path, body, headers)
        assert found == status, (name, found, answer)
        assert answer["title"] and words in answer["detail"], (name, answer)


def send_garbage(target):
    """Bytes that are no HTTP and no TLS; each connection is closed by the daemon, soon."""
    noise = random.Random(1)
    pieces = [noise.randbytes(5000), b"\0" * 5000, b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\xff\xff" + noise.randbytes(3000),
              b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\n\r\n", b"POST /v1/migrations HTTP/1.1\r\nContent-Length: -5\r\n\r\n"]
    for piece in pieces:
        for connect in (target.socket, target.tcp):
            with connect() as connection:
                with contextlib.suppress(ConnectionError):
                    connection.sendall(piece)
                web.until_closed(connection, 40)


def go_away(target):
    """Clients that leave in the middle of a request, of an answer, of a stream."""
    for text in (b"GET /v1/jobs HT", b"POST /v1/migrations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Content-Length: 500\r\n\r\n{", b"GET /v1/jobs HTTP/1.1\r\nHost: x\r\n\r\n"):
        for _ in range(20):
            with target.socket() as connection:
                connection.sendall(text)


def drip(target):
    """One byte a second: over by the absolute deadline of 15 s, however alive the client is."""
    start = time.monotonic()
    with target.socket() as connection:
        with contextlib.suppress(ConnectionError):
            for byte in b"GET /v1/version HTTP/1.1\r\nHost: " + b"x" * 60:
                connection.sendall(bytes([byte]))
                connection.settimeout(1)
                with contextlib.suppress(TimeoutError):
                    connection.recv(1000)
                    break
    assert 10 < time.monotonic() - start < 25


def idle(target, until):
    """1,000 connections that say nothing, half to the socket, half to TLS; held until the event, then looked at."""
    held = []
    for i in range(1000):
        with contextlib.suppress(OSError):  # being turned away is an answer, too
            held.append((target.tcp, target.socket)[i % 2]())
    target.assert_well()
    until.wait()
    for connection in held:
        connection.close()
    return len(held)


def attack(target, meanwhile):
    """Everything at once, while @meanwhile runs; then the daemon is as it was."""
    before = target.descriptors()
    over, failures = threading.Event(), []

    def guarded(function, *arguments):
        try:
            function(target, *arguments)
        except Exception as failure:  # pylint: disable=broad-except
            failures.append(f"{function.__name__}: {failure!r}")

    threads = [threading.Thread(target=guarded, args=row) for row in
               ((idle, over), (send_bad_requests,), (send_garbage,), (go_away,), (drip,))]
    for thread in threads:
        thread.start()
    try:
        meanwhile()
        for thread in threads[1:]:
            thread.join()
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert failures == []
    target.assert_well()
    wait_for("the daemon to let go of its connections", lambda: target.descriptors() <= before + 5, 45, 0.5)


def test_a_migration_is_unharmed(pair):
    """The daemon under attack is the target's, which has more to do for others.

    Not from the source's address: what one address may hold open is limited, and alpha would share it.
    """
    mark = pair.fresh()
    beta = pair.beta.ferryd
    starts = beta.starts
    target = Target(lambda: web.unix(pair.beta), lambda: web.tcp(pair.beta, pair.beta), beta.pid)
    attack(target, lambda: pair.alpha.ferry("migrate", "g1", "--to", "beta", timeout_s=120))
    pair.assert_moved(mark, pair.alpha)
    assert beta.starts == starts and beta.pid == target.pid


@pytest.fixture(scope="session")
def sanitized():
    """ferryd as tests/check builds it for its "asan" stage."""
    if not os.path.exists(f"{TOP}/build-asan/build.ninja"):
        subprocess.run(["meson", "setup", "build-asan", "-Dwerror=true", "-Db_lundef=false", "-Doptimization=1",
                        "-Db_sanitize=address,undefined"], cwd=TOP, env={**os.environ, "CC": "clang"}, check=True)
    subprocess.run(["ninja", "-C", f"{TOP}/build-asan", "src/daemon/ferryd"], stdout=subprocess.DEVNULL, check=True)
    return f"{TOP}/build-asan/src/daemon/ferryd"


def accepts(connect):
    try:
        connect().close()
    except OSError:
        return False  # its socket is not there yet, or nobody listens on it
    return True


@pytest.mark.long
def test_no_leak_under_attack(pair, sanitized):
    """AddressSanitizer's daemon, beside alpha's own: alive to the end, ends with 0 on SIGTERM, nothing leaked."""
    config = pair.alpha.namespace.path("/run/asan.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write("[daemon]\nsocket = /run/asan/ferryd.sock\nstate_dir = /run/asan/state\n"
                   f"listen = 10.77.0.1:{PORT + 1}\n")
    log = pair.alpha.log("ferryd-asan")
    service = Service(pair.alpha.namespace, [sanitized, "--config", "/run/asan.conf"], log,
                      {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"})
    try:
        ways = (lambda: web.unix(pair.alpha, "/run/asan/ferryd.sock"), lambda: web.tcp(pair.beta, pair.alpha, PORT + 1))
        for way in ways:
            wait_for("the sanitized daemon to listen", lambda way=way: accepts(way), 20)
        target = Target(*ways, service.pid)
        attack(target, lambda: None)
    finally:
        status = service.stop(timeout_s=60)
    with open(log, encoding="utf-8", errors="replace") as file:
        said = file.read()
    assert status == 0 and "Sanitizer" not in said and "runtime error" not in said, said[-3000:]
