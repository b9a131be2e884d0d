"""ferryd on a host of the pair, supervised as systemd would, and the ferry command there."""
import glob
import json
import os
import shutil
import signal
import threading
import time

from .namespaces import Failed, Service, state_of, wait_for
from .network import WIRE
from .programs import PREFIX

PORT = 8442
SOCKET = "/run/ferry/ferryd.sock"
STATE = "/var/lib/ferry"
FINAL = ("done", "refused", "failed", "cancelled")

# The timers of docs/handover.md, section 7, where a test would otherwise wait for long.
CONFIG = {"daemon": {"listen": "{address}:%d" % PORT},
          "migrate": {"detach_timeout_s": 12, "lease_s": 5, "loaded_timeout_ms": 4000, "in_doubt_s": 1}}


def config_text(sections, address=""):
    """A key file of {section: {key: value}}."""
    return "\n".join(f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
                     for name, keys in sections.items()).replace("{address}", address)


class Ferryd:
    """One host's ferryd: stays up until stop(), whatever kills it (RestartSec=100ms)."""

    def __init__(self, host):
        self.host = host
        self._service = None
        self._wanted = threading.Event()
        self._keeper = None
        self.starts = 0
        self.rigged = False  # it runs with a FERRY_CRASH_AT or FERRY_STOP_AT that may still strike
        self.environment = {}  # of the next start only: FERRY_CRASH_AT, FERRY_STOP_AT

    def configure(self, sections=None):
        text = config_text(sections or CONFIG, WIRE[self.host.name])
        folder = f"{self.host.folder}/etc/ferry"
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/ferryd.conf", "w", encoding="utf-8") as file:
            file.write(text)

    def start(self, **environment):
        """Starts it and waits until it answers; @environment is of this start and not of a restart."""
        self.environment = environment
        self._wanted.set()
        self._begin()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()
        self.wait_ready()

    def _begin(self):
        environment, self.environment = self.environment, {}
        self.rigged = bool(environment)
        self.starts += 1
        self._service = Service(self.host.namespace, [f"{PREFIX}/sbin/ferryd"], self.host.log("ferryd"), environment)

    def _keep(self):
        while self._wanted.is_set():
            if self._service.ended() is not None:
                time.sleep(0.1)
                if self._wanted.is_set():
                    self._begin()
            time.sleep(0.01)

    def wait_ready(self):
        wait_for(f"ferryd of {self.host.name} to answer",
                 lambda: self.host.ferry("job", "list", check=False).returncode == 0,
                 60)

    def wait_libvirt(self):
        """Waits until it has found libvirtd again."""
        wait_for(f"ferryd of {self.host.name} to reach libvirt",
                 lambda: self.host.ferry("guest", "list", check=False).returncode == 0)

    @property
    def pid(self):
        return self._service.pid

    def send(self, number):
        self._service.send(number)

    def is_stopped(self):
        """Has it reached its FERRY_STOP_AT?"""
        pid = self.pid
        return pid is not None and state_of(pid) == "T"

    def stop(self, number=signal.SIGTERM):
        """Ends it for good; returns its exit status, None if it was not there."""
        self._wanted.clear()
        if self._keeper:
            self._keeper.join()
        self._keeper = None
        return self._service.stop(number) if self._service and self._service.ended() is None else None

    def die(self):
        """Ends it for good as a power cut does, without a last step of one that stands at its FERRY_STOP_AT."""
        self._wanted.clear()
        if self._keeper:
            self._keeper.join()
        self._keeper = None
        self._service.kill()

    def restart(self, **environment):
        self.stop()
        self.start(**environment)

    @property
    def state(self):
        """The folder of its journal and markers, as a path of the test process."""
        return self.host.namespace.path(STATE)

    def forget(self):
        """Takes away its journal and markers, as long as it is down."""
        shutil.rmtree(self.state, ignore_errors=True)

    # What it wrote down

    def markers(self):
        """Guests that this host holds."""
        return [os.path.basename(path) for path in glob.glob(f"{self.state}/hold/*")]

    def sql(self, statement, *options):
        """What SQLite says, run in the host: its database may be on a file system that only the host sees."""
        return self.host.run("sqlite3", *options, "-cmd", ".timeout 5000", f"{STATE}/ferry.db", statement).stdout

    def _records(self, job):
        """(kind, data) of the job's journal records, oldest first, read beside the running ferryd."""
        rows = self.sql(f"SELECT kind, data FROM record WHERE job = '{job}' ORDER BY seq", "-readonly", "-json")
        return [(row["kind"], row["data"]) for row in json.loads(rows or "[]")]

    def records(self, job):
        return [kind for kind, _ in self._records(job)]

    def record(self, job, kind):
        """What the job's record of this kind holds."""
        return json.loads(dict(self._records(job))[kind])


class Job:
    """A job as one host's ferryd shows it."""

    def __init__(self, host, number):
        self.host, self.id = host, number

    def show(self):
        """The job; how it stands is also the command's exit status (23: in doubt), which does not matter here."""
        return json.loads(self.host.ferry("--json", "job", "show", self.id, check=False).stdout)

    def wait(self, timeout_s=120):
        """Waits for a final state and returns the job as it is then."""
        def over():
            done = self.host.ferry("--json", "job", "show", self.id, check=False)
            if done.returncode not in (0, 1, 12, 22, 23):
                return None  # ferryd is being started again
            job = json.loads(done.stdout)
            return job if job["state"] in FINAL else None

        try:
            return wait_for(f"job {self.id} to end", over, timeout_s, 0.1)
        except Failed:
            raise Failed(f"job {self.id} does not end: {self.host.ferry('job', 'show', self.id, check=False)}\n"
                         f"{self.host.tail('ferryd')}") from None

    def wait_until(self, what, condition, timeout_s=30):
        """Waits until condition(job as shown) is true; returns the job as it is then."""
        return wait_for(f"job {self.id} to be {what}", lambda: condition(job := self.show()) and job, timeout_s, 0.02)
