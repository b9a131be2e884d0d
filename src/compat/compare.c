/*
 * The default rules: what is compared when the target's list does not say otherwise.
 *
 *   class, then the keys that name the interface for that class (type keys)
 *   version, within an mdev_type or a driver; without one on either side, identity (the fallback)
 *   every attribute on either side
 *
 * A key that the list entry mentions is the list's (list.c); a rule's relaxation is asked before
 * provisioning, so a value declared equal is never out of domain.
 */
#include "compat/compare.h"

#include <string.h>

#define FALLBACK_REASON "without a version on either side it must be known and equal"

/* A key that must be equal when it is on both sides: @code says what it means when it is not. */
static void
compare_equal(FerryComparison *self,
              FerryFactKey fact,
              FerryVerdictLevel level,
              FerryFindingCode code,
              const char *missing_reason)
{
    const char *key = ferry_fact_name(fact);
    const FerryValue *source = ferry_facts_fact(self->source, fact);
    const FerryValue *target = ferry_facts_fact(self->target, fact);

    if (ferry_comparison_is_listed(self, key))
        return;
    if (source == NULL || target == NULL)
        ferry_comparison_note_missing(self, key, source, target, missing_reason);
    else if (ferry_value_equal(source, target))
        ferry_comparison_note(self, key, FERRY_VERDICT_YES, FERRY_CODE_EQUAL, source, target, NULL);
    else if (!ferry_comparison_is_equated(self, key, source, target))
        ferry_comparison_note(self, key, level, code, source, target, NULL);
}

static bool
is_on_either_side(const FerryComparison *self, FerryFactKey fact)
{
    return self->source->facts[fact].kind != FERRY_KIND_NONE ||
           self->target->facts[fact].kind != FERRY_KIND_NONE;
}

/* The keys that name the interface, for two devices of one class. */
static void
compare_type_keys(FerryComparison *self, const char *class)
{
    static const struct {
        const char *class;
        FerryFactKey fact;
        bool may_lack; /* absent on both sides is fine */
    } rows[] = {
        { "mdev", FERRY_FACT_MDEV_TYPE, false },
        { "pci", FERRY_FACT_DEVICE_ID, false },
        { "pci", FERRY_FACT_SIGNATURE, true },
        { "other", FERRY_FACT_SIGNATURE, false },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (strcmp(rows[i].class, class) != 0)
            continue;
        if (!rows[i].may_lack || is_on_either_side(self, rows[i].fact))
            compare_equal(self, rows[i].fact, FERRY_VERDICT_NO, FERRY_CODE_DIFFERS, NULL);
    }
}

/* An entry that names the interface itself stands for the class as well. */
static bool
entry_names_interface(const FerryComparison *self)
{
    static const FerryFactKey naming[] = { FERRY_FACT_CLASS, FERRY_FACT_MDEV_TYPE,
                                           FERRY_FACT_DEVICE_ID, FERRY_FACT_SIGNATURE };

    for (size_t i = 0; i < G_N_ELEMENTS(naming); i++) {
        const char *key = ferry_fact_name(naming[i]);
        if (ferry_comparison_is_listed(self, key) && !ferry_facts_key_is_inert(self->source, key))
            return true;
    }
    return false;
}

static void
compare_interface(FerryComparison *self)
{
    const char *source = ferry_facts_class(self->source);
    const char *target = ferry_facts_class(self->target);
    bool are_equal = source[0] != '\0' && strcmp(source, target) == 0;

    if (!entry_names_interface(self))
        compare_equal(self, FERRY_FACT_CLASS, FERRY_VERDICT_NO, FERRY_CODE_DIFFERS,
                      "without mdev_type, or device_id and vfio-pci, it cannot be derived");
    if (are_equal)
        compare_type_keys(self, source);
}

/* The target cannot take the value as it is: can it be made to? */
static bool
provision(FerryComparison *self,
          const char *key,
          const FerryValue *source,
          const FerryValue *target)
{
    const FerrySettable *settable = ferry_facts_find_settable(self->target, key);
    g_auto(FerryValue) chosen = { .kind = FERRY_KIND_NONE };

    if (settable == NULL || source == NULL)
        return false;
    if (!ferry_settable_choose(settable, source, &chosen)) {
        ferry_comparison_note(self, key, FERRY_VERDICT_NO, FERRY_CODE_OUT_OF_DOMAIN, source, target,
                              NULL);
        return true;
    }
    ferry_comparison_note_settable(self, key, source, target, &chosen, NULL);
    return true;
}

/* A version is counted within a driver, unless the device is an mdev.  See FERRY_CODE_INCOMPARABLE.
 */
static bool
is_of_one_driver(FerryComparison *self)
{
    const char *class = ferry_facts_class(self->source);
    const FerryValue *source = ferry_facts_fact(self->source, FERRY_FACT_DRIVER);
    const FerryValue *target = ferry_facts_fact(self->target, FERRY_FACT_DRIVER);

    if (class[0] == '\0' || strcmp(class, "mdev") == 0 ||
        strcmp(class, ferry_facts_class(self->target)) != 0)
        return true;
    if (ferry_comparison_is_listed(self, "driver"))
        return true;
    if (source != NULL && target != NULL &&
        (ferry_value_equal(source, target) ||
         ferry_comparison_is_equated(self, "driver", source, target)))
        return true;
    if (source == NULL || target == NULL)
        ferry_comparison_note_missing(
            self, "driver", source, target,
            "a version is counted within a driver, so both must state it");
    else
        ferry_comparison_note(self, "driver", FERRY_VERDICT_UNKNOWN, FERRY_CODE_INCOMPARABLE,
                              source, target, NULL);
    /* Whoever declares the driver irrelevant still wants the versions compared. */
    return ferry_comparison_ignoring_rule(self, "driver") != NULL;
}

static void
compare_version(FerryComparison *self)
{
    static const FerryFindingCode codes[] = {
        [FERRY_VERSION_COMPATIBLE] = FERRY_CODE_VERSION_FITS,
        [FERRY_VERSION_MAJOR_DIFFERS] = FERRY_CODE_MAJOR_DIFFERS,
        [FERRY_VERSION_TARGET_OLDER] = FERRY_CODE_MINOR_NEWER,
    };
    const FerryValue *source = ferry_facts_fact(self->source, FERRY_FACT_VERSION);
    const FerryValue *target = ferry_facts_fact(self->target, FERRY_FACT_VERSION);
    FerryVersionVerdict verdict = FERRY_VERSION_MAJOR_DIFFERS;
    const FerryRule *rule = ferry_comparison_ignoring_rule(self, "version");

    if (rule != NULL) { /* the driver check is a part of this rule, and goes with it */
        ferry_comparison_note(self, "version", FERRY_VERDICT_YES, FERRY_CODE_RELAXED, source,
                              target, ferry_rule_name(rule));
        return;
    }
    if (!is_of_one_driver(self))
        return;
    if (source != NULL && target != NULL)
        verdict = ferry_version_check(&source->version, &target->version);
    if (verdict == FERRY_VERSION_COMPATIBLE)
        ferry_comparison_note(self, "version", FERRY_VERDICT_YES, codes[verdict], source, target,
                              NULL);
    else if (provision(self, "version", source, target))
        return;
    else if (source == NULL || target == NULL)
        ferry_comparison_note_missing(self, "version", source, target, NULL);
    else
        ferry_comparison_note(self, "version", FERRY_VERDICT_NO, codes[verdict], source, target,
                              NULL);
}

/* Without versions only the very same code is known to understand its own state. */
static void
compare_identity(FerryComparison *self)
{
    static const FerryFactKey builds[] = { FERRY_FACT_DRIVER_VERSION, FERRY_FACT_KERNEL };
    bool has_build = false;

    self->by_equality = true;
    compare_equal(self, FERRY_FACT_DRIVER, FERRY_VERDICT_UNKNOWN, FERRY_CODE_IDENTITY_DIFFERS,
                  FALLBACK_REASON);
    compare_equal(self, FERRY_FACT_FIRMWARE, FERRY_VERDICT_UNKNOWN, FERRY_CODE_IDENTITY_DIFFERS,
                  FALLBACK_REASON);
    for (size_t i = 0; i < G_N_ELEMENTS(builds); i++) {
        if (!is_on_either_side(self, builds[i]))
            continue;
        has_build = true;
        compare_equal(self, builds[i], FERRY_VERDICT_UNKNOWN, FERRY_CODE_IDENTITY_DIFFERS,
                      FALLBACK_REASON);
    }
    if (!has_build)
        ferry_comparison_note_missing(
            self, "driver_version", NULL, NULL,
            "without a version on either side it, or the kernel, must be known and equal");
}

/* The elements of @source that @target has not, as text. */
static char *
missing_elements(const FerryValue *source, const FerryValue *target)
{
    g_autoptr(GPtrArray) missing = g_ptr_array_new();

    for (size_t i = 0; i < ferry_value_n_elements(source); i++) {
        FerryValue element = { .kind = FERRY_KIND_STRING,
                               .string = (char *)ferry_value_element(source, i) };
        if (!ferry_value_is_subset(&element, target))
            g_ptr_array_add(missing, element.string);
    }
    g_ptr_array_add(missing, NULL);
    return g_strjoinv(FERRY_SET_SEPARATOR, (char **)missing->pdata);
}

static bool
is_set_comparison(const FerryValue *source, const FerryValue *target)
{
    return ferry_kinds_meet(source->kind, target->kind) &&
           (source->kind == FERRY_KIND_SET || target->kind == FERRY_KIND_SET);
}

static bool
attribute_fits(const FerryValue *source, const FerryValue *target)
{
    if (is_set_comparison(source, target))
        return ferry_value_is_subset(source, target);
    return ferry_value_equal(source, target);
}

static void
note_difference(FerryComparison *self,
                const char *key,
                const FerryValue *source,
                const FerryValue *target)
{
    g_autofree char *lacking = NULL;

    if (source == NULL || target == NULL) {
        ferry_comparison_note_missing(self, key, source, target, NULL);
    } else if (!ferry_kinds_meet(source->kind, target->kind)) {
        ferry_comparison_note(self, key, FERRY_VERDICT_UNKNOWN, FERRY_CODE_KIND_MISMATCH, source,
                              target, NULL);
    } else if (is_set_comparison(source, target)) {
        lacking = missing_elements(source, target);
        ferry_comparison_note(self, key, FERRY_VERDICT_NO, FERRY_CODE_LACKS, source, target,
                              lacking);
    } else {
        ferry_comparison_note(self, key, FERRY_VERDICT_NO, FERRY_CODE_DIFFERS, source, target,
                              NULL);
    }
}

static void
compare_attribute(FerryComparison *self,
                  const char *key,
                  const FerryValue *source,
                  const FerryValue *target)
{
    if (ferry_attribute_is_inert(key) || ferry_comparison_is_listed(self, key))
        return;
    if (source != NULL && target != NULL && attribute_fits(source, target)) {
        ferry_comparison_note(self, key, FERRY_VERDICT_YES,
                              is_set_comparison(source, target) ? FERRY_CODE_CONTAINED
                                                                : FERRY_CODE_EQUAL,
                              source, target, NULL);
        return;
    }
    if (!ferry_comparison_is_equated(self, key, source, target) &&
        !provision(self, key, source, target))
        note_difference(self, key, source, target);
}

/* Both arrays are sorted by name: one walk along both meets every key on either side. */
static void
compare_attributes(FerryComparison *self)
{
    const FerryFacts *source = self->source;
    const FerryFacts *target = self->target;
    size_t i = 0;
    size_t j = 0;

    while (i < source->n_attributes || j < target->n_attributes) {
        const FerryAttribute *left = i < source->n_attributes ? &source->attributes[i] : NULL;
        const FerryAttribute *right = j < target->n_attributes ? &target->attributes[j] : NULL;
        int order = left == NULL ? 1 : right == NULL ? -1 : strcmp(left->name, right->name);

        compare_attribute(self, order <= 0 ? left->name : right->name,
                          order <= 0 ? &left->value : NULL, order >= 0 ? &right->value : NULL);
        i += order <= 0;
        j += order >= 0;
    }
}

void
ferry_compare(FerryComparison *self)
{
    compare_interface(self);
    if (is_on_either_side(self, FERRY_FACT_VERSION)) {
        if (!ferry_comparison_is_listed(self, "version"))
            compare_version(self);
    } else if (self->entry == NULL) {
        compare_identity(self);
    }
    compare_attributes(self);
}
