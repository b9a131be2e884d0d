"""HTTP to a ferryd of the pair, as bytes or as requests: over its Unix socket, or over TLS from inside a host."""
import http.client
import json
import socket
import ssl

from .ferry import PORT, SOCKET
from .monitor import inside
from .network import WIRE


def unix(host, path=SOCKET):
    """A connection to the host's own socket."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(30)
    connection.connect(host.namespace.path(path))
    return connection


def tcp(source, target, port=PORT):
    """A plain TCP connection from @source to @target's ferryd."""
    return inside(source.namespace.pid, lambda: socket.create_connection((WIRE[target.name], port), 10))


def tls(source, target, credentials=None, versions=None):
    """TLS from @source to @target's ferryd.  @credentials: a folder with ca.pem, cert.pem, key.pem."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # who the server is, is another test's matter
    if versions:
        context.minimum_version = context.maximum_version = versions
    if credentials:
        context.load_cert_chain(f"{credentials}/cert.pem", f"{credentials}/key.pem")
    return context.wrap_socket(tcp(source, target))


def ask(connection, method, path, body=None, headers=None):
    """Sends one request and closes; returns (status, body as JSON or None)."""
    client = http.client.HTTPConnection("ferry")
    client.sock = connection
    if body is not None and not isinstance(body, (bytes, str)):
        body = json.dumps(body)
    if body is not None:
        headers = {"Content-Type": "application/json", **(headers or {})}
    with connection:
        client.request(method, path, body, headers or {})
        answer = client.getresponse()
        text = answer.read()
        kind = answer.getheader("Content-Type", "")
    return answer.status, json.loads(text) if "json" in kind and text else None


def until_closed(connection, timeout_s):
    """What the other side still sends until it closes; fails with TimeoutError if it does not."""
    connection.settimeout(timeout_s)
    heard = b""
    try:
        while part := connection.recv(65536):
            heard += part
    except (ConnectionResetError, ssl.SSLError):
        pass
    return heard
