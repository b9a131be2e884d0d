"""Runs the functions test_… of a file, each in an empty folder of its own."""
import subprocess
import tempfile
import time


def run_tests(names, make):
    """@make makes of a folder what every test is given; returns the exit status."""
    failed = 0
    tests = [(name, test) for name, test in names.items() if name.startswith("test_")]
    for name, test in tests:
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as root:
            try:
                test(make(root))
                print(f"ok {name}: {time.monotonic() - start:.2f} s")
            except (AssertionError, subprocess.TimeoutExpired) as error:
                print(f"FAILED {name}: {error}")
                failed += 1
    print(f"{len(tests)} tests, {failed} failed")
    return 1 if failed else 0
