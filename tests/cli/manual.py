#!/usr/bin/python3
"""The manual against the programs: each says of itself what the other knows.

usage: manual.py SOURCE-FOLDER FERRY FERRYD FERRY-VFIO
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
REASON = re.compile(r'''(?x) (?: \b(?:ferry_object(?:_to|ion)?|object|say|reason|refuse_remove
        |ferry_(?:source|target)_abort|ferry_save_fail|fail|ferry_job_add_reason)\((?:[^"();]|\w\(\w*\))*
    | "code",\ (?:[^"();]*\?\ )? | Overrun\ \w+\ =\ \{\ | \[FERRY_LACK_\w+\]\ =\ ) "([a-z]+(?:-[a-z]+)*)"''')


class Manual:
    def __init__(self, source, ferry, ferryd, ferry_vfio):
        self.source, self.ferry, self.ferryd, self.ferry_vfio, self.wrong = source, ferry, ferryd, ferry_vfio, []

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


def test_options_of_glib(manual):
    """The programs whose help is GLib's."""
    for name, program in (("ferryd.8", manual.ferryd), ("ferry-vfio.1", manual.ferry_vfio)):
        page = manual.page(name)
        known = OPTION.findall(manual.help(program))
        manual.expect(len(known) > 3, f"{name}: the program has only {known}")
        for letter, option, _ in known:
            manual.expect(f"*--{option}*" in page, f"{name} has no --{option}")
            manual.expect(not letter or f"*{letter}*" in page, f"{name} has no {letter}")
        for option in set(re.findall(r"\*--([a-z-]+)\*", page)) - {option for _, option, _ in known}:
            manual.expect(False, f"{name} has --{option}, which there is not")


def test_conformance_checks(manual):
    checks = subprocess.run([manual.ferry_vfio, "test", "--list"], capture_output=True, text=True, timeout=20,
                            check=True).stdout.splitlines()
    manual.expect(f" {len(checks)} checks" in manual.page("ferry-vfio.1"), f"ferry-vfio(1): there are {len(checks)} checks")


def test_environment(manual):
    """Every variable that a program of ours reads is in a page."""
    pages = "".join(text_of(manual.source, os.path.join("docs", "man"), ".scd").values())
    read = {name for text in text_of(manual.source, "src", ".c").values()
            for name in re.findall(r'(?:getenv|setting)\("(\w+)"', text)}
    manual.expect(len(read) > 4, f"only the variables {read} were found")
    for name in read:
        manual.expect(f"*{name}*" in pages, f"no page has the environment's {name}")


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


def configuration_rows(manual):
    """The rows of src/daemon/config.c: {(section, key): default}, and the numbers' ranges."""
    with open(os.path.join(manual.source, "src", "daemon", "config.c"), encoding="utf-8") as file:
        code = file.read()
    texts = re.findall(r'(?:PATH|TEXT)\("(\w+)", +"(\w+)", +\w+, +(?:"([^"]*)"|NULL)\)', code)
    numbers = re.findall(r'NUMBER\("(\w+)", +"(\w+)", +\w+, +(\d+), +(\d+), +(\d+)\)', code)
    switches = re.findall(r'\{ "(\w+)", "(\w+)", KIND_SWITCH, [^}]*NULL, (\d), 0, 1 \}', code)
    manual.expect(len(texts) > 5 and len(numbers) > 10 and switches, "config.c has no rows as they used to be")
    rows = {(section, key): default for section, key, default in texts}
    rows |= {(section, key): default for section, key, default, _, _ in numbers}
    rows |= {(section, key): "yes" if on == "1" else "no" for section, key, on in switches}
    return rows, {(section, key): (least, most) for section, key, _, least, most in numbers}


def test_configuration(manual):
    """Every key with its default and range in ferryd.conf(5)."""
    page = sections(manual.page("ferryd.conf.5"))
    rows, ranges = configuration_rows(manual)
    manual.expect(set(rows) == set(page), f"ferryd.conf(5) and config.c differ in {set(rows) ^ set(page)}")
    for key, default in rows.items():
        shown = page.get(key, ["", ""])[0]
        manual.expect(default in ("", shown), f"ferryd.conf(5): {key} is {shown}, not {default}")
    for key, (least, most) in ranges.items():
        manual.expect(page.get(key, ["", ""])[1].startswith(f"{least} to {most}."),
                      f"ferryd.conf(5): {key} does not begin with its range {least} to {most}")


def test_example_configuration(manual):
    """data/ferryd.conf has every key with its default, and takes nothing away from it."""
    path = os.path.join(manual.source, "data", "ferryd.conf")
    found, section = {}, None
    with open(path, encoding="utf-8") as file:
        for line in file.read().splitlines():
            if head := re.match(r"\[(\w+)\]$", line):
                section = head[1]
            elif key := re.match(r"#(\w+) = ?(.*)$", line):
                found[section, key[1]] = key[2]
            else:
                manual.expect(not line or line.startswith("# "), f"{path}: what is {line!r}?")
    rows, _ = configuration_rows(manual)
    manual.expect(set(rows) == set(found), f"{path} and config.c differ in {set(rows) ^ set(found)}")
    for key, default in rows.items():
        manual.expect(default in ("", found.get(key)), f"{path}: {key} is {found.get(key)}, not {default}")
    done = subprocess.run([manual.ferryd, "--check-config", "--config", path], capture_output=True, text=True,
                          timeout=20, check=False)
    manual.expect((done.returncode, done.stdout) == (0, f"{path} is right\n"), f"{path}: {done}")


def test_routes(manual):
    """docs/api.md has every route of src/api but the peers', and no other."""
    code = {route for text in text_of(manual.source, "src/api", ".c").values()
            for route in re.findall(r'\{ "([A-Z]+)", "(/v1/[^"]*)",', text) if not route[1].startswith("/v1/peer/")}
    with open(os.path.join(manual.source, "docs", "api.md"), encoding="utf-8") as file:
        shown = {(method, re.sub(r"/[A-Z]+", "/{}", path))
                 for method, path in re.findall(r"`(GET|POST|PUT|DELETE) (/v1/[^ `\[]*)", file.read())}
    manual.expect(len(code) > 40, f"only {len(code)} routes were found in src/api")
    manual.expect(code == shown, f"docs/api.md and src/api differ in {sorted(code ^ shown)}")


def test_members(manual):
    """docs/api.md has every member that src/api reads or writes by its name."""
    with open(os.path.join(manual.source, "docs", "api.md"), encoding="utf-8") as file:
        shown = set(re.findall(r"\w[\w-]*", file.read()))
    sources = text_of(manual.source, "src/api", ".c")
    sources |= {path: text for path, text in text_of(manual.source, "src", ".c").items()
                if path.endswith(("host/json.c", "pool/json.c", "migrate/job-json.c", "migrate/progress.c"))}
    found = 0
    for path, text in sources.items():
        members = set(re.findall(r'(?:ferry_fields_\w+|json_object_set_new|add_(?:text|number))\([^",;]+, "(\w+)"', text))
        for call in re.findall(r'json_pack\(((?:[^"();]|"[^"]*"|\([^()]*\))*)\)', text):
            members |= set(re.findall(r'"([a-z_]{2,})"', call))
        found += len(members)
        manual.expect(members <= shown, f"docs/api.md lacks {sorted(members - shown)} of {path}")
    manual.expect(found > 150, f"only {found} members were found")


def test_layers(manual):
    """docs/architecture.md has the folders of src/LAYERS, in their order."""
    with open(os.path.join(manual.source, "src", "LAYERS"), encoding="utf-8") as file:
        layers = re.findall(r"^(\w+):", file.read(), re.M)
    with open(os.path.join(manual.source, "docs", "architecture.md"), encoding="utf-8") as file:
        shown = re.findall(r"^\| `(\w+)` \|", file.read().partition("| folder |")[2], re.M)
    manual.expect(layers == shown, f"docs/architecture.md has the folders {shown}, src/LAYERS {layers}")


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


def reasons_of_page(manual):
    return {code for line in manual.page("ferry-reasons.7").splitlines() if line.startswith("*")
            for code in re.findall(r"\*([a-z-]+)\*(?!\()", line)}


def test_every_reason_is_explained(manual):
    """ferry-reasons(7) has each code that the source gives, and no other; compat's findings are ferry-compat(1)'s."""
    given = {}
    for path, text in text_of(manual.source, "src", ".c").items():
        if os.path.relpath(path, manual.source).split(os.sep)[1] not in ("compat", "cli", "client", "tool", "vfio"):
            given |= {code: path for code in REASON.findall(text)}
    manual.expect(len(given) > 90, f"only {len(given)} reasons were found in the source")
    listed = reasons_of_page(manual)
    for code in set(given) - listed:
        manual.expect(False, f"ferry-reasons(7) lacks {code}, which {given[code]} gives")
    for code in listed - set(given):
        manual.expect(False, f"ferry-reasons(7) has {code}, which nothing gives")


def test_every_reason_is_given_in_a_test(manual):
    """A test asserts each code of ferry-reasons(7): a string of it is codes alone, or begins "code: ".

    Not those of the command, whose daemon is a fake.
    """
    codes = reasons_of_page(manual)
    strings = [string.split(" ") for path, text in text_of(manual.source, "tests", ".c", ".py").items()
               if os.path.basename(os.path.dirname(path)) != "cli"
               for string in re.findall(r'"([a-z][a-z -]*)(?=[:"])', text)]
    given = {word for words in strings if codes.issuperset(words) for word in words}
    for code in codes - given:
        manual.expect(False, f"no test has ferry say {code}")


def test_every_page_is_installed(manual):
    with open(os.path.join(manual.source, "docs", "man", "meson.build"), encoding="utf-8") as file:
        listed = set(re.findall(r"'(ferry[\w.-]*)'", file.read()))
    for path in glob.glob(os.path.join(manual.source, "docs", "man", "*.scd")):
        name = os.path.basename(path).rsplit(".", 2)[0]
        manual.expect(name in listed, f"{path} is not in docs/man/meson.build")


def test_words_do_not_run_over(manual):
    """A stray _ or * of a page would underline all that follows, over the cells of a table."""
    for path, text in text_of(manual.source, os.path.join("docs", "man"), ".scd").items():
        page = subprocess.run(["scdoc"], input=text, capture_output=True, text=True, timeout=20, check=False)
        manual.expect(page.returncode == 0, f"{path}: {page.stderr}")
        for span in re.findall(r"\\f[BI](.*?)\\fR", page.stdout, re.S):
            manual.expect("T}" not in span and "\n\n" not in span, f"{path}: {span!r} is not one word")


def literals(page):
    """The literal blocks of a page."""
    return re.findall(r"^```\n(.*?)^```", page, re.M | re.S)


def test_examples_are_right(manual):
    """Rules and lists as the pages have them, read by ferry."""
    whole, *rules = literals(manual.page("ferry-compat-rules.5").partition("# EXAMPLES")[2])
    notations = literals(manual.page("ferry-compat.1").partition("# LISTS")[2].partition("# FINDINGS")[0])
    manual.expect(len(rules) == 2 and len(notations) == 2, "the pages have other examples than they used to")
    inputs = [("lint", whole)] + [("notation", text) for text in notations]
    inputs += [("lint", f'{{"ferry_compat_rules": 1, "rules": [{rule}]}}') for rule in rules]
    for command, text in inputs:
        done = subprocess.run([manual.ferry, "compat", command, "-"], input=text, capture_output=True, text=True,
                              timeout=20, check=False)
        manual.expect(done.returncode == 0, f"{text}: {done.stdout}{done.stderr}")


def test_links_lead_somewhere(manual):
    pages = {os.path.basename(path)[:-4] for path in glob.glob(os.path.join(manual.source, "docs", "man", "*.scd"))}
    for page in pages:
        for name, section in re.findall(r"\*(ferry[\w.-]*)\*\((\d)\)", manual.page(page)):
            manual.expect(f"{name}.{section}" in pages, f"{page}: {name}({section}) is nowhere")


def main(source, *programs):
    failed = 0
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    for name, test in tests:
        manual = Manual(source, *programs)
        test(manual)
        for what in manual.wrong:
            print(f"FAILED {name}: {what}")
        failed += bool(manual.wrong)
    print(f"{len(tests)} tests, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
