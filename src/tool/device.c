#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "tool/tool.h"

#define MAX_FACTS 65536

void
tool_device_clear(ToolDevice *self)
{
    g_clear_pointer(&self->device, ferry_vfio_device_free);
    g_clear_pointer(&self->facts, g_free);
}

/* Facts of the operator's own go over those that were found: a vendor's version, for example. */
static bool
merge_facts(ToolDevice *self, const char *path, GError **error)
{
    g_autofree char *text = NULL;
    json_error_t json_error;
    json_t *found = NULL;
    json_t *given = NULL;
    char *merged = NULL;

    if (!ferry_file_read(path, MAX_FACTS, &text, error))
        return false;
    given = json_loads(text, JSON_REJECT_DUPLICATES, &json_error);
    if (!json_is_object(given)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "%s:%d: %s", path,
                    given == NULL ? json_error.line : 1,
                    given == NULL ? json_error.text : "expected an object of facts");
        json_decref(given);
        return false;
    }
    found = json_loads(self->facts, 0, NULL);
    json_object_update(found, given);
    merged = json_dumps(found, JSON_COMPACT | JSON_SORT_KEYS);
    g_free(self->facts);
    self->facts = g_strdup(merged);
    free(merged);
    json_decref(found);
    json_decref(given);
    return true;
}

bool
tool_device_open(ToolDevice *self, const char *name, const ToolOptions *options, GError **error)
{
    FerryFindOptions find = { .timeout_ms = options->timeout_s * 1000,
                              .user = { .depth = (unsigned)options->depth,
                                        .write_bytes = options->chunk_bytes,
                                        .read_bytes = options->chunk_bytes } };
    FerryTransport *transport = ferry_find_open(name, &find, &self->facts, error);

    if (transport == NULL)
        return false;
    self->device = ferry_vfio_device_new(transport, error);
    return self->device != NULL &&
           (options->facts == NULL || merge_facts(self, options->facts, error));
}

char *
tool_device_meta(ToolDevice *self, GError **error)
{
    FerrySize size = { 0 };

    if (self->device->flags != 0 && !ferry_vfio_device_data_size(self->device, &size, error))
        return NULL;
    return ferry_meta_build(self->facts, self->device, size);
}

bool
tool_check(void *data, unsigned device, const char *meta, GPtrArray *reasons, GError **error)
{
    ToolCheck *check = data;
    FerryMetaPolicy policy = check->options->no_check         ? FERRY_META_CHECK_OFF
                             : check->options->accept_unknown ? FERRY_META_ACCEPT_UNKNOWN
                                                              : FERRY_META_STRICT;
    FerryVerdictLevel level = FERRY_VERDICT_YES;

    if (!ferry_meta_check(meta, check->devices[device].facts, policy, reasons, &level, error))
        return false;
    check->level = MAX(check->level, level);
    return true;
}
