"""The wires of a pair.

    alpha wire 10.77.0.1 ─────────────── 10.77.0.2 wire beta      ferryd, libvirt's relay, guest memory; can be cut
    alpha pf0 ── alpha-port ┐                ┌ beta-port ── pf0 beta
                            └ lan 10.78.0.1 ─┘                    a switch between both hosts' "PFs"; guests are 10.78.0.x
"""
import fcntl
import os

WIRE = {"alpha": "10.77.0.1", "beta": "10.77.0.2"}
GATEWAY = "10.78.0.1"

# macvtap makes /dev/tapN of its interface's index.  /dev is one for the whole machine, indexes are counted in each
# network namespace: so each host of each pair that runs on this machine starts counting elsewhere.
INDEXES_PER_HOST = 1024
MAX_PAIRS = 4


def take_slot():
    """One of MAX_PAIRS places on this machine; returns (number, file to hold open)."""
    os.makedirs("/run/lock", exist_ok=True)  # Debian's systemd makes it; a container may have none
    for number in range(MAX_PAIRS):
        file = open(f"/run/lock/ferry-pair-{number}", "w", encoding="ascii")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return number, file
        except BlockingIOError:
            file.close()
    raise RuntimeError(f"{MAX_PAIRS} pairs run on this machine already: wait for one to end")


def _skip_indexes(host, count):
    """Interface indexes are handed out in order and not again: make and remove some."""
    lines = [f"link add s{i} group 7 type veth peer name t{i} group 7" for i in range(count // 2)]
    host.run("ip", "-batch", "-", stdin="\n".join(lines) + "\nlink del group 7\n")


def connect(switch, hosts, slot):
    """Lays the wires between two fresh hosts and the switch."""
    for i, host in enumerate(hosts):
        _skip_indexes(host, INDEXES_PER_HOST * (1 + 2 * slot + i))
    in_switch = ["nsenter", "--target", str(switch.pid), "--net", "ip"]
    commands = [["link", "add", "lan", "type", "bridge"],
                ["addr", "add", f"{GATEWAY}/24", "dev", "lan"], ["link", "set", "lan", "up"],
                ["link", "add", "wire-a", "type", "veth", "peer", "name", "wire-b"]]
    for host, end in zip(hosts, ("wire-a", "wire-b")):
        port = f"{host.name}-port"
        commands += [["link", "add", port, "type", "veth", "peer", "name", "pf0", "netns", str(host.pid)],
                     ["link", "set", port, "master", "lan"], ["link", "set", port, "up"],
                     ["link", "set", end, "netns", str(host.pid), "name", "wire"]]
    for command in commands:  # pids are this process's, so only the network namespace is entered
        _checked(in_switch + command)
    for host in hosts:
        host.run("ip", "addr", "add", f"{WIRE[host.name]}/24", "dev", "wire")
        host.run("ip", "link", "set", "wire", "up")
        host.run("ip", "link", "set", "pf0", "up")
        host.run("nft", "-f", "-", stdin="table inet cut { chain input { type filter hook input priority 0; }; }")


def _checked(command):
    if (status := os.spawnvp(os.P_WAIT, command[0], command)) != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {status}")


class Wire:
    """The link between the ferryds: cut silently, as a switch that drops everything would, and healed."""

    def __init__(self, alpha, beta):
        self._hosts = {"alpha": alpha, "beta": beta}

    def cut(self, *deaf, match=""):
        """Nothing (or only what does not @match, an nft expression) reaches the hosts named any more.

        Without names: neither.  Nobody is told.
        """
        for name in deaf or self._hosts:
            self._hosts[name].run("nft", f"add rule inet cut input iifname wire {match} drop")

    def heal(self):
        for host in self._hosts.values():
            host.run("nft", "flush chain inet cut input")
