"""A host as namespaces: PID, mount, network and UTS, ended by the kernel when its holder ends."""
import os
import signal
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))


class Failed(AssertionError):
    """A command failed, or something waited for did not come; the message has all that is known."""


def wait_for(what, condition, timeout_s=30.0, pause_s=0.02):
    """Polls @condition until it is true and returns its value; raises Failed naming @what."""
    end = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > end:
            raise Failed(f"waited {timeout_s:g} s for {what}")
        time.sleep(pause_s)
    return value


def only_child(pid):
    """The child of a process that has one (unshare, nsenter); None when it has ended meanwhile."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return int(file.read() or 0) or None


def state_of(pid):
    """A process's state by its letter in /proc: "R", "S", "T" (stopped), "Z"."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


class Namespace:
    """One host's namespaces, held by a process 1 that ends with this process."""

    def __init__(self, name, command):
        self.name = name
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc", *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self._holder.stdout.readline() != "ready\n":
            raise Failed(f"{name}: {command} did not come up (root is needed)")
        self.pid = only_child(self._holder.pid)

    def wrap(self, command):
        """The command line that runs @command in this host."""
        return ["nsenter", "--target", str(self.pid), "--mount", "--net", "--uts", "--ipc", "--pid", "--", *command]

    def run(self, *command, check=True, timeout_s=60, stdin="", env=None):
        """Runs to the end; the result has returncode, stdout, stderr."""
        done = subprocess.run(self.wrap(command), input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=timeout_s, check=False, env={**os.environ, **(env or {})})
        if check and done.returncode != 0:
            raise Failed(f"{self.name}: {' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def path(self, path):
        """A file of this host as a path of the test process."""
        return f"/proc/{self.pid}/root{path}"

    def end(self):
        """Ends the host at once with all that runs in it, as a power cut would."""
        self._holder.stdin.close()
        self._holder.stdout.close()
        self._holder.wait()


class Service:
    """A program that runs in a host.  With @restart_s it is started again when it ends, as systemd would."""

    def __init__(self, namespace, command, log, env=None, once_env=None):
        self._namespace, self._command, self._log = namespace, command, log
        self._env = {**os.environ, **(env or {})}
        self._process = None
        self.start(once_env)

    def start(self, once_env=None):
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(self._namespace.wrap(self._command), stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log, env={**self._env, **(once_env or {})})

    @property
    def pid(self):
        """The program's own pid (nsenter is its parent), or None when it has ended."""
        return None if self._process.poll() is not None else only_child(self._process.pid)

    def ended(self):
        """The program's exit status (negative: by a signal), or None while it runs."""
        return self._process.poll()

    def send(self, number):
        """Sends a signal to the program.

        nsenter stops itself when its child has stopped, and passes SIGCONT on when it goes on.
        """
        pid = self.pid
        if number in (signal.SIGCONT, signal.SIGKILL) and pid and state_of(pid) == "T":
            wait_for("nsenter to stop as well", lambda: state_of(self._process.pid) == "T")
            if number == signal.SIGKILL:
                os.kill(pid, number)
            os.kill(self._process.pid, signal.SIGCONT)
        elif pid:
            os.kill(pid, number)

    def kill(self):
        """Ends the program at once; one that is stopped does not go on before that."""
        self.send(signal.SIGKILL)
        self._reap()

    def _reap(self):
        """Waits for the end of a program that was killed; nsenter may just have stopped itself for it."""
        def over():
            if self._process.poll() is None and state_of(self._process.pid) == "T":
                os.kill(self._process.pid, signal.SIGCONT)
            return self._process.poll() is not None

        wait_for(f"{self._command[0]} to be reaped", over)

    def stop(self, number=signal.SIGTERM, timeout_s=15):
        """Sends @number and waits for the end; returns the exit status."""
        self.send(signal.SIGCONT)
        self.send(number)
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"{self._command[0]} did not end within {timeout_s} s of signal {number}") from None
