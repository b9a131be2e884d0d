#include "migrate/guard.h"

#include "migrate/assign.h"
#include "migrate/objection.h"

/* Where each kind of host device has its name; a row without a kind is never assigned. */
static const struct {
    const char *device;
    const char *type;
    const char *kind;
} rows[] = {
    { "hostdev", "mdev", "mdev-uuid" },
    { "hostdev", "pci", "pci-address" },
    { "interface", "hostdev", "pci-address" },
};

static const char *
kind_of(const FerryDevice *device)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (g_str_equal(device->kind, rows[i].device) && g_strcmp0(device->type, rows[i].type) == 0)
            return rows[i].kind;
    return NULL;
}

static bool
is_host_device(const FerryDevice *device)
{
    return g_str_equal(device->kind, "hostdev") || kind_of(device) != NULL;
}

static bool
is_assigned(const FerryDevice *device, const char *kind, const json_t *assign)
{
    const char *value = kind == NULL || device->alias == NULL
                            ? NULL
                            : ferry_assign_value(assign, device->alias, kind);

    return value != NULL && device->source != NULL &&
           g_ascii_strcasecmp(value, device->source) == 0; /* a UUID in whatever case */
}

static void
refuse(const FerryDevice *device, json_t *reasons)
{
    const char *alias = device->alias != NULL ? device->alias : device->kind;

    ferry_object_to(reasons, alias, "not-reserved",
                    "the guest comes with %s as its device %s, which was not reserved for it",
                    device->source != NULL ? device->source : "an unnamed device", alias);
}

void
ferry_guard_check(const FerryDomain *incoming, const json_t *assign, json_t *reasons)
{
    for (guint i = 0; i < incoming->devices->len; i++) {
        const FerryDevice *device = g_ptr_array_index(incoming->devices, i);
        bool hybrid = g_str_equal(device->kind, "interface") && device->alias != NULL &&
                      g_strcmp0(device->type, "direct") == 0 &&
                      ferry_assign_value(assign, device->alias, "source-dev") != NULL;

        if ((is_host_device(device) && !is_assigned(device, kind_of(device), assign)) ||
            (hybrid && !is_assigned(device, "source-dev", assign)))
            refuse(device, reasons);
    }
}
