"""Slots held before a guest moves: "ferry reserve", "ferry migrate --reservation"."""
import json

import pytest

from test_travel import booted, define, mdev_of, pair as hosts, peek, poke, state, wait_for  # noqa: F401 (fixtures)


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
    status, text = beta.sh("ferry migrate g1 --to alpha", limit_s=300)
    assert status == 0, text
    assert state(beta) == before
    refused(alpha, f"ferry migrate g1 --reservation {name}", "was used by job")
    assert state(beta) == before
