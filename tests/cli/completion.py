#!/usr/bin/python3
"""The completions of bash and zsh: what they offer after a beginning of a command line.

usage: completion.py FERRY FOLDER-OF-THE-COMPLETIONS
"""
import os
import subprocess
import sys
import tempfile

from daemon import GUEST, MOVED, MTTY, PF, RESERVATION
from fake_ferryd import FakeFerryd

BASH = """
source "$1/ferry.bash"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_ferry
printf '%s\\n' "${COMPREPLY[@]}"
"""
# compadd works only while the line editor completes: one of our own prints what it is given, of
# which the line editor would take what begins like the word.
ZSH = """
emulate -L zsh
compadd() { shift; print -rl -- ${(M)@:#${PREFIX}*} }
_files() { print -rl -- ${PREFIX}*(N) }
folder=$1
shift
words=("$@") CURRENT=$# PREFIX=${@[-1]}
set --
source $folder/_ferry
"""
SHELLS = [("bash", ["bash", "--norc", "-c", BASH, "bash"]), ("zsh", ["zsh", "-f", "-c", ZSH, "zsh"])]

# what was typed, the last word being completed; what must be offered, what must not
ROWS = [
    (["ferry", ""], ["guest", "migrate", "check", "job", "host", "pki"], ["usage:", "--json"]),
    (["ferry", "mig"], ["migrate"], ["guest"]),
    (["ferry", "--json", ""], ["guest"], []),
    (["ferry", "--socket", "/x", "gu"], ["guest"], []),
    (["ferry", "-"], ["--json", "--socket", "--version"], ["--to"]),
    (["ferry", "guest", ""], ["list", "show"], ["guest"]),
    (["ferry", "guest", "show", ""], ["web", "db"], ["NAME"]),
    (["ferry", "guest", "show", "w"], ["web"], ["db"]),
    (["ferry", "migrate", ""], ["web", "db"], ["beta"]),
    (["ferry", "migrate", "web", "--"], ["--to", "--check", "--max-downtime", "--json", "--help"], ["web"]),
    (["ferry", "migrate", "web", "--to", ""], ["beta"], ["web"]),
    (["ferry", "migrate", "web", "--reservation", ""], ["R1"], ["web"]),
    (["ferry", "reservation", "cancel", ""], ["R1"], ["RESERVATION"]),
    (["ferry", "reserve", "web", "--on", ""], ["beta"], ["web"]),
    (["ferry", "job", "watch", ""], ["J1"], ["web"]),
    (["ferry", "host", "check", ""], ["beta"], []),
    (["ferry", "pki", ""], ["init", "issue", "install", "show"], []),
    (["ferry", "pki", "issue", "beta", "-"], ["--role", "--output", "--days"], ["-o,"]),
    (["ferry", "pki", "issue", "beta", "-o", "ho"], ["host.pem"], ["beta"]),
    (["ferry", "pki", "install", "ho"], ["host.pem"], []),
    (["ferry", "device", "show", ""], ["0000:03:00.0", "mtty"], ["DEVICE"]),
    (["ferry", "device", "show", "mtty", "--"], ["--probe", "--json"], []),
    (["ferry", "pf", "set-vfs", ""], ["0000:03:00.0", "eth3"], ["PF", "-", "NETDEV"]),
    (["ferry", "mdev", "create", "--parent", ""], ["mtty", "0000:41:00.0"], ["or", "PARENT"]),
    (["ferry", "mdev", "create", "--type", "mtty"], ["mtty-1", "mtty-2"], ["-", "TYPE"]),
    (["ferry", "mdev", "remove", ""], ["u1"], ["MDEV"]),
    (["ferry", "guest", "save", ""], ["web", "db"], ["FILE", "host.pem"]),
    (["ferry", "guest", "save", "web", "ho"], ["host.pem"], ["web"]),
    (["ferry", "guest", "save", "--force", "web", "ho"], ["host.pem"], ["web"]),
    (["ferry", "guest", "restore", "ho"], ["host.pem"], ["web"]),
    (["ferry", "guest", "restore", "--"], ["--check", "--again", "--unverified"], ["--force"]),
    (["ferry", "--socket", "/x", "guest", "add-device", "--mdev-type", "t", ""], ["web"], ["host.pem"]),
    (["ferry", "nothing", ""], [], ["web", "guest"]),
]


def offered(command, folder, words, environment, root):
    done = subprocess.run([*command, folder, *words], capture_output=True, text=True, timeout=60, check=False,
                          env=environment, cwd=root)
    assert not done.stderr, done.stderr
    return done.stdout.split()


def main(ferry, folder):
    failed = 0
    with tempfile.TemporaryDirectory() as root, FakeFerryd(root, {
            ("GET", "/v1/guests"): (200, {"guests": [GUEST, dict(GUEST, name="db")]}),
            ("GET", "/v1/jobs"): (200, {"jobs": [MOVED]}),
            ("GET", "/v1/reservations"): (200, {"reservations": [RESERVATION]}),
            ("GET", "/v1/devices"): (200, {"devices": [PF, MTTY]}),
            ("GET", "/v1/pfs"): (200, {"pfs": [PF, dict(PF, name="0000:04:00.0", netdev=None)]}),
            ("GET", "/v1/mdevs"): (200, {"mdevs": [{"name": "u1", "state": "free"}]}),
            ("GET", "/v1/mdevs/types"): (200, {"parents": [MTTY, {"name": "0000:41:00.0", "types": []}]}),
            ("GET", "/v1/hosts"): (200, {"hosts": [{"name": "beta", "address": "192.0.2.2:8442"}]})}) as ferryd:
        with open(os.path.join(root, "host.pem"), "w", encoding="utf-8"):
            pass
        environment = {"PATH": f"{os.path.dirname(os.path.abspath(ferry))}:/usr/bin:/bin",
                       "FERRY_SOCKET": ferryd.socket, "HOME": root, "LC_ALL": "C.UTF-8"}
        for name, command in SHELLS:
            for words, wanted, unwanted in ROWS:
                try:
                    found = offered(command, os.path.abspath(folder), words, environment, root)
                    assert set(wanted) <= set(found), f"only {found}, not {wanted}"
                    assert not set(unwanted) & set(found), f"{found} has one of {unwanted}"
                except AssertionError as error:
                    print(f"FAILED {name}: {words}: {error}")
                    failed += 1
    print(f"{len(SHELLS) * len(ROWS)} rows, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
