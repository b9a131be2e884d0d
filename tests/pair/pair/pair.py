"""Two hosts, alpha and beta, with all that connects them.  Used by the tests, the demo and the bench."""
import os
import re
import shutil
import signal
import subprocess

import libvirt

from . import guests, image, network, programs
from .ferry import FINAL
from .host import Host
from .monitor import GUEST, Monitor
from .namespaces import Failed, Namespace, only_child, wait_for

SWITCH = ["sh", "-c", "ip link set lo up; echo ready; exec cat >/dev/null"]
# Kernel, initramfs, and guests saved as they run: kept between runs, with the build.
GUESTS = os.path.join(programs.TOP, "build", "pair-guests")
LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE


class Ping:
    """Pings the guest from the switch, 100 a second, while the block runs; then has sent, received and the report."""

    def __init__(self, switch):
        self._switch = switch
        self.sent = self.received = 0
        self.report = ""

    def __enter__(self):
        self._process = subprocess.Popen(self._switch.wrap(["ping", "-q", "-i", "0.01", GUEST]),
                                         stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_):
        os.kill(only_child(self._process.pid), signal.SIGINT)  # it prints its report then
        self.report = self._process.communicate(timeout=10)[0].strip()
        self.sent, self.received = map(int, re.search(r"(\d+) packets transmitted, (\d+) received", self.report).groups())


def destroy(domain):
    """Also one that ends by itself just now: its QEMU was killed, and its libvirtd has been started again."""
    try:
        domain.destroy()
    except libvirt.libvirtError as error:
        if error.get_error_code() not in (libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_NO_DOMAIN):
            raise


class Pair:
    """A context manager: two hosts with their libvirtds on entry, nothing left on exit.

    @build: a build folder of ferry; what it installs, the hosts have.  None: hosts without ferry
    """

    def __init__(self, build=None, say=lambda text: None):
        self._build, self._say = build, say
        self.alpha = self.beta = self.switch = self.monitor = self.wire = self.folder = self._slot = None

    @property
    def hosts(self):
        return self.alpha, self.beta

    def __enter__(self):
        number, self._slot = network.take_slot()
        # Short, as a Unix socket's path has at most 107 characters; of this slot, so that what a killed run left goes.
        self.folder = f"/tmp/ferry-pair-{number}"
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        try:
            self._start(number)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self, slot):
        self._say("making two hosts, alpha and beta, of namespaces, and the wires between them")
        installed = self._build and programs.install(self._build, f"{self.folder}/programs")
        self.alpha, self.beta = (Host(name, i + 1, f"{self.folder}/{name}", installed)
                                 for i, name in enumerate(("alpha", "beta")))
        namespaces = [host.start() for host in self.hosts]
        self.switch = Namespace("switch", SWITCH)
        network.connect(self.switch, namespaces, slot)
        self.wire = network.Wire(*namespaces)
        self.monitor = Monitor(self.switch)
        for host in self.hosts:
            host.start_libvirtd()
        image.build(GUESTS, self._say)
        for host in self.hosts:
            self._say(f"{host.name}: libvirtd {host.libvirt.getLibVersion()} answers")

    def __exit__(self, *_):
        for host in self.hosts:
            if host and host.namespace:
                host.ferryd.stop(signal.SIGKILL)
        if self.monitor:
            self.monitor.close()
        for namespace in (self.switch, *(host.namespace for host in self.hosts if host)):
            if namespace:
                namespace.end()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._slot.close()

    def start_ferry(self, sections=None):
        """Certificates, configuration, ferryds, and each host made known to the other: as README.md has it."""
        self.alpha.ferry("pki", "init")
        for host in self.hosts:
            self._say(f"{host.name}: ferry pki issue, ferry pki install, start of ferryd")
            bundle = f"/tmp/{os.path.basename(self.folder)}-{host.name}.pem"
            try:
                self.alpha.ferry("pki", "issue", host.name, "--output", bundle)
                host.ferry("pki", "install", bundle)
            finally:
                os.path.exists(bundle) and os.remove(bundle)
            host.ferryd.configure(sections)
            host.ferryd.start()
        self.introduce()

    def introduce(self):
        for host in self.hosts:
            other = self.other(host)
            host.ferry("host", "add", other.name, "--address", other.address)

    def settle(self):
        """What a test may have left, put right: the wire whole, daemons up, no job under way, no marker."""
        self.wire.heal()
        for host in self.hosts:
            host.ferryd.send(signal.SIGCONT)
            if host.ferryd.rigged:
                host.ferryd.restart()
            if host.libvirtd.ended() is not None:
                host.start_libvirtd()
            host.ferryd.wait_ready()
            host.ferryd.wait_libvirt()
        if self._is_busy():
            for host in self.hosts:
                host.ferryd.stop(signal.SIGKILL)
            self.clear()
            for host in self.hosts:
                host.ferryd.forget()
                host.ferryd.start()
            self.introduce()

    def _is_busy(self):
        return any(host.ferryd.markers() or any(job["state"] not in FINAL for job in host.jobs()) for host in self.hosts)

    def wait_done(self):
        """Waits until no job is under way at either host: the source tells its end before the target's, which waits for it."""
        wait_for("both hosts to end their jobs", lambda: not self._is_busy())

    def other(self, host):
        return self.beta if host is self.alpha else self.alpha

    def ping(self):
        return Ping(self.switch)

    # The guest

    def boot(self):
        """Boots the Linux guest at alpha: the first time takes 5 to 10 s."""
        self.clear()
        domain = self.alpha.libvirt.defineXML(guests.linux(GUESTS))
        domain.create()
        self.monitor.next_beat(180, "alpha")
        wait_for("the guest to drive its e1000e", lambda: self.monitor.next_beat().nics == 1)
        return domain

    def clear(self):
        """No guest anywhere."""
        for host in self.hosts:
            for domain in host.libvirt.listAllDomains():
                if domain.isActive():
                    destroy(domain)
                if host.state(domain.name()):
                    domain.undefine()

    def _saved(self, variant):
        """Files of a saved guest of this variant: its state and its XML.  Made where there are none yet."""
        image_file, xml_file = f"{GUESTS}/{variant}.save", f"{GUESTS}/{variant}.xml"
        if not os.path.exists(xml_file):
            if variant == "plain":
                self.fresh("ephemeral")
                self._make_plain(self.alpha.domain("g1"))
            else:
                self.boot()
            self.alpha.domain("g1").save(image_file)
            with open(xml_file, "w", encoding="utf-8") as file:
                file.write(self.alpha.domain("g1").XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        return image_file, xml_file

    def _make_plain(self, domain):
        domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, None, "ferry", guests.NAMESPACE,
                           LIVE | libvirt.VIR_DOMAIN_AFFECT_CONFIG)
        domain.detachDeviceAlias("ua-nic7", LIVE)
        wait_for("the guest to give up its NIC", lambda: not self.alpha.has_device("g1", "ua-nic7"))
        domain.detachDeviceAlias("ua-nic7", libvirt.VIR_DOMAIN_AFFECT_CONFIG)

    def fresh(self, variant="ephemeral"):
        """A guest of this variant that runs at alpha and is known nowhere else; returns a monitor mark.

        It is resumed from a file, not booted: every fresh guest of a pair has the same boot id.
        """
        image_file, xml_file = self._saved(variant)
        self.clear()
        with open(xml_file, encoding="utf-8") as file:
            self.alpha.libvirt.defineXML(file.read())
        self.alpha.libvirt.restore(image_file)
        mark = self.monitor.mark()
        self.monitor.next_beat(host="alpha")
        return mark

    def migrate_by_libvirt(self, source):
        """libvirt's own live migration of the guest, without ferry; its client is here."""
        target = self.other(source)
        source.domain("g1").migrate3(
            target.libvirt, {libvirt.VIR_MIGRATE_PARAM_URI: f"tcp://{network.WIRE[target.name]}"},
            libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_PERSIST_DEST | libvirt.VIR_MIGRATE_UNDEFINE_SOURCE)

    def wait_stopped(self, host, job, timeout_s=90):
        """Waits until @host's ferryd stands at its FERRY_STOP_AT; tells how the job went when it never gets there."""
        try:
            wait_for(f"{host.name} to stop", host.ferryd.is_stopped, timeout_s)
        except Failed as failure:
            raise Failed(f"{failure}; states {self.states()}; records "
                         f"{ {each.name: each.ferryd.records(job.id) for each in self.hosts} }; "
                         f"{job.host.tail('ferryd', 5)}\n{job.show()}") from None

    def states(self, name="g1"):
        """What each host's libvirt says of the guest: {"alpha": (1, 1), "beta": None}."""
        return {host.name: host.state(name) for host in self.hosts}

    def where(self, job):
        """Once @job is over at both: the host that its source says the guest runs on.

        I4: both give the same outcome; a target that gave up need not know where the guest runs.
        """
        ends = [host.job(job).wait() for host in self.hosts if job in {row["id"] for row in host.jobs()}]
        if len({end["outcome"] for end in ends}) != 1 or len({end["runs_on"] for end in ends} - {None}) != 1:
            raise Failed(f"the hosts tell different ends: {ends}")
        return next(host for host in self.hosts if host.name in {end["runs_on"] for end in ends})

    def assert_moved(self, mark, source, job=None):
        """One guest since @mark, now at the other host, whole and at home there; nothing left at @source (I1, I3)."""
        target = self.other(source)
        self.assert_runs_only_at(target)
        self.monitor.assert_one_guest(mark)
        if self.monitor.hosts(mark) != [source.name, target.name]:
            raise Failed(f"the guest was heard from {self.monitor.hosts(mark)}")
        wait_for(f"{source.name} to forget the guest", lambda: source.domain("g1") is None)
        self._assert_settled(target, job)

    def assert_stayed(self, mark, source, job=None):
        """One guest since @mark, at @source all the time and whole; nothing left at the other host (I1, I3)."""
        if job:
            self.where(job.id)  # a source that gave up does not wait for the target to remove its copy
        self.assert_runs_only_at(source)
        self.monitor.assert_one_guest(mark)
        if self.monitor.hosts(mark) != [source.name]:
            raise Failed(f"the guest was heard from {self.monitor.hosts(mark)}")
        wait_for(f"{self.other(source).name} to drop the guest", lambda: self.other(source).domain("g1") is None)
        self._assert_settled(source, job)

    def assert_at_home(self, host, job):
        """The guest runs at @host alone and whole; nothing is left at the other."""
        self.assert_runs_only_at(host)
        wait_for("the other host to have nothing of it", lambda: self.other(host).domain("g1") is None)
        self._assert_settled(host, job)

    @staticmethod
    def _is_whole(host):
        return "ua-nic7" not in host.domain("g1").XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE) or host.has_device("g1", "ua-nic7")

    def wait_whole(self, host):
        """A guest may let go of its device after the job that asked for it has ended, with a ferryd killed in between: it gets
        it again then."""
        wait_for(f"g1's ephemeral device at {host.name}", lambda: self._is_whole(host))

    def _assert_settled(self, host, job):
        domain = host.domain("g1")
        if not domain.isPersistent():
            raise Failed(f"g1 runs at {host.name} without a definition")
        if not self._is_whole(host):
            raise Failed(f"g1 runs at {host.name} without its ephemeral device")
        wait_for("both hosts to be done with the guest", lambda: not any(each.ferryd.markers() for each in self.hosts))
        if job and self.where(job.id) is not host:
            raise Failed(f"job {job.id} says that g1 runs elsewhere than at {host.name}")

    def assert_runs_only_at(self, host, name="g1"):
        """libvirt's word: running here, and not even paused there; the guest's own: heard from here alone."""
        wait_for(f"{name} to run at {host.name} alone", lambda: self._alone(host, self.states(name)))
        self.monitor.next_beat(host=host.name)

    def _alone(self, host, states):
        """False while the other side's copy is still being removed; raises if it runs or stands by."""
        here, there = states[host.name], states[self.other(host).name]
        if here is None or here[0] != libvirt.VIR_DOMAIN_RUNNING:
            raise Failed(f"the guest does not run at {host.name}: {states}")
        if there == (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_STARTING_UP):
            return False  # libvirt still makes it, for a call whose other end has gone
        if there is not None and there[0] not in (libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTDOWN):
            raise Failed(f"the guest runs at {host.name}, but the other host has it as well: {states}")
        return there is None or there[0] == libvirt.VIR_DOMAIN_SHUTOFF
