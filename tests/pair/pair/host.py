"""A host of the pair: namespaces with a libvirtd of its own and, once installed, a ferryd."""
import contextlib
import json
import os
import shutil
import signal
import subprocess

import libvirt

from .ferry import PORT, Ferryd, Job
from .namespaces import HERE, Failed, Namespace, Service, wait_for
from .network import WIRE
from .programs import PREFIX

libvirt.registerErrorHandler(lambda *_: None, None)  # errors are raised; nobody wants them printed too

LIBVIRT_SOCKET = "/run/libvirt/libvirt-sock"

# Without cgroups, labels and helper daemons: a host in namespaces has none.
QEMU_CONF = """\
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
remember_owner = 0
stdio_handler = "file"
max_core = 0
"""
HOSTS = "127.0.0.1 localhost\n" + "".join(f"{address} {name}\n" for name, address in WIRE.items())
LIBVIRTD_CONF = """\
host_uuid = "{uuid}"
auth_unix_rw = "none"
log_outputs = "3:stderr"
"""


def _write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class Host:
    """Started with start(); every file of it is in @folder, which outlives a crash of the host."""

    def __init__(self, name, number, folder, programs):
        self.name, self.folder, self._programs = name, folder, programs
        self.uuid = f"f{number:07d}-0000-4000-8000-000000000000"
        self.namespace = self.libvirtd = None
        self.ferryd = Ferryd(self)
        self._connection = None
        ours = shutil.ignore_patterns("libvirt", "ferry", "resolv.conf")
        shutil.copytree("/etc", f"{folder}/etc", symlinks=True, ignore=ours)
        _write(f"{folder}/etc/hosts", HOSTS)
        _write(f"{folder}/etc/resolv.conf", "")  # else a look-up waits for a name server that is not there
        _write(f"{folder}/etc/libvirt/qemu.conf", QEMU_CONF)
        _write(f"{folder}/etc/libvirt/libvirtd.conf", LIBVIRTD_CONF.format(uuid=self.uuid))
        _write(f"{folder}/etc/libvirt/network.conf", 'firewall_backend = "none"\n')
        if programs:  # the hook, which libvirt looks for in /etc whatever the prefix is
            shutil.copytree(f"{programs.removesuffix(PREFIX)}/etc", f"{folder}/etc", symlinks=True, dirs_exist_ok=True)
        for path in ("lib/libvirt", "cache/libvirt", "log/libvirt", "lib/ferry", "tmp"):
            os.makedirs(f"{folder}/var/{path}")
        os.symlink("/run", f"{folder}/var/run")

    def start(self):
        self.namespace = Namespace(self.name, [f"{HERE}/host-init", self.name, self.folder, self._programs or ""])
        return self.namespace

    def power_off(self):
        """All that runs here ends at once, with what only memory holds; disks stay.  The wire is the pair's to cut."""
        self.ferryd.die()
        self.libvirtd.kill()
        self.run("sh", "-c", "kill -9 -1; sleep 0.2; rm -rf /run/libvirt /run/ferry; for link in /sys/class/net/macvtap*; do "
                             "[ ! -e $link ] || ip link del ${link##*/}; done", check=False)

    def power_on(self):
        self.start_libvirtd()
        self.ferryd.start()
        self.ferryd.wait_libvirt()

    def log(self, program):
        return f"{self.folder}/{program}.log"

    def start_libvirtd(self):
        if self.libvirtd:
            self._remove_orphans()
        self.libvirtd = Service(self.namespace, ["/usr/sbin/libvirtd"], self.log("libvirtd"))

    def _remove_orphans(self):
        """As whoever looks after the host does: a libvirtd that was killed while it plugged in a macvtap has left it, with
        its MAC address, which nobody else can use then; no status of a guest names it."""
        self.run("sh", "-c", "cd /sys/class/net; for link in macvtap*; do [ ! -e $link ] || "
                             "grep -q \"'$link'\" /run/libvirt/qemu/*.xml || ip link del $link; done")

    def restart_libvirtd(self, number=signal.SIGTERM):
        self.libvirtd.stop(number)
        self.start_libvirtd()
        self.libvirt.getLibVersion()  # answers again
        self.ferryd.wait_libvirt()

    @contextlib.contextmanager
    def says_in(self, conf, line):
        """One more line of libvirtd's configuration, for a while."""
        path = f"{self.folder}/etc/libvirt/{conf}"
        with open(path, encoding="utf-8") as file:
            before = file.read()
        _write(path, before + line + "\n")
        self.restart_libvirtd()
        try:
            yield
        finally:
            _write(path, before)
            self.restart_libvirtd()

    def run(self, *command, **options):
        return self.namespace.run(*command, **options)

    def ferry(self, *arguments, check=True, **options):
        """Runs the ferry command here as a user would; the result has returncode, stdout, stderr."""
        return self.run(f"{PREFIX}/bin/ferry", *arguments, check=check, **options)

    def ferry_later(self, *arguments):
        """Starts the ferry command and does not wait for it: ferryd may not answer now."""
        return subprocess.Popen(self.namespace.wrap([f"{PREFIX}/bin/ferry", *arguments]), stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ferry_json(self, *arguments):
        return json.loads(self.ferry("--json", *arguments).stdout)

    def migrate(self, target, guest="g1", *options):
        """Starts a migration and returns its job at once."""
        job = self.ferry_json("migrate", guest, "--to", target.name, "--detach", *options)
        return Job(self, job["id"])

    def job(self, number):
        """A job as this host shows it."""
        return Job(self, number)

    def jobs(self):
        return self.ferry_json("job", "list")["jobs"]

    @property
    def address(self):
        return f"{WIRE[self.name]}:{PORT}"

    @property
    def libvirt(self):
        """A libvirt connection to this host, from the test process; opened again after libvirtd's restart."""
        try:
            self._connection.getLibVersion()
        except (AttributeError, libvirt.libvirtError):  # none yet, or of a libvirtd that has ended
            self._connection = wait_for(f"libvirtd of {self.name}", self._open)
        return self._connection

    @property
    def uri(self):
        """This host's libvirt for a client that is outside."""
        return f"qemu+unix:///system?socket={self.namespace.path(LIBVIRT_SOCKET)}"

    def _open(self):
        try:
            return libvirt.open(self.uri)
        except libvirt.libvirtError:
            if self.libvirtd.ended() is not None:
                raise Failed(f"{self.name}: libvirtd ended: {self.tail('libvirtd')}") from None
            return None

    def tail(self, program, lines=30):
        done = subprocess.run(["tail", "-n", str(lines), self.log(program)], stdout=subprocess.PIPE, text=True, check=False)
        return done.stdout

    def domain(self, name):
        """The domain, or None."""
        try:
            return self.libvirt.lookupByName(name)
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                return None
            raise

    def state(self, name):
        """(state, reason) as numbers of libvirt, or None when there is no such domain."""
        domain = self.domain(name)
        try:
            return tuple(domain.state()) if domain else None
        except libvirt.libvirtError:
            return None  # went away between the two calls

    def kill_guest(self, name):
        """Kills the guest's QEMU."""
        self.run("sh", "-c", f"kill -9 $(cat /run/libvirt/qemu/{name}.pid)")
        wait_for(f"{self.name} to see it", lambda: self.state(name) in (None, (5, 3), (5, 1), (5, 0), (5, 6)))

    def macvtaps(self):
        """How many macvtap devices there are: those of guests."""
        return self.run("sh", "-c", "ls /sys/class/net").stdout.count("macvtap")

    def has_device(self, name, alias):
        """Is a device of this alias in the live XML?"""
        return f"<alias name='{alias}'/>" in self.domain(name).XMLDesc()
