"""lab/run: one VM, one script."""
import os
import shlex
import shutil
import signal
import subprocess
import sys

from . import image, machine
from .place import LabError, Scratch, die_with_parent


# A processor of QEMU 10.0 that is emulated in several threads may meet memory that another one is just moving, as a
# network card's registers are ("iotlb_to_section: Assertion ... failed"): seen in two of 62 tests on a loaded machine.
TRIES = 3


class Aborted(LabError):
    """QEMU ended itself."""


def add_programs(tree, programs):
    """Programs of this machine, into the VM's /usr/local/bin, with libraries that the image has not."""
    for path in programs:
        target = os.path.join(tree, "usr/local/bin")
        os.makedirs(target, exist_ok=True)
        shutil.copy(path, target)


def command(folder, memory, append, igb, more):
    """The job's output is the second serial port; the console is for when something goes wrong."""
    user = "user,id=p{}".format
    return [*machine.base(image.build(), memory, append), "-machine", "q35,kernel-irqchip=split",
            "-serial", f"file:{folder}/console", "-serial", "stdio",
            "-virtfs", f"local,path={folder}/share,mount_tag=lab,security_model=none,multidevs=remap",
            *machine.cards(igb, 1, user), *more]


def run(script, args=(), *, iommufd=False, memory=1024, igb=0, limit_s=300, programs=(), files=(), tree=None, more=(), output=None):
    """Boots a VM, runs @script in it (an executable file, sh by default), powers off.

    @files are put beside it in /lab; @tree is copied over the VM's root.  A script whose output is returned is run
    again in a new VM when QEMU ends itself.
    Returns (exit status, output); the output is None when it went to the file @output.
    """
    what = (script, args, iommufd, memory, igb, limit_s, programs, files, tree, more, output)
    for _ in range(TRIES - 1 if output is None else 0):
        try:
            return run_once(*what)
        except Aborted as fault:
            print(f"{fault}\nlab: QEMU ended itself: once more, in a new VM", file=sys.stderr)
    return run_once(*what)


def run_once(script, args, iommufd, memory, igb, limit_s, programs, files, tree, more, output):
    with Scratch() as folder:
        share = folder + "/share"
        os.makedirs(share + "/tree")
        shutil.copy(script, share + "/job")
        os.chmod(share + "/job", 0o755)
        for path in files:
            shutil.copy(path, share)
        if tree:
            shutil.copytree(tree, share + "/tree", symlinks=True, dirs_exist_ok=True)
        add_programs(share + "/tree", programs)
        with open(share + "/args", "w", encoding="utf-8") as file:
            file.write(shlex.join(args))
        append = f"lab.mode=job lab.vfio={'iommufd' if iommufd else 'debian'}"
        return boot(folder, command(folder, memory, append, igb, more), limit_s, output)


def boot(folder, qemu, limit_s, output):
    with subprocess.Popen(qemu, stdin=subprocess.DEVNULL, stdout=output or subprocess.PIPE, stderr=subprocess.STDOUT,
                          preexec_fn=die_with_parent) as process:
        try:
            text, _ = process.communicate(timeout=limit_s)
        except BaseException as failure:
            process.kill()
            text, _ = process.communicate()
            if not isinstance(failure, subprocess.TimeoutExpired):
                raise
            raise LabError(f"lab: no end after {limit_s} s\n{tail(folder, text)}") from None
    try:
        with open(folder + "/share/status", encoding="ascii") as file:
            return int(file.read()), text and text.decode(errors="replace")
    except (FileNotFoundError, ValueError):
        kind = Aborted if process.returncode == -signal.SIGABRT else LabError
        raise kind(f"lab: the VM died\n{tail(folder, text)}") from None


def tail(folder, text):
    with open(folder + "/console", errors="replace", encoding="utf-8") as file:
        return (text or b"").decode(errors="replace")[-4000:] + "\nconsole:\n" + file.read()[-4000:]
