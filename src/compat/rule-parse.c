/* Reads a rule file.  Strict: a misspelt key might have been the condition that keeps guests safe.
 */
#include <string.h>

#include "compat/rule.h"

#define RULE_ID_MAX 64

typedef struct {
    FerryRuleSet *set;
    FerryRule *rule; /* the one being read, for messages */
} Reader;

static bool
fail(Reader *self, const char *what)
{
    const char *name = self->rule != NULL ? self->rule->name : NULL;

    self->set->fault = name != NULL ? g_strdup_printf("rule %s: %s", name, what) : g_strdup(what);
    for (char *at = self->set->fault; *at != '\0'; at++) {
        if (!g_ascii_isprint(*at)) /* a key of the file: explanations carry no control bytes */
            *at = '?';
    }
    return false;
}

/* Text a person will read: UTF-8 (jansson saw to that), and no control characters. */
static bool
is_text(const json_t *json)
{
    const char *text = json_string_value(json);

    if (text == NULL || json_string_length(json) > FERRY_RULE_TEXT_MAX)
        return false;
    for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at)) {
        if (g_unichar_iscntrl(g_utf8_get_char(at)))
            return false;
    }
    return true;
}

static bool
has_only_keys(const json_t *json, const char *const *keys)
{
    json_t *object = (json_t *)json;

    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        if (!g_strv_contains(keys, json_object_iter_key(at)))
            return false;
    }
    return json_is_object(json);
}

static bool
read_conditions(Reader *self, const json_t *json, GPtrArray *conditions)
{
    json_t *object = (json_t *)json;

    if (json == NULL)
        return true;
    if (!json_is_object(json))
        return fail(self, "source, target and both are objects of conditions");
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        FerryCondition *condition =
            ferry_condition_from_json(json_object_iter_key(at), json_object_iter_value(at));

        if (condition == NULL) {
            g_autofree char *what =
                g_strdup_printf("its condition on \"%s\" cannot be read", json_object_iter_key(at));
            return fail(self, what);
        }
        g_ptr_array_add(conditions, condition);
    }
    return true;
}

/* A list of keys, each of which @is_allowed. */
static bool
read_keys(Reader *self, const json_t *json, bool (*is_allowed)(const char *), char ***ret)
{
    size_t n = json_array_size(json);
    g_auto(GStrv) keys = g_new0(char *, n + 1);

    if (json == NULL)
        return true;
    if (!json_is_array(json))
        return fail(self, "same, differ and ignore are arrays of keys");
    for (size_t i = 0; i < n; i++) {
        const char *key = json_string_value(json_array_get(json, i));
        if (key == NULL || !is_allowed(key))
            return fail(self, "same, differ or ignore names what it must not");
        keys[i] = g_strdup(key);
    }
    g_strfreev(*ret);
    *ret = g_steal_pointer(&keys);
    return true;
}

static bool
is_not_one_of(const char *key, const char *const *forbidden)
{
    return ferry_condition_key_is_allowed(key) && !g_strv_contains(forbidden, key);
}

static bool
may_ignore(const char *key)
{
    static const char *const forbidden[] = { "device_api", "class", "mdev_type", NULL };

    return is_not_one_of(key, forbidden);
}

static bool
may_equate(const char *key)
{
    static const char *const forbidden[] = { "device_api", "class", "version", NULL };

    return is_not_one_of(key, forbidden);
}

static bool
read_when(Reader *self, const json_t *when)
{
    static const char *const keys[] = { "source", "target", "both", "same", "differ", NULL };
    FerryRule *rule = self->rule;

    if (when == NULL)
        return true;
    if (!has_only_keys(when, keys))
        return fail(self, "when has an unknown key");
    return read_conditions(self, json_object_get(when, "source"), rule->when[FERRY_SIDE_SOURCE]) &&
           read_conditions(self, json_object_get(when, "target"), rule->when[FERRY_SIDE_TARGET]) &&
           read_conditions(self, json_object_get(when, "both"), rule->both) &&
           read_keys(self, json_object_get(when, "same"), ferry_condition_key_is_allowed,
                     &rule->same) &&
           read_keys(self, json_object_get(when, "differ"), ferry_condition_key_is_allowed,
                     &rule->differ);
}

static bool
read_group(Reader *self, const char *key, const json_t *group)
{
    FerryEqualGroup equal = { .key = g_strdup(key) };
    size_t n = json_array_size(group);

    equal.values = g_new0(char *, n + 1);
    g_array_append_val(self->rule->equal, equal);
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_array_get(group, i);
        if (!is_text(value))
            return fail(self, "equal is made of groups of texts");
        equal.values[i] = g_strdup(json_string_value(value));
    }
    return n > 0 || fail(self, "equal has an empty group");
}

static bool
read_equal(Reader *self, const json_t *json)
{
    json_t *object = (json_t *)json;

    if (json == NULL)
        return true;
    if (json_object_size(json) == 0)
        return fail(self, "equal is an object of keys with groups");
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        const json_t *groups = json_object_iter_value(at);

        if (!may_equate(json_object_iter_key(at)) || json_array_size(groups) == 0)
            return fail(self, "equal names a key that it must not, or has no group");
        for (size_t i = 0; i < json_array_size(groups); i++) {
            if (!read_group(self, json_object_iter_key(at), json_array_get(groups, i)))
                return false;
        }
    }
    return true;
}

static bool
read_assumptions(Reader *self, FerrySide side, const json_t *json)
{
    json_t *object = (json_t *)json;

    if (json != NULL && !json_is_object(json))
        return fail(self, "assume has a source and a target, both objects");
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        FerryAssumption assumption = { .side = side };
        const char *key = json_object_iter_key(at);

        if (!may_ignore(key) || ferry_value_from_json(key, json_object_iter_value(at),
                                                      &assumption.value) != FERRY_VALUE_OK)
            return fail(self, "assume names a key that it must not, or has a bad value");
        assumption.key = g_strdup(key);
        g_array_append_val(self->rule->assume, assumption);
    }
    return true;
}

static bool
read_assume(Reader *self, const json_t *json)
{
    static const char *const keys[] = { "source", "target", NULL };

    if (json == NULL)
        return true;
    if (!has_only_keys(json, keys))
        return fail(self, "assume has an unknown key");
    if (!read_assumptions(self, FERRY_SIDE_SOURCE, json_object_get(json, "source")) ||
        !read_assumptions(self, FERRY_SIDE_TARGET, json_object_get(json, "target")))
        return false;
    return self->rule->assume->len > 0 || fail(self, "assume is empty");
}

/* What an effect needs, and what it must not have. */
static bool
judge_effect(Reader *self, const json_t *json)
{
    const FerryRule *rule = self->rule;
    bool relaxes = rule->ignore[0] != NULL || rule->equal->len > 0 || rule->assume->len > 0;
    bool has_key = json_object_get(json, "ignore") != NULL || relaxes;

    if (rule->effect == FERRY_EFFECT_RELAX)
        return relaxes || fail(self, "relax needs ignore, equal or assume");
    if (has_key)
        return fail(self, "only relax has ignore, equal and assume");
    if (rule->effect == FERRY_EFFECT_ALLOW && rule->both->len == 0 &&
        (rule->when[FERRY_SIDE_SOURCE]->len == 0 || rule->when[FERRY_SIDE_TARGET]->len == 0))
        return fail(self, "allow needs conditions on both, or on source and target");
    return true;
}

static bool
read_effect(Reader *self, const json_t *json)
{
    static const char *const names[] = {
        [FERRY_EFFECT_ALLOW] = "allow", [FERRY_EFFECT_DENY] = "deny", [FERRY_EFFECT_RELAX] = "relax"
    };
    const char *text = json_string_value(json);

    for (unsigned effect = 0; text != NULL && effect < FERRY_N_EFFECTS; effect++) {
        if (strcmp(text, names[effect]) == 0) {
            self->rule->effect = (FerryEffect)effect;
            return true;
        }
    }
    return fail(self, "effect is allow, deny or relax");
}

static bool
read_id(Reader *self, const json_t *json)
{
    const char *id = json_string_value(json);
    size_t size = json_string_length(json);
    g_autofree char *name = NULL;

    if (id == NULL || size == 0 || size > RULE_ID_MAX || id[0] == '_' || id[0] == '-' ||
        strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_-") != size)
        return fail(self, "a rule has no id of the form [a-z0-9][a-z0-9_-]{0,63}");
    name = g_strdup_printf("%s/%s", self->set->name, id);
    for (guint i = 0; i < self->set->rules->len; i++) {
        if (g_strcmp0(((const FerryRule *)self->set->rules->pdata[i])->name, name) == 0)
            return fail(self, "two rules have the same id");
    }
    self->rule->name = g_steal_pointer(&name);
    return true;
}

static bool
read_rule(Reader *self, const json_t *json)
{
    static const char *const keys[] = { "id",     "effect", "reason", "when",
                                        "ignore", "equal",  "assume", NULL };
    const json_t *reason = json_object_get(json, "reason");
    FerryRule *rule = ferry_rule_new();

    g_ptr_array_add(self->set->rules, rule);
    self->rule = rule;
    if (!read_id(self, json_object_get(json, "id")))
        return false;
    if (!has_only_keys(json, keys))
        return fail(self, "it has an unknown key");
    if (!is_text(reason) || json_string_length(reason) == 0)
        return fail(self, "it needs a reason of 1 to 512 bytes without control characters");
    rule->reason = g_strdup(json_string_value(reason));
    return read_effect(self, json_object_get(json, "effect")) &&
           read_when(self, json_object_get(json, "when")) &&
           read_keys(self, json_object_get(json, "ignore"), may_ignore, &rule->ignore) &&
           read_equal(self, json_object_get(json, "equal")) &&
           read_assume(self, json_object_get(json, "assume")) && judge_effect(self, json);
}

static bool
read_head(Reader *self, const json_t *json)
{
    static const char *const keys[] = {
        "ferry_compat_rules", "vendor", "comment", "rules", "vectors", NULL
    };
    const json_t *format = json_object_get(json, "ferry_compat_rules");
    const json_t *vendor = json_object_get(json, "vendor");
    const json_t *comment = json_object_get(json, "comment");
    json_t *vectors = json_object_get(json, "vectors");

    if (!json_is_integer(format) || json_integer_value(format) != 1)
        return fail(self, "ferry_compat_rules is not 1");
    if (!has_only_keys(json, keys))
        return fail(self, "it has an unknown key");
    if ((vendor != NULL && !is_text(vendor)) || (comment != NULL && !is_text(comment)))
        return fail(self, "vendor and comment are texts of up to 512 bytes");
    if (vectors != NULL && !json_is_array(vectors))
        return fail(self, "vectors is not an array");
    self->set->vectors = json_incref(vectors);
    return true;
}

static bool
read_file(Reader *self, const json_t *json)
{
    const json_t *rules = json_object_get(json, "rules");

    if (!read_head(self, json))
        return false;
    if (!json_is_array(rules) || json_array_size(rules) > FERRY_RULES_PER_FILE_MAX)
        return fail(self, "rules is not an array of up to 256 rules");
    for (size_t i = 0; i < json_array_size(rules); i++) {
        if (!read_rule(self, json_array_get(rules, i)))
            return false;
    }
    return true;
}

FerryRuleSet *
ferry_rule_set_parse(const char *name, const char *text, size_t size)
{
    FerryRuleSet *set = g_new0(FerryRuleSet, 1);
    Reader reader = { .set = set };
    FerryFault *fault = NULL;
    g_autoptr(json_t) json = ferry_json_read(text, size, FERRY_RULE_FILE_BYTES_MAX, &fault);

    set->name = g_strdup(name);
    set->rules = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_rule_free);
    if (json == NULL)
        set->fault = g_strdup(fault->reason);
    else
        (void)read_file(&reader, json);
    ferry_fault_free(fault);
    return set;
}
