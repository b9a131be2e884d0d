#!/usr/bin/python3
"""Mutation check: one-line mutants of src/compat, each of which the tests must kill.

usage: mutate.py [--only WORD]

Works on a copy of the tree.  A mutant that survives is a gap in the tests, unless it is in EQUIVALENT,
with the reason why no test can tell it from the original.  Takes about ten minutes: make check-long.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TESTS = ["test-compat-vectors", "test-compat-parts", "test-compat-properties"]

# file, the line's text as it is, as the mutant has it
MUTANTS = [
    ("version.c", "if (source->minor > target->minor)", "if (source->minor >= target->minor)"),
    ("version.c", "if (source->major != target->major)", "if (source->major > target->major)"),
    ("version.c", "if (text[0] == '0' && text[1] != '\\0') {", "if (text[0] == '0' && text[1] == '\\0' && 0) {"),
    ("fraction.c", "if (value > FERRY_NUMBER_MAX)", "if (value >= FERRY_NUMBER_MAX)"),
    ("fraction.c", "int64_t right = (int64_t)b.num * a.den;", "int64_t right = (int64_t)b.num * b.den;"),
    ("fraction.c", "if (q <= 0 || q > FERRY_NUMBER_MAX", "if (q < 0 || q > FERRY_NUMBER_MAX"),
    ("value.c", "if (j == n_b || order != 0)", "if (j == n_b)"),
    ("value.c", "!wanted->version.has_bugfix)", "wanted->version.has_bugfix)"),
    ("value.c", "return a->flag == b->flag;", "return a->flag || b->flag;"),
    ("value-parse.c", "if (size != 8 || strspn(digits, HEX_DIGITS) != size)", "if (size != 8)"),
    ("value-parse.c", "if (parts[1] != NULL && strlen(parts[0]) != 4)", "if (parts[1] != NULL && strlen(parts[0]) > 5)"),
    ("value-parse.c", "if (quantity.num <= 0)", "if (quantity.num < 0)"),
    ("value-parse.c", "if (size == 0 || text[0] == ' ' || text[size - 1] == ' ')", "if (size == 0 || text[0] == ' ')"),
    ("value-parse.c", "if (n > FERRY_SET_MAX)", "if (n > FERRY_SET_MAX + 1)"),
    ("key.c", "if (size == 0 || size > ATTRIBUTE_NAME_MAX || !g_ascii_islower(name[0]))", "if (size == 0 || size > ATTRIBUTE_NAME_MAX)"),
    ("facts.c", "return strcmp(key, \"device_id\") == 0 && strcmp(ferry_facts_class(self), \"mdev\") == 0;", "return strcmp(key, \"device_id\") == 0;"),
    ("facts.c", "return settable->phase == FERRY_PHASE_ANY || self->is_type ? settable : NULL;", "return settable;"),
    ("facts-parse.c", "self->is_newer_format = number > 1;", "self->is_newer_format = number > 2;"),
    ("facts-parse.c", "if (json_array_size(json) > FERRY_LIST_ENTRIES_MAX)", "if (json_array_size(json) >= FERRY_LIST_ENTRIES_MAX)"),
    ("facts-parse.c", "budget -= entry->count;", "budget -= 1;"),
    ("facts-json.c", "if (!ferry_attribute_is_inert(self->attributes[i].name))", "if (1)"),
    ("settable.c", "return n_a < n_b;", "return n_a > n_b;"),
    ("settable.c", "return value->quantity.den == 1 && value->quantity.num >= item->low.quantity.num &&", "return value->quantity.num >= item->low.quantity.num &&"),
    ("settable.c", "value->version.minor >= item->low.version.minor &&", "value->version.minor > item->low.version.minor &&"),
    ("settable.c", "value->version.minor <= item->high.version.minor;", "value->version.minor < item->high.version.minor;"),
    ("comparison.c", "level = FERRY_VERDICT_YES;", "level = FERRY_VERDICT_PROVISION;"),
    ("compare.c", "else if (!ferry_comparison_is_equated(self, key, source, target))", "else"),
    ("compare.c", "if (are_equal)", "if (1)"),
    ("compare.c", "if (!entry_names_interface(self))", "if (1)"),
    ("compare.c", "if (class[0] == '\\0' || strcmp(class, \"mdev\") == 0 ||", "if (class[0] == '\\0' ||"),
    ("compare.c", "if (!is_of_one_driver(self))", "if (!is_of_one_driver(self) && 0)"),
    ("compare.c", "if (!has_build)", "if (has_build)"),
    ("compare.c", "} else if (self->entry == NULL) {", "} else {"),
    ("compare.c", "if (ferry_attribute_is_inert(key) || ferry_comparison_is_listed(self, key))", "if (ferry_comparison_is_listed(self, key))"),
    ("comparison.c", "return ferry_comparison_is_listed(self, key) ? NULL : ferry_ruling_ignores(self->ruling, key);", "return ferry_ruling_ignores(self->ruling, key);"),
    ("rows.c", "ferry_rows_worsen(rows + (n_rows - 1) * fill.count, spare, fill.count);", ";"),
    ("list.c", "keep_smallest(alive, counts, count);", ";"),
    ("list.c", "keep_smallest(alive, rows + i * count, count);", ";"),
    ("list.c", "return a->n_differing < b->n_differing;", "return a->n_differing <= b->n_differing;"),
    ("rows.c", "if (num % den != 0)", "if (0)"),
    ("rows.c", "if (text[0] == '\\0')", "if (1)"),
    ("rows.c", "current->version.minor == wanted->version.minor)", "current->version.bugfix == wanted->version.bugfix)"),
    ("check.c", "    if (worst_level(compared) >= FERRY_VERDICT_UNKNOWN) {", "    if (1) {"),
    ("check.c", "if (finding->level < FERRY_VERDICT_UNKNOWN)", "if (finding->level < FERRY_VERDICT_PROVISION)"),
    ("check.c", "if (comparison->target->list != NULL) {\n        g_ptr_array_set_size(findings, 0);", "if (0) {\n        g_ptr_array_set_size(findings, 0);"),
    ("check.c", "else if (!has_fault && sides[i]->is_newer_format)", "else if (sides[i]->is_newer_format)"),
    ("check.c", "bool is_open = level == FERRY_VERDICT_UNKNOWN && only_identity_is_unknown(self->findings);", "bool is_open = level == FERRY_VERDICT_UNKNOWN;"),
    ("check.c", "hard.ruling = &no_rules;", "hard.ruling = ruling;"),
    ("condition.c", "return MIN(a, b); /* the enum is in this order */", "return MAX(a, b);"),
    ("condition.c", "version.bugfix = 0;", ";"),
    ("condition.c", "return truth_of(compare_to_bound(value, bound) * sign <= 0);", "return truth_of(compare_to_bound(value, bound) * sign < 0);"),
    ("condition.c", "return FERRY_TRUTH_UNDETERMINED;\n    if (self->any_of", "return FERRY_TRUTH_FALSE;\n    if (self->any_of"),
    ("rules.c", "strcmp(file->name, previous) == 0 ||", ""),
    ("rules.c", "truth == FERRY_TRUTH_TRUE ? FERRY_VERDICT_NO : FERRY_VERDICT_UNKNOWN,", "FERRY_VERDICT_NO,"),
    ("rules.c", "if (n_rules > FERRY_RULES_MAX && set->fault == NULL)", "if (n_rules >= FERRY_RULES_MAX && set->fault == NULL)"),
    ("rule-parse.c", "if (!has_only_keys(json, keys))\n        return fail(self, \"it has an unknown key\");\n    if (!is_text(reason)", "if (!is_text(reason)"),
    ("relax.c", "if (assumption->side != side || is_stated || is_contested(self, assumption))", "if (assumption->side != side || is_stated)"),
    ("relax.c", "if (assumption->side != side || is_stated || is_contested(self, assumption))", "if (assumption->side != side || is_contested(self, assumption))"),
    ("rank.c", "compare_numbers(left->is_full, right->is_full),", "0,"),
    ("rank.c", "compare_numbers(right->has_return, left->has_return),", "0,"),
    ("rank.c", "compare_numbers(right->bugfix, left->bugfix),", "compare_numbers(left->bugfix, right->bugfix),"),
    ("meet.c", "return ferry_fraction_compare(a->quantity, b->quantity) > 0;", "return ferry_fraction_compare(a->quantity, b->quantity) < 0;"),
    ("meet.c", "least.minor = MIN(least.minor, own->version.minor);", "least.minor = MAX(least.minor, own->version.minor);"),
    ("baseline.c", "if (order < 0 || (order == 0 && n_elements <= choice->n_elements)) {", "if (order < 0 || (order == 0 && n_elements < choice->n_elements)) {"),
    ("impact.c", "if (strcmp(host->name, device->home) == 0)\n        return;", ""),
    ("impact.c", "if (!is_upgraded(fleet, &fleet->hosts[i]) &&", "if ("),
    ("notation.c", "if (self->entry->terms->len == FERRY_ENTRY_TERMS_MAX)", "if (self->entry->terms->len > FERRY_ENTRY_TERMS_MAX)"),
    ("notation.c", "if (divides && size == 1 && number[0] == '0')", "if (size == 1 && number[0] == '0')"),
    ("notation-group.c", "if (variable->count > self->budget || variable->count * self->entry->count > self->budget)", "if (variable->count > self->budget)"),
    ("variable.c", "if (a->low.version.has_bugfix != b->low.version.has_bugfix ||", "if ("),
    ("document.c", "if (header == HEADER_SELF && self->open != HEADER_NONE)", "if (0)"),
    ("json.c", "if (size > sign + 18 && token[sign] != '0')", "if (0)"),
    ("rule-dir.c", "if ((facts->st_mode & S_IWOTH) != 0 ||", "if ("),
    ("value.c", "return value->kind == FERRY_KIND_SET ? g_strv_length(value->set) : 1;", "return value->kind == FERRY_KIND_SET ? g_strv_length(value->set) : 2;"),
    ("compare.c", "if (source != NULL && target != NULL)\n        verdict =", "if (source != NULL && target != NULL && 1)\n        verdict ="),
    ("list.c", "Score best = { .worst = UINT8_MAX };", "Score best = { .worst = UINT8_MAX - 1 };"),
]

# The place of the mutant's row in MUTANTS by its new text, and why it changes nothing that can be seen.
EQUIVALENT = {
    "hard.ruling = ruling;": "a rule that ignored device_api or migratable would break its file",
    "if (q < 0 || q > FERRY_NUMBER_MAX": "every caller refuses 0 before: the text's form, JSON's q, an operator's number",
    "if (source != NULL && target != NULL && 1)\n        verdict =": "the added condition is always true",
    "Score best = { .worst = UINT8_MAX - 1 };": "any start above the worst level, 4, does",
}


def run(command, cwd, timeout):
    try:
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False).returncode
    except subprocess.TimeoutExpired:
        return -1  # a mutant that loops is found out as well


def killed_by(tree, build):
    """The test that fails, "build" when it does not compile, or None."""
    targets = ["tests/compat/" + test for test in TESTS]
    if run(["ninja", "-j2", "-C", build, *targets], tree, 300) != 0:
        return "build"
    for test in TESTS:
        words = [os.path.join(tree, "tests/compat", name) for name in ("vectors.json", "vectors-more.json")]
        if run([os.path.join(build, "tests/compat", test), *(words if test.endswith("vectors") else [])], tree, 120) != 0:
            return test
    return None


def mutate(tree, build, row):
    name, old, new = row
    path = os.path.join(tree, "src/compat", name)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if text.count(old) == 0:
        return "no such line"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new, 1))
    try:
        return killed_by(tree, build)
    finally:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="mutants of files whose name has this")
    args = parser.parse_args()
    rows = [row for row in MUTANTS if args.only in row[0]]
    counts = {"killed": 0, "equivalent": 0, "survived": 0}
    with tempfile.TemporaryDirectory(prefix="ferry-mutants-") as folder:
        tree, build = os.path.join(folder, "tree"), os.path.join(folder, "build")
        shutil.copytree(TOP, tree, ignore=shutil.ignore_patterns("build*", ".git"))
        assert run(["meson", "setup", build, tree, "-Doptimization=0"], tree, 300) == 0, "meson setup failed"
        assert killed_by(tree, build) is None, "the tests fail without any mutant"
        for row in rows:
            result = mutate(tree, build, row)
            equivalent = EQUIVALENT.get(row[2])
            kind = "equivalent" if equivalent and result is None else "survived" if result in (None, "build", "no such line") else "killed"
            counts[kind] += 1
            if kind != "killed":
                print(f"{kind.upper()} {row[0]}: {row[2].strip()!r} ({equivalent or result or 'all tests pass'})", flush=True)
    print(", ".join(f"{number} {kind}" for kind, number in counts.items()), f"of {len(rows)} mutants")
    return 1 if counts["survived"] else 0


if __name__ == "__main__":
    sys.exit(main())
