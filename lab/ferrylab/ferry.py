"""The just built ferry, as its users get it: what "meson install" puts into a folder."""
import json
import os

from .place import TOP, run

BUILD = os.path.join(TOP, "build")


def configured():
    if not os.path.exists(BUILD + "/build.ninja"):
        run(["meson", "setup", BUILD, "--prefix=/usr/local"], cwd=TOP)
    return BUILD


def built(*targets):
    """Builds these, and no more: paths in the build folder.  Returns where they are."""
    run(["ninja", "-C", configured(), *targets])
    return [os.path.join(BUILD, target) for target in targets]


def installed(folder):
    """Builds what is to be installed, installs it below @folder, returns the tree."""
    built("build.ninja")  # introspection does not notice a changed meson.build by itself
    told = json.loads(run(["meson", "introspect", configured(), "--targets"]))
    files = [path for target in told if target["installed"] for path in target["filename"]]
    built(*(os.path.relpath(path, BUILD) for path in files))
    tree = os.path.join(folder, "tree")
    os.makedirs(tree)
    run(["meson", "install", "-C", BUILD, "--no-rebuild", "--strip", "--destdir", tree])
    return tree
