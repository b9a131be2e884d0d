#include "api/guest-device.h"

#include <string.h>

#include "api/json.h"
#include "base/error.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

void
ferry_guest_device_clear(FerryGuestDevice *self)
{
    g_free(self->xml);
    g_free(self->ephemeral);
    g_free(self->alias);
    g_free(self->unnamed);
    g_free(self->uuid);
    g_free(self->mac);
}

/* Appends "<name attribute='value'/>"; nothing without a value. */
static void
append_element(GString *xml, const char *name, const char *attribute, const char *value)
{
    g_autofree char *escaped = value != NULL ? g_markup_escape_text(value, -1) : NULL;

    if (value != NULL)
        g_string_append_printf(xml, "\n    <%s %s='%s'/>", name, attribute, escaped);
}

static void
append_text(GString *xml, const char *name, const char *value)
{
    g_autofree char *escaped = value != NULL ? g_markup_escape_text(value, -1) : NULL;

    if (value != NULL)
        g_string_append_printf(xml, "\n    <%s>%s</%s>", name, escaped, name);
}

/* libvirt would drop any other, and the device could not be named again. */
static bool
check_alias(const char *alias, GError **error)
{
    if (alias == NULL || (g_str_has_prefix(alias, "ua-") && alias[3] != '\0'))
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "field \"alias\": %s does not begin with ua-, and libvirt keeps no other alias",
                alias);
    return false;
}

static bool
append_attrs(GString *xml, const json_t *attrs, GError **error)
{
    const json_t *attr = NULL;
    size_t i = 0;

    json_array_foreach(attrs, i, attr)
    {
        g_auto(FerryFields) fields = { .object = attr };
        const char *name = ferry_fields_string(&fields, "name");
        const char *value = ferry_fields_string(&fields, "value");
        g_autofree char *escaped_name = g_markup_escape_text(name, -1);
        g_autofree char *escaped_value = g_markup_escape_text(value, -1);

        if (!json_is_object(attr) || !ferry_fields_end(&fields, error)) {
            if (error != NULL && *error == NULL)
                g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                            "field \"attrs\": each is an object with name and value");
            return false;
        }
        g_string_append_printf(xml, "\n    <attr name='%s' value='%s'/>", escaped_name,
                               escaped_value);
    }
    return true;
}

static bool
read_mdev(const json_t *mdev, char **ret, GError **error)
{
    g_auto(FerryFields) fields = { .object = mdev };
    const char *type = ferry_fields_string(&fields, "type");
    const char *parent = ferry_fields_string_or(&fields, "parent", NULL);
    const char *pool = ferry_fields_string_or(&fields, "pool", NULL);
    const char *uuid = ferry_fields_string_or(&fields, "uuid", NULL);
    const char *alias = ferry_fields_string_or(&fields, "alias", NULL);
    const char *model = ferry_fields_string_or(&fields, "model", "vfio-pci");
    const json_t *attrs = json_object_get(mdev, "attrs");
    g_autoptr(GString) xml = g_string_new("<hostdev mode='subsystem' type='mdev' managed='yes'");
    g_autofree char *escaped_model = g_markup_escape_text(model, -1);

    if (attrs != NULL)
        (void)ferry_fields_value(&fields, "attrs", JSON_ARRAY);
    if (!ferry_fields_end(&fields, error) || !check_alias(alias, error))
        return false;
    g_string_append_printf(xml, " model='%s'>\n  <source>", escaped_model);
    append_element(xml, "address", "uuid", uuid);
    append_text(xml, "pool", pool);
    append_text(xml, "parent", parent);
    append_element(xml, "type", "id", type);
    if (!append_attrs(xml, attrs, error))
        return false;
    g_string_append(xml, "\n  </source>");
    append_element(xml, "alias", "name", alias);
    g_string_append(xml, "\n</hostdev>");
    *ret = g_string_free(g_steal_pointer(&xml), FALSE);
    return true;
}

static bool
read_hybrid(const json_t *hybrid, char **ret, GError **error)
{
    g_auto(FerryFields) fields = { .object = hybrid };
    const char *pool = ferry_fields_string(&fields, "pool");
    const char *mac = ferry_fields_string_or(&fields, "mac", NULL);
    const char *on_no_vf = ferry_fields_string_or(&fields, "on_no_vf", "refuse");
    const char *alias = ferry_fields_string_or(&fields, "alias", NULL);
    g_autoptr(GString) xml = g_string_new("<interface type='hostdev-hybrid'");
    g_autofree char *escaped = g_markup_escape_text(on_no_vf, -1);

    if (!ferry_fields_end(&fields, error) || !check_alias(alias, error))
        return false;
    g_string_append_printf(xml, " on-no-vf='%s'>", escaped);
    append_element(xml, "mac", "address", mac);
    append_element(xml, "source", "network", pool);
    append_element(xml, "alias", "name", alias);
    g_string_append(xml, "\n</interface>");
    *ret = g_string_free(g_steal_pointer(&xml), FALSE);
    return true;
}

/* @form: "mdev" or "hybrid" */
static bool
read_wish(const json_t *wish, const char *form, char **ret, GError **error)
{
    return strcmp(form, "mdev") == 0 ? read_mdev(wish, ret, error) : read_hybrid(wish, ret, error);
}

static char *
copy_member(const json_t *object, const char *name)
{
    return g_strdup(json_string_value(json_object_get(object, name)));
}

/* A device with an alias may be there already, as it is wished. */
static bool
read_named(const json_t *wish, const char *form, FerryGuestDevice *device, GError **error)
{
    static const char *const own[] = { "alias", "uuid", "mac" };
    g_autoptr(json_t) rest = json_copy((json_t *)wish);

    device->alias = copy_member(wish, "alias");
    if (device->alias == NULL)
        return true;
    device->uuid = copy_member(wish, "uuid");
    device->mac = copy_member(wish, "mac");
    for (size_t i = 0; i < G_N_ELEMENTS(own); i++)
        (void)json_object_del(rest, own[i]);
    return read_wish(rest, form, &device->unnamed, error);
}

static bool
check_one(const json_t *body, GError **error)
{
    static const char *const forms[] = { "xml", "mdev", "hybrid", "ephemeral" };
    unsigned n_forms = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++)
        n_forms += json_object_get(body, forms[i]) != NULL;
    if (n_forms == 1)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "exactly one of the fields \"xml\", \"mdev\", \"hybrid\" and \"ephemeral\" says "
                "what is added, here are %u",
                n_forms);
    return false;
}

bool
ferry_guest_device_read(const json_t *body, FerryGuestDevice *ret, GError **error)
{
    g_auto(FerryFields) fields = { .object = body };
    g_auto(FerryGuestDevice) device = { 0 };
    const char *form = json_object_get(body, "mdev") != NULL     ? "mdev"
                       : json_object_get(body, "hybrid") != NULL ? "hybrid"
                                                                 : NULL;
    const json_t *wish = NULL;

    if (!check_one(body, error))
        return false;
    device.check_only = ferry_fields_flag(&fields, "check_only");
    if (form != NULL)
        wish = ferry_fields_value(&fields, form, JSON_OBJECT);
    device.xml = g_strdup(ferry_fields_string_or(&fields, "xml", NULL));
    device.ephemeral = g_strdup(ferry_fields_string_or(&fields, "ephemeral", NULL));
    if (!ferry_fields_end(&fields, error))
        return false;
    if (wish != NULL &&
        (!read_wish(wish, form, &device.xml, error) || !read_named(wish, form, &device, error)))
        return false;
    *ret = device;
    device = (FerryGuestDevice){ 0 };
    return true;
}
