#include "tool/tool.h"
#include "vfio/uapi.h"

static json_t *
flag_names(uint64_t flags)
{
    json_t *names = json_array();

    if (flags & FERRY_MIG_STOP_COPY)
        json_array_append_new(names, json_string("stop-copy"));
    if (flags & FERRY_MIG_P2P)
        json_array_append_new(names, json_string("p2p"));
    if (flags & FERRY_MIG_PRE_COPY)
        json_array_append_new(names, json_string("pre-copy"));
    return names;
}

/* Whether the driver offers a feature at all, asked by PROBE. */
static bool
probe(FerryVfioDevice *device, uint32_t flags, json_t *root, const char *key, GError **error)
{
    FerryFeatureCall call = { .flags = flags | FERRY_FEATURE_PROBE };

    if (!device->transport->ops->feature(device->transport->data, &call, error))
        return false;
    json_object_set_new(root, key, json_boolean(call.code == 0));
    return true;
}

int
tool_run(char **arguments, const ToolOptions *options, GError **error)
{
    g_auto(ToolDevice) tool = { 0 };
    json_t *root = NULL;

    if (!tool_device_open(&tool, arguments[0], options, error))
        return 0;
    if (tool.device->flags != 0 && !ferry_vfio_device_recover(tool.device, error))
        return 0;
    root = json_pack("{s:s, s:s}", "device", arguments[0], "state",
                     ferry_mig_state_name(tool.device->state));
    if (!options->quiet)
        tool_print(root, options);
    json_decref(root);
    return 0;
}

int
tool_info(char **arguments, const ToolOptions *options, GError **error)
{
    g_auto(ToolDevice) tool = { 0 };
    FerrySize size = { 0 };
    json_t *root = NULL;
    bool ok = true;
    bool migrates = false;

    if (!tool_device_open(&tool, arguments[0], options, error))
        return 0;
    migrates = tool.device->flags != 0;
    root = json_pack("{s:s, s:b, s:o}", "device", arguments[0], "migratable", migrates, "facts",
                     json_loads(tool.facts, 0, NULL));
    if (migrates) {
        json_object_set_new(root, "flags", flag_names(tool.device->flags));
        json_object_set_new(root, "state", json_string(ferry_mig_state_name(tool.device->state)));
        ok = ferry_vfio_device_data_size(tool.device, &size, error);
        if (size.known)
            json_object_set_new(root, "stop_copy_bytes", json_integer((json_int_t)size.bytes));
        ok = ok && probe(tool.device, FERRY_FEATURE_DMA_LOGGING_START | FERRY_FEATURE_SET, root,
                         "dma_logging", error);
    } else {
        g_autofree char *why = ferry_vfio_device_why_not(tool.device);
        g_autofree char *reason = g_strdup_printf("cannot migrate: %s", why);

        json_object_set_new(root, "reason", json_string(reason));
    }
    if (ok)
        tool_print(root, options);
    json_decref(root);
    return migrates ? 0 : 1;
}
