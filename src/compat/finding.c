#include "compat/finding.h"

#include <string.h>

#include "compat/key.h"

static const char *const level_names[] = {
    [FERRY_VERDICT_YES] = "yes",
    [FERRY_VERDICT_PROVISION] = "provision",
    [FERRY_VERDICT_UNKNOWN] = "unknown",
    [FERRY_VERDICT_NO] = "no",
    [FERRY_VERDICT_MALFORMED] = "malformed",
};
G_STATIC_ASSERT(G_N_ELEMENTS(level_names) == FERRY_N_VERDICTS);

/*
 * Sentences: %S and %T are the values of source and target, %V the value to set, %D the detail
 * (or the row's own words where there is none), %K the key.
 */
/* clang-format off */
static const struct {
    const char *name;
    const char *sentence;
    const char *detail;
} codes[] = {
    [FERRY_CODE_EQUAL] = { "equal", "source and target both have \"%S\".", "" },
    [FERRY_CODE_CONTAINED] = { "contained",
        "the source offers \"%S\"; the target offers \"%T\", which has all of it.", "" },
    [FERRY_CODE_VERSION_FITS] = { "version-fits",
        "the source has \"%S\", the target \"%T\"; the major is the same and the minor does not go down.", "" },
    [FERRY_CODE_LISTED] = { "listed", "the source has \"%S\"; the target's list accepts it (%D).", "" },
    [FERRY_CODE_ASSUMED] = { "assumed", "%D.", "" },
    [FERRY_CODE_RELAXED] = { "relaxed",
        "the source has \"%S\", the target \"%T\"; %D declares the difference harmless.", "a rule" },
    [FERRY_CODE_ALLOWED] = { "allowed",
        "the source has \"%S\", the target \"%T\"; %D allows this pair.", "a rule" },
    [FERRY_CODE_OBSERVED] = { "observed",
        "the source has \"%S\", the target \"%T\"; the state of exactly such a device was loaded before.", "" },
    [FERRY_CODE_SETTABLE] = { "settable",
        "the source has \"%S\", the target \"%T\"; create the target with %K=%V.", "" },
    [FERRY_CODE_MISSING_SOURCE] = { "missing-source",
        "the source does not state it, the target has \"%T\"; %D.", "a missing fact is never compatible" },
    [FERRY_CODE_MISSING_TARGET] = { "missing-target",
        "the source has \"%S\", the target does not state it; %D.", "a missing fact is never compatible" },
    [FERRY_CODE_MISSING_BOTH] = { "missing-both",
        "neither the source nor the target states it; %D.", "without it nothing says that they are alike" },
    [FERRY_CODE_DIFFERS] = { "differs", "the source has \"%S\", the target \"%T\"; %D.", "they must be equal" },
    [FERRY_CODE_LACKS] = { "lacks",
        "the source offers \"%S\"; the target offers \"%T\", which lacks \"%D\".", "" },
    [FERRY_CODE_MINOR_NEWER] = { "minor-newer",
        "the source is at \"%S\" and the target at \"%T\"; newer minors do not load into older ones.", "" },
    [FERRY_CODE_MAJOR_DIFFERS] = { "major-differs",
        "the source is at \"%S\" and the target at \"%T\"; different majors do not load into each other.", "" },
    [FERRY_CODE_KIND_MISMATCH] = { "kind-mismatch",
        "the source has \"%S\", the target \"%T\"; values of different kinds cannot be compared.", "" },
    [FERRY_CODE_INCOMPARABLE] = { "incomparable",
        "the source has \"%S\", the target \"%T\"; versions of different drivers cannot be compared.", "" },
    [FERRY_CODE_IDENTITY_DIFFERS] = { "identity-differs",
        "the source has \"%S\", the target \"%T\"; without a version on either side it must be known and equal.", "" },
    [FERRY_CODE_NOT_LISTED] = { "not-listed",
        "the source has \"%S\"; the target's list does not accept it (%D).", "" },
    [FERRY_CODE_NOTHING_LISTED] = { "nothing-listed", "the target's list is empty, so it accepts no source.", "" },
    [FERRY_CODE_OUT_OF_DOMAIN] = { "out-of-domain",
        "the source has \"%S\", the target \"%T\"; no value that the target can be made with would do.", "" },
    [FERRY_CODE_NOT_MIGRATABLE] = { "not-migratable", "the %D cannot be migrated at all, says its driver.", "" },
    [FERRY_CODE_DENIED] = { "denied", "a rule denies this pair: %D.", "" },
    [FERRY_CODE_MAYBE_DENIED] = { "maybe-denied",
        "a rule may deny this pair, a fact it asks for is not stated: %D.", "" },
    [FERRY_CODE_BROKEN_RULES] = { "broken-rules",
        "the rule file cannot be used, and it may hold a rule against this pair: %D.", "" },
    [FERRY_CODE_NEWER_FORMAT] = { "newer-format",
        "the %D is described in a newer format than this program knows; update it.", "" },
    [FERRY_CODE_MALFORMED] = { "malformed", "the description of the %D.", "" },
    [FERRY_CODE_OBSERVED_FAILURE] = { "observed-failure",
        "the source has \"%S\", the target \"%T\"; exactly such a target refused this state before.", "" },
};
/* clang-format on */
G_STATIC_ASSERT(G_N_ELEMENTS(codes) == FERRY_N_CODES);

FerryFinding *
ferry_finding_new(const char *key, FerryVerdictLevel level, FerryFindingCode code)
{
    FerryFinding *self = g_new0(FerryFinding, 1);

    self->key = g_strdup(key);
    self->level = level;
    self->code = code;
    return self;
}

void
ferry_finding_free(FerryFinding *self)
{
    if (self == NULL)
        return;
    g_free(self->key);
    g_free(self->source);
    g_free(self->target);
    g_free(self->set);
    g_free(self->detail);
    g_free(self->reason);
    g_free(self);
}

static const char *
placeholder_text(const FerryFinding *self, char placeholder)
{
    switch (placeholder) {
    case 'S':
        return self->source != NULL ? self->source : "";
    case 'T':
        return self->target != NULL ? self->target : "";
    case 'V':
        return self->set != NULL ? self->set : "";
    case 'K':
        return self->key;
    default:
        return self->detail != NULL ? self->detail : codes[self->code].detail;
    }
}

void
ferry_finding_describe(FerryFinding *self)
{
    g_autoptr(GString) text = g_string_new(self->key);

    g_string_append(text, ": ");
    for (const char *at = codes[self->code].sentence; *at != '\0'; at++) {
        if (*at == '%')
            g_string_append(text, placeholder_text(self, *++at));
        else
            g_string_append_c(text, *at);
    }
    g_free(self->reason);
    self->reason = g_string_free(g_steal_pointer(&text), FALSE);
}

const char *
ferry_finding_code_name(FerryFindingCode code)
{
    g_assert(code < FERRY_N_CODES);
    return codes[code].name;
}

const char *
ferry_verdict_level_name(FerryVerdictLevel level)
{
    g_assert(level < FERRY_N_VERDICTS);
    return level_names[level];
}

int
ferry_finding_compare(gconstpointer a, gconstpointer b)
{
    const FerryFinding *left = *(const FerryFinding *const *)a;
    const FerryFinding *right = *(const FerryFinding *const *)b;
    int order = (left->level < right->level) - (left->level > right->level);

    if (order == 0)
        order = ferry_key_compare(left->key, right->key);
    if (order == 0)
        order = (left->code > right->code) - (left->code < right->code);
    return order;
}
