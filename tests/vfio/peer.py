"""The other side of vfio-user, written from the specification alone (QEMU's docs/interop/vfio-user.rst).

Nothing in here is derived from ferry's client or from its simulator: what they disagree with is
theirs to explain.  Section names of the document are in quotes.
"""
import array
import json
import os
import random
import socket
import struct
import threading

HEADER = struct.Struct("=HHIII")  # "Header"
COMMAND, REPLY, NO_REPLY, ERROR = 0, 1, 0x10, 0x20
(VERSION, DMA_MAP, DMA_UNMAP, GET_INFO, GET_REGION_INFO, GET_REGION_IO_FDS, GET_IRQ_INFO, SET_IRQS, REGION_READ,
 REGION_WRITE, DMA_READ, DMA_WRITE, RESET) = range(1, 14)
WRITE_MULTI, FEATURE, MIG_READ, MIG_WRITE = 15, 16, 17, 18
GET, SET, PROBE = 1 << 16, 1 << 17, 1 << 18
STOP, RUNNING, STOP_COPY, RESUMING, PRE_COPY = 1, 2, 3, 4, 6
EINVAL = 22
MAX_FDS = 16
# "Direct State Transitions"
ARCS = {(RUNNING, STOP), (STOP_COPY, STOP), (RESUMING, STOP), (PRE_COPY, RUNNING), (STOP, RUNNING),
        (RUNNING, PRE_COPY), (STOP, STOP_COPY), (PRE_COPY, STOP_COPY), (STOP, RESUMING)}
SAVING = (PRE_COPY, STOP_COPY)
PRODUCT = struct.pack("<HH", 0xabcd, 0x1234) + bytes(4) + bytes([3, 0, 0x80, 7]) + bytes(52)
CONFIG_REGION, REGISTER_REGION = 7, 0


class HangUp(Exception):
    """The other side is gone."""


class Wire:
    """Messages over a socket."""

    def __init__(self, connection, dribble=False):
        self.connection = connection
        self.dribble = dribble

    def _take(self, size):
        data, fds = b"", []
        while len(data) < size:
            more, control, _flags, _address = self.connection.recvmsg(
                size - len(data), socket.CMSG_SPACE(MAX_FDS * 4))
            for level, kind, content in control:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds += array.array("i", content[:len(content) // 4 * 4])
            if not more:
                raise HangUp
            data += more
        return data, fds

    def receive(self):
        head, fds = self._take(HEADER.size)
        number, command, size, flags, error = HEADER.unpack(head)
        assert size >= HEADER.size, size
        payload, more = self._take(size - HEADER.size)
        return number, command, flags, error, payload, fds + more

    def send(self, number, command, flags, error=0, payload=b"", fds=()):
        message = HEADER.pack(number, command, HEADER.size + len(payload), flags, error) + payload
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            if self.dribble:  # a stream socket keeps no borders
                for at in range(0, min(len(message), 40)):
                    self.connection.sendmsg([message[at:at + 1]], control)
                    control = []
                message = message[40:]
            while message:
                message = message[self.connection.sendmsg([message], control):]
                control = []
        except (BrokenPipeError, ConnectionResetError) as gone:
            raise HangUp from gone


class Device:
    """A device: a register and contents.  Its stream is an 8-byte length, the register, the contents."""

    def __init__(self, contents=b"", register=0, precopy=True):
        self.contents, self.register, self.precopy = contents, register, precopy
        self.state, self.out, self.held, self.came = RUNNING, b"", b"", b""

    def path(self, to):
        """"Complex State Transitions": the shortest, without a saving state within."""
        arcs = {arc for arc in ARCS if self.precopy or PRE_COPY not in arc}
        paths = [[self.state]]
        while paths:
            path = paths.pop(0)
            if path[-1] == to:
                return path[1:]
            if path[-1] in SAVING and len(path) > 1:
                continue
            paths += [path + [b] for a, b in sorted(arcs) if a == path[-1] and b not in path]
        return None

    def enter(self, to):
        stream = struct.pack("=QQ", len(self.contents), self.register) + self.contents
        if to == PRE_COPY:  # a third can be read before the stop
            self.out, self.held = stream[:len(stream) // 3], stream[len(stream) // 3:]
        elif to == STOP_COPY:
            self.out, self.held = (self.out + self.held if self.state == PRE_COPY else stream), b""
        elif to == RESUMING:
            self.came = b""
        elif self.state == RESUMING:
            size, register = struct.unpack("=QQ", self.came[:16]) if len(self.came) >= 16 else (None, None)
            if size != len(self.came) - 16:
                return False
            self.contents, self.register = self.came[16:], register
        self.state = to
        return True

    def move(self, to):
        if (self.state, to) == (STOP_COPY, PRE_COPY):
            return False
        path = self.path(to) if to in (STOP, RUNNING, STOP_COPY, RESUMING, PRE_COPY) else None
        return path is not None and all(self.enter(step) for step in path)

    def read(self, size):
        data, self.out = self.out[:size], self.out[size:]
        return data

    def reset(self):
        self.state, self.out, self.held, self.came = RUNNING, b"", b"", b""


class Server(threading.Thread):
    """Serves clients one after another; notes whatever a client does that the document does not allow.

    version: what the reply's version data is, or None for none; minor: the reply's
    short: reads bring less than was asked for; anonymous: errors have no errno
    chatty: commands of its own before replies; fds: descriptors with replies
    dribble: the first bytes of each message come one at a time; twist: changes a reply, to break a rule
    """

    def __init__(self, path, device, version=None, minor=0, limit=1 << 20, short=False, anonymous=False,
                 chatty=False, fds=False, dribble=False, data_fd=-1, twist=None):
        super().__init__(daemon=True)
        self.path, self.device, self.version, self.minor, self.limit = path, device, version, minor, limit
        self.short, self.anonymous, self.chatty, self.fds = short, anonymous, chatty, fds
        self.dribble, self.data_fd, self.twist = dribble, data_fd, twist
        self.wrong, self.greeted, self.asked, self.waiting = [], False, 0, []
        self.random = random.Random(6)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.dev = "vfio-user:" + path
        self.start()

    def run(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            self.greeted, self.waiting = False, []
            with connection:
                try:
                    self.serve(Wire(connection, self.dribble))
                except (HangUp, ConnectionResetError):
                    pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join(10)

    def must(self, holds, what):
        if not holds:
            self.wrong.append(what)

    def serve(self, wire):
        while True:
            number, command, flags, error, payload, fds = self.waiting.pop(0) if self.waiting else wire.receive()
            self.must(flags & ~NO_REPLY == COMMAND, f"flags {flags:#x} of a command")
            self.must(error == 0, "Error is reserved in a command message")
            self.must(not fds, "a descriptor that no command needs")
            self.must(self.greeted == (command != VERSION), "VERSION is the first message, once")
            handler = {VERSION: self.on_version, GET_INFO: self.on_info, FEATURE: self.on_feature,
                       MIG_READ: self.on_read, MIG_WRITE: self.on_write, RESET: self.on_reset,
                       REGION_READ: self.on_region_read, REGION_WRITE: self.on_region_write}.get(command)
            answer = handler(payload) if handler else None
            if flags & NO_REPLY:
                continue
            if self.chatty and command != VERSION:
                self.chat(wire)
            reply = [number, command, REPLY, 0, answer]
            if answer is None:
                reply[2:] = [REPLY | ERROR, 0 if self.anonymous else EINVAL, b""]
            if self.twist:
                reply = self.twist(reply)
                if reply is None:
                    return
            wire.send(*reply, fds=[0, 1] if self.fds else ())

    def chat(self, wire):
        """"Command Concurrency": unrelated messages can appear in between a request and its reply."""
        self.asked += 1
        wire.send(7, DMA_WRITE, COMMAND | NO_REPLY, 0, struct.pack("=QQ", 4096, 5) + b"12345")
        wire.send(9, DMA_READ, COMMAND, 0, struct.pack("=QQ", 4096, 8))
        while True:
            message = wire.receive()
            number, command, flags, error, payload, _fds = message
            if flags & 15 == COMMAND:  # pipelined meanwhile
                self.waiting.append(message)
                continue
            self.must((number, command) == (9, DMA_READ), "the reply echoes id and command")
            self.must(flags == REPLY | ERROR, "no memory was mapped, so none can be read")
            self.must(error != 0 and payload == b"", "an error reply is its header alone")
            return

    def on_version(self, payload):
        major, minor = struct.unpack("=HH", payload[:4])
        self.must(major == 0, f"major version {major}")
        data = payload[4:]
        self.must(not data or data.endswith(b"\0") and data.count(b"\0") == 1, "version data ends in one NUL")
        capabilities = json.loads(data[:-1].decode()).get("capabilities", {}) if data else {}
        known = {"max_msg_fds": int, "max_data_xfer_size": int, "max_dma_maps": int, "pgsizes": int,
                 "twin_socket": dict, "write_multiple": bool, "migration": dict}
        for name, value in capabilities.items():
            self.must(isinstance(value, known.get(name, type(None))), f"capability {name}: {value}")
        self.greeted = True
        reply = struct.pack("=HH", 0, min(self.minor, minor))
        return reply if self.version is None else reply + json.dumps(self.version).encode() + b"\0"

    def on_info(self, payload):
        self.must(len(payload) >= 16, "GET_INFO has 16 bytes")
        argsz, *rest = struct.unpack("=IIII", payload[:16])
        self.must(argsz >= 16 and not any(rest), "GET_INFO: argsz, all else zero")
        return struct.pack("=IIII", 16, 3, 9, 5)

    def on_feature(self, payload):
        argsz, flags = struct.unpack("=II", payload[:8])
        index, what, data = flags & 0xffff, flags & (GET | SET | PROBE), payload[8:]
        if index not in (1, 2) or flags & ~(0xffff | GET | SET | PROBE) or what & (GET | SET | PROBE) == 0:
            return None
        if what & PROBE:
            return None if index == 1 and what & SET else payload
        if what == GET:
            self.must(not data, "GET: there is no data field of the request message")
            if argsz < 16:
                return None
            if index == 1:
                return struct.pack("=IIQ", 16, flags, 5 if self.device.precopy else 1)
            return struct.pack("=IIIi", 16, flags, self.device.state, self.data_fd)
        if what != SET or index != 2 or len(data) < 8:
            return None
        self.must(argsz >= len(payload), "SET: the reply's payload is as large as the request's")
        return payload if self.device.move(struct.unpack("=I", data[:4])[0]) else None

    def on_read(self, payload):
        self.must(len(payload) == 8, "MIG_DATA_READ has 8 bytes")
        argsz, size = struct.unpack("=II", payload)
        self.must(argsz >= 8 + size, "MIG_DATA_READ: argsz is the maximum size of the reply payload")
        if self.device.state not in SAVING or size > self.limit:
            return None
        data = self.device.read(self.random.randint(1, size) if self.short and size else size)
        return struct.pack("=II", 8 + len(data), len(data)) + data

    def on_write(self, payload):
        _argsz, size = struct.unpack("=II", payload[:8])
        self.must(size == len(payload) - 8, "MIG_DATA_WRITE: size is that of the data")
        if self.device.state != RESUMING or size > self.limit:
            return None
        self.device.came += payload[8:]
        return b""

    def on_reset(self, payload):
        self.must(not payload, "RESET has no payload")
        self.device.reset()
        return b""

    def region(self, payload):
        offset, region, count = struct.unpack("=QII", payload[:16])
        self.must(count <= self.limit, "count exceeds max_data_xfer_size")
        content = PRODUCT if region == CONFIG_REGION else struct.pack("=Q", self.device.register)
        if region not in (CONFIG_REGION, REGISTER_REGION) or offset + count > len(content):
            return None
        return offset, count, content

    def on_region_read(self, payload):
        self.must(len(payload) == 16, "REGION_READ has 16 bytes")
        found = self.region(payload)
        return found and payload + found[2][found[0]:found[0] + found[1]]

    def on_region_write(self, payload):
        found = self.region(payload)
        if not found or len(payload) != 16 + found[1]:
            return None
        content = bytearray(found[2])
        content[found[0]:found[0] + found[1]] = payload[16:]
        self.device.register = struct.unpack("=Q", content)[0]
        return payload[:16]


class Client:
    """A client that knows the document and no server."""

    def __init__(self, path, major=0, minor=1, version=None):
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.settimeout(30)
        self.connection.connect(path)
        self.wire, self.number = Wire(self.connection), 40000
        data = b"" if version is None else json.dumps(version).encode() + b"\0"
        self.version = self.call(VERSION, struct.pack("=HH", major, minor) + data)

    def post(self, command, payload=b"", flags=COMMAND, fds=()):
        self.number = (self.number + 7919) & 0xffff  # "Message IDs belong entirely to the sender"
        self.wire.send(self.number, command, flags, 0, payload, fds)
        return self.number

    def fetch(self, number, command):
        """The reply's payload, or the errno."""
        got, echoed, flags, error, payload, fds = self.wire.receive()
        for fd in fds:
            os.close(fd)
        assert (got, echoed) == (number, command), (got, echoed, number, command)
        assert flags in (REPLY, REPLY | ERROR), flags
        assert flags == REPLY or payload == b"", "an error reply is its header alone"
        return error if flags & ERROR else payload

    def call(self, command, payload=b"", fds=()):
        return self.fetch(self.post(command, payload, fds=fds), command)

    def set_state(self, state):
        payload = struct.pack("=IIIi", 16, SET | 2, state, -1)
        return self.call(FEATURE, payload) == payload

    def state(self):
        return struct.unpack("=IIIi", self.call(FEATURE, struct.pack("=II", 16, GET | 2)))[2]

    def read_state(self, size=100000):
        data = b""
        while True:
            reply = self.call(MIG_READ, struct.pack("=II", 8 + size, size))
            argsz, n = struct.unpack("=II", reply[:8])
            assert n <= size and len(reply) >= 8 + n, (argsz, n, len(reply))
            if n == 0:
                return data
            data += reply[8:8 + n]

    def write_state(self, data, size=30000):
        for at in range(0, len(data), size):
            piece = data[at:at + size]
            reply = self.call(MIG_WRITE, struct.pack("=II", 8 + len(piece), len(piece)) + piece)
            assert reply == b"", reply

    def close(self):
        self.connection.close()
