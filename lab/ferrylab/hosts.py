"""Hosts with libvirtd (and ferryd, once installed): alpha and beta, on one wire, 10.9.0.1 and 10.9.0.2.

They are booted once and frozen; after that they are resumed from there, which takes seconds.  RAM stays in its
file, mapped privately by those who resume (copy on write), so nothing is loaded and any number may do so.
"""
import contextlib
import glob
import io
import json
import os
import random
import shutil
import socket
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor

from . import image, machine
from .place import LabError, digest, locked

NUMBERS = {"alpha": 1, "beta": 2}
BOOTS = 3  # tries to have hosts that boot, and whose clocks go right
# libvirtd looks for hooks when it is started; the frozen one has seen none.
RESTART_LIBVIRTD = """
[ -e /etc/libvirt/hooks/qemu.d/ferry ] || exit 0
pid=$(cat /run/libvirtd.pid)
kill "$pid"
while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
libvirtd -l -d -p /run/libvirtd.pid
n=0
until virsh uri >/dev/null 2>&1; do
    n=$((n + 1))
    [ $n -lt 300 ] || exit 1
    sleep 0.1
done
"""
START_FERRYD = """
ldconfig
daemon=$(command -v ferryd) || exit 0
pidof ferryd >/dev/null && exit 0
rm -f /run/ferry/ferryd.sock  # of one that was killed
mkdir -p /var/lib/ferry /run/ferry
"$daemon" >/var/log/ferryd.log 2>&1 </dev/null &
n=0
until [ -S /run/ferry/ferryd.sock ]; do
    n=$((n + 1))
    [ $n -lt 600 ] && kill -0 $! 2>/dev/null || { cat /var/log/ferryd.log; exit 1; }
    sleep 0.1
done
"""


def free_port():
    """For QEMU to listen on in a moment: below those that the kernel gives to whoever asks for any, until then too."""
    for _ in range(100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", random.randrange(20000, 32768)))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise LabError("lab: 100 ports from 20000 to 32767 are all taken")


class Host:
    """One running VM.  What is needed to talk to it is in FOLDER/NAME.json, for other processes too."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name

    @property
    def known(self):
        try:
            with open(self.path("json"), encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            raise LabError(f"lab: {self.name} is not up: run lab/up") from None

    @property
    def uri(self):
        """libvirt's URI of this host, from this machine."""
        return f"qemu+tcp://127.0.0.1:{self.known['libvirt']}/system"

    @property
    def address(self):
        """On the wire between the hosts."""
        return f"10.9.0.{NUMBERS[self.name]}"

    def path(self, suffix):
        return os.path.join(self.folder, f"{self.name}.{suffix}")

    def stream(self, script, limit_s=120):
        """Runs a script in the host; gives a connection: its standard input, then all that it says."""
        connection = socket.create_connection(("127.0.0.1", self.known["agent"]), timeout=limit_s)
        text = script.encode()
        connection.sendall(b"%d\n%s" % (len(text), text))
        return connection

    def _hear(self, said, script, limit_s, data=b""):
        """Adds to @said all that a script says."""
        with self.stream(script, limit_s) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                said += part

    def _stuck(self):
        """What the host's kernel says of its processors, and of who waits in it."""
        said = bytearray()
        with contextlib.suppress(OSError):  # one that answers nothing any more
            self._hear(said, "echo l >/proc/sysrq-trigger; echo w >/proc/sysrq-trigger; dmesg | tail -n 200", 20)
        return said.decode(errors="replace")

    def sh(self, script, limit_s=120, data=b""):
        """Runs a script in the host.  Returns (exit status, what it said on both streams)."""
        said = bytearray()
        try:
            self._hear(said, script, limit_s, data)
        except TimeoutError:
            raise LabError(f"lab: {self.name}: no end after {limit_s} s: {script}\n{said.decode(errors='replace')}\n"
                           f"{self._stuck()}") from None
        text, found, status = said.rpartition(b"\nstatus=")
        if not found:
            raise LabError(f"lab: {self.name} did not answer: {script}\n{said.decode(errors='replace')}")
        return int(status), text.decode(errors="replace")

    def __call__(self, script, limit_s=120):
        """Runs a script that has to succeed; returns what it said."""
        status, text = self.sh(script, limit_s)
        if status != 0:
            raise LabError(f"lab: {self.name}: exit status {status}: {script}\n{text}")
        return text

    def put(self, source, target):
        """Copies a file, or the contents of a folder, to a path in the host."""
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            tar.add(source, arcname="." if os.path.isdir(source) else os.path.basename(target))
        folder = target if os.path.isdir(source) else os.path.dirname(target)
        status, text = self.sh(f"mkdir -p '{folder}' && tar -x -C '{folder}'", data=data.getvalue())
        if status != 0:
            raise LabError(f"lab: cannot put {source} to {self.name}:{target}: {text}")

    def restart_libvirtd(self):
        self(RESTART_LIBVIRTD)

    def start_ferryd(self, crash_at=""):
        """@crash_at: the point of "ferryd --list-crash-points" at which it dies, if any."""
        self(f"export FERRY_CRASH_AT={crash_at}\n{START_FERRYD}" if crash_at else START_FERRYD)

    def wait_ready(self, deadline_s=180):
        """Until init says so: a connection made before that would sit in QEMU's TCP timers."""
        end_at = time.monotonic() + deadline_s
        while time.monotonic() < end_at:
            with open(self.path("console"), errors="replace", encoding="utf-8") as file:
                if "lab: ready" in (text := file.read()):
                    return
            time.sleep(0.1)
        raise LabError(f"lab: {self.name} is not ready after {deadline_s} s:\n{text[-4000:]}")

    def keeps_time(self):
        """A kernel measures how fast its processor counts while it boots; one that has to wait for its own processor then may
        take its time for seven times as fast as it is, for good."""
        def uptime_s():
            return float(self("cut -d ' ' -f 1 /proc/uptime"))

        began, before_s = time.monotonic(), uptime_s()
        time.sleep(2)
        return 0.7 < (uptime_s() - before_s) / (time.monotonic() - began) < 1.5

    def wait_answer(self, deadline_s=30):
        """After a resume; its clock has stood still meanwhile."""
        end_at = time.monotonic() + deadline_s
        while True:
            try:
                self(f"date -s @{int(time.time())}", limit_s=5)
                return
            except (OSError, LabError):
                if time.monotonic() > end_at:
                    raise LabError(f"lab: {self.name} does not answer after its resume") from None
                time.sleep(0.1)


class Hosts:
    """The hosts in one folder: how they are started, frozen and ended."""

    def __init__(self, folder, names=("alpha", "beta"), *, iommufd=False, igb=0, memory=1024, bound=True, more=()):
        self.folder, self.names, self.bound, self.more = folder, tuple(names), bound, tuple(more)
        self.flavour, self.igb, self.memory = ("iommufd" if iommufd else "debian"), igb, memory
        self.each = {name: Host(folder, name) for name in self.names}

    def command(self, host, ram, incoming):
        """@incoming: RAM is that of a frozen host."""
        number, known = NUMBERS[host.name], host.known
        side = "server=on" if number == 1 else "server=off,reconnect-ms=200"
        forward = f"hostfwd=tcp:127.0.0.1:{known['agent']}-:7000,hostfwd=tcp:127.0.0.1:{known['libvirt']}-:16509"
        append = (f"lab.mode=host lab.name={host.name} lab.ip={host.address} lab.vfio={self.flavour} "
                  f"lab.uuid=00000000-0000-4000-8000-00000000000{number}")
        return [*machine.base(image.build(), self.memory, append), "-name", host.name,
                "-machine", "q35,kernel-irqchip=split,memory-backend=ram", "-object",
                f"memory-backend-file,id=ram,size={self.memory}M,mem-path={ram},share={'off' if incoming else 'on'}",
                "-serial", f"file:{host.path('console')}", "-qmp", f"unix:{host.path('qmp')},server=on,wait=off",
                "-netdev", f"user,id=ctl,restrict=on,{forward}",
                "-device", f"virtio-net-pci,netdev=ctl,mac=52:54:00:09:01:0{number},romfile=",
                "-netdev", f"stream,id=wire,{side},addr.type=unix,addr.path={self.folder}/wire",
                "-netdev", "hubport,id=h0,hubid=0,netdev=wire", "-netdev", "hubport,id=lan,hubid=0",
                "-device", f"virtio-net-pci,netdev=lan,mac=52:54:00:09:00:0{number},romfile=",
                *machine.cards(self.igb, number, "hubport,id=p{},hubid=0".format),
                *(["-incoming", "defer"] if incoming else []), *self.more]

    def start(self, ram_folder, incoming=False):
        for host in self.each.values():
            known = {"agent": free_port(), "libvirt": free_port()}
            write(host, known)
            open(host.path("console"), "w", encoding="ascii").close()
            ram = os.path.join(ram_folder, host.name + ".ram")
            process = machine.spawn(self.command(host, ram, incoming), host.path("log"), self.bound)
            write(host, {**known, "pid": process.pid})

    def monitor(self, host):
        try:
            return machine.Monitor(host.path("qmp"))
        except LabError as error:
            with open(host.path("log"), errors="replace", encoding="utf-8") as file:
                raise LabError(f"{error}\n{file.read()}") from None

    def frozen(self):
        """The folder with the frozen hosts; boots and freezes them first when there is none yet."""
        kind = digest(self.flavour, str(self.igb), str(self.memory), *self.names, *self.more)
        final = os.path.join(image.build(), f"frozen-{kind}-{digest(*self.recipe())}")
        with locked("frozen"):
            if not os.path.isdir(final):
                for older in glob.glob(os.path.join(image.build(), f"frozen-{kind}-*")):
                    shutil.rmtree(older)
                self.freeze(final)
        return final

    def recipe(self):
        """Frozen hosts fit only the command line that they were started with."""
        for path in (__file__, machine.__file__):
            with open(path, encoding="utf-8") as file:
                yield file.read()

    def boot(self, work):
        """On a busy machine a host may also miss a timer while it boots, and stand still: again then."""
        for left in reversed(range(BOOTS)):
            self.start(work)
            try:
                for host in self.each.values():
                    host.wait_ready()
                    if not host.keeps_time():
                        raise LabError(f"lab: {host.name}: its clock goes wrong: try again when this machine is not busy")
                return
            except LabError:
                if left == 0:
                    raise
            self.down()

    def freeze(self, final):
        work = final + ".part"
        os.makedirs(work, exist_ok=True)
        try:
            self.boot(work)
            for host in self.each.values():
                host("sync; echo 3 >/proc/sys/vm/drop_caches")
                with self.monitor(host) as monitor:
                    monitor("stop")
                    ignore_ram(monitor)
                    monitor("migrate", uri=f"file:{work}/{host.name}.state")
                    monitor.migrated()
        finally:
            self.down()
        os.rename(work, final)

    def up(self):
        """Hosts that answer, libvirtd in them; resumed, booted only the first time."""
        ram = self.frozen()
        try:
            self.start(ram, incoming=True)
            for host in self.each.values():
                with self.monitor(host) as monitor:
                    ignore_ram(monitor)
                    monitor("migrate-incoming", uri=f"file:{ram}/{host.name}.state")
                    monitor.migrated()
                    monitor("cont")
            for host in self.each.values():
                host.wait_answer()
        except BaseException:
            self.down()
            raise

    def install(self, tree):
        """Puts the installed ferry into every host, shows libvirtd its hook, and starts its ferryd."""
        def start(host):
            host.restart_libvirtd()
            host.start_ferryd()

        self.put(tree, "/")
        with ThreadPoolExecutor() as pool:
            list(pool.map(start, self.each.values()))

    def put(self, source, target):
        for host in self.each.values():
            host.put(source, target)

    def down(self):
        for name in self.names:
            host = Host(self.folder, name)
            try:
                known = host.known
            except LabError:
                continue
            if "pid" in known and ours(known["pid"], name):
                machine.end(known["pid"])
            for suffix in ("json", "qmp"):
                try:
                    os.unlink(host.path(suffix))
                except FileNotFoundError:
                    pass


def ours(pid, name):
    """The pid may belong to somebody else by now."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
    except FileNotFoundError:
        return False
    return b"-name" in words and name.encode() in words


def write(host, known):
    with open(host.path("json"), "w", encoding="utf-8") as file:
        json.dump(known, file)


def ignore_ram(monitor):
    monitor("migrate-set-capabilities", capabilities=[{"capability": "x-ignore-shared", "state": True}])
