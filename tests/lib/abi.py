#!/usr/bin/python3
"""What libferry exports, and what its headers say: exactly the map, in plain C and in C++.

usage: abi.py LIBRARY MAP INCLUDE_DIR
"""
import os
import re
import subprocess
import sys
import tempfile


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def without_comments(path):
    with open(path, encoding="utf-8") as file:
        return re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)


def main(library, map_path, include):
    exported = {}
    for line in run("nm", "-D", "--defined-only", library).splitlines():
        kind, name = line.split()[1:3]
        name, _, version = name.partition("@@")
        if kind != "A":
            exported[name] = version
    mapped = set(re.findall(r"\b(ferry_[a-z0-9_]+);", without_comments(map_path)))
    assert mapped and set(exported) == mapped, sorted(set(exported) ^ mapped)
    assert all(version.startswith("FERRY_") for version in exported.values()), exported

    declared = set()
    folder = os.path.join(include, "ferry")
    for name in sorted(os.listdir(folder)):
        header = without_comments(os.path.join(folder, name))
        declared |= set(re.findall(r"\b(ferry_[a-z0-9_]+)\(", header))
        for foreign in re.findall(r"\b(?:g_\w+|G[A-Z]\w+|gboolean|guint\w*|json_\w+|glib\.h|jansson\.h)\b", header):
            raise AssertionError(f"{name} mentions {foreign}")
        for language in ("c", "c++"):
            with tempfile.NamedTemporaryFile("w", suffix=".c") as source:
                source.write(f"#include <ferry/{name}>\n")
                source.flush()
                run("clang", "-x", language, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
                    "-I", include, source.name)
    assert declared == mapped, sorted(declared ^ mapped)
    print(f"{len(mapped)} symbols, all versioned, all declared")


main(*sys.argv[1:])
