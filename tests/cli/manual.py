#!/usr/bin/python3
"""The manual against the programs: each says of itself what the other knows.

usage: manual.py SOURCE-FOLDER FERRY FERRYD
"""
import glob
import os
import re
import subprocess
import sys

OPTION = re.compile(r"^  (?:(-\w), )?--([a-z-]+)(?:[ =](\S+))?(?:  |$)", re.M)
# A page that speaks of a command by another's name.
PAGE_OF = {"check": "migrate", "reserve": "reservation"}
COMMON = {"json", "socket", "help"}


# Where a reason's code stands in the source: a call's argument, a field of JSON, or a table's first column.
REASON = re.compile(r'''(?x) (?: \b(?:ferry_object\w*|object|say|refusal|reason|refuse_remove|ferry_life_add_reason
        |ferry_(?:source|target)_abort|ferry_save_fail|fail|ferry_job_add_reason)\([^"();]*
    | "code",\ (?:[^"();]*\?\ )? | Overrun\ \w+\ =\ \{\ | \[FERRY_LACK_\w+\]\ =\ ) "([a-z]+(?:-[a-z]+)*)"''')


class Manual:
    def __init__(self, source, ferry, ferryd):
        self.source, self.ferry, self.ferryd, self.wrong = source, ferry, ferryd, []

    def expect(self, right, what):
        if not right:
            self.wrong.append(what)

    def page(self, name):
        with open(os.path.join(self.source, "docs", "man", name + ".scd"), encoding="utf-8") as file:
            return file.read()

    def help(self, program, *arguments):
        return subprocess.run([program, *arguments, "--help"], capture_output=True, text=True, timeout=20,
                              check=True).stdout

    def groups(self):
        return re.findall(r"^  ([a-z]+) ", self.help(self.ferry), re.M)

    def verbs(self, group):
        """The commands of a group; of one that is its own command, the group alone."""
        text = self.help(self.ferry, group)
        return [[group, verb] for verb in re.findall(rf"^  ferry {group} ([a-z-]+)", text, re.M)] or [[group]]


def is_named(page, option, value):
    """As scdoc has it: *--to* _HOST_, or as the last of several: *-o*, *--output* _FILE_."""
    return (f"*--{option}* _{value}_" if value else f"*--{option}*") in page


def test_every_command_and_option_is_in_its_page(manual):
    top = manual.page("ferry.1")
    for group in manual.groups():
        page = manual.page(f"ferry-{PAGE_OF.get(group, group)}.1")
        manual.expect(f"*ferry {group}*" in top, f"ferry(1) does not name the command {group}")
        for verb in manual.verbs(group):
            name = " ".join(["ferry", *verb])
            text = manual.help(manual.ferry, *verb)
            words = re.match(rf"usage: {name}((?: (?!\[OPTION)[^-\s]\S*)*)", text)[1].split()
            words = [re.sub(r"\W*(\w+)\W*", r"_\1_", word) for word in words]
            manual.expect(f"*{name}*" in page, f"the page of {group} has no *{name}*")
            for word in words:
                manual.expect(re.search(rf"\*{name}\* .*{word}", page), f"{name} lacks its {word}")
            for _, option, value in OPTION.findall(text):
                manual.expect(is_named(page if option not in COMMON else top, option, value),
                              f"the page of {name} has no --{option} {value}")


def test_every_option_of_a_page_exists(manual):
    common = {option for _, option, _ in OPTION.findall(manual.help(manual.ferry))}
    for group in manual.groups():
        name = PAGE_OF.get(group, group)
        known = set(common)
        for verb in [verb for other in manual.groups() if PAGE_OF.get(other, other) == name
                     for verb in manual.verbs(other)]:
            known |= {option for _, option, _ in OPTION.findall(manual.help(manual.ferry, *verb))}
        for option in re.findall(r"\*--([a-z-]+)\*", manual.page(f"ferry-{name}.1")):
            manual.expect(option in known, f"the page of {group} has --{option}, which there is not")


def test_daemon(manual):
    page, text = manual.page("ferryd.8"), manual.help(manual.ferryd)
    known = {option for _, option, _ in OPTION.findall(text)}
    for option in known:
        manual.expect(f"*--{option}*" in page, f"ferryd(8) has no --{option}")
    for option in re.findall(r"\*--([a-z-]+)\*", page):
        manual.expect(option in known, f"ferryd(8) has --{option}, which there is not")


def sections(page):
    """{(section, key): what follows} of ferryd.conf(5)."""
    found, section = {}, None
    for line in page.splitlines():
        if head := re.match(r"# \[(\w+)\]", line):
            section = head[1]
        elif line.startswith("# "):
            section = None
        elif section and (key := re.match(r"\*(\w+)\* =(?: _(.*)_)?$", line)):
            found[section, key[1]] = [(key[2] or "").replace("\\", ""), ""]
        elif section and found and line.startswith("\t"):
            for entry in reversed(found.values()):  # one text may be that of several keys above it
                if entry[1]:
                    break
                entry[1] = line.strip()
    return found


def test_configuration(manual):
    """Every key with its default and range: the rows of src/daemon/config.c."""
    with open(os.path.join(manual.source, "src", "daemon", "config.c"), encoding="utf-8") as file:
        code = file.read()
    page = sections(manual.page("ferryd.conf.5"))
    texts = re.findall(r'(?:PATH|TEXT)\("(\w+)", +"(\w+)", +\w+, +(?:"([^"]*)"|NULL)\)', code)
    numbers = re.findall(r'NUMBER\("(\w+)", +"(\w+)", +\w+, +(\d+), +(\d+), +(\d+)\)', code)
    switches = re.findall(r'\{ "(\w+)", "(\w+)", KIND_SWITCH, [^}]*NULL, (\d), 0, 1 \}', code)
    manual.expect(len(texts) > 5 and len(numbers) > 10 and switches, "config.c has no rows as they used to be")
    rows = {(section, key): default for section, key, default in texts}
    rows |= {(section, key): default for section, key, default, _, _ in numbers}
    rows |= {(section, key): "yes" if on == "1" else "no" for section, key, on in switches}
    manual.expect(set(rows) == set(page), f"ferryd.conf(5) and config.c differ in {set(rows) ^ set(page)}")
    for key, default in rows.items():
        shown = page.get(key, ["", ""])[0]
        manual.expect(default in ("", shown), f"ferryd.conf(5): {key} is {shown}, not {default}")
    for section, key, _, least, most in numbers:
        manual.expect(page.get((section, key), ["", ""])[1].startswith(f"{least} to {most}."),
                      f"ferryd.conf(5): {key} does not begin with its range {least} to {most}")


def test_documents_name_real_commands(manual):
    """What README, docs and pages have one type: `ferry job list`, *ferry job list*, or a line of it."""
    command = re.compile(r"(?:`|\*|^ {4,}(?:\w+# +)?|^\t?(?:\w*[$#] )|\| )ferry ([a-z]+)(?: ([a-z][a-z-]*))?", re.M)
    groups = {group: {verb[1] for verb in manual.verbs(group) if verb[1:]} for group in manual.groups()}
    found = 0
    for path in [*glob.glob(os.path.join(manual.source, "docs", "**", "*.*"), recursive=True),
                 os.path.join(manual.source, "README.md")]:
        if not path.endswith((".md", ".scd")):
            continue
        with open(path, encoding="utf-8") as file:
            for group, verb in command.findall(file.read()):
                found += 1
                manual.expect(group in groups, f"{path}: there is no ferry {group}")
                verbs = groups.get(group)
                manual.expect(not verbs or not verb or verb in verbs, f"{path}: there is no ferry {group} {verb}")
    manual.expect(found > 40, f"only {found} commands were found")


def test_guarantees_name_tests_that_are_there(manual):
    """docs/guarantees.md: each promise has a test, `FILE:NAME` below tests."""
    with open(os.path.join(manual.source, "docs", "guarantees.md"), encoding="utf-8") as file:
        promises = [line for line in file if line.startswith("| ") and not line.startswith("| promise")]
    manual.expect(len(promises) > 20, f"guarantees.md: only {len(promises)} promises were found")
    for promise in promises:
        named = re.search(r"\| `([\w/.-]+):(\w+)` \|$", promise.strip())
        manual.expect(named, f"guarantees.md: no test is named for: {promise.strip()}")
        if not named:
            continue
        path = os.path.join(manual.source, "tests", named[1])
        found = False
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                found = re.search(rf"^(?:def )?{named[2]}\(", file.read(), re.M)
        manual.expect(found, f"guarantees.md: there is no test {named[1]}:{named[2]}")


def test_exit_codes(manual):
    """The table of ferry(1) has every code of base/error.c and cli/command.h."""
    with open(os.path.join(manual.source, "src", "base", "error.c"), encoding="utf-8") as file:
        codes = set(re.findall(r"\{ \"[a-z-]+\", +\d+, +(\d+) \}", file.read()))
    with open(os.path.join(manual.source, "src", "cli", "command.h"), encoding="utf-8") as file:
        codes |= set(re.findall(r"FERRY_EXIT_\w+ = (\d+)", file.read()))
    shown = set(re.findall(r"^\|  (\d+)$", manual.page("ferry.1"), re.M))
    manual.expect(codes == shown, f"ferry(1): the exit codes differ in {codes ^ shown}")


def text_of(source, folder, *suffixes):
    """{path: text} of the files below a folder."""
    found = {}
    for path in glob.glob(os.path.join(source, folder, "**", "*.*"), recursive=True):
        if path.endswith(suffixes):
            with open(path, encoding="utf-8") as file:
                found[path] = file.read()
    return found


def test_every_reason_is_explained(manual):
    """ferry-reasons(7) has each code that the source gives, and no other; compat's findings are ferry-compat(1)'s."""
    given = {}
    for path, text in text_of(manual.source, "src", ".c").items():
        if os.path.relpath(path, manual.source).split(os.sep)[1] not in ("compat", "cli", "client", "tool", "vfio"):
            given |= {code: path for code in REASON.findall(text)}
    manual.expect(len(given) > 90, f"only {len(given)} reasons were found in the source")
    listed = {code for line in manual.page("ferry-reasons.7").splitlines() if line.startswith("*")
              for code in re.findall(r"\*([a-z-]+)\*(?!\()", line)}
    for code in set(given) - listed:
        manual.expect(False, f"ferry-reasons(7) lacks {code}, which {given[code]} gives")
    for code in listed - set(given):
        manual.expect(False, f"ferry-reasons(7) has {code}, which nothing gives")


def test_every_page_is_installed(manual):
    with open(os.path.join(manual.source, "docs", "man", "meson.build"), encoding="utf-8") as file:
        listed = set(re.findall(r"'(ferry[\w.-]*)'", file.read()))
    for path in glob.glob(os.path.join(manual.source, "docs", "man", "*.scd")):
        name = os.path.basename(path).rsplit(".", 2)[0]
        manual.expect(name in listed, f"{path} is not in docs/man/meson.build")


def test_links_lead_somewhere(manual):
    pages = {os.path.basename(path)[:-4] for path in glob.glob(os.path.join(manual.source, "docs", "man", "*.scd"))}
    for page in pages:
        for name, section in re.findall(r"\*(ferry[\w.-]*)\*\((\d)\)", manual.page(page)):
            manual.expect(f"{name}.{section}" in pages, f"{page}: {name}({section}) is nowhere")


def main(source, ferry, ferryd):
    failed = 0
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    for name, test in tests:
        manual = Manual(source, ferry, ferryd)
        test(manual)
        for what in manual.wrong:
            print(f"FAILED {name}: {what}")
        failed += bool(manual.wrong)
    print(f"{len(tests)} tests, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
