"""Listens on both switch ports to the guest's beacon (guest/beacon.c) and judges what it says.

Every packet carries a boot id and a number that counts up without gap while the guest runs.  So:
one number heard twice = two copies ran; another boot id = the guest was started anew;
a silence = the guest did not run (or was cut off).  The switch's port tells the host.
"""
import ctypes
import os
import select
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from .namespaces import Failed, wait_for

BEACON_PORT, COMMAND_PORT = 7777, 7778
GUEST = "10.78.0.10"
CLONE_NEWNET = 0x40000000
ETH_P_ALL = 0x0003
ARP, RARP = b"\x08\x06", b"\x80\x35"


@dataclass(frozen=True)
class Beat:
    """One packet: when and at whose port it was heard, and what the guest said."""
    at: float  # time.monotonic()
    host: str
    boot: str
    number: int
    uptime_ms: int
    nics: int  # e1000e NICs that the guest has and drives
    obeyed: int  # commands so far


def judge(beats):
    """Raises Failed unless no number came twice, numbers only grew, and all were of one boot."""
    for before, after in zip(beats, beats[1:]):
        if after.boot != before.boot:
            raise Failed(f"the guest was started anew: {before} then {after}")
        if after.number == before.number:
            raise Failed(f"two guests ran, both sent number {after.number}: {before} and {after}")
        if after.number < before.number:
            raise Failed(f"two guests ran, or one was set back: {before} then {after}")


def inside(pid, function):
    """Runs @function in a thread that is in the network namespace of @pid, and returns its value."""
    def run():
        with open(f"/proc/{pid}/ns/net", "rb") as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        return function()

    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(run).result()


def _tap(interface):
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(ETH_P_ALL))
    tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    tap.bind((interface, ETH_P_ALL))
    return tap


class Monitor:
    """Hears everything from its making to close().  Its thread only appends to a list of beats."""

    def __init__(self, switch, hosts=("alpha", "beta")):
        self.beats = []
        self.announcements = []  # (time.monotonic(), host): a gratuitous ARP, or QEMU's RARP
        self._taps = {inside(switch.pid, lambda name=name: _tap(f"{name}-port")): name for name in hosts}
        self._commands = inside(switch.pid, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self._stop, self._wake = os.pipe()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while True:
            ready = select.select([*self._taps, self._stop], [], [])[0]
            if self._stop in ready:
                return
            for tap in ready:
                self._hear(tap, self._taps[tap])

    def _hear(self, tap, host):
        while True:
            try:
                frame, where = tap.recvfrom(2048)
            except BlockingIOError:
                return
            if where[2] == socket.PACKET_OUTGOING:
                continue  # a port also sees what the switch sends out through it
            if frame[12:14] == RARP or (frame[12:14] == ARP and frame[28:32] == frame[38:42]):
                self.announcements.append((time.monotonic(), host))
            # Ethernet 14, IPv4 20, UDP 8
            if frame[36:38] != BEACON_PORT.to_bytes(2, "big"):
                continue
            words = frame[42:].decode("ascii", "replace").split()
            if len(words) == 6 and words[0] == "ferry":
                self.beats.append(Beat(time.monotonic(), host, words[1], *map(int, words[2:])))

    def close(self):
        os.write(self._wake, b"x")
        self._thread.join()
        for file in (*self._taps, self._commands):
            file.close()
        os.close(self._stop)
        os.close(self._wake)

    def command(self, text):
        """Tells the guest something (guest/beacon.c) and waits until it has obeyed."""
        before = self.next_beat().obeyed
        self._commands.sendto(text.encode(), (GUEST, COMMAND_PORT))
        wait_for(f"the guest to obey {text!r}", lambda: self.next_beat().obeyed > before)

    # What was heard

    def mark(self):
        """A place in time: what later calls take as @since."""
        return len(self.beats)

    def next_beat(self, timeout_s=30, host=None):
        """Waits for a beat that is still to come (from @host, if named)."""
        start = self.mark()
        return wait_for(f"a beat of the guest{f' from {host}' if host else ''}", lambda: next(
            (beat for beat in self.beats[start:] if host in (None, beat.host)), None), timeout_s)

    def silent(self, for_s):
        """True if the guest sends nothing at all for @for_s from now."""
        start = self.mark()
        time.sleep(for_s)
        return self.mark() == start

    def assert_one_guest(self, since=0):
        """Invariant I1 by the guest's own word."""
        judge(self.beats[since:])

    def hosts(self, since=0):
        """The hosts from which the guest was heard, in order, each once per stay."""
        stays = []
        for beat in self.beats[since:]:
            if not stays or stays[-1] != beat.host:
                stays.append(beat.host)
        return stays

    def blackout_ms(self, since=0):
        """The silence between the last beat from one host and the first from the other."""
        beats = self.beats[since:]
        moves = [(after.at - before.at) * 1000 for before, after in zip(beats, beats[1:]) if after.host != before.host]
        if len(moves) != 1:
            raise Failed(f"the guest was heard from {self.hosts(since)}: not one move")
        return moves[0]
