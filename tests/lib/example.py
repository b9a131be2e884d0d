#!/usr/bin/python3
"""The example program, run as its reader would run it.

usage: example.py PROGRAM
"""
import json
import os
import subprocess
import sys
import tempfile

BASE = {"format": 1, "device_api": "vfio-pci", "mdev_type": "t", "version": "0.2"}
# source, target, exit code, first line, words of the rest
ROWS = [
    (BASE, BASE, 0, "yes", ""),
    (BASE, {**BASE, "version": "0.1"}, 1, "no", "version: the source is at"),
    (BASE, {**BASE, "device_api": "vfio-ccw"}, 1, "no", "device_api: "),
    ({**BASE, "colour": "red"}, BASE, 1, "malformed", "colour: "),
]


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        for source, target, code, first, words in ROWS:
            paths = []
            for name, facts in (("source", source), ("target", target)):
                paths.append(os.path.join(folder, name))
                with open(paths[-1], "w", encoding="utf-8") as file:
                    json.dump(facts, file)
            done = subprocess.run([program, *paths], capture_output=True, text=True, timeout=20, check=False)
            assert done.returncode == code, done
            assert done.stdout.splitlines()[0] == first, done
            assert words in done.stdout, done
        done = subprocess.run([program, "/nonexistent", paths[0]], capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 2 and "/nonexistent" in done.stderr, done
    with open(sys.argv[2], encoding="utf-8") as file:
        assert len(file.readlines()) < 60, "the example has grown"
    print(f"{len(ROWS) + 1} rows")


main(sys.argv[1])
