#include "vfio/find.h"

#include <string.h>
#include <sys/utsname.h>

#include <jansson.h>

#include "base/error.h"
#include "base/file.h"
#include "vfio/uapi.h"

#define USER_PREFIX        "vfio-user:"
#define DEFAULT_TIMEOUT_MS 30000
#define MAX_ATTRIBUTE      4096

void
ferry_place_clear(FerryPlace *self)
{
    g_clear_pointer(&self->node, g_free);
    g_clear_pointer(&self->device, g_free);
    g_clear_pointer(&self->folder, g_free);
}

/* The last part of a link's target, or NULL. */
static char *
read_link_name(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *target = g_file_read_link(path, NULL);

    return target == NULL ? NULL : g_path_get_basename(target);
}

/* The first entry of a folder that begins with @prefix; @ret_n counts all of them. */
static char *
first_entry(const char *path, const char *prefix, unsigned *ret_n)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *entry = NULL;
    char *found = NULL;

    *ret_n = 0;
    while (folder != NULL && (entry = g_dir_read_name(folder)) != NULL) {
        if (!g_str_has_prefix(entry, prefix))
            continue;
        ++*ret_n;
        if (found == NULL)
            found = g_strdup(entry);
    }
    return found;
}

static bool
find_door(FerryPlace *place, const char *name, GError **error)
{
    g_autofree char *cdevs = g_build_filename(place->folder, "vfio-dev", NULL);
    unsigned n = 0;
    g_autofree char *cdev = first_entry(cdevs, "vfio", &n);
    g_autofree char *group = read_link_name(place->folder, "iommu_group");
    g_autofree char *driver = read_link_name(place->folder, "driver");
    g_autofree char *number = NULL;

    /* A kernel without device nodes has that folder all the same, but no number in it. */
    number = cdev != NULL ? g_build_filename(cdevs, cdev, "dev", NULL) : NULL;
    if (number != NULL && g_file_test(number, G_FILE_TEST_EXISTS)) {
        place->door = FERRY_KERNEL_CDEV;
        place->node = g_build_filename("/dev/vfio/devices", cdev, NULL);
        return true;
    }
    if (group == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED,
                    "%s cannot be opened: it has no IOMMU group and no VFIO node. Its driver is "
                    "%s: bind one that offers VFIO",
                    name, driver != NULL ? driver : "none");
        return false;
    }
    place->door = FERRY_KERNEL_GROUP;
    place->node = g_build_filename("/dev/vfio", group, NULL);
    return true;
}

static bool
find_by_bus(const char *name,
            const char *bus,
            const char *sys_root,
            FerryPlace *place,
            GError **error)
{
    g_autofree char *lower = g_ascii_strdown(name, -1);

    place->folder = g_build_filename(sys_root, "bus", bus, "devices", lower, NULL);
    place->device = g_strdup(lower);
    if (!g_file_test(place->folder, G_FILE_TEST_IS_DIR)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND, "there is no device %s: no %s", name,
                    place->folder);
        return false;
    }
    return find_door(place, name, error);
}

static bool
find_by_group(const char *name, const char *sys_root, FerryPlace *place, GError **error)
{
    g_autofree char *group = g_path_get_basename(name);
    g_autofree char *devices =
        g_build_filename(sys_root, "kernel", "iommu_groups", group, "devices", NULL);
    unsigned n = 0;

    place->device = first_entry(devices, "", &n);
    if (n != 1) {
        g_set_error(error, FERRY_ERROR, n == 0 ? FERRY_ERROR_NOT_FOUND : FERRY_ERROR_UNSUPPORTED,
                    n == 0 ? "there is no IOMMU group %s%.0u"
                           : "IOMMU group %s has %u devices: name one by address or UUID",
                    group, n);
        return false;
    }
    place->door = FERRY_KERNEL_GROUP;
    place->node = g_strdup(name);
    place->folder = g_build_filename(devices, place->device, NULL);
    return true;
}

static bool
find_by_cdev(const char *name, const char *sys_root, FerryPlace *place, GError **error)
{
    g_autofree char *node = g_path_get_basename(name);
    g_autofree char *class_folder = g_build_filename(sys_root, "class", "vfio-dev", node, NULL);

    place->device = read_link_name(class_folder, "device");
    if (place->device == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND, "there is no device %s: no %s", name,
                    class_folder);
        return false;
    }
    place->door = FERRY_KERNEL_CDEV;
    place->node = g_strdup(name);
    place->folder = g_build_filename(class_folder, "device", NULL);
    return true;
}

/* clang-format off */
static const struct {
    const char *pattern;
    const char *bus; /* NULL: see find */
    bool (*find)(const char *name, const char *sys_root, FerryPlace *place, GError **error);
} forms[] = {
    { "^[0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\\.[0-7]$",                          "pci",  NULL },
    { "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",                              "mdev", NULL },
    { "^/dev/vfio/devices/vfio[0-9]+$",                                                    NULL,   find_by_cdev },
    { "^/dev/vfio/[0-9]+$",                                                                NULL,   find_by_group },
};
/* clang-format on */

bool
ferry_place_find(const char *name, const char *sys_root, FerryPlace *ret, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_auto(FerryPlace) place = { 0 };

        if (!g_regex_match_simple(forms[i].pattern, name, 0, 0))
            continue;
        if (!(forms[i].bus != NULL ? find_by_bus(name, forms[i].bus, sys_root, &place, error)
                                   : forms[i].find(name, sys_root, &place, error)))
            return false;
        *ret = place;
        place = (FerryPlace){ 0 };
        return true;
    }
    g_set_error(
        error, FERRY_ERROR, FERRY_ERROR_INVALID,
        "\"%s\" names no device: expected a PCI address, a UUID, a path below /dev/vfio, or "
        "vfio-user:SOCKET",
        name);
    return false;
}

/* --- facts --- */

/* Sets @key to a file's first line, if there is one and it is plain text. */
static void
set_from_file(json_t *facts, const char *key, const char *folder, const char *file)
{
    g_autofree char *path = g_build_filename(folder, file, NULL);
    g_autofree char *text = NULL;

    if (!ferry_file_read(path, MAX_ATTRIBUTE, &text, NULL))
        return;
    (void)g_strstrip(text);
    if (text[0] != '\0' && strchr(text, '\n') == NULL && g_str_is_ascii(text))
        json_object_set_new(facts, key, json_string(text));
}

static void
describe_driver(json_t *facts, const char *folder, const char *sys_root)
{
    g_autofree char *driver = read_link_name(folder, "driver");
    g_autofree char *driver_folder = g_build_filename(folder, "driver", NULL);
    g_autofree char *module = read_link_name(driver_folder, "module");
    g_autofree char *module_folder = NULL;
    struct utsname host;

    if (driver != NULL)
        json_object_set_new(facts, "driver", json_string(driver));
    if (module != NULL) {
        module_folder = g_build_filename(sys_root, "module", module, NULL);
        set_from_file(facts, "driver_version", module_folder, "srcversion");
        set_from_file(facts, "driver_version", module_folder, "version");
    }
    if (uname(&host) == 0)
        json_object_set_new(facts, "kernel", json_string(host.release));
}

static void
describe_mdev(json_t *facts, const char *folder)
{
    g_autofree char *type_folder = g_build_filename(folder, "mdev_type", NULL);
    g_autofree char *type = read_link_name(folder, "mdev_type");

    json_object_set_new(facts, "class", json_string("mdev"));
    if (type != NULL)
        json_object_set_new(facts, "mdev_type", json_string(type));
    set_from_file(facts, "device_api", type_folder, "device_api");
    /* A mediated device has no firmware of its own: its parent's driver is all there is. */
    json_object_set_new(facts, "firmware", json_string("none"));
}

static void
describe_pci(json_t *facts, const char *folder)
{
    json_t *ids = json_object();
    const char *vendor = NULL;
    const char *device = NULL;

    set_from_file(ids, "vendor", folder, "vendor");
    set_from_file(ids, "device", folder, "device");
    vendor = json_string_value(json_object_get(ids, "vendor"));
    device = json_string_value(json_object_get(ids, "device"));
    json_object_set_new(facts, "class", json_string("pci"));
    json_object_set_new(facts, "device_api", json_string("vfio-pci"));
    if (vendor != NULL && device != NULL && strlen(vendor) == 6 && strlen(device) == 6) {
        g_autofree char *id = g_strdup_printf("%s:%s", vendor + 2, device + 2);

        json_object_set_new(facts, "device_id", json_string(id));
    }
    json_decref(ids);
}

static char *
dump(json_t *facts)
{
    char *text = json_dumps(facts, JSON_COMPACT | JSON_SORT_KEYS);
    char *copy = g_strdup(text);

    free(text);
    json_decref(facts);
    return copy;
}

char *
ferry_place_describe(const FerryPlace *self, const char *sys_root)
{
    g_autofree char *type = g_build_filename(self->folder, "mdev_type", NULL);
    json_t *facts = json_pack("{s:i}", "format", 1);

    if (g_file_test(type, G_FILE_TEST_EXISTS))
        describe_mdev(facts, self->folder);
    else
        describe_pci(facts, self->folder);
    describe_driver(facts, self->folder, sys_root);
    return dump(facts);
}

/* The protocol names neither a type nor a driver, so what the guest can see is what is compared:
 * PCI identity.  The server's own check of the state comes after it. */
char *
ferry_user_device_describe(FerryTransport *transport)
{
    json_t *facts =
        json_pack("{s:i, s:s, s:s, s:s, s:s}", "format", 1, "device_api", "vfio-pci", "driver",
                  "vfio-user", "driver_version", "migration-v2", "firmware", "none");
    uint8_t config[48] = { 0 };
    int code = 0;

    if (transport->ops->region_read(transport->data, FERRY_VFIO_PCI_CONFIG_REGION, 0, config,
                                    sizeof config, &code, NULL) &&
        code == 0) {
        g_autofree char *id =
            g_strdup_printf("%02x%02x:%02x%02x", config[1], config[0], config[3], config[2]);
        g_autofree char *subsystem =
            g_strdup_printf("%02x%02x:%02x%02x", config[45], config[44], config[47], config[46]);
        g_autofree char *class_code =
            g_strdup_printf("%02x%02x%02x", config[11], config[10], config[9]);

        json_object_set_new(facts, "class", json_string("pci"));
        json_object_set_new(facts, "device_id", json_string(id));
        json_object_set_new(facts, "attributes",
                            json_pack("{s:s, s:s, s:i}", "pci_subsystem", subsystem, "pci_class",
                                      class_code, "pci_revision", (int)config[8]));
    } else {
        json_object_set_new(facts, "class", json_string("other"));
        json_object_set_new(facts, "signature", json_string("vfio-user"));
    }
    return dump(facts);
}

FerryTransport *
ferry_find_open(const char *name, const FerryFindOptions *options, char **ret_facts, GError **error)
{
    const char *sys_root = options->sys_root != NULL ? options->sys_root : "/sys";
    int timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
    g_autoptr(FerryTransport) transport = NULL;
    g_auto(FerryPlace) place = { 0 };

    if (g_str_has_prefix(name, USER_PREFIX)) {
        FerryUserOptions user = options->user;

        user.timeout_ms = timeout_ms;
        transport = ferry_user_open(name + strlen(USER_PREFIX), &user, error);
        if (transport == NULL)
            return NULL;
        *ret_facts = ferry_user_device_describe(transport);
        return g_steal_pointer(&transport);
    }
    if (!ferry_place_find(name, sys_root, &place, error))
        return NULL;
    transport = ferry_kernel_open(ferry_kernel_system(), place.door, place.node, place.device,
                                  timeout_ms, error);
    if (transport != NULL)
        *ret_facts = ferry_place_describe(&place, sys_root);
    return g_steal_pointer(&transport);
}
