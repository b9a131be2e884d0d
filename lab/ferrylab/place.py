"""Where the lab keeps things, and how it runs programs."""
import contextlib
import ctypes
import fcntl
import hashlib
import os
import signal
import subprocess
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GUEST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guest")
SBIN = "/usr/sbin:/usr/bin:/sbin:/bin"


class LabError(Exception):
    """Something the caller can act on; the message is all there is to say."""


def cache():
    """Packages and images: outside of the tree, shared by all clones of it, safe to delete."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = os.path.join(base, "ferry-lab")
    os.makedirs(path, exist_ok=True)
    return path


def up_folder():
    """Of the hosts of lab/up: their sockets, consoles, ports."""
    path = os.environ.get("FERRY_LAB_UP") or os.path.join(cache(), "up")
    os.makedirs(path, exist_ok=True)
    return path


def run(command, **more):
    """Runs a program to its end; what it says is shown only when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          check=False, env={**os.environ, "PATH": SBIN, "LC_ALL": "C"}, **more)
    if done.returncode != 0:
        raise LabError(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


@contextlib.contextmanager
def locked(name):
    """One process at a time builds or freezes; the lock goes with the process, however that ends."""
    with open(os.path.join(cache(), name + ".lock"), "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def digest(*parts, files=()):
    """A short name for inputs: strings, and the contents of files."""
    total = hashlib.sha256("\0".join(parts).encode())
    for path in sorted(files):
        with open(path, "rb") as file:
            total.update(file.read())
    return total.hexdigest()[:16]


def die_with_parent():
    """For Popen's preexec_fn: the kernel kills this child when the thread that started it is gone."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Scratch:
    """A temporary folder that goes away with this process, even when that is killed: a shell waits
    for the end of a pipe that only we hold open, and removes it."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="ferry-lab-")
        self.guard = subprocess.Popen(  # pylint: disable=consider-using-with
            ["/bin/sh", "-c", 'trap "" INT TERM HUP; read -r _; rm -rf "$1"', "sh", self.path],
            stdin=subprocess.PIPE, start_new_session=True)

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        self.guard.stdin.close()
        self.guard.wait()
