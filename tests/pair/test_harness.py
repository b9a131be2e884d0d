"""The harness itself, with libvirt alone: what it says of one guest and two can be believed."""
import os
import signal
import socket
import subprocess
import sys
import time

import libvirt
import pytest

from pair import network
from pair.monitor import Beat, inside, judge
from pair.namespaces import HERE, Failed, wait_for


def test_libvirt_moves_the_guest_and_pings_go_on(hosts):
    mark = hosts.fresh()
    with hosts.ping() as ping:
        hosts.migrate_by_libvirt(hosts.alpha)
    hosts.assert_runs_only_at(hosts.beta)
    hosts.monitor.assert_one_guest(mark)
    assert hosts.monitor.hosts(mark) == ["alpha", "beta"]
    assert 0 < hosts.monitor.blackout_ms(mark) < 3000
    assert ping.received > 0 and ping.received >= ping.sent // 2


def test_two_guests_are_noticed(hosts):
    mark = hosts.fresh("plain")
    hosts.alpha.domain("g1").save(f"{hosts.folder}/twin.save")
    for host in hosts.hosts:
        host.libvirt.restore(f"{hosts.folder}/twin.save")
        hosts.monitor.next_beat(host=host.name)
    with pytest.raises(Failed, match="two guests ran"):
        hosts.monitor.assert_one_guest(mark)


def beats(*rows):
    """Beats of (host, boot, number)."""
    return [Beat(0.0, host, boot, number, 0, 1, 0) for host, boot, number in rows]


@pytest.mark.parametrize("rows, verdict", [
    ([("alpha", "a", 1), ("alpha", "a", 2), ("beta", "a", 3), ("beta", "a", 9)], None),
    ([("alpha", "a", 1), ("beta", "a", 2), ("alpha", "a", 2)], "two guests ran, both sent number 2"),
    ([("alpha", "a", 7), ("beta", "a", 6)], "two guests ran, or one was set back"),
    ([("alpha", "a", 7), ("alpha", "b", 8)], "started anew"),
])
def test_what_the_beats_say(rows, verdict):
    if verdict is None:
        return judge(beats(*rows))
    with pytest.raises(Failed, match=verdict):
        return judge(beats(*rows))


def test_the_guest_says_which_nics_it_has(hosts):
    hosts.fresh()
    domain = hosts.alpha.domain("g1")
    assert hosts.monitor.next_beat().nics == 1
    domain.detachDeviceAlias("ua-nic7", libvirt.VIR_DOMAIN_AFFECT_LIVE)
    wait_for("the NIC to go", lambda: hosts.monitor.next_beat().nics == 0)


def test_a_deaf_guest_keeps_its_device_until_it_hears(hosts):
    hosts.fresh()
    domain = hosts.alpha.domain("g1")
    hosts.monitor.command("deaf")
    domain.detachDeviceAlias("ua-nic7", libvirt.VIR_DOMAIN_AFFECT_LIVE)
    time.sleep(1.5)
    assert hosts.alpha.has_device("g1", "ua-nic7") and hosts.monitor.next_beat().nics == 1
    hosts.monitor.command("hear")
    wait_for("the NIC to go", lambda: not hosts.alpha.has_device("g1", "ua-nic7"))


def reaches(source, target):
    """Does a datagram of @source reach @target?  (A ping would need both directions.)"""
    def make():
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    with inside(target.namespace.pid, make) as there, inside(source.namespace.pid, make) as here:
        there.bind((network.WIRE[target.name], 9999))
        there.settimeout(0.3)
        here.sendto(b"x", (network.WIRE[target.name], 9999))
        try:
            return there.recv(1) == b"x"
        except TimeoutError:
            return False


@pytest.mark.parametrize("deaf, arrives", [(["beta"], (False, True)), (["alpha"], (True, False)),
                                           ([], (False, False))])
def test_the_wire_can_be_cut_each_way_and_healed(hosts, deaf, arrives):
    hosts.wire.cut(*deaf)
    try:
        assert (reaches(hosts.alpha, hosts.beta), reaches(hosts.beta, hosts.alpha)) == arrives
    finally:
        hosts.wire.heal()
    assert reaches(hosts.alpha, hosts.beta) and reaches(hosts.beta, hosts.alpha)


def programs_in(namespace):
    """What runs in a PID namespace, by its name in /proc/PID/ns/pid."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/ns/pid") == namespace:
                with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                    found.add(file.read().strip())
        except OSError:
            pass  # it ended meanwhile
    return found


def test_nothing_is_left_when_the_test_process_is_killed():
    """SIGKILL: no handler runs, so it is the kernel that cleans up."""
    code = ("import os, sys; from pair.pair import Pair\nwith Pair() as pair:\n pair.fresh('plain')\n"
            " print(os.readlink(f'/proc/{pair.alpha.namespace.pid}/ns/pid'), flush=True); sys.stdin.read()")
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "PYTHONPATH": os.path.dirname(HERE)}) as process:
        namespace = process.stdout.readline().strip()
        assert {"libvirtd", "qemu-system-x86"} <= programs_in(namespace)
        process.send_signal(signal.SIGKILL)
    wait_for("the kernel to end the host", lambda: not programs_in(namespace), 10)
