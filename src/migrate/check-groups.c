#include "migrate/check-groups.h"

#include <glib.h>

/* Best first. */
static const char *const verdicts[] = { "yes", "unknown", "no", "unreachable" };

static const char *
text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static unsigned
rank_of(const json_t *object)
{
    const char *verdict = text_of(object, "verdict");
    unsigned i = 0;

    while (i + 1 < G_N_ELEMENTS(verdicts) && g_strcmp0(verdicts[i], verdict) != 0)
        i++;
    return i;
}

const char *
ferry_check_verdict(const json_t *reasons)
{
    const json_t *reason = NULL;
    size_t i = 0;

    json_array_foreach(reasons, i, reason)
    {
        if (g_strcmp0(text_of(reason, "code"), "unknown") != 0)
            return "no";
    }
    return json_array_size(reasons) == 0 ? "yes" : "unknown";
}

/* What decides the verdict of a device's best candidate, which comes first, and the host's values.
 * The source's are the same for all hosts. */
static void
append_values(GString *label, const json_t *answer, const char *alias)
{
    const json_t *device = NULL;
    const json_t *finding = NULL;
    const char *before = " (";
    size_t i = 0;
    size_t j = 0;

    json_array_foreach(json_object_get(answer, "devices"), i, device)
    {
        const json_t *best = json_array_get(json_object_get(device, "candidates"), 0);

        if (g_strcmp0(text_of(device, "alias"), alias) != 0)
            continue;
        json_array_foreach(json_object_get(best, "findings"), j, finding)
        {
            const char *target = text_of(finding, "target");

            if (g_strcmp0(text_of(finding, "severity"), text_of(best, "verdict")) != 0)
                continue;
            g_string_append_printf(label, "%s%s", before, text_of(finding, "key"));
            if (target != NULL)
                g_string_append_printf(label, " \"%s\"", target);
            before = ", ";
        }
    }
    if (before[0] == ',')
        g_string_append_c(label, ')');
}

static char *
label_of(const json_t *answer)
{
    g_autoptr(GString) label = g_string_new(NULL);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const json_t *reason = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(answer, "reasons"), i, reason)
    {
        const char *code = text_of(reason, "code");
        g_autoptr(GString) one = g_string_new(code);

        if (g_strcmp0(code, "incompatible") == 0 || g_strcmp0(code, "unknown") == 0)
            append_values(one, answer, text_of(reason, "alias"));
        if (g_hash_table_add(seen, g_strdup(one->str)))
            g_string_append_printf(label, "%s%s", label->len > 0 ? ", " : "", one->str);
    }
    return g_string_free(g_steal_pointer(&label), FALSE);
}

static int
compare(gconstpointer a, gconstpointer b)
{
    const json_t *one = *(json_t *const *)a;
    const json_t *other = *(json_t *const *)b;
    size_t n_one = json_array_size(json_object_get(one, "hosts"));
    size_t n_other = json_array_size(json_object_get(other, "hosts"));

    if (rank_of(one) != rank_of(other))
        return rank_of(one) < rank_of(other) ? -1 : 1;
    if (n_one != n_other)
        return n_one > n_other ? -1 : 1;
    return g_strcmp0(text_of(one, "label"), text_of(other, "label"));
}

static json_t *
sorted(GPtrArray *groups)
{
    json_t *ret = json_array();

    g_ptr_array_sort(groups, compare);
    for (guint i = 0; i < groups->len; i++) {
        json_t *group = g_ptr_array_index(groups, i);

        (void)json_object_set_new(
            group, "n_hosts",
            json_integer((json_int_t)json_array_size(json_object_get(group, "hosts"))));
        (void)json_array_append(ret, group);
    }
    return ret;
}

json_t *
ferry_check_groups(const json_t *answers)
{
    g_autoptr(GHashTable) by_label = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func((GDestroyNotify)json_decref);
    const json_t *answer = NULL;
    size_t i = 0;

    json_array_foreach(answers, i, answer)
    {
        g_autofree char *label = label_of(answer);
        const char *verdict = verdicts[rank_of(answer)];
        g_autofree char *key = g_strconcat(verdict, " ", label, NULL);
        json_t *group = g_hash_table_lookup(by_label, key);

        if (group == NULL) {
            group = json_pack("{s:s, s:s, s:[]}", "verdict", verdict, "label", label, "hosts");
            g_ptr_array_add(groups, group);
            g_hash_table_insert(by_label, g_steal_pointer(&key), group);
        }
        (void)json_array_append(json_object_get(group, "hosts"), json_object_get(answer, "target"));
    }
    return sorted(groups);
}

const char *
ferry_check_groups_best(const json_t *groups)
{
    return json_array_size(groups) == 0 ? "no" : verdicts[rank_of(json_array_get(groups, 0))];
}
