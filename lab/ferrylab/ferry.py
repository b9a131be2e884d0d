"""The just built ferry, as its users get it: what "meson install" puts into a folder."""
import os

from .place import TOP, run


def installed(folder):
    """Builds, installs below @folder, returns the tree."""
    build = os.path.join(TOP, "build")
    if not os.path.exists(build + "/build.ninja"):
        run(["meson", "setup", build, "--prefix=/usr/local"], cwd=TOP)
    run(["ninja", "-C", build])
    tree = os.path.join(folder, "tree")
    os.makedirs(tree)
    run(["meson", "install", "-C", build, "--no-rebuild", "--strip", "--destdir", tree])
    return tree
