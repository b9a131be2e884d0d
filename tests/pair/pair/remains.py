"""Sees to it that a guest's pid is in the process table, though its QEMU is dead.  Run as a program in the host.

usage: remains.py zombie|stranger PID     says "there", waits for the end of its input, then says whose that pid is
zombie: kills the process, and nobody collects it; stranger: a process that has nothing to do with it takes the free pid.
"""
import ctypes
import os
import signal
import subprocess
import sys

PTRACE_SEIZE = 0x4206  # linux/ptrace.h
TRIES = 100


def make_zombie(pid):
    """ptrace(2): the tracer is told of the death before the parent is, and this one does not ask."""
    if ctypes.CDLL(None).ptrace(PTRACE_SEIZE, pid, None, None) != 0:
        sys.exit(f"cannot trace process {pid}")
    os.kill(pid, signal.SIGKILL)


def make_stranger(pid):
    """pid_namespaces(7): the next process gets the first free pid above what ns_last_pid says."""
    for _ in range(TRIES):  # somebody else may begin a process just now
        with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as file:
            file.write(str(pid - 1))
        process = subprocess.Popen(["sleep", "60"])  # pylint: disable=consider-using-with
        if process.pid == pid:
            return
        process.kill()
        process.wait()
    sys.exit(f"no process got pid {pid} in {TRIES} tries")


def describe(pid):
    """ "sleep S" """
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        name, rest = file.read().split("(", 1)[1].rsplit(")", 1)
    return f"{name} {rest.split()[0]}"


def main(kind, pid):
    {"zombie": make_zombie, "stranger": make_stranger}[kind](pid)
    print("there", flush=True)
    sys.stdin.read()
    print(describe(pid))
    if kind == "stranger":
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
