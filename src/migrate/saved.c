#include "migrate/saved.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "migrate/objection.h"
#include "xml/domain.h"
#include "xml/saved.h"

/* Beside it lie FILE.ferry and, while it is written, FILE.UUID.part. */
#define MAX_PATH_BYTES 3500

void
ferry_saved_free(FerrySaved *self)
{
    if (self == NULL)
        return;
    g_free(self->file);
    g_free(self->xml);
    ferry_plan_free(self->plan);
    ferry_sidecar_free(self->sidecar);
    g_free(self);
}

bool
ferry_saved_check_path(const char *path, GError **error)
{
    if (path != NULL && path[0] == '/' && strlen(path) <= MAX_PATH_BYTES &&
        !g_str_has_suffix(path, "/") && !g_str_has_suffix(path, ".ferry"))
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "\"%s\" is no file for a guest: it must be an absolute path of at most %d bytes "
                "that does not end with \".ferry\"",
                path != NULL ? path : "", MAX_PATH_BYTES);
    return false;
}

char *
ferry_saved_xml_with_plan(const char *xml, const FerryPlan *plan, GError **error)
{
    json_t *json = ferry_plan_format(plan);
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);
    char *ret = NULL;

    json_decref(json);
    (void)ferry_saved_put(xml, text, &ret, error);
    free(text); /* jansson's malloc, not GLib's */
    if (ret == NULL || strlen(ret) <= FERRY_DOMAIN_MAX_BYTES)
        return ret;
    g_clear_pointer(&ret, g_free);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "guest %s has a definition that is too long to be saved with what ferry adds: more "
                "than %zu bytes",
                plan->guest_name, FERRY_DOMAIN_MAX_BYTES);
    return NULL;
}

/* ---- a file of libvirt's own ---- */

static FerryPlanNeed *
need_of_mdev(const FerryMdevMeta *meta)
{
    FerryPlanNeed *need = ferry_plan_need_new(FERRY_WAY_STATE, meta->alias);

    need->pool = g_strdup(meta->pool);
    need->parent = g_strdup(meta->parent);
    need->type = g_strdup(meta->type);
    need->vendor_id = g_strdup(meta->vendor_id);
    need->product_id = g_strdup(meta->product_id);
    need->facts =
        json_pack("{s:i, s:s, s:s}", "format", 1, "class", "mdev", "mdev_type", meta->type);
    for (guint i = 0; i < meta->attrs->len; i++) {
        const FerryMetaAttr *attr = g_ptr_array_index(meta->attrs, i);

        ferry_plan_need_add_attr(need, attr->name, attr->value);
    }
    return need;
}

static FerryPlanNeed *
need_of_hybrid(const FerryHybridMeta *meta)
{
    FerryPlanNeed *need = ferry_plan_need_new(FERRY_WAY_HYBRID, meta->alias);

    need->pool = g_strdup(meta->pool);
    need->vf_alias = g_strdup(meta->vf_alias);
    need->vf_address = g_strdup(meta->vf_address);
    need->may_degrade = meta->on_no_vf == FERRY_NO_VF_DEGRADE;
    return need;
}

/* What can be known of a guest without a plan: the metadata says what its devices need, and nobody
 * says what their state is of. */
static FerryPlan *
plan_of(const FerryDomain *domain, const char *xml)
{
    const FerryMetadata *metadata = domain->metadata;
    FerryPlan *plan = ferry_plan_new();

    plan->job = g_uuid_string_random();
    plan->guest_name = g_strdup(domain->name);
    plan->guest_uuid = g_strdup(domain->uuid);
    plan->source = g_strdup("");
    plan->target = g_strdup("");
    plan->live_xml = g_strdup(xml);
    plan->memory_bytes = domain->memory_bytes;
    for (guint i = 0; i < metadata->mdevs->len; i++) {
        const FerryMdevMeta *meta = g_ptr_array_index(metadata->mdevs, i);

        if (meta->managed && ferry_domain_device(domain, meta->alias) != NULL)
            g_ptr_array_add(plan->needs, need_of_mdev(meta));
    }
    for (guint i = 0; i < metadata->hybrids->len; i++) {
        const FerryHybridMeta *meta = g_ptr_array_index(metadata->hybrids, i);

        if (ferry_domain_device(domain, meta->alias) != NULL)
            g_ptr_array_add(plan->needs, need_of_hybrid(meta));
    }
    return plan;
}

/* ---- opening ---- */

static bool
read_plan(FerrySaved *self, const char *text, const FerryDomain *domain, GError **error)
{
    json_t *json = json_loads(text, 0, NULL);
    bool ok = ferry_plan_parse(json, &self->plan, error);

    json_decref(json);
    if (ok && (g_strcmp0(self->plan->guest_uuid, domain->uuid) != 0 ||
               g_strcmp0(self->plan->guest_name, domain->name) != 0)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "its plan is of guest %s, and the file has guest %s", self->plan->guest_name,
                    domain->name);
        return false;
    }
    return ok;
}

static bool
read_xml(FerrySaved *self, const char *xml, GError **error)
{
    g_autoptr(FerryDomain) domain = NULL;
    g_autofree char *text = NULL;

    if (!ferry_saved_take(xml, &text, &self->xml, error) ||
        !ferry_domain_parse(self->xml, &domain, error))
        return false;
    self->by = text != NULL ? FERRY_SAVED_BY_FERRY : FERRY_SAVED_BY_OTHERS;
    if (text != NULL)
        return read_plan(self, text, domain, error);
    self->plan = plan_of(domain, self->xml);
    return true;
}

/* What the sidecar says of the file that is seen without reading it. */
static void
compare(const FerrySaved *self, json_t *reasons)
{
    const FerrySidecar *sidecar = self->sidecar;
    FerrySavedSum now = { .bytes = self->bytes, .digests = sidecar->sum->digests };
    g_autofree char *differ = ferry_saved_sum_differ(sidecar->sum, &now);
    g_autofree char *path = ferry_sidecar_path(self->file);

    if (g_strcmp0(sidecar->guest_uuid, self->plan->guest_uuid) != 0) {
        ferry_object(reasons, "foreign-sidecar",
                     "%s is of guest %s (%s), and the file has guest %s (%s)", path,
                     sidecar->guest_name, sidecar->guest_uuid, self->plan->guest_name,
                     self->plan->guest_uuid);
        ferry_object_remedy(
            reasons, "put the sidecar of this file beside it, or go without with --unverified");
    } else if (differ != NULL) {
        ferry_object(reasons, "file-damaged", "%s is damaged: %s", self->file, differ);
        ferry_object_remedy(reasons, "copy it anew, with its sidecar");
    }
}

json_t *
ferry_saved_print(const FerrySaved *self)
{
    json_t *sum = self->sidecar != NULL ? ferry_saved_sum_format(self->sidecar->sum) : NULL;
    char *text = sum != NULL ? json_dumps(sum, JSON_COMPACT) : NULL;
    g_autofree char *digest =
        text != NULL ? g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1) : NULL;

    free(text); /* jansson's malloc, not GLib's */
    json_decref(sum);
    return json_pack("{s:s, s:s, s:I, s:s*}", "guest_name", self->plan->guest_name, "guest_uuid",
                     self->plan->guest_uuid, "bytes", (json_int_t)self->bytes, "digest", digest);
}

void
ferry_saved_check_print(const FerrySaved *self,
                        const char *host,
                        const json_t *theirs,
                        json_t *reasons)
{
    static const struct {
        const char *key, *what;
    } rows[] = { { "guest_uuid", "of another guest" },
                 { "bytes", "of another length" },
                 { "digest", "with other checksums" } };
    json_t *ours = ferry_saved_print(self);
    const char *differs = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(rows) && differs == NULL; i++) {
        const json_t *our = json_object_get(ours, rows[i].key);
        const json_t *their = json_object_get(theirs, rows[i].key);

        if (our != NULL && their != NULL && !json_equal(our, their))
            differs = rows[i].what;
    }
    json_decref(ours);
    if (differs == NULL)
        return;
    ferry_object(reasons, "another-file", "%s sees another %s than the host that asks: one %s",
                 host, self->file, differs);
    ferry_object_remedy(reasons, "put it on storage that both have, or restore on that host");
}

bool
ferry_saved_open(const FerrySavedWorld *world,
                 const char *file,
                 FerrySavedVerify verify,
                 FerrySaved **ret,
                 json_t *reasons,
                 GError **error)
{
    g_autoptr(FerrySaved) self = g_new0(FerrySaved, 1);
    g_autofree char *xml = NULL;
    struct stat status;

    if (!ferry_saved_check_path(file, error))
        return false;
    if (stat(file, &status) < 0)
        return ferry_error_set_errno(error, errno, "restore a guest from", file);
    self->file = g_strdup(file);
    self->bytes = (uint64_t)status.st_size;
    if (!world->saved->saved_xml(world->data, file, &xml, error))
        return false;
    if (!read_xml(self, xml, error)) {
        g_prefix_error(error, "%s: ", file);
        return false;
    }
    if (verify == FERRY_SAVED_VERIFY && !ferry_sidecar_read(file, &self->sidecar, error))
        return false;
    if (self->sidecar != NULL)
        compare(self, reasons);
    *ret = g_steal_pointer(&self);
    return true;
}
