#include "host/definition.h"

#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "base/file.h"
#include "host/json-file.h"
#include "host/sysfs.h"

#define FOLDER "etc/mdevctl.d"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

static void
attr_free(gpointer data)
{
    FerryDefinitionAttr *self = data;

    g_free(self->name);
    g_free(self->value);
    g_free(self);
}

static FerryDefinition *
definition_new(const char *parent, const char *uuid)
{
    FerryDefinition *self = g_new0(FerryDefinition, 1);

    self->parent = g_strdup(parent);
    self->uuid = g_ascii_strdown(uuid, -1);
    self->attrs = g_ptr_array_new_with_free_func(attr_free);
    return self;
}

void
ferry_definition_free(FerryDefinition *self)
{
    if (self == NULL)
        return;
    g_free(self->parent);
    g_free(self->uuid);
    g_free(self->type);
    g_ptr_array_unref(self->attrs);
    g_free(self->problem);
    g_free(self);
}

static bool
refuse(GError **error, const char *what)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "not a definition of mdevctl: %s", what);
    return false;
}

static bool
take_attr(FerryDefinition *self, json_t *object, GError **error)
{
    const char *name = json_object_iter_key(json_object_iter(object));
    const char *value = json_string_value(json_object_iter_value(json_object_iter(object)));
    FerryDefinitionAttr *attr = NULL;

    if (json_object_size(object) != 1 || value == NULL)
        return refuse(error, "\"attrs\" has an element that is not an object with one string");
    attr = g_new0(FerryDefinitionAttr, 1);
    attr->name = g_strdup(name);
    attr->value = g_strdup(value);
    g_ptr_array_add(self->attrs, attr);
    return true;
}

static bool
take_all(FerryDefinition *self, const json_t *root, GError **error)
{
    const char *type = json_string_value(json_object_get(root, "mdev_type"));
    const char *start = json_string_value(json_object_get(root, "start"));
    json_t *attrs = json_object_get(root, "attrs");
    json_t *attr = NULL;
    size_t i = 0;

    if (!json_is_object(root))
        return refuse(error, "it is not an object");
    if (type == NULL || type[0] == '\0')
        return refuse(error, "\"mdev_type\" is missing or no string");
    if (start == NULL)
        return refuse(error, "\"start\" is missing or no string");
    if (attrs != NULL && !json_is_array(attrs))
        return refuse(error, "\"attrs\" is not an array");
    json_array_foreach(attrs, i, attr) if (!take_attr(self, attr, error)) return false;
    self->type = g_strdup(type);
    self->autostart = strcmp(start, "auto") == 0; /* anything else is "manual" for mdevctl */
    return true;
}

bool
ferry_definition_parse(const char *parent,
                       const char *uuid,
                       const char *json,
                       FerryDefinition **ret,
                       GError **error)
{
    g_autoptr(FerryDefinition) self = definition_new(parent, uuid);
    g_autoptr(json_t) root = NULL;

    root = ferry_json_file_parse(json, error);
    if (root == NULL) {
        g_prefix_error(error, "not a definition of mdevctl: ");
        return false;
    }
    if (!take_all(self, root, error))
        return false;
    *ret = g_steal_pointer(&self);
    return true;
}

static FerryDefinition *
read_one(int folder, const char *parent, const char *uuid)
{
    FerryDefinition *self = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = ferry_json_file_text(folder, uuid, &error);

    if (text != NULL && ferry_definition_parse(parent, uuid, text, &self, &error))
        return self;
    self = definition_new(parent, uuid);
    self->problem = g_strdup(error->message);
    return self;
}

static void
read_parent(GPtrArray *all, int folder, const char *parent)
{
    FERRY_AUTOFD int definitions = ferry_sysfs_open(folder, parent);
    g_autoptr(GPtrArray) names = definitions >= 0 ? ferry_sysfs_list(definitions, ".") : NULL;

    for (guint i = 0; names != NULL && i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);

        if (g_uuid_string_is_valid(name))
            g_ptr_array_add(all, read_one(definitions, parent, name));
    }
}

GPtrArray *
ferry_definition_read_all(int root)
{
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_definition_free);
    FERRY_AUTOFD int folder = ferry_sysfs_open(root, FOLDER);
    g_autoptr(GPtrArray) parents = folder >= 0 ? ferry_sysfs_list(folder, ".") : NULL;

    for (guint i = 0; parents != NULL && i < parents->len; i++)
        if (strcmp(g_ptr_array_index(parents, i), "scripts.d") != 0)
            read_parent(all, folder, g_ptr_array_index(parents, i));
    return all;
}
