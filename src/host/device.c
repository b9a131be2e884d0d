#include "host/device.h"

#include <string.h>

static void
type_free(gpointer data)
{
    FerryHostType *self = data;

    g_free(self->id);
    g_free(self->name);
    g_free(self->description);
    g_free(self->device_api);
    g_free(self);
}

FerryHostDevice *
ferry_host_device_new(const char *name, const char *bus)
{
    FerryHostDevice *self = g_new0(FerryHostDevice, 1);

    self->name = g_strdup(name);
    self->bus = g_strdup(bus);
    self->iommu_group = -1;
    self->numa_node = -1;
    self->vf_index = -1;
    return self;
}

void
ferry_host_device_free(FerryHostDevice *self)
{
    if (self == NULL)
        return;
    g_free(self->name);
    g_free(self->bus);
    g_free(self->path);
    g_free(self->driver);
    g_free(self->device_id);
    g_free(self->subsystem_id);
    g_free(self->class_code);
    g_free(self->cdev);
    g_free(self->netdev);
    g_free(self->link);
    g_free(self->pf);
    g_free(self->vf_device_id);
    g_clear_pointer(&self->vfs, g_ptr_array_unref);
    g_clear_pointer(&self->types, g_ptr_array_unref);
    g_clear_pointer(&self->ports, g_ptr_array_unref);
    g_free(self->pf_netdev);
    g_free(self->parent);
    g_free(self->type);
    g_free(self);
}

const FerryHostType *
ferry_host_device_type(const FerryHostDevice *self, const char *id)
{
    for (guint i = 0; self->types != NULL && i < self->types->len; i++) {
        const FerryHostType *type = g_ptr_array_index(self->types, i);

        if (strcmp(type->id, id) == 0)
            return type;
    }
    return NULL;
}

unsigned
ferry_host_device_n_vfs(const FerryHostDevice *self)
{
    unsigned n = 0;

    for (guint i = 0; self->vfs != NULL && i < self->vfs->len; i++)
        n += g_ptr_array_index(self->vfs, i) != NULL;
    return n;
}

FerryHostType *
ferry_host_device_add_type(FerryHostDevice *self, const char *id)
{
    FerryHostType *type = g_new0(FerryHostType, 1);

    if (self->types == NULL)
        self->types = g_ptr_array_new_with_free_func(type_free);
    type->id = g_strdup(id);
    g_ptr_array_add(self->types, type);
    return type;
}
