#!/usr/bin/python3
"""ferry-vfio against a server, and the simulator against a client, that know the specification only (peer.py).

usage: interop.py FERRY-VFIO SIMULATOR
"""
import json
import os
import struct
import subprocess
import sys
import tempfile
import time

import peer

TOOL, SIMULATOR = sys.argv[1:3]
LIMIT_S = 60
CONTENTS = bytes(range(256)) * 3000

# What a server may do.  "Version": each capability is optional, unknown ones may come.
LEGAL = {
    "no version data": {},
    "empty object": {"version": {}},
    "no capabilities in it": {"version": {"capabilities": {}}},
    "as libvfio-user": {"version": {"capabilities": {
        "max_msg_fds": 8, "max_data_xfer_size": 1048576, "migration": {"pgsize": 4096}}}, "minor": 2},
    "every capability": {"version": {"capabilities": {
        "max_msg_fds": 16, "max_data_xfer_size": 1 << 20, "max_dma_maps": 65535, "pgsizes": 4096,
        "twin_socket": {"supported": False}, "write_multiple": True}}, "minor": 1},
    "takes no descriptors": {"version": {"capabilities": {"max_msg_fds": 0}}},
    "numbers with a point": {"version": {"capabilities": {"max_msg_fds": 8.0, "max_data_xfer_size": 65536.0}},
                             "limit": 65536},
    "unknown keys": {"version": {"capabilities": {"future": [1, {"x": None}]}, "more": "text"}},
    "small transfers": {"version": {"capabilities": {"max_data_xfer_size": 4099}}, "limit": 4099},
    "large transfers": {"version": {"capabilities": {"max_data_xfer_size": 1 << 40}}, "limit": 1 << 30},
    "short reads": {"short": True},
    "chatty": {"chatty": True},
    "chatty with descriptors, dribbling": {"chatty": True, "fds": True, "dribble": True, "short": True},
    "a data_fd that is somebody's": {"data_fd": 1},
    "errors without errno": {"anonymous": True},
}


def twist(command, change):
    """Breaks a rule in the replies to one command."""
    def run(reply):
        return change(reply) if reply[1] == command else reply
    return run


def with_payload(reply, payload):
    return reply[:4] + [payload]


# What it may not do, and what ferry says to that.
ILLEGAL = {
    "another major": (twist(peer.VERSION, lambda r: with_payload(r, struct.pack("=HH", 1, 0))), "speaks version 1.0"),
    "a minor above": (twist(peer.VERSION, lambda r: with_payload(r, struct.pack("=HH", 0, 99))), "speaks version 0.99"),
    "no NUL": (twist(peer.VERSION, lambda r: with_payload(r, r[4] + b"{}")), "does not end in one 0 byte"),
    "no JSON": (twist(peer.VERSION, lambda r: with_payload(r, r[4] + b"{\0")), "is no JSON object"),
    "a hang-up at once": (twist(peer.VERSION, lambda r: None), "hung up"),
    "a hang-up later": (twist(peer.MIG_READ, lambda r: None), "hung up"),
    "another id": (twist(peer.FEATURE, lambda r: [r[0] ^ 1] + r[1:]), "was due"),
    "another command": (twist(peer.FEATURE, lambda r: [r[0], peer.RESET] + r[2:]), "was due"),
    "another type": (twist(peer.FEATURE, lambda r: r[:2] + [2] + r[3:]), "no known type"),
    "a payload with an error": (twist(peer.FEATURE, lambda r: r[:2] + [0x21, 22, b"12345678"]), "error reply"),
    "too little": (twist(peer.FEATURE, lambda r: with_payload(r, r[4][:9])), "are due"),
    "more than was asked for": (twist(peer.MIG_READ, lambda r: with_payload(r, r[4] + bytes(1 << 20))), "make sense"),
    "a size above what is there": (twist(peer.MIG_READ, lambda r: with_payload(r, struct.pack("=II", 8, 999))),
                                   "says it sent 999 bytes"),
    "half a head": (twist(peer.MIG_READ, lambda r: with_payload(r, r[4][:4])), "payload of 4 bytes"),
}


def tool(*arguments, status=0):
    done = subprocess.run([TOOL, *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == status, (arguments, done)
    return done


def serve(folder, name, device, **options):
    return peer.Server(os.path.join(folder, name), device, **options)


def test_legal_servers(folder):
    """Info, save and load with each: the contents arrive, and no request breaks a rule."""
    for number, (name, options) in enumerate(LEGAL.items()):
        state = os.path.join(folder, f"state{number}")
        source = serve(folder, f"a{number}", peer.Device(CONTENTS, register=77), **options)
        target = serve(folder, f"b{number}", peer.Device(), **options)
        info = json.loads(tool("info", source.dev, "--json").stdout)
        assert info["facts"]["device_id"] == "abcd:1234", (name, info)
        tool("save", source.dev, state)
        tool("load", target.dev, state)
        assert source.device.state == target.device.state == peer.RUNNING, name
        assert (target.device.contents, target.device.register) == (CONTENTS, 77), name
        for server in (source, target):
            assert not server.wrong, (name, server.wrong)
            assert bool(server.asked) == bool(options.get("chatty")), name
            server.close()


def wait_for(path):
    end = time.monotonic() + LIMIT_S
    while not os.path.exists(path):
        assert time.monotonic() < end
        time.sleep(0.01)


def move(folder, source, target):
    address = os.path.join(folder, "address")
    with subprocess.Popen([TOOL, "receive", target, address], stdout=subprocess.DEVNULL) as receiver:
        wait_for(address)
        tool("send", source, address)
        assert receiver.wait(timeout=LIMIT_S) == 0


def test_send_and_receive(folder):
    """With pre-copy, without, and to and from the simulator's kind of device."""
    for name, options in {"plain": {}, "short": {"short": True}, "chatty": {"chatty": True}}.items():
        for precopy in (True, False):
            source = serve(folder, f"a-{name}-{precopy}", peer.Device(CONTENTS, 5, precopy), **options)
            target = serve(folder, f"b-{name}-{precopy}", peer.Device(b"", 0, precopy), **options)
            move(folder, source.dev, target.dev)
            assert (source.device.state, target.device.state) == (peer.STOP, peer.RUNNING)
            assert (target.device.contents, target.device.register) == (CONTENTS, 5)
            assert not source.wrong + target.wrong, source.wrong + target.wrong
            source.close()
            target.close()


def test_illegal_servers(folder):
    """Each is named for what it did; nothing hangs, no file is left."""
    for number, (name, (change, words)) in enumerate(ILLEGAL.items()):
        server = serve(folder, f"x{number}", peer.Device(CONTENTS), twist=change)
        state = os.path.join(folder, "state")
        done = subprocess.run([TOOL, "save", server.dev, state], capture_output=True, text=True, timeout=LIMIT_S,
                              check=False)
        assert done.returncode == 10 and words in done.stderr, (name, done)
        assert not os.path.exists(state), name
        server.close()


def test_conformance_of_the_peer(folder):
    """The tester agrees with the document about a server that follows it."""
    for precopy in (True, False):
        server = serve(folder, f"t{precopy}", peer.Device(CONTENTS[:5000], 9, precopy))
        report = json.loads(tool("test", server.dev, "--register=0:0", "--json").stdout)
        bad = [check for check in report["checks"] if check["result"] == "fail"]
        assert not bad and report["pass"] >= 50, (bad, report["pass"])
        assert server.device.state == peer.RUNNING
        server.close()


class Sim:
    """The simulator, for a client."""

    def __init__(self, folder, name, *options, clients=1):
        self.path = os.path.join(folder, name)
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen([SIMULATOR, "--socket-path=" + self.path, f"--clients={clients}", *options],
                                        stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "listening\n"

    def end(self):
        words = self.process.communicate(timeout=LIMIT_S)[0].splitlines()[-1].split()
        return dict(zip(words[::2], words[1::2]))


def test_simulator_versions(folder):
    proposals = [None, {}, {"capabilities": {}}, {"capabilities": {"max_msg_fds": 1, "pgsizes": 4096}}]
    sim = Sim(folder, "a", clients=len(proposals) * 2)
    for minor in (0, 9):
        for proposal in proposals:
            client = peer.Client(sim.path, minor=minor, version=proposal)
            major, agreed = struct.unpack("=HH", client.version[:4])
            assert major == 0 and agreed <= minor, (minor, agreed)
            data = client.version[4:]
            assert not data or set(json.loads(data[:-1])["capabilities"]) <= set((proposal or {}).get(
                "capabilities", {})) | {"max_data_xfer_size", "max_msg_fds"}, data
            client.close()
    sim.end()
    other = Sim(folder, "b")
    try:  # "or closes the connection if it cannot support the advertised version"
        answer = peer.Client(other.path, major=3).version
        assert isinstance(answer, int) and answer != 0, answer
    except peer.HangUp:
        pass
    other.end()


def refused(client, command, payload):
    answer = client.call(command, payload)
    assert isinstance(answer, int) and answer != 0, (command, payload, answer)


def test_simulator_information(folder):
    sim = Sim(folder, "a", "--register=5")
    client = peer.Client(sim.path)
    argsz, flags, n_regions, n_irqs = struct.unpack("=IIII", client.call(peer.GET_INFO, struct.pack("=IIII", 16, 0, 0, 0)))
    assert (argsz, flags) == (16, 3) and n_regions >= 9
    for index in range(n_regions):
        reply = client.call(peer.GET_REGION_INFO, struct.pack("=IIIIQQ", 32, 0, index, 0, 0, 0))
        argsz, flags, echoed, caps, size, _offset = struct.unpack("=IIIIQQ", reply)
        assert (argsz, echoed, caps) == (32, index, 0) and flags in (0, 1, 3)
        assert (size > 0) == (flags > 0)
        if size:
            data = client.call(peer.REGION_READ, struct.pack("=QII", size - 4, index, 4))
            assert data[:16] == struct.pack("=QII", size - 4, index, 4) and len(data) == 20
            refused(client, peer.REGION_READ, struct.pack("=QII", size, index, 4))
    for index in range(n_irqs):
        reply = client.call(peer.GET_IRQ_INFO, struct.pack("=IIII", 16, 0, index, 0))
        assert struct.unpack("=IIII", reply)[::2] == (16, index)
    refused(client, peer.GET_REGION_INFO, struct.pack("=IIIIQQ", 32, 0, n_regions, 0, 0, 0))
    refused(client, peer.GET_IRQ_INFO, struct.pack("=IIII", 16, 0, n_irqs, 0))
    refused(client, peer.GET_INFO, struct.pack("=IIII", 15, 0, 0, 0))
    refused(client, peer.GET_INFO, b"1234")
    client.close()
    sim.end()


def test_simulator_memory_and_interrupts(folder):
    """Maps with a descriptor or without are taken, a second over it is EEXIST, an unmap must match."""
    sim = Sim(folder, "a")
    client = peer.Client(sim.path)
    memory = os.memfd_create("guest")
    here = lambda at: struct.pack("=IIQQQ", 32, 3, 0, at, 4096)  # noqa: E731
    gone = lambda at, size: struct.pack("=IIQQ", 24, 0, at, size)  # noqa: E731
    assert client.call(peer.DMA_MAP, here(0), fds=[memory]) == b""
    assert client.call(peer.DMA_MAP, here(8192)) == b""
    assert client.call(peer.DMA_MAP, here(0)) == 17
    refused(client, peer.DMA_UNMAP, gone(0, 2048))
    assert client.call(peer.DMA_UNMAP, gone(0, 4096)) == gone(0, 4096)
    assert client.call(peer.DMA_MAP, here(0)) == b""
    event = os.eventfd(0)
    assert client.call(peer.SET_IRQS, struct.pack("=IIIII", 20, 4 | 32, 0, 0, 1), fds=[event]) == b""
    assert client.call(peer.SET_IRQS, struct.pack("=IIIII", 20, 1 | 32, 0, 0, 0)) == b""
    client.close()
    sim.end()


def test_simulator_stays_in_step(folder):
    """Refusals, commands that want no reply and pipelined ones: each reply answers its own command."""
    sim = Sim(folder, "a", "--register=5")
    client = peer.Client(sim.path)
    register = struct.pack("=QII", 8, 0, 8)
    for command in (0, 14, 19, 999, peer.WRITE_MULTI, peer.GET_REGION_IO_FDS):
        refused(client, command, b"x" * 24)
    for index in (0, 6, 7, 8, 12, 500):
        refused(client, peer.FEATURE, struct.pack("=II", 16, peer.GET | index))
    probe = struct.pack("=II", 8, peer.PROBE | peer.GET | peer.SET | 2)
    assert client.call(peer.FEATURE, probe) == probe
    refused(client, peer.FEATURE, struct.pack("=II", 8, peer.PROBE | peer.SET | 1))
    refused(client, peer.MIG_READ, struct.pack("=II", 108, 100))
    refused(client, peer.MIG_WRITE, struct.pack("=II", 9, 1) + b"x")
    for value in (6, 7, 8):
        client.post(peer.REGION_WRITE, register + struct.pack("=Q", value), flags=peer.NO_REPLY)
    client.post(999, flags=peer.NO_REPLY)
    assert client.call(peer.REGION_READ, register)[16:] == struct.pack("=Q", 8)
    asked = [client.post(peer.FEATURE, struct.pack("=II", 16, peer.GET | 2)) for _ in range(30)]
    for number in asked:
        assert struct.unpack("=IIIi", client.fetch(number, peer.FEATURE))[2] == peer.RUNNING
    assert client.set_state(peer.PRE_COPY) and client.call(peer.RESET) == b"" and client.state() == peer.RUNNING
    assert client.call(peer.REGION_WRITE, register + struct.pack("=Q", 8)) == register
    client.close()
    assert sim.end()["register"] == "0x8"


def test_simulator_migrates(folder):
    source, target = Sim(folder, "a", "--size=300000", "--register=9"), Sim(folder, "b", "--size=300000")
    one, two = peer.Client(source.path), peer.Client(target.path)
    assert one.set_state(peer.PRE_COPY) and two.set_state(peer.RESUMING)
    two.write_state(one.read_state())
    assert not one.set_state(0) and not one.set_state(77)
    assert one.set_state(peer.STOP_COPY) and not one.set_state(peer.PRE_COPY) and one.state() == peer.STOP_COPY
    two.write_state(one.read_state(777))
    assert one.set_state(peer.STOP) and two.set_state(peer.RUNNING)
    assert (one.state(), two.state()) == (peer.STOP, peer.RUNNING)
    one.close()
    two.close()
    before, after = source.end(), target.end()
    assert before["digest"] == after["digest"] and after["register"] == "0x9"


def main():
    for name, run in sorted(globals().items()):
        if name.startswith("test_"):
            with tempfile.TemporaryDirectory(prefix="ferry-vfio-") as folder:
                start = time.monotonic()
                run(folder)
                print(f"{name}: {time.monotonic() - start:.1f} s", flush=True)


main()
