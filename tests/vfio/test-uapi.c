#include "vfio/uapi.h"

#include <stddef.h>

#include <glib.h>
#include <jansson.h>
#include <linux/vfio.h>

/* Our own names against the recorded interface of Linux 7.3. */
typedef struct {
    const char *name;
    uint64_t ours;
} ConstantRow;

static const ConstantRow constants[] = {
    { "VFIO_GET_API_VERSION", FERRY_VFIO_GET_API_VERSION },
    { "VFIO_SET_IOMMU", FERRY_VFIO_SET_IOMMU },
    { "VFIO_GROUP_GET_STATUS", FERRY_VFIO_GROUP_GET_STATUS },
    { "VFIO_GROUP_SET_CONTAINER", FERRY_VFIO_GROUP_SET_CONTAINER },
    { "VFIO_GROUP_GET_DEVICE_FD", FERRY_VFIO_GROUP_GET_DEVICE_FD },
    { "VFIO_DEVICE_GET_INFO", FERRY_VFIO_DEVICE_GET_INFO },
    { "VFIO_DEVICE_RESET", FERRY_VFIO_DEVICE_RESET },
    { "VFIO_DEVICE_FEATURE", FERRY_VFIO_DEVICE_FEATURE },
    { "VFIO_DEVICE_BIND_IOMMUFD", FERRY_VFIO_DEVICE_BIND_IOMMUFD },
    { "VFIO_MIG_GET_PRECOPY_INFO", FERRY_VFIO_MIG_GET_PRECOPY_INFO },
    { "VFIO_TYPE1v2_IOMMU", FERRY_VFIO_TYPE1V2_IOMMU },
    { "VFIO_GROUP_FLAGS_VIABLE", FERRY_VFIO_GROUP_FLAGS_VIABLE },
    { "VFIO_DEVICE_FLAGS_RESET", FERRY_VFIO_DEVICE_FLAGS_RESET },
    { "VFIO_DEVICE_FEATURE_GET", FERRY_FEATURE_GET },
    { "VFIO_DEVICE_FEATURE_SET", FERRY_FEATURE_SET },
    { "VFIO_DEVICE_FEATURE_PROBE", FERRY_FEATURE_PROBE },
    { "VFIO_DEVICE_FEATURE_MIGRATION", FERRY_FEATURE_MIGRATION },
    { "VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE", FERRY_FEATURE_MIG_DEVICE_STATE },
    { "VFIO_DEVICE_FEATURE_DMA_LOGGING_START", FERRY_FEATURE_DMA_LOGGING_START },
    { "VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP", FERRY_FEATURE_DMA_LOGGING_STOP },
    { "VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT", FERRY_FEATURE_DMA_LOGGING_REPORT },
    { "VFIO_DEVICE_FEATURE_MIG_DATA_SIZE", FERRY_FEATURE_MIG_DATA_SIZE },
    { "VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2", FERRY_FEATURE_MIG_PRECOPY_INFO_V2 },
    { "VFIO_MIGRATION_STOP_COPY", FERRY_MIG_STOP_COPY },
    { "VFIO_MIGRATION_P2P", FERRY_MIG_P2P },
    { "VFIO_MIGRATION_PRE_COPY", FERRY_MIG_PRE_COPY },
    { "VFIO_PRECOPY_INFO_REINIT", FERRY_PRECOPY_INFO_REINIT },
};

#define FIELD(record, type, field)                                                                 \
    {                                                                                              \
        record, #field, offsetof(type, field), sizeof(((type *)NULL)->field)                       \
    }

static const struct {
    const char *record;
    const char *field;
    size_t offset;
    size_t size;
} fields[] = {
    FIELD("struct vfio_device_feature", FerryUapiFeature, argsz),
    FIELD("struct vfio_device_feature", FerryUapiFeature, flags),
    FIELD("struct vfio_device_feature_mig_state", FerryUapiMigState, device_state),
    FIELD("struct vfio_device_feature_mig_state", FerryUapiMigState, data_fd),
    FIELD("struct vfio_precopy_info", FerryUapiPrecopyInfo, argsz),
    FIELD("struct vfio_precopy_info", FerryUapiPrecopyInfo, flags),
    FIELD("struct vfio_precopy_info", FerryUapiPrecopyInfo, initial_bytes),
    FIELD("struct vfio_precopy_info", FerryUapiPrecopyInfo, dirty_bytes),
    FIELD("struct vfio_device_bind_iommufd", FerryUapiBindIommufd, argsz),
    FIELD("struct vfio_device_bind_iommufd", FerryUapiBindIommufd, iommufd),
    FIELD("struct vfio_device_bind_iommufd", FerryUapiBindIommufd, out_devid),
    FIELD("struct vfio_device_info", FerryUapiDeviceInfo, num_regions),
    FIELD("struct vfio_device_feature_dma_logging_control", FerryUapiDmaLoggingControl, num_ranges),
    FIELD("struct vfio_device_feature_dma_logging_control", FerryUapiDmaLoggingControl, ranges),
    FIELD("struct vfio_device_feature_dma_logging_report", FerryUapiDmaLoggingReport, bitmap),
};

static json_t *
load_uapi(void)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "data", "uapi.json", NULL);
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);

    g_assert_nonnull(root);
    return root;
}

static const json_t *
find_named(const json_t *rows, const char *name)
{
    size_t i = 0;
    const json_t *row = NULL;

    json_array_foreach(
        rows, i,
        row) if (g_str_equal(json_string_value(json_object_get(row, "name")), name)) return row;
    return NULL;
}

static void
test_constants(void)
{
    json_t *root = load_uapi();

    for (size_t i = 0; i < G_N_ELEMENTS(constants); i++) {
        const json_t *row = find_named(json_object_get(root, "constants"), constants[i].name);
        g_assert_nonnull(row);
        g_assert_cmpuint(constants[i].ours, ==,
                         (uint64_t)json_integer_value(json_object_get(row, "value")));
    }
    json_decref(root);
}

static void
test_layouts(void)
{
    json_t *root = load_uapi();

    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        const json_t *record = find_named(json_object_get(root, "structs"), fields[i].record);
        const json_t *row = find_named(json_object_get(record, "fields"), fields[i].field);
        g_assert_nonnull(row);
        g_assert_cmpuint(fields[i].offset, ==,
                         (uint64_t)json_integer_value(json_object_get(row, "offset")));
        g_assert_cmpuint(fields[i].size, ==,
                         (uint64_t)json_integer_value(json_object_get(row, "size")));
    }
    json_decref(root);
}

/* What this machine's header has must agree; what it lacks is why ours exists. */
static void
test_against_the_system(void)
{
    g_assert_cmpuint(FERRY_VFIO_DEVICE_FEATURE, ==, VFIO_DEVICE_FEATURE);
    g_assert_cmpuint(FERRY_VFIO_DEVICE_RESET, ==, VFIO_DEVICE_RESET);
    g_assert_cmpuint(FERRY_VFIO_DEVICE_GET_REGION_INFO, ==, VFIO_DEVICE_GET_REGION_INFO);
    g_assert_cmpuint(FERRY_VFIO_PCI_CONFIG_REGION, ==, VFIO_PCI_CONFIG_REGION_INDEX);
    g_assert_cmpuint(sizeof(FerryUapiRegionInfo), ==, sizeof(struct vfio_region_info));
    g_assert_cmpuint(sizeof(FerryUapiMigState), ==, sizeof(struct vfio_device_feature_mig_state));
#ifdef VFIO_MIG_GET_PRECOPY_INFO
    g_assert_cmpuint(FERRY_VFIO_MIG_GET_PRECOPY_INFO, ==, VFIO_MIG_GET_PRECOPY_INFO);
#endif
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/uapi/constants", test_constants);
    g_test_add_func("/uapi/layouts", test_layouts);
    g_test_add_func("/uapi/against-the-system", test_against_the_system);
    return g_test_run();
}
