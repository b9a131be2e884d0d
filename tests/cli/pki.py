#!/usr/bin/python3
"""ferry pki as a user runs it, and what others make of its certificates.

usage: pki.py FERRY
"""
import json
import os
import shutil
import socket
import ssl
import stat
import subprocess
import sys
import threading

from runner import run_tests


class Site:
    """An authority and two hosts in a folder of their own."""

    def __init__(self, ferry, root):
        self.ferry, self.root = os.path.abspath(ferry), root

    def run(self, *arguments, code=0, err="", stdin=None, **more):
        done = subprocess.run([self.ferry, "pki", *arguments], cwd=self.root, input=stdin, text=True,
                              capture_output="stdout" not in more, timeout=60, check=False,
                              **({"stderr": subprocess.PIPE, **more} if "stdout" in more else more))
        assert done.returncode == code, f"exit code {done.returncode}, not {code}: {done.stderr}"
        assert err in done.stderr, f"stderr is {done.stderr!r}"
        return done.stdout

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def mode(self, *parts):
        return stat.S_IMODE(os.stat(self.path(*parts)).st_mode)

    def install(self, host, bundle):
        self.run("install", "-", "--tls-dir", host + "-tls", "--qemu-dir", host + "-qemu", stdin=bundle,
                 err="Installed in")


def make(site):
    site.run("init", "--dir", "ca", err="Keep its keys from others")
    site.install("alpha", site.run("issue", "alpha", "--dir", "ca", "--address", "127.0.0.1,::1"))
    site.install("beta", site.run("issue", "beta", "--dir", "ca"))


def test_keys_are_protected(site):
    make(site)
    assert site.mode("ca", "ca-key.pem") == site.mode("ca", "memory-ca-key.pem") == 0o600
    site.run("issue", "gamma", "--dir", "ca", "-o", "gamma.pem")
    assert site.mode("gamma.pem") == 0o600
    with open(site.path("redirected.pem"), "w", encoding="utf-8") as file:
        os.chmod(site.path("redirected.pem"), 0o644)
        site.run("issue", "gamma", "--dir", "ca", stdout=file)
    assert site.mode("redirected.pem") == 0o600


def test_issue_writes_over_nothing(site):
    site.run("init", "--dir", "ca")
    site.run("issue", "gamma", "--dir", "ca", "-o", "gamma.pem")
    os.symlink("gamma.pem", site.path("link.pem"))
    with open(site.path("gamma.pem"), encoding="utf-8") as file:
        before = file.read()
    for name in ("gamma.pem", "link.pem"):
        site.run("issue", "gamma", "--dir", "ca", "-o", name, code=4,
                 err=f"{name} is already there, and may hold the only copy of a private key: remove it or name another file")
    with open(site.path("gamma.pem"), encoding="utf-8") as file:
        assert file.read() == before
    for name, code, message in (("/dev/null", 2, "it is a device, a pipe or a socket"), ("ca", 9, "Is a directory")):
        site.run("issue", "gamma", "--dir", "ca", "-o", name, code=code, err=message)
    assert "PRIVATE KEY" in site.run("issue", "gamma", "--dir", "ca", "-o", "/dev/stdout")


def test_init_only_once(site):
    site.run("init", "--dir", "ca")
    with open(site.path("ca", "ca.pem"), encoding="utf-8") as file:
        before = file.read()
    site.run("init", "--dir", "ca", code=4, err="ca/ca.pem is already there: issue with it")
    with open(site.path("ca", "ca.pem"), encoding="utf-8") as file:
        assert file.read() == before


def test_wrong_requests(site):
    site.run("issue", "alpha", "--dir", "ca", code=3, err='no authority to issue with, "ferry pki init" makes one: cannot read ca/ca.pem')
    site.run("init", "--dir", "ca")
    for arguments, message in [
            (["a b"], '"a b" is not a host name'), (["-"], '"-" is not a host name'),
            (["a" * 65], "is not a host name"), (["é"], "is not a host name"),
            (["alpha", "--role", "root"], 'no role "root": there are peer, operate and view'),
            (["alpha", "--role", "none"], 'no role "none"'),
            (["alpha", "--days", "0"], '"0" is not a number of days from 1 to 3650'),
            (["alpha", "--days", "3651"], "is not a number of days"),
            (["alpha", "--address", "x"], '"x" is not an IP address'),
            (["alpha", "beta"], '"beta" is one word too many: run "ferry pki issue --help"'),
            ([], 'missing HOST: run "ferry pki issue --help"')]:
        assert site.run("issue", "--dir", "ca", *arguments, code=2, err=message) == ""
    site.run(code=2, err='missing command: run "ferry pki --help"')
    site.run("make", code=2, err='no command "make": run "ferry pki --help"')
    site.run("install", "none.pem", code=3, err="cannot read none.pem")
    site.run("install", "-", code=2, err="-: expected the 3 or 6 PEM blocks", stdin="hello")


def test_show(site):
    site.run("show", "--dir", "x", "--tls-dir", "x", "--qemu-dir", "x", code=3, err="no certificate in x, x or x")
    make(site)
    where = ["--dir", "ca", "--tls-dir", "alpha-tls", "--qemu-dir", "alpha-qemu"]
    rows = json.loads(site.run("show", "--json", *where))["certificates"]
    assert [(row["file"], row["role"], row["state"]) for row in rows] == [
        ("ca/ca.pem", None, "valid"), ("ca/memory-ca.pem", None, "valid"),
        ("alpha-tls/ca.pem", None, "valid"), ("alpha-tls/cert.pem", "peer", "valid"),
        ("alpha-qemu/ca-cert.pem", None, "valid"), ("alpha-qemu/server-cert.pem", "guest-memory", "valid"),
        ("alpha-qemu/client-cert.pem", "guest-memory", "valid")]
    assert rows[3]["name"] == "alpha" and rows[3]["issuer"] == rows[0]["name"]
    table = site.run("show", *where).splitlines()
    assert table[0].split()[:3] == ["FILE", "NAME", "ROLE"] and len(table) == 8, table
    fingerprint = subprocess.run(
        ["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", site.path("alpha-tls", "cert.pem")],
        capture_output=True, text=True, check=True).stdout.strip().split("=")[1].replace(":", "").lower()
    assert rows[3]["fingerprint"] == fingerprint
    with open(site.path("junk.pem"), "w", encoding="utf-8") as file:
        file.write("hello\n")
    site.run("show", "junk.pem", code=2, err="junk.pem holds no PEM certificate")


def context(site, side, host):
    """OpenSSL's view, for ferry itself sees with GnuTLS."""
    made = ssl.SSLContext(side)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.load_cert_chain(site.path(host, "cert.pem"), site.path(host, "key.pem"))
    made.load_verify_locations(site.path(host, "ca.pem"))
    made.verify_mode = ssl.CERT_REQUIRED
    return made


def handshake(server, client, name):
    left, right = socket.socketpair()
    left.settimeout(20)
    right.settimeout(20)
    found = []

    def serve():
        try:
            with server.wrap_socket(left, server_side=True) as tls:
                found.append(dict(part[0] for part in tls.getpeercert()["subject"]))
                tls.sendall(b"x")
        except ssl.SSLError as error:
            found.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(right, server_hostname=name) as tls:
            tls.recv(1)
    except ssl.SSLError as error:
        found.append(error)
    thread.join()
    return found


def test_openssl_takes_them(site):
    make(site)
    server = context(site, ssl.PROTOCOL_TLS_SERVER, "beta-tls")
    client = context(site, ssl.PROTOCOL_TLS_CLIENT, "alpha-tls")
    assert handshake(server, client, "beta")[0]["organizationalUnitName"] == "peer"
    assert isinstance(handshake(server, client, "gamma")[0], ssl.SSLError)
    back = context(site, ssl.PROTOCOL_TLS_SERVER, "alpha-tls")
    assert handshake(back, context(site, ssl.PROTOCOL_TLS_CLIENT, "beta-tls"), "127.0.0.1")[0]["commonName"] == "beta"


def test_qemu_is_no_host(site):
    """Who reads QEMU's key, as QEMU can, is nobody for a ferryd."""
    make(site)
    for part in ("cert", "key"):
        shutil.copy(site.path("alpha-qemu", f"client-{part}.pem"), site.path("alpha-qemu", f"{part}.pem"))
    shutil.copy(site.path("alpha-tls", "ca.pem"), site.path("alpha-qemu", "ca.pem"))
    found = handshake(context(site, ssl.PROTOCOL_TLS_SERVER, "beta-tls"),
                      context(site, ssl.PROTOCOL_TLS_CLIENT, "alpha-qemu"), "beta")
    assert any(isinstance(one, ssl.SSLError) for one in found), found


def test_qemu_takes_them(site):
    make(site)
    for host in ("alpha", "beta"):
        for endpoint in ("server", "client"):
            done = subprocess.run(
                ["qemu-system-x86_64", "-machine", "none", "-display", "none", "-qmp", "stdio", "-object",
                 f"tls-creds-x509,id=t,dir={site.path(host + '-qemu')},endpoint={endpoint},verify-peer=on"],
                input='{"execute":"qmp_capabilities"}{"execute":"quit"}', capture_output=True, text=True,
                timeout=60, check=False)
            assert done.returncode == 0, done.stderr
            assert '{"return": {}}' in done.stdout, done.stderr


if __name__ == "__main__":
    sys.exit(run_tests(globals(), lambda root: Site(sys.argv[1], root)))
