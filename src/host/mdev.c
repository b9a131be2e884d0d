#include "host/mdev.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "host/mediated.h"
#include "host/pci.h"
#include "host/sysfs.h"
#include "host/users.h"

#define CLASSES "sys/class/mdev_bus/"
#define DEVICES "sys/bus/mdev/devices/"

/* Between two tries of a removal that the kernel put off. */
#define AGAIN_MS 20

/* What the errno of "create" means, from drivers/vfio/mdev and the drivers of 6.12. */
typedef struct {
    int code;
    int error; /* a FerryErrorCode */
    const char *what_to_do;
} Meaning;

/* clang-format off */
static const Meaning create_meanings[] = {
    { EEXIST, FERRY_ERROR_EXISTS, "The UUID is taken on this host: leave it out to get a new one, or remove that device." },
    { ENOSPC, FERRY_ERROR_EXHAUSTED, "The parent has nothing left for this type: remove a device of it, or name another parent." },
    { EUSERS, FERRY_ERROR_EXHAUSTED, "The parent has nothing left for this type: remove a device of it, or name another parent." },
    { ENODEV, FERRY_ERROR_NOT_FOUND, "The parent is going away: its driver is being unloaded." },
    { ENOENT, FERRY_ERROR_NOT_FOUND, "The type or its parent went away meanwhile." },
    { EACCES, FERRY_ERROR_DENIED, "Only root may create mediated devices." },
    { EPERM, FERRY_ERROR_DENIED, "The driver does not allow it." },
};
/* clang-format on */

static bool
is_name(const char *text)
{
    return text[0] != '\0' && text[0] != '.' && strchr(text, '/') == NULL && strlen(text) < 256;
}

/* Attributes may be in one folder below the device's: "nvidia/vgpu_params". */
static bool
is_attr_name(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", 3);
    const guint n_parts = g_strv_length(parts);

    for (guint i = 0; i < n_parts; i++)
        if (!is_name(parts[i]))
            return false;
    /* what the device itself has; "remove" would be a way around our own removal */
    return (n_parts == 1 || n_parts == 2) && strcmp(text, "remove") != 0;
}

static bool
check_request(const FerryMdevRequest *request, GError **error)
{
    if (!g_uuid_string_is_valid(request->uuid)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "\"%s\" is not a UUID", request->uuid);
        return false;
    }
    for (size_t i = 0; i < request->n_attrs; i++) {
        if (is_attr_name(request->attrs[i].name))
            continue;
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "\"%s\" is not the name of an mdev's attribute", request->attrs[i].name);
        return false;
    }
    return true;
}

static bool
find_parent(const FerryKernel *kernel, const char *name, FerryHostDevice **ret, GError **error)
{
    FERRY_AUTOFD int classes = ferry_sysfs_open(kernel->root, CLASSES ".");

    *ret = classes >= 0 && is_name(name) ? ferry_mediated_read_parent(classes, name) : NULL;
    if (*ret == NULL)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "no device \"%s\" offers mediated devices here: \"ferry mdev types\" lists "
                    "those that do",
                    name);
    return *ret != NULL;
}

static bool
find_type(const FerryKernel *kernel, const FerryMdevRequest *request, GError **error)
{
    g_autoptr(FerryHostDevice) parent = NULL;
    g_autoptr(GString) known = g_string_new(NULL);

    if (!find_parent(kernel, request->parent, &parent, error))
        return false;
    if (ferry_host_device_type(parent, request->type) != NULL)
        return true;
    for (guint i = 0; parent->types != NULL && i < parent->types->len; i++) {
        const FerryHostType *type = g_ptr_array_index(parent->types, i);

        g_string_append_printf(known, "%s%s", i > 0 ? ", " : "", type->id);
    }
    if (known->len == 0)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "%s publishes no types of mediated devices yet: does its vendor's service run?",
                    request->parent);
    else
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND, "%s has no type \"%s\", but %s",
                    request->parent, request->type, known->str);
    return false;
}

/* Returns false, always. */
static bool
refuse_create(const FerryMdevRequest *request, int code, GError **error)
{
    const Meaning unknown = { code, FERRY_ERROR_IO,
                              "The driver's own messages are in the kernel's "
                              "log (dmesg)." };
    const Meaning *meaning = &unknown;

    for (size_t i = 0; i < G_N_ELEMENTS(create_meanings); i++)
        if (create_meanings[i].code == code)
            meaning = &create_meanings[i];
    g_set_error(error, FERRY_ERROR, meaning->error,
                "cannot create mdev %s of type %s on %s: %s. %s", request->uuid, request->type,
                request->parent, g_strerror(code), meaning->what_to_do);
    return false;
}

static bool
set_attrs(const FerryKernel *kernel,
          const FerryMdevRequest *request,
          const char *uuid,
          GError **error)
{
    for (size_t i = 0; i < request->n_attrs; i++) {
        const FerryMdevAttr *attr = &request->attrs[i];
        g_autofree char *path = g_strconcat(DEVICES, uuid, "/", attr->name, NULL);
        const int code = kernel->ops->write(kernel->data, path, attr->value);

        if (code == 0)
            continue;
        g_set_error(error, FERRY_ERROR, code == ENOENT ? FERRY_ERROR_NOT_FOUND : FERRY_ERROR_IO,
                    "cannot set %s=%s of mdev %s of type %s on %s: %s. The device was removed "
                    "again.",
                    attr->name, attr->value, uuid, request->type, request->parent,
                    g_strerror(code));
        return false;
    }
    return true;
}

static int
write_remove(const FerryKernel *kernel, const char *uuid)
{
    g_autofree char *path = g_strconcat(DEVICES, uuid, "/remove", NULL);

    return kernel->ops->write(kernel->data, path, "1");
}

bool
ferry_mdev_create(const FerryKernel *kernel, const FerryMdevRequest *request, GError **error)
{
    g_autofree char *uuid = NULL;
    g_autofree char *path = NULL;
    int code = 0;

    if (!check_request(request, error) || !find_type(kernel, request, error))
        return false;
    uuid = g_ascii_strdown(request->uuid, -1);
    path = g_strconcat(CLASSES, request->parent, "/mdev_supported_types/", request->type, "/create",
                       NULL);
    code = kernel->ops->write(kernel->data, path, uuid);
    if (code != 0)
        return refuse_create(request, code, error);
    if (set_attrs(kernel, request, uuid, error))
        return true;
    (void)write_remove(kernel,
                       uuid); /* nobody can have it open yet; the attribute's error counts */
    return false;
}

/*
 * One write to "remove" on a thread of its own.  Both sides hold it, the last one frees it; the
 * thread may be there long after its caller has given up.
 */
typedef struct {
    FerryKernel kernel;
    char *uuid;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool has_ended;
    int code;
    int n_holders;
} Removal;

static void
removal_release(Removal *self)
{
    int left = 0;

    (void)pthread_mutex_lock(&self->lock);
    left = --self->n_holders;
    (void)pthread_mutex_unlock(&self->lock);
    if (left > 0)
        return;
    (void)pthread_mutex_destroy(&self->lock);
    (void)pthread_cond_destroy(&self->ended);
    g_free(self->uuid);
    g_free(self);
}

static void *
removal_run(void *data)
{
    Removal *self = data;
    const int code = write_remove(&self->kernel, self->uuid);

    (void)pthread_mutex_lock(&self->lock);
    self->code = code;
    self->has_ended = true;
    (void)pthread_cond_signal(&self->ended);
    (void)pthread_mutex_unlock(&self->lock);
    removal_release(self);
    return NULL;
}

static Removal *
removal_new(const FerryKernel *kernel, const char *uuid)
{
    Removal *self = g_new0(Removal, 1);
    pthread_condattr_t monotonic;

    self->kernel = *kernel;
    self->uuid = g_strdup(uuid);
    self->n_holders = 2;
    (void)pthread_mutex_init(&self->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&self->ended, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    return self;
}

/* Returns: the errno of the write, 0, or ETIMEDOUT */
static int
removal_wait(Removal *self, gint64 deadline_us)
{
    const struct timespec deadline = { deadline_us / G_USEC_PER_SEC,
                                       deadline_us % G_USEC_PER_SEC * 1000 };
    int waited = 0;
    int code = ETIMEDOUT;

    (void)pthread_mutex_lock(&self->lock);
    while (!self->has_ended && waited == 0)
        waited = pthread_cond_timedwait(&self->ended, &self->lock, &deadline);
    if (self->has_ended)
        code = self->code;
    (void)pthread_mutex_unlock(&self->lock);
    removal_release(self);
    return code;
}

static int
remove_by(const FerryKernel *kernel, const char *uuid, gint64 deadline_us)
{
    Removal *removal = removal_new(kernel, uuid);
    pthread_attr_t detached;
    pthread_t thread;
    int code = 0;

    (void)pthread_attr_init(&detached);
    (void)pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    code = pthread_create(&thread, &detached, removal_run, removal);
    (void)pthread_attr_destroy(&detached);
    if (code != 0) {
        removal->n_holders = 1;
        removal_release(removal);
        return code;
    }
    return removal_wait(removal, deadline_us);
}

static bool
refuse_user(const FerryKernel *kernel, const FerryHostDevice *device, GError **error)
{
    g_autoptr(FerryUsers) users = ferry_users_read(kernel->root);
    const FerryUser *user = ferry_users_find(users, device);
    g_autofree char *who = user != NULL ? ferry_user_describe(user) : NULL;

    if (who == NULL)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_BUSY,
                "cannot remove mdev %s: %s has it open. Stop it, or detach the device there first.",
                device->name, who);
    return false;
}

static bool
refuse_remove(const char *uuid, int code, unsigned limit_ms, GError **error)
{
    if (code == ETIMEDOUT)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT,
                    "cannot remove mdev %s: the kernel is still waiting for its user after %u ms. "
                    "It goes as soon as that lets go.",
                    uuid, limit_ms);
    else if (code == EAGAIN)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT,
                    "cannot remove mdev %s: its creation or another removal is still going on "
                    "after %u ms",
                    uuid, limit_ms);
    else
        return ferry_error_set_errno(error, code, "remove mdev", uuid);
    return false;
}

bool
ferry_mdev_remove(const FerryKernel *kernel, const char *uuid, unsigned limit_ms, GError **error)
{
    const gint64 deadline_us = g_get_monotonic_time() + (gint64)limit_ms * 1000;
    g_autofree char *lower = g_ascii_strdown(uuid, -1);
    FERRY_AUTOFD int devices = ferry_sysfs_open(kernel->root, DEVICES ".");
    g_autoptr(FerryHostDevice) device = devices >= 0 ? ferry_mediated_read(devices, lower) : NULL;
    int code = 0;

    if (device == NULL)
        return true;
    ferry_pci_read_cdev(device, devices);
    if (!refuse_user(kernel, device, error))
        return false;
    code = remove_by(kernel, lower, deadline_us);
    while (code == EAGAIN && g_get_monotonic_time() < deadline_us) {
        g_usleep(AGAIN_MS * 1000);
        code = remove_by(kernel, lower, deadline_us);
    }
    /* somebody else was quicker */
    if (code == 0 || code == ENODEV || code == ENOENT)
        return true;
    return refuse_remove(lower, code, limit_ms, error);
}
