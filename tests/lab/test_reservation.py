"""Slots held before a guest moves: "ferry reserve", "ferry migrate --reservation"."""
import json

import pytest

from test_travel import booted, define, mdev_of, pair as hosts, peek, poke, state, wait_for  # noqa: F401 (fixtures)

GIVEN = "22222222-0000-4000-8000-000000000011"
CREATE = "/sys/class/mdev_bus/mtty/mdev_supported_types/{}/create"


@pytest.fixture
def pair(hosts):  # noqa: F811
    """Both, patient with guests that run in an emulated processor of a machine that others use too."""
    for host in hosts:
        if host.sh("grep -q peer_keepalive_s /etc/ferry/ferryd.conf")[0]:
            host("printf '\\n[migrate]\\npeer_keepalive_s=5\\nloaded_timeout_ms=20000\\n' >>/etc/ferry/ferryd.conf")
            restart_ferryd(host)
    yield hosts


def restart_ferryd(host):
    host("kill -9 $(pidof ferryd); while pidof ferryd >/dev/null; do sleep 0.1; done")
    host.start_ferryd()


def reservation(host, name):
    return json.loads(host(f"ferry reservation show {name} --json"))


def claims(host):
    slots = json.loads(host("ferry pool show gpus --json"))["members"][0]["slots"]
    return [slot["claim"]["job"] for slot in slots if slot["state"] == "claimed"]


def refused(host, command, *parts):
    status, text = host.sh(command)
    assert status == 1 and all(part in text for part in parts), (command, text)


def ends_by_itself(alpha, beta):
    """Expired, or cancelled on either host: its slot is free again, and it is refused with the reason."""
    before = state(beta)
    name = alpha("ferry reserve g1 --on beta --ttl 5s 2>/dev/null").strip()
    wait_for("it to expire", lambda: reservation(beta, name)["state"] == "expired")
    refused(alpha, f"ferry migrate g1 --reservation {name}", "expired at")
    wait_for("its slot to be free", lambda: state(beta) == before)
    for canceller in (alpha, beta):
        name = alpha("ferry reserve g1 --on beta 2>/dev/null").strip()
        canceller(f"ferry reservation cancel {name}")
        assert state(beta) == before
        refused(alpha, f"ferry migrate g1 --reservation {name}", "was cancelled")


def test_two_phases(pair):
    """Held over a restart of ferryd there, used by the migration, and never twice."""
    alpha, beta = pair
    define(alpha)
    alpha("ferry guest start g1", limit_s=200)
    poke(alpha, 0x5A)
    ends_by_itself(alpha, beta)
    before = state(beta)
    name = alpha("ferry reserve g1 --on beta 2>/dev/null").strip()
    assert claims(beta) == [name] and beta("ls /sys/bus/mdev/devices").split() == []
    restart_ferryd(beta)
    assert [reservation(host, name)["state"] for host in (alpha, beta)] == ["reserved"] * 2
    assert claims(beta) == [name]
    refused(alpha, "ferry migrate g1 --to beta", f"--reservation {name}")
    refused(alpha, "ferry reserve g1 --on beta", f"--reservation {name}")
    assert alpha("ferry check g1 --reservation " + name).startswith("g1 can move to beta")
    assert claims(beta) == [name]
    status, text = alpha.sh(f"ferry migrate g1 --reservation {name}", limit_s=300)
    assert status == 0, text + beta("cat /var/log/ferryd.log")
    assert peek(beta) == 0x5A
    assert [reservation(host, name)["state"] for host in (alpha, beta)] == ["used"] * 2
    assert mdev_of(beta) in beta("ls /sys/bus/mdev/devices")
    wait_for("beta's side of the job to end", lambda: beta("ls /var/lib/ferry/hold") == "")
    status, text = beta.sh("ferry migrate g1 --to alpha", limit_s=300)
    assert status == 0, text
    assert state(beta) == before
    refused(alpha, f"ferry migrate g1 --reservation {name}", "was used by job")
    assert state(beta) == before


def test_given_device(pair):
    """One that somebody made over there is used, and stays theirs; of another type, or in use, it is refused."""
    alpha, beta = pair
    define(alpha)
    alpha("ferry guest start g1", limit_s=200)
    option = f"--device ua-gpu0={GIVEN.upper()}"
    for kind, part in ((None, "make it there first"), ("mtty-2", "is of type mtty-2, and it needs mtty-1")):
        if kind:
            beta(f"echo {GIVEN} >{CREATE.format(kind)}")
            wait_for("ferryd to see the device", lambda: GIVEN in beta("ferry mdev list"))
        refused(alpha, f"ferry check g1 --to beta {option}", part)
    beta(f"echo 1 >/sys/bus/mdev/devices/{GIVEN}/remove; echo {GIVEN} >{CREATE.format('mtty-1')}")
    wait_for("ferryd to see the device", lambda: "mtty-1" in beta(f"ferry mdev list | grep {GIVEN} || true"))
    beta(f"group=/dev/vfio/$(basename $(readlink /sys/bus/mdev/devices/{GIVEN}/iommu_group))\n"
         "sleep 600 <$group >/dev/null 2>&1 & echo $! >/tmp/user")
    refused(alpha, f"ferry check g1 --to beta {option}", "is used by process")
    beta("kill $(cat /tmp/user)")
    poke(alpha, 0x5A)
    status, text = alpha.sh(f"ferry migrate g1 --to beta {option}", limit_s=300)
    assert status == 0, text + beta("cat /var/log/ferryd.log")
    assert mdev_of(beta) == GIVEN and peek(beta) == 0x5A and claims(beta) == []
    beta("virsh -q destroy g1; virsh -q undefine g1")
    assert GIVEN in beta("ls /sys/bus/mdev/devices")
    beta(f"echo 1 >/sys/bus/mdev/devices/{GIVEN}/remove")
