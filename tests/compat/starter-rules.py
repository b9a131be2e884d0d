#!/usr/bin/python3
"""The rule files that ferry brings: lint finds nothing, each says where its rule comes from, each is installed.

usage: starter-rules.py FERRY FOLDER
"""
import glob
import json
import os
import subprocess
import sys

# a broken or careless file, what lint must say of it, its exit code
RULE = {"id": "r", "effect": "relax", "reason": "x", "when": {"both": {"driver": "d"}}, "ignore": ["kernel"]}
FACTS = {"format": 1, "device_api": "vfio-pci", "mdev_type": "t", "version": "0.2", "driver": "d", "kernel": "1"}
VECTOR = {"name": "v", "source": FACTS, "target": FACTS, "expect": {"verdict": "yes", "differing": []}}


def rules(*rows, vectors=()):
    return {"ferry_compat_rules": 1, "rules": list(rows), "vectors": list(vectors)}


def target(**facts):
    return {**VECTOR, "target": {**FACTS, **facts}}


ROWS = [
    (rules(RULE, vectors=[VECTOR]), [], 0),
    (rules({**RULE, "wen": {}}), ["broken"], 1),
    (rules(RULE), ["unexercised"], 0),
    (rules({**RULE, "when": {}}, vectors=[VECTOR]), ["unconditional"], 0),
    (rules(RULE, vectors=[{**VECTOR, "expect": {"verdict": "no", "differing": ["x"]}}]), ["vector-fails"], 1),
    (rules(RULE, vectors=[{**VECTOR, "source": {**FACTS, "mdev_type": "u"}}]), ["vector-fails"], 1),
    (rules(RULE, vectors=[target(compatible=["version=0.2\nparent_id=p"])]), ["inert-key"], 0),
    (rules(RULE, vectors=[target(compatible=["version=0.2", "version=0.2\nbdf=x"])]), ["inert-key"], 0),
    (rules(RULE, vectors=[{**target(compatible=["version=0.1"]), "source": {**FACTS, "version": "0.1"}}]),
     ["self-not-listed"], 0),
    (rules(RULE, vectors=[{**target(attributes={"m": ["a"]}), "source": {**FACTS, "attributes": {"m": ["a", "b"]}},
                           "expect": {"verdict": "no", "differing": ["m"]}}]), ["feature-removed-without-major"], 0),
    ({**FACTS, "compatible": ["version=0.1"]}, ["self-not-listed"], 0),
    ({**FACTS, "colour": "red"}, ["malformed"], 1),
    (FACTS, [], 0),
]


def lint(ferry, folder, *words):
    done = subprocess.run([ferry, "compat", "lint", *words, "--rules", folder, "--json"], capture_output=True,
                          text=True, timeout=60, check=False)
    return done.returncode, [remark["code"] for remark in json.loads(done.stdout)["remarks"]]


def main(ferry, folder):
    files = sorted(glob.glob(os.path.join(folder, "*.json")))
    assert files
    code, remarks = lint(ferry, folder, *files)
    assert (code, remarks) == (0, []), remarks
    with open(os.path.join(os.path.dirname(folder), "meson.build"), encoding="utf-8") as file:
        installed = file.read()
    for path in files:
        assert os.path.basename(path) in installed, f"{path} is not installed"
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        assert document["vendor"] and document["comment"] and document["vectors"], path

    scratch = os.path.join(os.getcwd(), "lint-rows")
    os.makedirs(os.path.join(scratch, "others"), exist_ok=True)
    for i, (content, codes, code) in enumerate(ROWS):
        path = os.path.join(scratch, f"{i}.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(content, file)
        came = lint(ferry, os.path.join(scratch, "others"), path)
        assert came == (code, codes), f"row {i}: {came}"

    # Another file's deny takes part: a warning that names it, and no error.
    other = os.path.join(scratch, "deny")
    os.makedirs(other, exist_ok=True)
    with open(os.path.join(other, "90-deny.json"), "w", encoding="utf-8") as file:
        json.dump(rules({"id": "d", "effect": "deny", "reason": "x"}), file)
    assert lint(ferry, other, os.path.join(scratch, "0.json")) == (0, ["interference"])
    done = subprocess.run([ferry, "compat", "lint", os.path.join(scratch, "0.json"), "--rules", other],
                          capture_output=True, text=True, timeout=60, check=False)
    assert "90-deny/d" in done.stdout, done.stdout
    print(f"{len(files)} files, {len(ROWS) + 1} rows")


main(*sys.argv[1:])
