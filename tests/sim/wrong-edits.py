#!/usr/bin/python3
"""Edits the handover wrong, in a copy of the tree, and sees that the tests notice each edit.

usage: wrong-edits.py SOURCE-FOLDER
"""
import os
import shutil
import subprocess
import sys
import tempfile

GO = "    g_autoptr(GError) error = NULL;\n    bool answered = ferry_source_ask(self, FERRY_ASK_GO, &error);\n"

# what, file, text there, text instead
EDITS = [
    ("resume before GO", "src/migrate/arrival.c",
     "    if (self->domain == FERRY_TD_COMPLETE) {\n",
     "    if (self->domain == FERRY_TD_COMPLETE) {\n        (void)self->world.guest->resume(self->world.data, NULL);\n"),
    ("release before RUNNING", "src/migrate/handover.c", GO,
     GO.replace(";\n    bool", ";\n    self->world.link->release(self->world.data);\n    bool", 1)),
    ("cut after HANDOFF", "src/migrate/handover.c", GO,
     GO.replace(";\n    bool", ";\n    self->world.link->cut(self->world.data);\n    bool", 1)),
    ("no tombstone", "src/migrate/decide.c", '{ "T2",  TR(NONE) | TR(RESERVED),', '{ "T2",  TR(RESERVED),'),
]
TARGETS = ["tests/sim/test-sim", "tests/migrate/test-migrate-decide"]


def run(tree, *command, **environment):
    return subprocess.run(command, cwd=tree, env={**os.environ, **environment}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)


def first_failure(tree):
    """What the tests say; None when they notice nothing."""
    tests = [run(tree, "build/tests/migrate/test-migrate-decide", FERRY_DOCS=f"{tree}/docs"),
             run(tree, "build/tests/sim/test-sim", "-p", "/sim/plain", "-p", "/sim/every-single-fault", "-p", "/sim/random",
                 FERRY_SIM_SCHEDULES="2000")]
    for test in tests:
        if test.returncode != 0:
            lines = test.stdout.splitlines()
            return next((line for line in lines if "REPLAY" in line or "ERROR" in line), lines[-1])
    return None


def build(tree):
    done = run(tree, "ninja", "-C", "build", *TARGETS)
    if done.returncode != 0:
        sys.exit(f"wrong-edits: the tree does not build\n{done.stdout[-3000:]}")


def try_edit(tree, edit):
    what, name, old, new = edit
    path = os.path.join(tree, name)
    with open(path, encoding="utf-8") as file:
        right = file.read()
    if right.count(old) != 1:
        sys.exit(f"wrong-edits: {name} has changed: say anew how to edit it for \"{what}\"")
    with open(path, "w", encoding="utf-8") as file:
        file.write(right.replace(old, new))
    build(tree)
    noticed = first_failure(tree)
    with open(path, "w", encoding="utf-8") as file:
        file.write(right)
    print(f"{what:24} {noticed or 'NOT NOTICED'}", flush=True)
    return noticed is not None


def main():
    with tempfile.TemporaryDirectory(prefix="ferry-wrong-") as folder:
        tree = os.path.join(folder, "tree")
        shutil.copytree(sys.argv[1], tree, symlinks=True, ignore=shutil.ignore_patterns("build*", ".git"))
        done = run(tree, "meson", "setup", "build")
        if done.returncode != 0:
            sys.exit(f"wrong-edits: {done.stdout[-2000:]}")
        build(tree)
        if (failure := first_failure(tree)) is not None:
            sys.exit(f"wrong-edits: the tests fail without an edit: {failure}")
        noticed = [try_edit(tree, edit) for edit in EDITS]
    print(f"{sum(noticed)} of {len(noticed)} wrong edits noticed")
    return 0 if all(noticed) else 1


if __name__ == "__main__":
    sys.exit(main())
