"""Builds ferry and installs it into a folder that the hosts see as /usr/local."""
import json
import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PREFIX = "/usr/local"


def _run(*command):
    done = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-3000:]}{done.stderr}")
    return done.stdout


def build(folder="build"):
    """Builds this tree; returns the build folder."""
    path = os.path.join(TOP, folder)
    if not os.path.exists(f"{path}/build.ninja"):
        _run("meson", "setup", path, f"--prefix={PREFIX}")
    _run("meson", "configure", path, f"-Dprefix={PREFIX}")  # somebody may have set it up for another place
    _run("ninja", "-C", path, "build.ninja")  # else a target that is new since the last build is not listed
    targets = json.loads(_run("meson", "introspect", path, "--targets"))
    wanted = [os.path.relpath(file, path) for target in targets if target["installed"] for file in target["filename"]]
    _run("ninja", "-C", path, *wanted)  # not the unit tests' programs: they take longer than all of ferry
    return path


def install(folder, root):
    """Installs what was built in @folder below @root; returns what stands for PREFIX there."""
    _run("meson", "install", "-C", folder, "--no-rebuild", "--destdir", root)
    return root + PREFIX
