#!/usr/bin/python3
"""The ferry program as a user runs it: what it prints, where, and its exit code.

usage: program.py FERRY
"""
import subprocess
import sys

# arguments, exit code, what stdout has, what stderr is (None: do not look)
ROWS = [
    (["--version"], 0, "ferry 0.", ""),
    (["-V"], 0, "ferry 0.", ""),
    (["--help"], 0, "usage: ferry [--json] [--socket PATH] COMMAND", ""),
    ([], 2, "", 'ferry: missing command: run "ferry --help"\n'),
    (["nothing"], 2, "", 'ferry: no command "nothing": run "ferry --help"\n'),
    (["--nothing"], 2, "", 'ferry: unknown option --nothing: run "ferry --help"\n'),
    (["guest", "list", "--json=yes"], 2, "", 'ferry: "--json=yes": this option has no value: run "ferry guest list --help"\n'),
    (["--socket", "s", "--json=yes", "guest", "list"], 2, "", 'ferry: "--json=yes": this option has no value: run "ferry --help"\n'),
    (["--socket"], 2, "", 'ferry: missing argument for --socket: run "ferry --help"\n'),
    (["compat", "baseline", "/dev/null"], 1, "  /dev/null: it is not JSON (line 1, column 0: ", ""),
    (["compat", "baseline", "-", "-"], 2, "",
     "ferry: standard input (-) can be read only once: put the other one into a file\n"),
    (["compat", "check", "-", "-"], 2, "",
     "ferry: standard input (-) can be read only once: put the other one into a file\n"),
]


def check(ferry, row):
    arguments, code, out, err = row
    done = subprocess.run([ferry, *arguments], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == code, f"exit code {done.returncode}, not {code}: {done.stderr}"
    assert out in done.stdout, f"stdout is {done.stdout!r}"
    assert out or not done.stdout, f"stdout is {done.stdout!r}"
    assert err is None or done.stderr == err, f"stderr is {done.stderr!r}"


def full_disk(ferry):
    """Output that reached nobody must not look like success."""
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([ferry, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=20,
                              check=False)
    assert done.returncode == 9, done.returncode
    assert done.stderr == "ferry: cannot write the output: No space left on device\n", done.stderr


def main(ferry):
    failed = 0
    tests = [(" ".join(row[0]) or "no argument", lambda row=row: check(ferry, row)) for row in ROWS]
    tests.append(("full disk", lambda: full_disk(ferry)))
    for name, test in tests:
        try:
            test()
        except AssertionError as error:
            print(f"FAILED {name}: {error}")
            failed += 1
    print(f"{len(tests)} rows, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
