"""Two hosts, alpha and beta, with all that connects them.  Used by the tests, the demo and the bench."""
import os
import re
import shutil
import signal
import subprocess

import libvirt

from . import guests, image, network
from .host import Host
from .monitor import GUEST, Monitor
from .namespaces import Failed, Namespace, only_child, wait_for
from .programs import TOP

SWITCH = ["sh", "-c", "ip link set lo up; echo ready; exec cat >/dev/null"]
# Kernel, initramfs, and guests saved as they run: kept between runs, with the build.
GUESTS = os.path.join(TOP, "build", "pair-guests")
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


class Pair:
    """A context manager: two hosts with their libvirtds on entry, nothing left on exit."""

    def __init__(self, programs=None, say=lambda text: None):
        self._programs, self._say = programs, say
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
        self.alpha, self.beta = (Host(name, i + 1, f"{self.folder}/{name}", self._programs)
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
        if self.monitor:
            self.monitor.close()
        for namespace in (self.switch, *(host.namespace for host in self.hosts if host)):
            if namespace:
                namespace.end()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._slot.close()

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
        self.monitor.next_beat(60, "alpha")
        wait_for("the guest to drive its e1000e", lambda: self.monitor.next_beat().nics == 1, 20)
        return domain

    def clear(self):
        """No guest anywhere."""
        for host in self.hosts:
            for domain in host.libvirt.listAllDomains():
                if domain.isActive():
                    domain.destroy()
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
        wait_for("the guest to give up its NIC", lambda: not self.alpha.has_device("g1", "ua-nic7"), 20)
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
        self.monitor.next_beat(10, "alpha")
        return mark

    def assert_runs_only_at(self, host, name="g1"):
        """libvirt's word: running here, and not even paused there; the guest's own: heard from here alone."""
        states = {each.name: each.state(name) for each in self.hosts}
        if states[host.name] is None or states[host.name][0] != libvirt.VIR_DOMAIN_RUNNING:
            raise Failed(f"{name} does not run at {host.name}: {states}")
        there = states[self.other(host).name]
        if there is not None and there[0] != libvirt.VIR_DOMAIN_SHUTOFF:
            raise Failed(f"{name} runs at {host.name}, but {self.other(host).name} has it as well: {states}")
        self.monitor.next_beat(10, host.name)
