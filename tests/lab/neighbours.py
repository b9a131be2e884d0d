"""Other guests of a host, as far as its network sees them: a VF and a macvlan of one PF (as macvtap is), each in a network
namespace of its own.  They ping a guest, and each other, all the time."""
import json
import re

from ferrylab import scene

GUEST = "10.9.0.50"  # linux/init of ferrylab
ADDRESSES = {"vf": "10.9.0.61", "macvlan": "10.9.0.62"}
PAIRS = [("vf", GUEST), ("macvlan", GUEST), ("vf", ADDRESSES["macvlan"])]
START = """set -e
modprobe igbvf
for n in vf macvlan; do ip netns add near-$n; done
ip link set {pf} vf {index} mac 52:54:00:00:0c:01
echo igbvf >/sys/bus/pci/devices/{vf}/driver_override
echo {vf} >/sys/bus/pci/drivers_probe
until ls /sys/bus/pci/devices/{vf}/net >/dev/null 2>&1; do sleep 0.1; done
ip link set $(ls /sys/bus/pci/devices/{vf}/net) netns near-vf name near-vf
ip link add near-macvlan link {pf} type macvlan mode bridge
ip link set near-macvlan netns near-macvlan
"""
UP = "ip -n near-{0} addr add {1}/24 dev near-{0}; ip -n near-{0} link set near-{0} up\n"
PING = "ip netns exec near-{0} ping {1} >/tmp/near-{0}-{1} 2>&1 </dev/null & echo $! >>/tmp/near-pids\n"
END = """kill $(cat /tmp/near-pids); rm /tmp/near-pids
ip netns del near-macvlan
ip -n near-vf link set near-vf down; ip -n near-vf link set near-vf netns 1
echo {vf} >/sys/bus/pci/drivers/igbvf/unbind
echo >/sys/bus/pci/devices/{vf}/driver_override
ip netns del near-vf; rmmod igbvf
"""


class Neighbours:
    def __init__(self, host, pf):
        self.host = host
        self.claim = scene.call(host, "POST", "/v1/claims", {"pool": "net-x", "alias": "ua-near", "pf": pf, "prepare": True})
        index = int(self.claim["slot"].rpartition("vf")[2])
        rows = json.loads(host("ferry device list --json"))["devices"]
        owner = next(row["name"] for row in rows if row.get("netdev") == pf)
        self.vf = next(row["name"] for row in rows if row.get("pf") == owner and row["vf_index"] == index)
        host(START.format(pf=pf, index=index, vf=self.vf) + "".join(UP.format(*row) for row in ADDRESSES.items())
             + "".join(PING.format(*row) for row in PAIRS))

    def answered(self):
        """Which of its pings each pair has had an answer to: one a second."""
        return {pair: list(map(int, re.findall(r"seq=(\d+)", self.host("cat /tmp/near-%s-%s" % pair)))) for pair in PAIRS}

    def end(self):
        """Returns, of each pair, for how many seconds at most it was out of touch, and how long it was watched."""
        seen = self.answered()
        self.host(END.format(vf=self.vf))
        scene.call(self.host, "DELETE", f"/v1/claims/{self.claim['generation']}")
        return {pair: (max((b - a - 1 for a, b in zip(row, row[1:])), default=None), row[-1:]) for pair, row in seen.items()}
