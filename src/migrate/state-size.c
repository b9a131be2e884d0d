#include "migrate/state-size.h"

#include <stdlib.h>
#include <string.h>

#include "store/history.h"
#include "store/probes.h"

char *
ferry_state_size_probe_kind(const FerryHostDevice *device, const json_t *facts)
{
    static const char *const keys[] = { "class",  "mdev_type",      "device_id", "parent_id",
                                        "driver", "driver_version", "firmware",  "kernel" };
    json_t *kind = json_object();
    char *text = NULL;
    char *copy = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        if (json_object_get(facts, keys[i]) != NULL)
            (void)json_object_set(kind, keys[i], json_object_get(facts, keys[i]));
    if (device->driver != NULL)
        (void)json_object_set_new(kind, "vfio_driver", json_string(device->driver));
    text = json_dumps(kind, JSON_COMPACT | JSON_SORT_KEYS);
    copy = g_strdup(text);
    free(text);
    json_decref(kind);
    return copy;
}

static int64_t
probed(FerryStore *store, const FerryHostDevice *device, const json_t *facts)
{
    g_autofree char *kind = ferry_state_size_probe_kind(device, facts);
    g_autoptr(FerryProbeRow) row = NULL;
    json_t *answer = NULL;
    const json_t *bytes = NULL;
    int64_t found = -1;

    if (!ferry_store_probe_find(store, kind, &row, NULL) || row == NULL)
        return -1;
    answer = json_loads(row->answer, 0, NULL);
    bytes = json_object_get(answer, "stop_copy_bytes");
    if (json_is_integer(bytes) && json_integer_value(bytes) >= 0)
        found = json_integer_value(bytes);
    json_decref(answer);
    return found;
}

/* NVIDIA's types describe themselves so: "num_heads=4, frl_config=60, framebuffer=1024M, …" (Linux,
 * Documentation/driver-api/vfio-mediated-device.rst has the file, NVIDIA's vGPU guide the text). */
int64_t
ferry_state_size_framebuffer(const char *description)
{
    const char *found = description == NULL ? NULL : strstr(description, "framebuffer=");
    const char *digits = found == NULL ? "" : found + strlen("framebuffer=");
    char *end = NULL;
    guint64 number = 0;

    if (!g_ascii_isdigit(digits[0]))
        return -1;
    number = g_ascii_strtoull(digits, &end, 10);
    if (number > (UINT64_C(1) << 30) || (*end != 'M' && *end != 'G'))
        return -1;
    return (int64_t)(number << (*end == 'M' ? 20 : 30));
}

int64_t
ferry_state_size(FerryStore *store,
                 const FerryHostDevice *device,
                 const FerryHostType *type,
                 const json_t *facts,
                 const char *print,
                 const char **ret_basis)
{
    const char *bases[] = { "measured", "probed", "framebuffer" };
    int64_t bytes[] = { -1, -1,
                        ferry_state_size_framebuffer(type != NULL ? type->description : NULL) };

    *ret_basis = NULL;
    if (store != NULL && print != NULL)
        (void)ferry_history_bytes(store, print, &bytes[0],
                                  NULL); /* without it the next one counts */
    if (store != NULL)
        bytes[1] = probed(store, device, facts);
    for (size_t i = 0; i < G_N_ELEMENTS(bytes); i++) {
        if (bytes[i] < 0)
            continue;
        *ret_basis = bases[i];
        return bytes[i];
    }
    return -1;
}
