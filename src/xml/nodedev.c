#include "xml/nodedev.h"

#include <string.h>

static void
type_free(gpointer data)
{
    FerryNodedevType *self = data;

    g_free(self->id);
    g_free(self->name);
    g_free(self->device_api);
    g_free(self);
}

static void
attr_free(gpointer data)
{
    FerryNodedevAttr *self = data;

    g_free(self->name);
    g_free(self->value);
    g_free(self);
}

FerryNodedev *
ferry_nodedev_new(const char *capability)
{
    FerryNodedev *self = g_new0(FerryNodedev, 1);

    self->capability = g_strdup(capability);
    self->max_vfs = -1;
    self->iommu_group = -1;
    self->numa_node = -1;
    self->types = g_ptr_array_new_with_free_func(type_free);
    self->attrs = g_ptr_array_new_with_free_func(attr_free);
    return self;
}

void
ferry_nodedev_free(FerryNodedev *self)
{
    if (self == NULL)
        return;
    g_free(self->name);
    g_free(self->path);
    g_free(self->parent);
    g_free(self->driver);
    g_free(self->capability);
    g_free(self->address);
    g_free(self->class_code);
    g_free(self->vendor);
    g_free(self->product);
    g_free(self->pf);
    g_clear_pointer(&self->vfs, g_ptr_array_unref);
    g_ptr_array_unref(self->types);
    g_free(self->type);
    g_free(self->uuid);
    g_ptr_array_unref(self->attrs);
    g_free(self);
}

void
ferry_nodedev_add_attr(FerryNodedev *self, const char *name, const char *value)
{
    FerryNodedevAttr *attr = g_new0(FerryNodedevAttr, 1);

    attr->name = g_strdup(name);
    attr->value = g_strdup(value);
    g_ptr_array_add(self->attrs, attr);
}

/* Everything that libvirt or a user may have put into a name, in an XML text. */
static void
append_element(GString *text, const char *name, const char *value)
{
    g_autofree char *escaped = value != NULL ? g_markup_escape_text(value, -1) : NULL;

    if (escaped != NULL)
        g_string_append_printf(text, "  <%s>%s</%s>\n", name, escaped, name);
}

static void
append_capability(GString *text, const FerryNodedev *mdev)
{
    g_autofree char *type = g_markup_escape_text(mdev->type, -1);

    g_string_append_printf(text, "    <type id='%s'/>\n", type);
    if (mdev->uuid != NULL)
        g_string_append_printf(text, "    <uuid>%s</uuid>\n", mdev->uuid);
    if (mdev->iommu_group >= 0)
        g_string_append_printf(text, "    <iommuGroup number='%d'/>\n", mdev->iommu_group);
    for (guint i = 0; i < mdev->attrs->len; i++) {
        const FerryNodedevAttr *attr = g_ptr_array_index(mdev->attrs, i);
        g_autofree char *name = g_markup_escape_text(attr->name, -1);
        g_autofree char *value = g_markup_escape_text(attr->value, -1);

        g_string_append_printf(text, "    <attr name='%s' value='%s'/>\n", name, value);
    }
    if (mdev->autostart)
        g_string_append(text, "    <start type='auto'/>\n");
}

char *
ferry_nodedev_format_mdev(const FerryNodedev *mdev)
{
    g_autoptr(GString) text = g_string_new("<device>\n");

    append_element(text, "name", mdev->name);
    append_element(text, "path", mdev->path);
    append_element(text, "parent", mdev->parent);
    if (mdev->driver != NULL) {
        g_autofree char *driver = g_markup_escape_text(mdev->driver, -1);

        g_string_append_printf(text, "  <driver>\n    <name>%s</name>\n  </driver>\n", driver);
    }
    g_string_append(text, "  <capability type='mdev'>\n");
    append_capability(text, mdev);
    g_string_append(text, "  </capability>\n</device>\n");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* libvirt's rule for any name: what is not a letter or a digit becomes "_". */
static char *
sanitize(const char *kernel_name)
{
    g_autofree char *text = g_strdup(kernel_name);

    for (char *c = text; *c != '\0'; c++)
        if (!g_ascii_isalnum(*c))
            *c = '_';
    return g_steal_pointer(&text);
}

char *
ferry_nodedev_name(const char *subsystem, const char *kernel_name)
{
    g_autofree char *tail = sanitize(kernel_name);

    /* vfio_ap's parent is "matrix" on a bus of that name; libvirt calls that subsystem "ap" */
    if (strcmp(kernel_name, "matrix") == 0)
        return g_strdup("ap_matrix");
    return g_strconcat(subsystem, "_", tail, NULL);
}

bool
ferry_nodedev_is_named(const char *name, const char *kernel_name)
{
    g_autofree char *tail = sanitize(kernel_name);
    const char *found = NULL;

    if (strcmp(name, kernel_name) == 0)
        return true;
    /* the subsystem has no "_" in it, but for none that we know of: take the first */
    found = strchr(name, '_');
    return found != NULL && found != name && strcmp(found + 1, tail) == 0;
}
