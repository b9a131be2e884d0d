"""Builds ferry and installs it into a folder that the hosts see as /usr/local."""
import os
import shutil
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PREFIX = "/usr/local"


def install(build="build", setup=(), env=None):
    """Builds @build (set up when new, with the Meson options given) and installs it; returns what stands for PREFIX."""
    environment = {**os.environ, **(env or {})}

    def run(*command):
        done = subprocess.run(command, cwd=TOP, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}")

    folder = os.path.join(TOP, build)
    if not os.path.exists(f"{folder}/build.ninja"):
        run("meson", "setup", build, f"--prefix={PREFIX}", *setup)
    run("meson", "configure", build, f"-Dprefix={PREFIX}")  # somebody may have set it up for another place
    run("ninja", "-C", build)
    root = os.path.join(folder, "pair-root")
    shutil.rmtree(root, ignore_errors=True)
    run("meson", "install", "-C", build, "--no-rebuild", "--destdir", root)
    os.makedirs(root + PREFIX, exist_ok=True)
    return root + PREFIX
