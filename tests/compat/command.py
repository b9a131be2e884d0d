#!/usr/bin/python3
"""Every vector through the command line: verdict, differing keys, set, basis; errors with offsets.

usage: command.py FERRY VECTORS...

A row that is not run fails the test: the rows run are counted against those in the files.
"""
import json
import os
import subprocess
import sys
import tempfile

EXIT = {"yes": 0, "provision": 20, "unknown": 21, "no": 1, "malformed": 2}
DIRS = ("usr", "run", "etc")


class Runner:
    def __init__(self, ferry, folder):
        self.ferry, self.folder, self.n = ferry, folder, 0

    def write(self, name, content):
        """JSON, or raw text as a string."""
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))
        return path

    def run(self, *words):
        done = subprocess.run([self.ferry, "compat", *words], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode in (*EXIT.values(),), done
        return done.returncode, json.loads(done.stdout)

    def rules(self, row):
        """One --rules per directory; an empty one keeps the system's rules out."""
        self.n += 1
        words = []
        for place in DIRS:
            folder = os.path.join(self.folder, f"rules-{self.n}", place)
            os.makedirs(folder)
            for file in row.get("rules", []):
                if file["dir"] == place:
                    self.write(os.path.join(folder, file["file"]), file["content"])
            words += ["--rules", folder]
        return words


def run_check(runner, row):
    words = runner.rules(row)
    if "observations" in row:
        words.append("--observed=" + ",".join(row["observations"]))
    paths = [runner.write(side, row[side]) for side in ("source", "target")]
    expect = row["expect"]
    for command in ("check", "explain"):
        code, came = runner.run(command, *paths, *words, "--json")
        assert came["verdict"] == expect["verdict"], came
        assert code == EXIT[expect["verdict"]], code
        assert came["differing"] == expect["differing"], came
        assert came["set"] == expect.get("set", {}), came
        assert "basis" not in expect or came["basis"] == expect["basis"], came
        keys = [finding["key"] for finding in came["findings"] if finding["severity"] != "yes"]
        assert sorted(set(keys)) == expect["differing"], came
        for finding in came["findings"]:
            assert finding["reason"].startswith(finding["key"] + ": ") and finding["reason"].endswith("."), finding


def run_notation(runner, row):
    path = runner.write("notation", row.get("document", row.get("entry")))
    code, came = runner.run("notation", path, "--json")
    expect = row["expect"]
    if "error" in expect:
        assert code == 2 and came["error"] == expect["error"], came
        assert came.get("offset") == expect.get("offset"), came
        return
    assert code == 0, came
    if "self" in expect:
        assert came["self"] == expect["self"], came
    if "counts" in expect:
        assert [entry["count"] for entry in came["entries"]] == expect["counts"], came
    if "count" in expect:
        assert came["entries"][0]["count"] == expect["count"], came
    for which in ("first", "last"):
        if which in expect:
            assert came["entries"][0][which] == expect[which], came
    if came["json"] is not None and came["text"] is not None:
        check_other_form(runner, came)


def check_other_form(runner, came):
    """What was written in the other form stands for as many assignments."""
    for form in ("json", "text"):
        code, again = runner.run("notation", runner.write("again", came[form]), "--json")
        assert code == 0, again
        assert [e["count"] for e in again["entries"]] == [e["count"] for e in came["entries"]], again


def run_rank(runner, row):
    paths = [runner.write("source", row["source"])]
    paths += [runner.write(f"target-{i}", target) for i, target in enumerate(row["targets"])]
    code, came = runner.run("check", *paths, *runner.rules(row), "--json")
    # A target without a label is called by its file.
    order = [("" if target["target"] in paths else target["target"], target["usable"]) for target in came["targets"]]
    assert [name for name, _ in order] == row["expect"]["order"], came
    assert [name for name, usable in order if usable] == row["expect"]["usable"], came
    assert code == EXIT[came["targets"][0]["verdict"]] and came["verdict"] == came["targets"][0]["verdict"], code


def canonical(facts):
    """Sets have no order, quantities are reduced by ferry already."""
    if facts is None:
        return None
    attributes = {key: sorted(value) if isinstance(value, list) else value
                  for key, value in facts.get("attributes", {}).items()}
    return {**facts, "attributes": attributes}


def run_baseline(runner, row):
    paths = [runner.write(f"host-{i}", host) for i, host in enumerate(row["pool"])]
    code, came = runner.run("baseline", *paths, *runner.rules(row), "--json")
    assert canonical(came["baseline"]) == canonical(row["expect"]["baseline"]), came
    assert came["blocking"] == row["expect"]["blocking"], came
    assert code == (1 if came["baseline"] is None else 0), code


def run_impact(runner, row):
    code, came = runner.run("impact", runner.write("impact", row), *runner.rules(row), "--json")
    assert code == 0, code
    assert {device["id"]: device["status"] for device in came["devices"]} == row["expect"]["devices"], came
    assert came["one_way"] == row["expect"]["one_way"], came


SECTIONS = {"check": run_check, "notation": run_notation, "rank": run_rank, "baseline": run_baseline,
            "impact": run_impact}


def main(ferry, *files):
    passed = failed = rows = 0
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(ferry, folder)
        for path in files:
            with open(path, encoding="utf-8") as file:
                document = json.load(file)
            rows += sum(len(cases) for cases in document.values() if isinstance(cases, list))
            for section, run in SECTIONS.items():
                for row in document.get(section, []):
                    try:
                        run(runner, row)
                        passed += 1
                    except AssertionError as error:
                        print(f"FAILED {section}/{row['name']}: {error}")
                        failed += 1
    print(f"{passed} passed, {failed} failed")
    assert passed + failed == rows, f"{rows} rows in the files"
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
