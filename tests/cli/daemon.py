#!/usr/bin/python3
"""The commands that talk to ferryd, as a user runs them, against one that answers from a table.

usage: daemon.py FERRY
"""
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time

from fake_ferryd import FakeFerryd, Stream, problem, refused
from runner import run_tests

TIMEOUT = 60

GUEST = {"name": "web", "uuid": "6f1c0a2e-0000-4000-8000-000000000001", "state": "running", "persistent": True,
         "autostart": False, "memory_bytes": 268435456, "job": None}
DEVICE = {"alias": "ua-nic7", "kind": "interface", "type": "e1000e", "address": "0000:02:01.0", "ephemeral": True,
          "movable": True, "reason": None}


def job(state="running", **more):
    return {"id": "J1", "kind": "migrate", "side": "source", "guest": {"name": "web", "uuid": GUEST["uuid"]},
            "source": "alpha", "target": "beta", "state": state, "phase": "plan", "began": "2026-01-31T12:00:00.000Z",
            "since": "2026-01-31T12:00:01.000Z", "waiting_for": None, "progress": None, "outcome": None,
            "runs_on": "alpha", "blackout_ms": None, "elapsed_ms": 1200, "phases": [], "degraded": [],
            "reasons": [], **more}


TRANSFER = job(phase="transfer", phases=[{"phase": "plan", "duration_ms": 12}],
               progress={"bytes": 52428800, "total_bytes": 209715200, "rate_bps": 104857600, "dirty_rate_bps": 0,
                         "eta_ms": 1500})
MOVED = job("done", phase="finish", runs_on="beta", blackout_ms=37, elapsed_ms=2400, outcome="migrated",
            phases=[{"phase": "plan", "duration_ms": 12}, {"phase": "transfer", "duration_ms": 1900}],
            progress={"bytes": 209715200, "total_bytes": 209715200, "sent_bytes": 209715200, "rate_bps": 0, "eta_ms": None})
DEGRADED = dict(MOVED, degraded=[{"alias": "ua-nic7", "message": "beta has no free slot"}])
CANCELLED = job("cancelled", outcome="aborted", reasons=[{"code": "cancelled", "message": "its user asked for it"}])
FAILED = job("failed", outcome="aborted",
             reasons=[{"code": "guest-keeps-device", "message": "web did not release ua-nic7 within 30 s",
                       "remedy": "try again when its driver is loaded"}])
TIMED_OUT = job("failed", reasons=[{"code": "timeout", "message": "the transfer took longer than 60 s"}])
IN_DOUBT = job("in_doubt", phase="handover", runs_on=None, waiting_for="beta's answer")

PF = {"name": "0000:03:00.0", "roles": ["pf"], "netdev": "eth3", "driver": "igb", "link": "up", "n_vfs": 0, "total_vfs": 7,
      "used_vfs": 0, "free_vfs": 0, "iommu_group": 14, "note": "0 of 7 VFs: \"ferry pf set-vfs eth3 7\" makes them"}
VF = {"name": "0000:03:10.0", "roles": ["vf"], "driver": "vfio-pci", "iommu_group": 31, "state": "in_use",
      "used_by": "guest g1", "pf": "0000:03:00.0", "vf_index": 0, "note": "VF 0 of 0000:03:00.0"}
MTTY = {"name": "mtty", "roles": ["parent"], "note": "24 × mtty-1 or 12 × mtty-2", "types": [
    {"type": "mtty-1", "available": 24, "device_api": "vfio-pci", "name": "Single port serial"},
    {"type": "mtty-2", "available": 12, "device_api": "vfio-pci", "name": "Dual port serial"}]}
LATE = {"name": "0000:41:00.0", "roles": ["parent"], "types": [],
        "note": "types not published yet: does its vendor's service run?"}
UUID = "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"
MDEV = {"name": UUID, "uuid": UUID, "parent": "mtty", "type": "mtty-1", "active": True, "defined": True, "autostart": False,
        "state": "free", "attrs": [{"name": "a", "value": "1"}], "xml": "<device>\n</device>\n"}
MDEVS = ("POST", "/v1/mdevs")
REMOVE = ("DELETE", f"/v1/mdevs/{UUID}")
FULL = refused(("no-free-slot", "mtty has nothing left for mtty-1: it carries u1 (mtty-1, guest g1)",
                {"remedy": "name another parent: mtty2 (3 left)"}))

MIGRATE = ("POST", "/v1/migrations")
EVENTS = ("GET", "/v1/jobs/J1/events")
CANCEL = ("POST", "/v1/jobs/J1/cancel")
CHECK = ("POST", "/v1/checks")
RESERVATION = {"id": "R1", "side": "source", "guest": {"name": "web", "uuid": GUEST["uuid"]}, "source": "alpha",
               "target": "beta", "state": "reserved", "created": "2026-01-31T12:00:00.000Z",
               "expires": "2026-01-31T12:10:00.000Z", "devices": [
                   {"alias": "ua-gpu0", "way": "state", "pool": "gpus", "slot": "mtty/mtty-1"}]}
RESERVE = ("POST", "/v1/reservations")
NO = refused(("no-cpu-feature", "beta lacks CPU feature avx512f", {"remedy": "choose another host"}),
             ("already-there", "a guest of that name is on beta", {}))


ALL = {"guest": "web", "source": "alpha", "verdict": "yes", "groups": [
    {"verdict": "yes", "label": "", "n_hosts": 1, "hosts": ["beta"]},
    {"verdict": "no", "label": "incompatible (driver_version \"550\")", "n_hosts": 2, "hosts": ["delta", "gamma"]},
    {"verdict": "unreachable", "label": "peer", "n_hosts": 1, "hosts": ["omega"]}], "checks": [
        {"target": "beta", "verdict": "yes", "reasons": []},
        {"target": "delta", "verdict": "no", "reasons": [{"code": "incompatible", "message": "it does not load", "alias": "a"}],
         "devices": [{"alias": "a", "way": "state", "verdict": "no", "candidates": [{"name": "gpu0", "verdict": "no", "findings": [
             {"key": "driver_version", "severity": "no", "source": "535", "target": "550"}]}]}]},
        {"target": "gamma", "verdict": "no", "reasons": [{"code": "incompatible", "message": "it does not load", "alias": "a"}]},
        {"target": "omega", "verdict": "unreachable", "reasons": [{"code": "peer", "message": "no route"}]}]}
SHOWN_ALL = """\
VERDICT      HOSTS  BECAUSE                              WHICH
yes          1                                           beta
no           2      incompatible (driver_version "550")  delta, gamma
unreachable  1      peer                                 omega

delta:
  incompatible: it does not load

DEVICE  CANDIDATE  KEY             SOURCE  TARGET  VERDICT
a       gpu0       driver_version  535     550     no

omega:
  peer: no route
"""


class Case:
    """One ferryd, and the program to ask it with."""

    def __init__(self, ferry, root):
        self.ferry, self.root, self.ferryd = os.path.abspath(ferry), root, None

    def serve(self, routes):
        self.ferryd = FakeFerryd(self.root, routes)
        return self.ferryd

    def command(self, *arguments):
        return [self.ferry, "--socket", os.path.join(self.root, "ferryd.sock"), *arguments]

    def run(self, *arguments, code=0, out=None, err=None):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=TIMEOUT, check=False)
        assert done.returncode == code, f"exit code {done.returncode}, not {code}: {done.stdout}{done.stderr}"
        assert out is None or done.stdout == out, f"stdout is {done.stdout!r}"
        assert err is None or done.stderr == err, f"stderr is {done.stderr!r}"
        return done.stdout

    def start(self, *arguments):
        return subprocess.Popen(self.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


MDEV_OF_WEB = {"alias": "ua-gpu0", "type": "nvidia-474", "pool": "gpus", "parent": None, "managed": True, "made": False, "uuid": "u1"}
HYBRID_OF_WEB = {"alias": "ua-net0", "pool": "net-x", "mac": "52:54:00:00:00:01", "address": "0000:01:00.0",
                 "vf_address": "0000:03:00.0", "state": "degraded", "reason": "no VF is free", "pf": "eth3", "macvtap": "macvtap0"}
SHOWN_WEB = f"""\
guest:      web
uuid:       {GUEST["uuid"]}
state:      running
memory:     256.0 MiB
persistent: yes
autostart:  no
can move:   yes

DEVICE   KIND       TYPE    ADDRESS       EPHEMERAL  CAN MOVE  WHY NOT
ua-nic7  interface  e1000e  0000:02:01.0  yes        yes       -

MDEV     TYPE        POOL  PARENT  MANAGED  MADE  UUID
ua-gpu0  nvidia-474  gpus  -       yes      no    u1

HYBRID   STATE     POOL   MAC                ADDRESS       VF ADDRESS    PF    VF  MACVTAP   ON NO VF  WHY
ua-net0  degraded  net-x  52:54:00:00:00:01  0000:01:00.0  0000:03:00.0  eth3  -   macvtap0  -         no VF is free
"""
TOO_LATE = problem(409, "busy", "too late: job J1 is handing the guest over")

NET_X = {"name": "net-x", "kind": "vf", "policy": "spread", "pfs": ["eth3", "eth4"], "hybrid": True, "used": 2, "total": 14,
         "free": 12, "degraded": "degraded: 7 of 14 on a PF without link", "members": [
             {"name": "eth3", "present": True, "device": "0000:03:00.0", "netdev": "eth3", "link": "up", "used": 2,
              "total": 7, "free": 5, "slots": [
                  {"slot": "0000:03:00.0/vf0", "state": "claimed", "device": "0000:03:10.0", "who": "guest web (ua-net0)",
                   "claim": {"generation": 7, "state": "in_use"}},
                  {"slot": "0000:03:00.0/vf1", "state": "foreign", "device": "0000:03:10.2",
                   "who": "process 47 (qemu-system-x86)"},
                  {"slot": "0000:03:00.0/vf2", "state": "free", "device": "0000:03:10.4"}]},
             {"name": "eth4", "present": True, "device": "0000:03:00.1", "netdev": "eth4", "link": "down", "used": 0,
              "total": 7, "free": 7, "slots": []}]}
GPUS = {"name": "gpus", "kind": "mdev", "policy": "pack", "parents": ["mtty", "late", "gone"], "types": ["mtty-1"], "used": 1,
        "members": [
            {"name": "mtty", "present": True, "device": "mtty", "used": 1, "slots": [], "capacity": "one_of",
             "types": [{"type": "mtty-1", "available": 23}, {"type": "mtty-2", "available": 11}]},
            {"name": "late", "present": True, "device": "late", "used": 0, "slots": [], "types": []},
            {"name": "gone", "present": False, "used": 0, "slots": [], "types": []}]}
POOLS = ("POST", "/v1/pools")

# routes, arguments, exit code, stdout, stderr (None: do not look)
START, STOP = ("POST", "/v1/guests/web/start"), ("POST", "/v1/guests/web/stop")
SAVE, RESTORE = ("POST", "/v1/guests/web/save"), ("POST", "/v1/restores")
RESTORE_THERE = ("GET", "/v1/hosts/beta/restores/J1/events")
SAVED = job("done", kind="save", file="/srv/web", outcome="saved", runs_on=None, elapsed_ms=2400)
NOT_SAVED = job("failed", kind="save", file="/srv/web", outcome="aborted", elapsed_ms=2400,
                reasons=[{"code": "save-failed", "message": "No space left on device"}])
RESTORED = job("done", kind="restore", file="/srv/web", outcome="restored", elapsed_ms=2400)
RESTORABLE = {"file": "/srv/web", "guest": {"name": "web", "uuid": GUEST["uuid"]}, "host": "alpha", "saved_by": "ferry",
              "checksums": True, "saved_on": "alpha", "saved": "2026-01-31T12:00:00.000Z", "verdict": "yes", "reasons": [],
              "devices": []}
STARTED = {"guest": {"name": "web", "uuid": GUEST["uuid"]}, "state": "running", "already": False, "elapsed_ms": 7}


def later():
    """Long enough for the command to ask what the start waits for, which it does after a second."""
    time.sleep(1.5)
    return 200, STARTED


ROWS = [
    ({("GET", "/v1/pools"): (200, {"pools": [NET_X, GPUS]})}, ["pool", "list"], 0,
     "NAME   KIND  MEMBERS           POLICY  USED  FREE  STATE\n"
     "net-x  vf    eth3, eth4        spread  2     12    degraded: 7 of 14 on a PF without link\n"
     "gpus   mdev  mtty, late, gone  pack    1     -     ok\n", ""),
    ({("GET", "/v1/pools/net-x"): (200, NET_X)}, ["pool", "show", "net-x"], 0,
     "pool:         net-x\nkind:         vf\npolicy:       spread\nhybrid:       yes\nused:         2\n"
     "free:         12\ntotal:        14\nstate:        degraded: 7 of 14 on a PF without link\n\n"
     "PF    DEVICE        LINK  USED  FREE  TOTAL\n"
     "eth3  0000:03:00.0  up    2     5     7\n"
     "eth4  0000:03:00.1  down  0     7     7\n\n"
     "OF    SLOT              STATE    DEVICE        WHO                           CLAIM  CLAIM'S STATE\n"
     "eth3  0000:03:00.0/vf0  claimed  0000:03:10.0  guest web (ua-net0)           7      in_use\n"
     "eth3  0000:03:00.0/vf1  foreign  0000:03:10.2  process 47 (qemu-system-x86)  -      -\n", ""),
    ({("GET", "/v1/pools/gpus"): (200, GPUS)}, ["pool", "show", "gpus"], 0,
     "pool:         gpus\nkind:         mdev\npolicy:       pack\ntypes:        mtty-1\nused:         1\n"
     "state:        ok\n\n"
     "PARENT  DEVICE     USED  LEFT (ONE OF)\n"
     "mtty    mtty       1     mtty-1 23 or mtty-2 11\n"
     "late    late       0     no types published yet\n"
     "gone    not there  0     -\n", ""),
    ({POOLS: (201, GPUS)}, ["pool", "define", "gpus", "--parent", "mtty", "--type", "mtty-1", "--policy", "pack"], 0, None, ""),
    ({POOLS: refused(("vf-in-two-pools", "eth4 belongs to pool y already", {"remedy": "leave it out"}))},
     ["pool", "define", "net-x", "--pf", "eth4"], 1, "",
     "ferry: refused\n  vf-in-two-pools: eth4 belongs to pool y already\n    leave it out\n"),
    ({}, ["pool", "define", "net-x", "--pf", "eth4", "--vlan", "4095"], 2, "",
     "ferry: --vlan 4095: it is not a VLAN from 1 to 4094\n"),
    ({}, ["pool", "define", "net.xml", "--pf", "eth4"], 2, "", "ferry: --pf: net.xml says that itself\n"),
    ({}, ["pool", "define", "/nonexistent/net.xml"], 3, "", None),
    ({("DELETE", "/v1/pools/net-x"): (204, None)}, ["pool", "undefine", "net-x"], 0, "", ""),
    ({("DELETE", "/v1/pools/net-x"): refused(("pool-in-use", "pool net-x is used by guest web (ua-net0)", {}))},
     ["pool", "undefine", "net-x"], 1, "",
     "ferry: refused\n  pool-in-use: pool net-x is used by guest web (ua-net0)\n"),
    ({("DELETE", "/v1/pools/net-x"): problem(404, "not-found", "there is no pool net-x")},
     ["pool", "undefine", "net-x"], 3, "", "ferry: there is no pool net-x\n"),
    ({("GET", "/v1/guests"): (200, {"guests": [GUEST, dict(GUEST, name="db", state="shut off", job="J1")]})},
     ["guest", "list"], 0,
     "NAME  STATE     MEMORY     PERSISTENT  AUTOSTART  JOB  UUID\n"
     f"web   running   256.0 MiB  yes         no         -    {GUEST['uuid']}\n"
     f"db    shut off  256.0 MiB  yes         no         J1   {GUEST['uuid']}\n", ""),
    ({("GET", "/v1/guests/web"): (200, {**GUEST, "movable": True, "reasons": [], "devices": [DEVICE]})},
     ["guest", "show", "web"], 0,
     f"guest:      web\nuuid:       {GUEST['uuid']}\nstate:      running\nmemory:     256.0 MiB\n"
     "persistent: yes\nautostart:  no\ncan move:   yes\n\n"
     "DEVICE   KIND       TYPE    ADDRESS       EPHEMERAL  CAN MOVE  WHY NOT\n"
     "ua-nic7  interface  e1000e  0000:02:01.0  yes        yes       -\n", ""),
    ({("GET", "/v1/guests/web"): (200, {**GUEST, "movable": True, "reasons": [], "devices": [DEVICE], "mdevs": [MDEV_OF_WEB],
                                        "hybrids": [HYBRID_OF_WEB]})},
     ["guest", "show", "web"], 0, SHOWN_WEB, ""),
    ({("GET", "/v1/guests/web"): (200, {**GUEST, "movable": False, "devices": [],
                                        "reasons": [{"code": "disk-not-shared", "message": "vda is on this host"}]})},
     ["guest", "show", "web"], 0, None, ""),
    ({("GET", "/v1/guests/a%20b%2Fc"): problem(404, "not-found", "no guest \"a b/c\"")},
     ["guest", "show", "a b/c"], 3, "", 'ferry: no guest "a b/c"\n'),
    ({START: (200, STARTED)}, ["guest", "start", "web"], 0, "guest web is running\n", ""),
    ({START: (200, {**STARTED, "already": True})}, ["guest", "start", "web"], 0, "guest web is running already\n", ""),
    ({START: (200, {**STARTED, "degraded": [{"alias": "ua-net0", "message": "no VF is free"}]})},
     ["guest", "start", "web", "--allow-degraded", "--timeout", "5"], 22, "guest web is running\n",
     "ferry: degraded: ua-net0: no VF is free\n"),
    ({START: refused(("no-free-slot", "mtty has no mtty-1 left", {"remedy": "These would do: mtty2."}))},
     ["guest", "start", "web"], 1, "",
     "ferry: refused\n  no-free-slot: mtty has no mtty-1 left\n    These would do: mtty2.\n"),
    ({START: problem(409, "busy", "guest web is in job J1")}, ["guest", "start", "web"], 5, "",
     "ferry: guest web is in job J1\n"),
    ({START: later, ("GET", START[1]): (200, {"starting": True, "waiting_for": "the driver cleans up"})},
     ["guest", "start", "web"], 0, "guest web is running\n", "ferry: waiting: the driver cleans up\n"),
    ({}, ["guest", "start", "web", "--timeout", "soon"], 2, "",
     'ferry: --timeout: "soon" is not a time to wait: expected a whole number and ms, s, m or h, as in 30s, and an hour '
     'at most\n'),
    ({}, ["mdev", "remove", UUID, "--timeout", "2h"], 2, "",
     'ferry: --timeout: "2h" is not a time to wait: expected a whole number and ms, s, m or h, as in 30s, and an hour '
     'at most\n'),
    ({STOP: (200, {**STARTED, "state": "shut off"})}, ["guest", "stop", "web", "--force"], 0, "guest web is shut off\n", ""),
    ({STOP: (200, {**STARTED, "state": "shut off", "left": "process 7 has it open"})}, ["guest", "stop", "web"], 0,
     "guest web is shut off\n",
     "ferry: process 7 has it open\nferry: ferryd goes on trying to release it\n"),
    ({STOP: refused(("still-running", "guest web still runs after 60 s", {}))}, ["guest", "stop", "web"], 1, "",
     "ferry: refused\n  still-running: guest web still runs after 60 s\n"),
    ({SAVE: (202, job()), EVENTS: Stream(SAVED)}, ["guest", "save", "web", "/srv/web"], 0, "web is saved in /srv/web, 2.4 s\n", ""),
    ({SAVE: (202, job()), EVENTS: Stream(NOT_SAVED)}, ["guest", "save", "web", "/srv/web", "--force"], 1,
     "web runs on as before: saving it in /srv/web failed, 2.4 s\n  save-failed: No space left on device\n", ""),
    ({SAVE: (202, job())}, ["guest", "save", "web", "/srv/web", "--detach"], 0,
     'job J1: "ferry job watch J1" shows how it goes\n', ""),
    ({SAVE: refused(("file-exists", "/srv/web is there already", {"remedy": "name another file"}))},
     ["guest", "save", "web", "/srv/web"], 1, "",
     "web is not saved:\n  file-exists: /srv/web is there already\n    name another file\n"),
    ({RESTORE: (202, job()), EVENTS: Stream(RESTORED)}, ["guest", "restore", "/srv/web", "--again"], 0,
     "web goes on from /srv/web, 2.4 s\n", ""),
    ({RESTORE: (202, job()), EVENTS: Stream(dict(RESTORED, outcome="restored-unverified"))},
     ["guest", "restore", "/srv/web", "--unverified"], 0, "web goes on from /srv/web, which was not verified, 2.4 s\n", ""),
    ({RESTORE: refused(("file-damaged", "/srv/web is damaged: it ends at byte 7", {"remedy": "copy it anew"}))},
     ["guest", "restore", "/srv/web"], 1, "",
     "/srv/web is not restored:\n  file-damaged: /srv/web is damaged: it ends at byte 7\n    copy it anew\n"),
    ({RESTORE: (200, RESTORABLE)}, ["guest", "restore", "/srv/web", "--check"], 0,
     "/srv/web has guest web, saved on alpha at 2026-01-31T12:00:00.000Z\nit can be restored here\n", ""),
    ({RESTORE: (200, dict(RESTORABLE, checksums=False, verdict="unknown",
                          reasons=[{"code": "unknown", "message": "nobody knows"}]))},
     ["guest", "restore", "/srv/web", "--check", "--accept-unknown"], 21,
     "/srv/web has guest web; not verified: there is no /srv/web.ferry\n"
     "it cannot be restored here:\n  unknown: nobody knows\n", ""),
    ({RESTORE: (202, job()), RESTORE_THERE: Stream(job(kind="restore"), RESTORED)},
     ["guest", "restore", "/srv/web", "--on-host", "beta"], 0, "web goes on from /srv/web, 2.4 s\n", None),
    ({RESTORE: (202, job())}, ["guest", "restore", "/srv/web", "--on-host", "beta", "--detach"], 0,
     'job J1: "ferry job watch J1" on beta shows how it goes\n', ""),
    ({RESTORE: refused(("no-such-file", "beta has no /srv/web", {"remedy": "copy it there"}))},
     ["guest", "restore", "/srv/web", "--on-host", "beta", "--check"], 1, "",
     "/srv/web is not restored:\n  no-such-file: beta has no /srv/web\n    copy it there\n"),
    ({RESTORE: (200, dict(RESTORABLE, host="beta"))}, ["guest", "restore", "/srv/web", "--on-host", "beta", "--check"], 0,
     "/srv/web has guest web, saved on alpha at 2026-01-31T12:00:00.000Z\nit can be restored on beta\n", ""),
    ({("GET", "/v1/hosts"): (200, {"hosts": [{"name": "beta", "address": "192.0.2.2:7417"}]})},
     ["host", "list"], 0, "NAME  ADDRESS\nbeta  192.0.2.2:7417\n", ""),
    ({("GET", "/v1/devices"): (200, {"devices": [PF, VF, MTTY]})}, ["device", "list"], 0,
     "DEVICE        KIND    NETDEV  DRIVER    GROUP  STATE   USED BY   DETAIL\n"
     "0000:03:00.0  pf      eth3    igb       14     -       -         0 of 7 VFs: \"ferry pf set-vfs eth3 7\" makes them\n"
     "0000:03:10.0  vf      -       vfio-pci  31     in_use  guest g1  VF 0 of 0000:03:00.0\n"
     "mtty          parent  -       -         -      -       -         24 × mtty-1 or 12 × mtty-2\n", ""),
    ({("GET", "/v1/devices/0000%3A03%3A10.0"): (200, {
        **VF, "facts": {"class": "pci", "driver": "igb"}, "facts_problems": ["x.json:3: \"frimware\" cannot be set"], "migration": {"message": "not probed yet"}})},
     ["device", "show", "0000:03:10.0"], 0,
     "device:      0000:03:10.0\nkind:        vf\ndriver:      vfio-pci\niommu group: 31\npf:          0000:03:00.0\n"
     "vf index:    0\nstate:       in_use\nused by:     guest g1\ndetail:      VF 0 of 0000:03:00.0\n"
     "migration:   not probed yet\n\nfacts:\n  class: pci\n  driver: igb\n",
     'ferry: not used: x.json:3: "frimware" cannot be set\n'),
    ({("POST", "/v1/devices/0000%3A03%3A10.0/probe"): refused(("in-use", "it is used by guest g1", {}))},
     ["device", "show", "0000:03:10.0", "--probe"], 1, "",
     "ferry: refused\n  in-use: it is used by guest g1\n"),
    ({("GET", "/v1/pfs"): (200, {"pfs": [PF]})}, ["pf", "list"], 0,
     "PF            NETDEV  DRIVER  LINK  VFS  OF  USED  FREE  NODE  DETAIL\n"
     "0000:03:00.0  eth3    igb     up    0    7   0     0     -     0 of 7 VFs: \"ferry pf set-vfs eth3 7\" makes them\n", ""),
    ({("POST", "/v1/pfs/eth3"): (200, PF)}, ["pf", "set-vfs", "eth3", "7"], 0, "", ""),
    ({}, ["pf", "set-vfs", "eth3", "many"], 2, "", 'ferry: "many" is not a number of VFs, from 0 to 65535\n'),
    ({("POST", "/v1/pfs/eth3"): refused(("vf-in-use", "VF 0 (0000:03:10.0) of eth3 is used by guest g1", {
        "remedy": "stop the guest"}))}, ["pf", "set-vfs", "eth3", "7", "--keep"], 1, "",
     "ferry: refused\n  vf-in-use: VF 0 (0000:03:10.0) of eth3 is used by guest g1\n    stop the guest\n"),
    ({("GET", "/v1/mdevs/types"): (200, {"parents": [MTTY, LATE]})}, ["mdev", "types"], 0,
     "PARENT        TYPE    LEFT  API       NAME                                                     DETAIL\n"
     "mtty          mtty-1  24    vfio-pci  Single port serial                                       -\n"
     "   or         mtty-2  12    vfio-pci  Dual port serial                                         -\n"
     "0000:41:00.0  -       -     -         types not published yet: does its vendor's service run?  -\n", ""),
    ({("GET", "/v1/mdevs"): (200, {"mdevs": [MDEV]})}, ["mdev", "list"], 0,
     "MDEV                                  PARENT  TYPE    STATE  DEFINED  AUTOSTART  USED BY  PROBLEM\n"
     f"{UUID}  mtty    mtty-1  free   yes      no         -        -\n", ""),
    ({("GET", f"/v1/mdevs/{UUID}"): (200, MDEV)}, ["mdev", "show", UUID], 0,
     f"mdev:        {UUID}\nparent:      mtty\ntype:        mtty-1\nstate:       free\ndefined:     yes\nautostart:   no\n\n"
     "ATTRIBUTE  VALUE\na          1\n", ""),
    ({("GET", f"/v1/mdevs/{UUID}"): (200, MDEV)}, ["mdev", "show", UUID, "--xml"], 0, MDEV["xml"], ""),
    ({("GET", "/v1/mdevs/0000%3A41%3A00.4"): (200, {"name": "0000:41:00.4"})}, ["mdev", "show", "0000:41:00.4", "--xml"], 1, "",
     None),
    ({MDEVS: (201, MDEV)}, ["mdev", "create", "--parent", "mtty", "--type", "mtty-1"], 0, UUID + "\n", ""),
    ({MDEVS: FULL}, ["mdev", "create", "--parent", "mtty", "--type", "mtty-1"], 1, "",
     "ferry: refused\n  no-free-slot: mtty has nothing left for mtty-1: it carries u1 (mtty-1, guest g1)\n"
     "    name another parent: mtty2 (3 left)\n"),
    ({}, ["mdev", "create", "--parent", "mtty"], 2, "",
     "ferry: expected --parent PARENT and --type TYPE, or --pool POOL, or a file\n"),
    ({}, ["mdev", "create", "--parent", "mtty", "--pool", "gpus"], 2, "",
     "ferry: expected --parent PARENT and --type TYPE, or --pool POOL, or a file\n"),
    ({MDEVS: (201, MDEV)}, ["mdev", "create", "--pool", "gpus"], 0, UUID + "\n", ""),
    ({}, ["mdev", "create", "--parent", "mtty", "--type", "mtty-1", "--attr", "=1"], 2, "",
     "ferry: --attr =1: expected NAME=VALUE\n"),
    ({}, ["mdev", "create", "x.xml", "--type", "mtty-1"], 2, "",
     "ferry: --type and a file do not go together: it stands in the file\n"),
    ({}, ["mdev", "create", "/nonexistent.xml"], 3, "",
     "ferry: cannot open /nonexistent.xml: No such file or directory\n"),
    ({}, ["mdev", "create", "/dev/null"], 2, "", "ferry: /dev/null: it is empty\n"),
    ({REMOVE: (204, None)}, ["mdev", "remove", UUID], 0, "", ""),
    ({REMOVE: refused(("in-use", "it is used by guest g1", {}))}, ["mdev", "remove", UUID], 1, "", None),
    ({REMOVE: problem(504, "timeout", "the driver is at it")}, ["mdev", "remove", UUID, "--timeout", "1ms"], 11, "", None),
    ({REMOVE: problem(404, "not-found", "no mdev")}, ["mdev", "remove", UUID], 3, "", "ferry: no mdev\n"),
    ({("POST", "/v1/hosts"): (201, {"name": "beta"})}, ["host", "add", "beta", "--address", "b:1"], 0, "",
     'Added. "ferry host check beta" tells whether guests can move there.\n'),
    ({("POST", "/v1/hosts"): problem(409, "exists", "host beta is known already")},
     ["host", "add", "beta", "--address", "b:1"], 4, "", "ferry: host beta is known already\n"),
    ({("DELETE", "/v1/hosts/beta"): (204, None)}, ["host", "remove", "beta"], 0, "", ""),
    ({("POST", "/v1/hosts/beta/check"): (200, {"checks": [{"check": "reachable", "ok": True, "detail": "2 ms"}]})},
     ["host", "check", "beta"], 0, "CHECK      OK   FOUND\nreachable  yes  2 ms\n", ""),
    ({("POST", "/v1/hosts/beta/check"): (200, {"checks": [
        {"check": "reachable", "ok": False, "detail": "refused", "remedy": "start ferryd"},
        {"check": "protocol", "ok": None}]})},
     ["host", "check", "beta"], 1,
     "CHECK      OK  FOUND\nreachable  no  refused\nprotocol   -   -\nTo do: start ferryd\n", ""),
    ({CHECK: (200, {"verdict": "yes", "reasons": [], "ephemerals": ["ua-nic7"]})}, ["check", "web", "--to", "beta"], 0,
     "web can move to beta\n  ua-nic7 is taken off for it and plugged in again there\n", ""),
    ({CHECK: (200, {"verdict": "no", "reasons": NO[1]["reasons"]})}, ["check", "web", "--to", "beta"], 1,
     "web cannot move to beta:\n  no-cpu-feature: beta lacks CPU feature avx512f\n    choose another host\n"
     "  already-there: a guest of that name is on beta\n", ""),
    ({CHECK: (200, {"verdict": "yes", "reasons": [], "warnings": [
        {"code": "network-gap", "alias": "ua-nic7", "message": "ua-nic7 has no standby"}]})},
     ["check", "web", "--to", "beta", "--allow-degraded"], 0,
     "web can move to beta\nwarning: ua-nic7 has no standby\n", ""),
    ({CHECK: (200, {"verdict": "no", "reasons": [{"code": "incompatible", "message": "other driver"}], "alternatives": [
        {"way": "live", "verdict": "no", "factor": "host driver", "code": "incompatible", "message": "other driver"},
        {"way": "save", "verdict": "no", "factor": "host driver", "code": "incompatible", "message": "other driver"},
        {"way": "cold", "verdict": "yes", "message": "shut it down"}]})},
     ["check", "web", "--to", "beta"], 1,
     "web cannot move to beta:\n  incompatible: other driver\nby save: no (host driver)\nby cold: yes (shut it down)\n", ""),
    ({}, ["migrate", "web"], 2, "", "ferry: missing --to HOST, or --reservation RESERVATION\n"),
    ({CHECK: (200, {"verdict": "yes", "target": "beta"})}, ["check", "web", "--reservation", "R1"], 0,
     "web can move to beta\n", ""),
    ({MIGRATE: refused(("reservation-expired", "reservation R1 expired", {}))}, ["migrate", "web", "--reservation", "R1"], 1,
     "", "web cannot move to the host of its reservation:\n  reservation-expired: reservation R1 expired\n"),
    ({RESERVE: (201, RESERVATION)}, ["reserve", "web", "--on", "beta"], 0, "R1\n",
     'Held until 2026-01-31T12:10:00.000Z: "ferry migrate web --reservation R1" uses it.\n'),
    ({RESERVE: refused(("no-free-slot", "beta has nothing left", {}))}, ["reserve", "web", "--on", "beta"], 1, "",
     "ferry: refused\n  no-free-slot: beta has nothing left\n"),
    ({}, ["reserve", "web", "--on", "beta", "--ttl", "soon"], 2, "", None),
    ({}, ["reserve", "web", "--on", "beta", "--device", "x"], 2, "",
     "ferry: --device x: expected ALIAS=UUID, a device that is at the target already\n"),
    ({}, ["check", "web", "--device", f"ua-gpu0={UUID}", "--device", f"ua-gpu0={UUID}"], 2, "",
     f"ferry: --device ua-gpu0={UUID}: ua-gpu0 was given another one before\n"),
    ({("GET", "/v1/reservations"): (200, {"reservations": [RESERVATION]})}, ["reservation", "list"], 0,
     "RESERVATION  GUEST  SOURCE  TARGET  STATE     EXPIRES\n"
     "R1           web    alpha   beta    reserved  2026-01-31T12:10:00.000Z\n", ""),
    ({("GET", "/v1/reservations/R1"): (200, RESERVATION)}, ["reservation", "show", "R1"], 0,
     "reservation: R1\nguest:       web\nsource:      alpha\ntarget:      beta\nstate:       reserved\n"
     "created:     2026-01-31T12:00:00.000Z\nexpires:     2026-01-31T12:10:00.000Z\n\n"
     "DEVICE   WAY    POOL  SLOT         GIVEN\nua-gpu0  state  gpus  mtty/mtty-1  -\n", ""),
    ({("DELETE", "/v1/reservations/R1"): (204, None)}, ["reservation", "cancel", "R1"], 0, "", ""),
    ({("DELETE", "/v1/reservations/R1"): problem(409, "busy", "it was used by job J1")}, ["reservation", "cancel", "R1"], 5,
     "", "ferry: it was used by job J1\n"),
    ({CHECK: (200, {"verdict": "unknown", "reasons": []})}, ["check", "web", "--to", "beta"], 21, None, ""),
    ({CHECK: (200, ALL)}, ["check", "web", "--all"], 0, SHOWN_ALL, ""),
    ({CHECK: (200, {**ALL, "verdict": "unknown"})}, ["check", "web"], 21, SHOWN_ALL, ""),
    ({CHECK: (200, {**ALL, "verdict": "unreachable"})}, ["check", "web"], 10, None, ""),
    ({CHECK: (200, {"verdict": "yes", "groups": [], "checks": [{"target": "beta", "verdict": "yes"}]})}, ["check", "web"], 0,
     "web can move to beta\n", ""),
    ({}, ["check", "web", "--all", "--to", "beta"], 2, "", "ferry: --to and --reservation ask one host and --all every one: give one of them\n"),
    ({CHECK: (200, {"verdict": "yes"})}, ["migrate", "web", "--to", "beta", "--check"], 0, "web can move to beta\n", ""),
    ({MIGRATE: NO}, ["migrate", "web", "--to", "beta"], 1, "",
     "web cannot move to beta:\n  no-cpu-feature: beta lacks CPU feature avx512f\n    choose another host\n"
     "  already-there: a guest of that name is on beta\n"),
    ({MIGRATE: problem(409, "busy", "guest web is held by job J0")}, ["migrate", "web", "--to", "beta"], 5, "",
     "ferry: guest web is held by job J0\n"),
    ({MIGRATE: (202, job())}, ["migrate", "web", "--to", "beta", "--detach"], 0,
     'job J1: "ferry job watch J1" shows how it goes\n', ""),
    ({MIGRATE: (202, {})}, ["migrate", "web", "--to", "beta"], 10, "", "ferry: ferryd answered without a job\n"),
    ({MIGRATE: (202, job()), EVENTS: Stream(job(), TRANSFER, MOVED)}, ["migrate", "web", "--to", "beta"], 0,
     "web runs on beta: moved in 2.4 s, blackout 37 ms, 200.0 MiB\n",
     "plan\nplan took 12 ms\ntransfer: 50.0 MiB of 200.0 MiB, 25 %, 100.0 MiB/s, about 1.5 s left\n"
     "transfer took 1.9 s\n"),
    ({MIGRATE: (202, job()), EVENTS: Stream(DEGRADED)}, ["migrate", "web", "--to", "beta"], 22,
     "web runs on beta: moved in 2.4 s, blackout 37 ms, 200.0 MiB; degraded: ua-nic7: beta has no free slot\n", None),
    ({MIGRATE: (202, job()), EVENTS: Stream(FAILED)}, ["migrate", "web", "--to", "beta"], 1,
     "web runs on alpha: the migration to beta failed after 1.2 s\n"
     "  guest-keeps-device: web did not release ua-nic7 within 30 s\n    try again when its driver is loaded\n", ""),
    ({MIGRATE: (202, job()), EVENTS: Stream(TIMED_OUT)}, ["migrate", "web", "--to", "beta"], 11, None, ""),
    ({EVENTS: Stream(CANCELLED)}, ["job", "watch", "J1"], 12,
     "web runs on alpha: the migration to beta was cancelled after 1.2 s\n  cancelled: its user asked for it\n", ""),
    ({EVENTS: problem(404, "not-found", "no job J1")}, ["job", "watch", "J1"], 3, "", "ferry: no job J1\n"),
    ({("GET", "/v1/jobs"): (200, {"jobs": [MOVED]})}, ["job", "list"], 0,
     "JOB  GUEST  SOURCE  TARGET  STATE  PHASE   RUNS ON  BEGAN                     TIME\n"
     "J1   web    alpha   beta    done   finish  beta     2026-01-31T12:00:00.000Z  2.4 s\n", ""),
    ({("GET", "/v1/jobs/J1"): (200, TRANSFER)}, ["job", "show", "J1"], 0, None, ""),
    ({("GET", "/v1/jobs/J1"): (200, IN_DOUBT)}, ["job", "show", "J1"], 23, None, ""),
    ({CANCEL: (202, job("cancelling"))}, ["job", "cancel", "J1"], 0,
     'asked job J1 to cancel: "ferry job watch J1" shows how it ends\n', ""),
    ({CANCEL: TOO_LATE}, ["job", "cancel", "J1"], 5, "", "ferry: too late: job J1 is handing the guest over\n"),
]

# The exit code of each problem type: the table of base/error.c, as scripts see it.
PROBLEMS = [("invalid", 400, 2), ("not-found", 404, 3), ("exists", 409, 4), ("busy", 409, 5), ("exhausted", 507, 6),
            ("unsupported", 501, 7), ("denied", 403, 8), ("io", 500, 9), ("peer", 502, 10), ("timeout", 504, 11),
            ("cancelled", 409, 12), ("corrupt", 500, 13), ("of-a-later-version", 500, 10)]


def test_rows(case):
    for routes, arguments, code, out, err in ROWS:
        with case.serve(routes):
            try:
                case.run(*arguments, code=code, out=out, err=err)
            except AssertionError as error:
                raise AssertionError(f"{' '.join(arguments)}: {error}") from error


def test_problems(case):
    for kind, status, code in PROBLEMS:
        with case.serve({("GET", "/v1/hosts"): problem(status, kind, "of\n\x1b[2J it")}):
            done = subprocess.run(case.command("host", "list"), capture_output=True, text=True, timeout=TIMEOUT,
                                  check=False)
        assert done.returncode == code, f"{kind}: {done.returncode}"
        assert "of??[2J it\n" in done.stderr, done.stderr


def test_requests(case):
    """What the options become."""
    with case.serve({MIGRATE: NO, CHECK: (200, {"verdict": "yes"}), ("POST", "/v1/hosts"): (201, {}), RESERVE: (201, RESERVATION)}) as ferryd:
        case.run("migrate", "web", "--to", "beta", code=1)
        case.run("migrate", "web", "--reservation", "R1", code=1)
        case.run("reserve", "web", "--on", "beta", "--ttl", "1500ms", "--accept-unknown", "--allow-degraded", "--device", f"ua-gpu0={UUID}")
        case.run("migrate", "--to=beta", "web", "--max-downtime", "15s", "--timeout", "1500ms", "--bandwidth", "96Mi",
                 "--parallel", "4", code=1)
        case.run("check", "web", "--to", "beta")
        case.run("migrate", "web", "--to", "beta", "--check", "--max-downtime", "2s")
        case.run("host", "add", "beta", "--address", "[::1]:7")
    plain = {"guest": "web", "to": "beta"}
    assert ferryd.calls == [
        ("POST", "/v1/migrations", plain), ("POST", "/v1/migrations", {"guest": "web", "reservation": "R1"}),
        ("POST", "/v1/reservations", {**plain, "devices": {"ua-gpu0": UUID}, "accept_unknown": True, "allow_degraded": True, "ttl_s": 2}),
        ("POST", "/v1/migrations", {**plain, "max_downtime_ms": 15000, "timeout_s": 2, "bandwidth_bps": 100663296, "parallel": 4}),
        ("POST", "/v1/checks", plain), ("POST", "/v1/checks", {**plain, "max_downtime_ms": 2000}),
        ("POST", "/v1/hosts", {"name": "beta", "address": "[::1]:7"})], ferryd.calls


def test_mdev_of_standard_input(case):
    """As of a guest and a pool."""
    with case.serve({MDEVS: (201, MDEV)}) as ferryd:
        subprocess.run(case.command("mdev", "create", "-"), input="<device/>", text=True, timeout=TIMEOUT, check=True,
                       stdout=subprocess.DEVNULL)
    assert ferryd.calls == [("POST", "/v1/mdevs", {"xml": "<device/>"})], ferryd.calls


def test_timeouts(case):
    """Of a start and a stop: whole seconds for ferryd, less than one being one."""
    with case.serve({START: (200, STARTED), STOP: (200, STARTED)}) as ferryd:
        for text in ("0", "30", "1500ms", "5m", "1h"):
            case.run("guest", "start", "web", "--timeout", text)
        case.run("guest", "stop", "web", "--timeout=90s")
    assert [body["timeout_s"] for method, _, body in ferryd.calls if method == "POST"] == [0, 30, 2, 300, 3600, 90]


def test_full_disk(case):
    """Also when it is not the last write that fails, which has another errno after it."""
    with case.serve({EVENTS: Stream(job(), MOVED)}), open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(case.command("job", "watch", "J1", "--json"), stdout=full, stderr=subprocess.PIPE, text=True,
                              timeout=TIMEOUT, check=False)
    assert (done.returncode, done.stderr) == (9, "ferry: cannot write the output: a part of it is missing\n"), done


def test_pool_requests(case):
    """What the options become, and a file."""
    path = os.path.join(case.root, "net.xml")
    with open(path, "w", encoding="utf-8") as file:
        file.write("<network/>")
    with case.serve({POOLS: (201, NET_X)}) as ferryd:
        case.run("pool", "define", "a", "--pf", "eth3", "--pf=eth4", "--policy", "spread", "--vlan", "42", "--hybrid")
        case.run("pool", "define", "b", "--vf", "0000:03:10.0", "--ephemeral")
        case.run("pool", "define", "c", "--parent", "mtty", "--type", "t-1", "--type", "t-2")
        case.run("pool", "define", path, "--policy", "pack")
        assert json.loads(case.run("pool", "define", path, "--json")) == NET_X
        ferryd.routes[POOLS] = problem(400, "invalid", "line 1, <network>: no name")
        case.run("pool", "define", path, code=2, err=f"ferry: {path}: line 1, <network>: no name\n")
        ferryd.calls.pop()
    assert [body for _, _, body in ferryd.calls] == [
        {"name": "a", "pfs": ["eth3", "eth4"], "policy": "spread", "vlan": 42, "hybrid": True},
        {"name": "b", "addresses": ["0000:03:10.0"], "ephemeral": True},
        {"name": "c", "parents": ["mtty"], "types": ["t-1", "t-2"]},
        {"xml": "<network/>", "policy": "pack"}, {"xml": "<network/>"}], ferryd.calls


def test_definitions(case):
    """What becomes of a file and of options; complaints name the file; warnings and notes are shown."""
    define, devices = ("POST", "/v1/guests"), ("POST", "/v1/guests/web/devices")
    notes = [{"kind": "changed", "message": "line 3, <hostdev>: turned"}, {"kind": "warning", "message": "not yet"}]
    path = os.path.join(case.root, "web.xml")
    with open(path, "w", encoding="utf-8") as file:
        file.write("<domain/>\n")
    with case.serve({define: (201, {"guest": {"name": "web", "uuid": "u"}, "notes": notes}),
                     devices: (201, {"guest": {"name": "web", "uuid": "u"}, "notes": []})}) as ferryd:
        assert case.run("guest", "define", path) == ("line 3, <hostdev>: turned\nwarning: not yet\nguest web is defined\n")
        case.run("guest", "add-device", "web", "--mdev-type", "t", "--pool", "p", "--attr", "a=1", "--attr", "a=2", "--model", "vfio-ap")
        case.run("guest", "add-device", "web", "--mdev-type", "t", "--parent", "mtty", "--uuid", "u", "--alias", "ua-x")
        case.run("guest", "add-device", "web", "--hybrid", "p", "--mac", "m", "--on-no-vf", "degrade")
        case.run("guest", "add-device", "web", "--ephemeral", "ua-x", "--check-only")
        case.run("guest", "add-device", "web", path)
        ferryd.routes[devices] = (200, {"guest": {"name": "web", "uuid": "u"}, "already": True, "notes": []})
        assert case.run("guest", "add-device", "web", "--ephemeral", "ua-x") == "guest web has this device already\n"
        ferryd.routes[define] = (200, {"xml": "<domain>new</domain>", "notes": notes})
        case.run("guest", "define", path, "--dry-run", err="line 3, <hostdev>: turned\nwarning: not yet\n")
        ferryd.routes[define] = problem(400, "invalid", "line 1, <domain>: the guest has no name")
        case.run("guest", "define", path, code=2, err=f"ferry: {path}: line 1, <domain>: the guest has no name\n")
        ferryd.calls.pop()
    assert [body for _, _, body in ferryd.calls] == [
        {"xml": "<domain/>\n"},
        {"mdev": {"type": "t", "pool": "p", "model": "vfio-ap", "attrs": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}},
        {"mdev": {"type": "t", "parent": "mtty", "uuid": "u", "alias": "ua-x", "attrs": []}},
        {"hybrid": {"pool": "p", "mac": "m", "on_no_vf": "degrade"}}, {"ephemeral": "ua-x", "check_only": True},
        {"xml": "<domain/>\n"}, {"ephemeral": "ua-x"}, {"xml": "<domain/>\n", "check_only": True}], ferryd.calls


def test_wrong_definitions(case):
    """Said before anybody is asked."""
    path = os.path.join(case.root, "latin.xml")
    with open(path, "wb") as file:
        file.write(b"<domain><title>\xe9</title></domain>")
    for words, text in ((["define", path], "it is not UTF-8"), (["define", "/dev/null"], "it is empty"),
                        (["add-device", "web"], "one of --mdev-type"), (["add-device", "web", path, "--hybrid", "p"], "one of --mdev-type"),
                        (["add-device", "web", "--hybrid", "p", "--parent", "x"], "--parent goes with --mdev-type only"),
                        (["add-device", "web", "--ephemeral", "a", "--mac", "m"], "--mac goes with --hybrid only"),
                        (["add-device", "web", "--mdev-type", "t", "--parent", "p", "--attr", "x"], "expected NAME=VALUE"),
                        (["add-device", "web", "--hybrid", "p", "--attr", "a=1"], "--attr goes with --mdev-type only"),
                        (["add-device", "web", path, "--alias", "ua-x"], "--alias goes with --mdev-type or --hybrid only"),
                        (["add-device", "web", "--mdev-type", "t"], "--mdev-type needs --parent PARENT or --pool POOL, one"),
                        (["add-device", "web", "--mdev-type", "t", "--parent", "p", "--pool", "q"], "one of them")):
        out = subprocess.run(case.command("guest", *words), capture_output=True, text=True, timeout=TIMEOUT, check=False)
        assert out.returncode == 2 and text in out.stderr, out


def test_wrong_quantities(case):
    for option, value in [("--bandwidth", "100"), ("--max-downtime", "x"), ("--timeout", "0"), ("--parallel", "0"), ("--parallel", "256")]:
        out = subprocess.run(case.command("migrate", "web", "--to", "beta", option, value), capture_output=True,
                             text=True, timeout=TIMEOUT, check=False)
        assert out.returncode == 2 and out.stderr.startswith(f'ferry: {option}: "{value}" is not a '), out


def test_json(case):
    """The API's own documents; of a migration one line for each event."""
    guests = {"guests": [GUEST]}
    with case.serve({("GET", "/v1/guests"): (200, guests), MIGRATE: (202, job()), CHECK: (200, {"verdict": "no"}),
                     EVENTS: Stream(job(), TRANSFER, MOVED), ("GET", "/v1/jobs/J1"): (200, TRANSFER)}) as ferryd:
        assert json.loads(case.run("--json", "guest", "list", err="")) == guests
        assert json.loads(case.run("guest", "list", "--json", err="")) == guests
        assert json.loads(case.run("job", "show", "J1", "--json")) == TRANSFER
        assert json.loads(case.run("check", "web", "--to", "beta", "--json", code=1)) == {"verdict": "no"}
        assert json.loads(case.run("migrate", "web", "--to", "beta", "--json", "--detach")) == job()
        lines = case.run("migrate", "web", "--to", "beta", "--json", err="").splitlines()
        assert [json.loads(line) for line in lines] == [job(), TRANSFER, MOVED], lines
        ferryd.routes[MIGRATE] = NO
        assert json.loads(case.run("migrate", "web", "--to", "beta", "--json", code=1))["reasons"] == NO[1]["reasons"]


def test_show_says_what_cancel_would_do(case):
    with case.serve({("GET", "/v1/jobs/J1"): (200, TRANSFER)}) as ferryd:
        out = case.run("job", "show", "J1")
        assert "rate:         100.0 MiB/s\n" in out, out
        assert out.endswith('plan took 12 ms\n\n"ferry job cancel" now undoes all; the guest goes on at the source.\n')
        ferryd.routes["GET", "/v1/jobs/J1"] = (200, IN_DOUBT)
        out = case.run("job", "show", "J1", code=23)
        assert "waiting for:  beta's answer\n" in out
        assert "web is paused, or runs at the target: the migration to beta is in doubt after 1.2 s\n" in out, out


def interrupted(case, times, *after, wait_for="plan"):
    """Ctrl-C while a job is under way; what comes then follows in the stream once cancel was asked."""
    go_on = threading.Event()

    def cancel():
        go_on.set()
        return 202, job("cancelling")

    with case.serve({MIGRATE: (202, job()), CANCEL: cancel,
                     EVENTS: Stream(job(), lambda: go_on.wait(TIMEOUT), *after)}) as ferryd:
        process = case.start("migrate", "web", "--to", "beta")
        assert process.stderr.readline() == wait_for + "\n"
        err = ""
        for _ in range(times):
            process.send_signal(signal.SIGINT)
            while _ == 0 and "asked to cancel" not in err:
                err += process.stderr.readline()
        out, rest = process.communicate(timeout=TIMEOUT)
        return process.returncode, out, err + rest, [call[:2] for call in ferryd.calls]


def test_first_interrupt_cancels(case):
    code, out, err, calls = interrupted(case, 1, CANCELLED)
    assert code == 12, (code, out, err)
    assert out.startswith("web runs on alpha: the migration to beta was cancelled"), out
    assert "waiting until all is undone" in err and calls == [MIGRATE, EVENTS, CANCEL], (err, calls)


def test_second_interrupt_leaves(case):
    hold = threading.Event()
    code, out, err, calls = interrupted(case, 2, lambda: hold.wait(3))
    hold.set()
    assert code == 12 and out == "", (code, out, err)
    assert err.endswith('ferry: job J1 goes on: "ferry job watch J1" shows how it ends\n'), err
    assert calls.count(CANCEL) == 1


def test_cancel_too_late(case):
    late = threading.Event()

    def too_late():
        late.set()
        return TOO_LATE

    with case.serve({MIGRATE: (202, job()), CANCEL: too_late,
                     EVENTS: Stream(job(), lambda: late.wait(TIMEOUT), MOVED)}):
        process = case.start("migrate", "web", "--to", "beta")
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0 and out.startswith("web runs on beta"), (out, err)
    assert "too late: job J1 is handing the guest over" in err, err


def test_no_end_in_sight(case):
    """What can be done is said once, however often the job says it."""
    endless = dict(TRANSFER, waiting_for="after 3 rounds it comes no nearer",
                   progress=dict(TRANSFER["progress"], diverging=True))
    with case.serve({MIGRATE: (202, job()), EVENTS: Stream(job(), TRANSFER, endless, endless, MOVED)}):
        process = case.start("migrate", "web", "--to", "beta")
        _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0 and err.count("ferry: after 3 rounds it comes no nearer\n") == 1, err


def test_watcher_never_cancels(case):
    hold = threading.Event()
    with case.serve({EVENTS: Stream(job(), lambda: hold.wait(3))}) as ferryd:
        process = case.start("job", "watch", "J1")
        assert process.stderr.readline() == "plan\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=TIMEOUT)
        hold.set()
    assert process.returncode == 12 and "goes on" in err, err
    assert [call[:2] for call in ferryd.calls] == [EVENTS]


def test_in_doubt_is_left_with_its_code(case):
    hold = threading.Event()
    with case.serve({MIGRATE: (202, job()), EVENTS: Stream(IN_DOUBT, lambda: hold.wait(3)),
                     CANCEL: TOO_LATE}):
        process = case.start("migrate", "web", "--to", "beta")
        assert process.stderr.readline() == "handover (is in doubt): waiting for beta's answer\n"
        assert process.stderr.readline().startswith("ferry: in doubt: no copy of the guest is resumed")
        process.send_signal(signal.SIGINT)
        assert "too late" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=TIMEOUT)
        hold.set()
    assert process.returncode == 23 and "goes on" in err, err


def test_ferryd_restarts(case):
    """The stream breaks in the middle, ferryd is away, comes back and knows the job's end."""
    broken = threading.Event()
    with case.serve({MIGRATE: (202, job()), EVENTS: Stream(TRANSFER, broken.set)}) as ferryd:
        process = case.start("migrate", "web", "--to", "beta")
        assert broken.wait(TIMEOUT)
        ferryd.stop()
        line = ""
        while "does not answer" not in line:
            line = process.stderr.readline()
            assert line, "ended without waiting for ferryd"
        ferryd.routes[EVENTS] = Stream(MOVED)
        ferryd.start()
        out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0 and out.startswith("web runs on beta: moved in 2.4 s"), (out, err)


def test_terminal(case):
    """One line that is overwritten, never wider than the terminal; ended phases stay above it."""
    main, other = pty.openpty()
    with case.serve({MIGRATE: (202, job()), EVENTS: Stream(job(), TRANSFER, MOVED)}):
        done = subprocess.run(["/bin/sh", "-c", 'stty cols 40 <&2; exec "$@"', "sh",
                               *case.command("migrate", "web", "--to", "beta")], stderr=other, stdout=subprocess.PIPE,
                              text=True, timeout=TIMEOUT, check=False)
    os.close(other)
    shown = os.read(main, 65536).decode()
    os.close(main)
    assert done.returncode == 0 and done.stdout.startswith("web runs on beta"), done
    lines = shown.replace("\r\n", "\n").split("\r\033[K")
    assert lines == ["", "plan", "plan took 12 ms\n", "transfer: 50.0 MiB of 200.0 MiB, 25 %, ", "transfer took 1.9 s\n",
                     ""], lines


def test_no_ferryd(case):
    case.run("guest", "list", code=10, out="",
             err=f"ferry: cannot talk to ferryd at {case.root}/ferryd.sock: No such file or directory. "
                 'Is ferryd running? "systemctl start ferryd" starts it\n')


if __name__ == "__main__":
    sys.exit(run_tests(globals(), lambda root: Case(sys.argv[1], root)))
