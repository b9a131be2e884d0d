"""A ferryd that answers from a table, on a Unix socket: what the command line is tested against."""
import json
import os
import socketserver
import threading
from http.server import BaseHTTPRequestHandler


def problem(status, kind, detail, **more):
    """What ferryd sends instead of an answer."""
    return status, {"type": kind, "title": kind, "status": status, "detail": detail, **more}


def refused(*reasons):
    return problem(409, "refused", "refused", reasons=[{"code": code, "message": message, **more}
                                                       for code, message, more in reasons])


class Stream:
    """Server-sent events: each of @events is sent when it is reached; a callable is called instead."""

    def __init__(self, *events):
        self.events = events


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def address_string(self):
        return "unix"

    def send_stream(self, stream):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for event in stream.events:
            if callable(event):
                event()
                continue
            self.wfile.write(f"event: job\ndata: {json.dumps(event)}\n\n".encode())
            self.wfile.flush()
        self.close_connection = True

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.calls.append((self.command, self.path, body))
        reply = self.server.routes.get((self.command, self.path), problem(404, "not-found", "no such thing"))
        if callable(reply):
            reply = reply()
        if isinstance(reply, Stream):
            return self.send_stream(reply)
        status, value = reply
        text = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/problem+json" if status >= 400 else "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
        return None

    do_GET = do_POST = do_DELETE = answer


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        """A client that went away, as some tests make it."""


class FakeFerryd:
    def __init__(self, root, routes):
        self.socket = os.path.join(root, "ferryd.sock")
        self.routes, self.calls = dict(routes), []
        self.server = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.server = Server(self.socket, Handler)
        self.server.routes, self.server.calls = self.routes, self.calls
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self):
        if self.server:
            os.unlink(self.socket)
            self.server.shutdown()
            self.server.server_close()
            self.server = None
