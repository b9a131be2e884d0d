"""QEMU: the lab's VM, its command line and its monitor."""
import json
import os
import signal
import socket
import subprocess
import time

from .place import LabError, die_with_parent

KERNEL = ("console=ttyS0 quiet panic=-1 nokaslr mitigations=off intel_iommu=on no_timer_check tsc=reliable cryptomgr.notests "
          "random.trust_cpu=on")


def base(image, memory, append):
    """Everything but memory, consoles and network: those differ between a job and a host."""
    return ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "qemu64", "-smp", "2", "-m", str(memory), "-nodefaults",
            "-display", "none", "-no-reboot", "-device", "intel-iommu,intremap=on,caching-mode=on",
            "-drive", f"if=none,id=root,file={image}/host.img,format=raw,readonly=on,file.locking=off",
            "-device", "virtio-blk-pci,drive=root", "-kernel", f"{image}/vmlinuz", "-initrd", f"{image}/initrd",
            "-append", f"{KERNEL} {append}"]


def cards(count, host, backend):
    """82576 cards, each with one PF of 7 VFs behind its own root port; @backend makes a netdev's arguments."""
    args = []
    for n in range(1, count + 1):
        args += ["-device", f"pcie-root-port,id=rp{n},chassis={n},slot={n}", "-netdev", backend(n),
                 "-device", f"igb,bus=rp{n},netdev=p{n},mac=52:54:00:0{host}:0{n}:00,romfile="]
    return args


def spawn(command, log, bound):
    """Starts a VM in the background.  @bound: it dies with us, however we die."""
    with open(log, "wb") as file:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
                                preexec_fn=die_with_parent if bound else None)


def end(pid):
    """Ends a process of ours, and waits until it is gone."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for _ in range(50):
            try:
                os.kill(pid, number)
                os.waitpid(pid, os.WNOHANG)
            except ProcessLookupError:
                return
            except ChildProcessError:
                pass  # another process started it
            time.sleep(0.05)


class Monitor:
    """QMP, one command at a time."""

    def __init__(self, path, deadline_s=20):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        end_at = time.monotonic() + deadline_s
        while True:
            try:
                self.socket.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > end_at:
                    raise LabError(f"lab: no QEMU answers at {path}") from None
                time.sleep(0.05)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self("qmp_capabilities")

    def __call__(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while line := self.file.readline():
            answer = json.loads(line)
            if "error" in answer:
                raise LabError(f"lab: QEMU refuses {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        raise LabError(f"lab: QEMU ended during {command}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def migrated(self, deadline_s=60):
        end_at = time.monotonic() + deadline_s
        while time.monotonic() < end_at:
            state = self("query-migrate")
            if state.get("status") == "completed":
                return
            if state.get("status") in ("failed", "cancelled"):
                raise LabError(f"lab: snapshot: {state.get('error-desc', state['status'])}")
            time.sleep(0.1)
        raise LabError("lab: snapshot: still not done")
