"""Who may do what over TCP: certificates of others, wrong names and roles, and what of a guest can be read on the wire.

Scenarios S1 and S4; How it is shown 2, "wrong certificate, wrong role".
"""
import contextlib
import os
import select
import socket
import ssl
import threading

import pytest

from pair import web
from pair.ferry import CONFIG, PREFIX
from pair.monitor import ETH_P_ALL, inside


@pytest.fixture
def issue(pair):
    """Issues a certificate into a folder and returns its path; by alpha's authority or a stranger's."""
    folders = []

    def make(name, role, authority="/etc/ferry/pki"):
        folder = f"/run/{name}-{role}"
        folders.append(folder)
        if authority != "/etc/ferry/pki":
            pair.alpha.ferry("pki", "init", "--dir", authority)
            folders.append(authority)
        pair.alpha.ferry("pki", "issue", name, "--role", role, "--dir", authority, "--output", f"{folder}.pem")
        pair.alpha.ferry("pki", "install", f"{folder}.pem", "--tls-dir", folder, "--keep-qemu")
        return pair.alpha.namespace.path(folder)

    yield make
    pair.alpha.run("rm", "-rf", *folders, *(f"{folder}.pem" for folder in folders))


# role, method, path, body, status
MAY = [
    ("view", "GET", "/v1/jobs", None, 200),
    ("view", "GET", "/v1/guests", None, 200),
    ("view", "POST", "/v1/migrations", {"guest": "g1", "to": "beta"}, 403),
    ("view", "POST", "/v1/hosts", {"name": "x", "address": "y:1"}, 403),
    ("view", "GET", "/v1/peer/version", None, 403),
    ("operate", "GET", "/v1/jobs", None, 200),
    ("operate", "POST", "/v1/migrations", {"guest": "nobody", "to": "alpha"}, 404),
    ("operate", "GET", "/v1/peer/version", None, 403),
    ("operate", "POST", "/v1/peer/check", {}, 403),
    ("peer", "GET", "/v1/peer/version", None, 200),
    ("peer", "GET", "/v1/guests", None, 403),
    ("peer", "POST", "/v1/migrations", {"guest": "g1", "to": "beta"}, 403),
]


def test_roles(pair, issue):
    """S4: each role may do its own and is told which right it lacks for the rest."""
    folders = {role: issue(f"somebody-{role}", role) for role in ("view", "operate", "peer")}
    for role, method, path, body, status in MAY:
        found, answer = web.ask(web.tls(pair.alpha, pair.beta, folders[role]), method, path, body)
        assert found == status, (role, method, path, answer)
        if status == 403:
            assert answer["type"] and role in answer["detail"], answer


def refused_by_tls(pair, credentials=None, versions=None):
    """Does the handshake, or the first use after it (TLS 1.3 tells the client late), fail?"""
    try:
        web.ask(web.tls(pair.alpha, pair.beta, credentials, versions), "GET", "/v1/version")
    except (ssl.SSLError, ConnectionError, OSError):
        return True
    return False


def test_strangers_get_nothing(pair, issue):
    """S1: no certificate, a stranger's certificate, an older TLS; and plain HTTP."""
    assert refused_by_tls(pair)
    assert refused_by_tls(pair, issue("beta", "peer", "/run/stranger"))
    right = f"{pair.alpha.folder}/etc/ferry/tls"
    assert refused_by_tls(pair, right, ssl.TLSVersion.TLSv1_2)
    assert not refused_by_tls(pair, right, ssl.TLSVersion.TLSv1_3)
    plain = web.tcp(pair.alpha, pair.beta)
    plain.sendall(b"GET /v1/version HTTP/1.1\r\nHost: beta\r\n\r\n")
    assert b"HTTP" not in web.until_closed(plain, 20)


@contextlib.contextmanager
def other_credentials(pair, name, authority):
    """beta's ferryd runs with a certificate of this name by this authority (on alpha) meanwhile."""
    right, bundle = f"{pair.beta.folder}/etc/ferry/tls", f"/tmp/{os.path.basename(pair.folder)}.pem"
    os.rename(right, f"{right}.right")
    try:
        if authority != "/etc/ferry/pki":
            pair.alpha.ferry("pki", "init", "--dir", authority)
        pair.alpha.ferry("pki", "issue", name, "--dir", authority, "--output", bundle)
        pair.beta.ferry("pki", "install", bundle, "--keep-qemu")
        pair.beta.ferryd.restart()
        yield
    finally:
        pair.alpha.run("rm", "-rf", "/run/stranger", bundle)
        pair.beta.run("rm", "-rf", "/etc/ferry/tls")
        os.rename(f"{right}.right", right)
        pair.beta.ferryd.restart()


@pytest.mark.parametrize("name, authority", [("beta", "/run/stranger"), ("gamma", "/etc/ferry/pki")],
                         ids=["a stranger's", "another host's"])
def test_a_target_with_a_wrong_certificate(pair, name, authority):
    mark = pair.fresh()
    with other_credentials(pair, name, authority):
        done = pair.alpha.ferry("host", "check", "beta", check=False)
        assert done.returncode == 1 and "certificate" in done.stdout
        done = pair.alpha.ferry("migrate", "g1", "--to", "beta", check=False)
        assert done.returncode in (8, 10) and "beta" in done.stderr and "certificate" in done.stderr
    pair.assert_stayed(mark, pair.alpha)
    assert pair.alpha.ferry("host", "check", "beta").returncode == 0


def test_a_ferryd_with_a_users_certificate_does_not_start(pair, issue):
    issue("alpha", "operate")
    text = "[daemon]\nsocket = /run/other/ferryd.sock\nstate_dir = /run/other\nlisten = 127.0.0.1:9999\n[tls]\n" + \
        "".join(f"{key} = /run/alpha-operate/{key}.pem\n" for key in ("ca", "cert", "key"))
    pair.alpha.run("sh", "-c", "cat >/run/other.conf", stdin=text)
    done = pair.alpha.run(f"{PREFIX}/sbin/ferryd", "--config", "/run/other.conf", check=False, timeout_s=20)
    assert done.returncode == 2 and "role operate" in done.stderr and "peer" in done.stderr


SO_RCVBUFFORCE = 33  # socket(7); Python has no name for it


class Tapped:
    """Hears all that passes alpha's end of the wire while the block runs."""

    def __init__(self, pair):
        self._tap = inside(pair.alpha.namespace.pid, self._open)
        self.bytes = b""

    @staticmethod
    def _open():
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 28)
        tap.bind(("wire", ETH_P_ALL))
        return tap

    def __enter__(self):
        self._parts, self._go_on = [], True
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        return self

    def _listen(self):
        while (heard := select.select([self._tap], [], [], 0.2)[0]) or self._go_on:
            if heard:
                self._parts.append(self._tap.recv(65536)[66:])  # after Ethernet, IPv4, TCP with timestamps

    def __exit__(self, *_):
        self._go_on = False
        self._thread.join()
        self._tap.close()
        self.bytes = b"".join(self._parts)


# In every guest's memory, in the relay's calls, in ferry's own requests.
SECRETS = (b"/sys/firmware/acpi/interrupts/gpe01", b"<domain type=", b"/v1/peer/")


def test_nothing_can_be_read_on_the_wire(pair):
    """S1: guest memory, libvirt's calls, ferry's requests are encrypted.  The same ears hear libvirt's own migration."""
    mark = pair.fresh("plain")
    with Tapped(pair) as tapped:
        pair.alpha.ferry("migrate", "g1", "--to", "beta")
    pair.assert_moved(mark, pair.alpha)
    assert len(tapped.bytes) > 50 << 20
    assert [secret for secret in SECRETS if secret in tapped.bytes] == []
    mark = pair.fresh("plain")
    with Tapped(pair) as tapped:
        pair.migrate_by_libvirt(pair.alpha)
    assert SECRETS[0] in tapped.bytes
    pair.clear()


def test_plain_memory_only_if_both_hosts_say_so(pair):
    """S1: tls=no on one side is refused; on both it works and is said to be so."""
    plain = {**CONFIG, "migrate": {**CONFIG["migrate"], "tls": "no"}}
    mark = pair.fresh("plain")
    try:
        pair.alpha.ferryd.configure(plain)
        pair.alpha.ferryd.restart()
        done = pair.alpha.ferry("migrate", "g1", "--to", "beta", check=False)
        assert done.returncode == 1 and "memory-tls-differs: tls= in the [migrate] section is no on alpha" in done.stderr
        pair.beta.ferryd.configure(plain)
        pair.beta.ferryd.restart()
        with Tapped(pair) as tapped:
            pair.alpha.ferry("migrate", "g1", "--to", "beta")
        pair.assert_moved(mark, pair.alpha)
        assert SECRETS[0] in tapped.bytes and SECRETS[1] not in tapped.bytes and SECRETS[2] not in tapped.bytes
    finally:
        for host in pair.hosts:
            host.ferryd.configure()
            host.ferryd.restart()
