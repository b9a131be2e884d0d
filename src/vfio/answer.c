#include "vfio/answer.h"

#include <jansson.h>

#include "base/error.h"

#define MAX_REASONS 64

static const char *const names[] = {
    [FERRY_VFIO_ANSWER_ACCEPTED] = "accepted", [FERRY_VFIO_ANSWER_REFUSED] = "refused",
    [FERRY_VFIO_ANSWER_ACKED] = "acked",       [FERRY_VFIO_ANSWER_LOADED] = "loaded",
    [FERRY_VFIO_ANSWER_RUNNING] = "running",   [FERRY_VFIO_ANSWER_FAILED] = "failed",
};
G_STATIC_ASSERT(G_N_ELEMENTS(names) == FERRY_N_ANSWERS);

char *
ferry_vfio_answer_format(const FerryVfioAnswer *answer)
{
    json_t *root = json_pack("{s:s}", "answer", names[answer->kind]);
    json_t *reasons = json_array();
    g_autofree char *dumped = NULL;
    char *text = NULL;

    if (answer->kind == FERRY_VFIO_ANSWER_ACKED) {
        json_object_set_new(root, "device", json_integer(answer->device));
        json_object_set_new(root, "round", json_integer(answer->round));
    }
    for (char **reason = answer->reasons; reason != NULL && *reason != NULL; reason++) {
        g_autofree char *valid = g_utf8_make_valid(*reason, -1);

        json_array_append_new(reasons, json_string(valid));
    }
    json_object_set_new(root, "reasons", reasons);
    dumped = json_dumps(root, JSON_COMPACT);
    text = g_strdup(dumped);
    json_decref(root);
    return text;
}

static bool
bad(GError **error, const char *why)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "the receiver's answer %s", why);
    return false;
}

static bool
parse_reasons(const json_t *array, FerryVfioAnswer *answer, GError **error)
{
    g_autoptr(GPtrArray) reasons = g_ptr_array_new_with_free_func(g_free);
    size_t i = 0;
    const json_t *reason = NULL;

    if (json_array_size(array) > MAX_REASONS)
        return bad(error, "has too many reasons");
    json_array_foreach(array, i, reason)
    {
        if (!json_is_string(reason))
            return bad(error, "has a reason that is no text");
        g_ptr_array_add(reasons, g_strescape(json_string_value(reason), "\"'\\"));
    }
    g_ptr_array_add(reasons, NULL);
    answer->reasons = (char **)g_ptr_array_free(g_steal_pointer(&reasons), FALSE);
    return true;
}

static bool
parse_object(const json_t *root, FerryVfioAnswer *ret, GError **error)
{
    const char *name = json_string_value(json_object_get(root, "answer"));
    json_int_t device = json_integer_value(json_object_get(root, "device"));
    json_int_t round = json_integer_value(json_object_get(root, "round"));
    g_auto(FerryVfioAnswer) answer = { .kind = FERRY_N_ANSWERS };

    for (unsigned kind = 0; kind < FERRY_N_ANSWERS; kind++)
        if (g_strcmp0(name, names[kind]) == 0)
            answer.kind = (FerryVfioAnswerKind)kind;
    if (answer.kind == FERRY_N_ANSWERS)
        return bad(error, "is none that this version knows");
    if (device < 0 || device > G_MAXINT || round < 0 || round > G_MAXINT)
        return bad(error, "has a number out of range");
    answer.device = (unsigned)device;
    answer.round = (unsigned)round;
    if (!parse_reasons(json_object_get(root, "reasons"), &answer, error))
        return false;
    if ((answer.kind == FERRY_VFIO_ANSWER_REFUSED || answer.kind == FERRY_VFIO_ANSWER_FAILED) &&
        answer.reasons[0] == NULL)
        return bad(error, "has no reason");
    *ret = answer;
    answer.reasons = NULL;
    return true;
}

bool
ferry_vfio_answer_parse(const char *text, FerryVfioAnswer *ret, GError **error)
{
    json_error_t json_error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &json_error);
    bool ok =
        json_is_object(root) ? parse_object(root, ret, error) : bad(error, "is no JSON object");

    json_decref(root);
    return ok;
}

void
ferry_vfio_answer_clear(FerryVfioAnswer *self)
{
    g_clear_pointer(&self->reasons, g_strfreev);
}
