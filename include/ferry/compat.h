/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef FERRY_COMPAT_H
#define FERRY_COMPAT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * libferry: can the state of one device be loaded into another, and if not, exactly why?
 *
 * A device is described by a JSON object (ferry-compat(1) has the keys); a verdict is directional
 * and pure: same input, same answer, nothing is opened.  Rule files come from memory or from
 * directories that the caller names.
 *
 *   facts of source --+
 *   facts of target --+--> ferry_compat_check() --> verdict: level, findings, sentences
 *   rules (optional) -+
 *
 * Threads: descriptions and rules never change once made, so any number of threads may use one at
 * once; a verdict too.  There is no global state.  Freeing is the caller's to order.
 *
 * Strings are UTF-8, mostly plain ASCII, without control characters.  A string marked "owned" is
 * freed with ferry_compat_string_free(); all others belong to the object they were asked of.
 * Running out of memory ends the process, as everywhere in the libraries below this one.
 */

/** A description, read and judged.  One that is malformed is one too: the check answers for it. */
typedef struct FerryCompatFacts FerryCompatFacts;

/** A merged set of rule files. */
typedef struct FerryCompatRules FerryCompatRules;

/** An answer with its findings. */
typedef struct FerryCompatVerdict FerryCompatVerdict;

/** The verdict: that of the worst finding. */
typedef enum {
    FERRY_COMPAT_YES = 0,
    FERRY_COMPAT_PROVISION = 1, /* yes, once the target is made with the values of "set" */
    FERRY_COMPAT_UNKNOWN = 2,   /* nobody promised it, nobody ruled it out: not a yes */
    FERRY_COMPAT_NO = 3,
    FERRY_COMPAT_MALFORMED = 4 /* a description cannot be read */
} FerryCompatLevel;

/** What was seen before with exactly this pair (see ferry_compat_facts_fingerprint()): bits. */
typedef enum {
    FERRY_COMPAT_OBSERVED_NOTHING = 0,
    FERRY_COMPAT_OBSERVED_SUCCESS = 1,
    FERRY_COMPAT_OBSERVED_REJECTION = 2 /* the target device refused the state */
} FerryCompatObserved;

/** How a check is made: bits. */
typedef enum {
    FERRY_COMPAT_PLAIN = 0,
    FERRY_COMPAT_EXPLAIN = 1 /* findings also tell what fits, at level yes */
} FerryCompatFlags;

/** What a finding can be asked for; see ferry_compat_finding(). */
typedef enum {
    FERRY_COMPAT_FINDING_KEY,    /* "pv_mode", "rule:FILE/ID" */
    FERRY_COMPAT_FINDING_CODE,   /* stable: "missing-target", "differs" ... */
    FERRY_COMPAT_FINDING_LEVEL,  /* "yes" ... "malformed" */
    FERRY_COMPAT_FINDING_SOURCE, /* the source's value, NULL when it states none */
    FERRY_COMPAT_FINDING_TARGET, /* the target's */
    FERRY_COMPAT_FINDING_SET,    /* the value to make the target with; NULL when there is none */
    FERRY_COMPAT_FINDING_REASON  /* a sentence for an administrator; not stable */
} FerryCompatFindingField;

/** Returns: the library's version, "0.1.0" */
const char *ferry_compat_library_version(void);

/** Frees an owned string; NULL is fine. */
void ferry_compat_string_free(char *text);

/**
 * Reads a description of at most 64 KiB.
 *
 * @text: JSON, @size bytes; need not end in 0
 *
 * Returns: never NULL; to be freed with ferry_compat_facts_free()
 */
FerryCompatFacts *ferry_compat_facts_new(const char *text, size_t size);
void ferry_compat_facts_free(FerryCompatFacts *facts);

/** Returns: NULL when the description is well formed, else why it is malformed */
const char *ferry_compat_facts_fault(const FerryCompatFacts *facts);

/**
 * Names the description by its decisive facts, for records of what was seen.
 *
 * Returns: owned: 64 hexadecimal digits; two descriptions share them when they are alike
 */
char *ferry_compat_facts_fingerprint(const FerryCompatFacts *facts);

/** One rule file in memory. */
typedef struct {
    unsigned priority; /* of two files with one name the one with the higher priority counts */
    const char *name;  /* with ".json" */
    const char *text;
    size_t size;
} FerryCompatRuleFile;

/** Merges rule files from memory; a broken one makes a finding in every check.  Never NULL. */
FerryCompatRules *ferry_compat_rules_new(const FerryCompatRuleFile *files, size_t n_files);

/**
 * Reads rule files from disk.
 *
 * @paths: directories or files, low to high, NULL at the end; NULL for the system's directories,
 *         /usr/share/ferry/compat.d, /run/ferry/compat.d and /etc/ferry/compat.d
 * @error: may be NULL; gets an owned message when NULL comes back
 *
 * Returns: NULL when a path cannot be read
 */
FerryCompatRules *ferry_compat_rules_load(const char *const *paths, char **error);
void ferry_compat_rules_free(FerryCompatRules *rules);

/**
 * Can the state of @source be loaded into @target?
 *
 * @rules: may be NULL: no rules
 * @observed: bits of FerryCompatObserved
 * @flags: bits of FerryCompatFlags
 *
 * Returns: never NULL; to be freed with ferry_compat_verdict_free()
 */
FerryCompatVerdict *ferry_compat_check(const FerryCompatFacts *source,
                                       const FerryCompatFacts *target,
                                       const FerryCompatRules *rules,
                                       unsigned observed,
                                       unsigned flags);
void ferry_compat_verdict_free(FerryCompatVerdict *verdict);

FerryCompatLevel ferry_compat_verdict_level(const FerryCompatVerdict *verdict);

/** Returns: "default", "list", "rule", "equality" or "observed"; NULL where there is no basis */
const char *ferry_compat_verdict_basis(const FerryCompatVerdict *verdict);

/** Returns: how many keys differ; then the keys, bytewise sorted, each once */
size_t ferry_compat_verdict_n_differing(const FerryCompatVerdict *verdict);
const char *ferry_compat_verdict_differing(const FerryCompatVerdict *verdict, size_t i);

/** Returns: how many findings there are, worst first */
size_t ferry_compat_verdict_n_findings(const FerryCompatVerdict *verdict);

/** Returns: one field of finding @i; NULL where it has none, or @i is too large */
const char *
ferry_compat_finding(const FerryCompatVerdict *verdict, size_t i, FerryCompatFindingField field);

/** Returns: owned: the verdict as JSON: verdict, differing, basis, set, findings, warnings */
char *ferry_compat_verdict_json(const FerryCompatVerdict *verdict);

/** Returns: "yes" and so on; NULL for no level */
const char *ferry_compat_level_name(FerryCompatLevel level);

/**
 * Checks one source against several targets and orders them, best first.
 *
 * @order: gets @n_targets indexes into @targets
 *
 * Returns: how many can be used: yes or provision, and a free instance.  A type without a free
 *          instance sorts behind its equals, but before a worse verdict.
 */
size_t ferry_compat_rank(const FerryCompatFacts *source,
                         const FerryCompatFacts *const *targets,
                         size_t n_targets,
                         const FerryCompatRules *rules,
                         size_t *order);

/**
 * Looks for the largest description that all hosts accept, one description per host.
 *
 * @rules: may be NULL
 *
 * Returns: owned: {"baseline": description or null, "blocking": [keys]}; NULL for no hosts
 */
char *ferry_compat_baseline(const FerryCompatFacts *const *hosts,
                            size_t n_hosts,
                            const FerryCompatRules *rules);

/**
 * Turns a list's text notation into its JSON form, or JSON into text.
 *
 * @offset: may be NULL; gets the byte where reading stopped when NULL comes back
 * @error: may be NULL; gets a static code ("bad-key") or reason when NULL comes back
 *
 * Returns: owned; NULL when the text is malformed or the other form cannot say it
 */
char *ferry_compat_notation(const char *text, size_t size, size_t *offset, const char **error);

#ifdef __cplusplus
}
#endif

#endif
