#include "migrate/assign.h"

#include "base/error.h"
#include "xml/domain.h"
#include "xml/edit.h"

static const struct {
    const char *name;
    FerryEditKind edit;
} kinds[] = {
    { "mdev-uuid", FERRY_EDIT_MDEV_UUID },
    { "pci-address", FERRY_EDIT_PCI_ADDRESS },
    { "source-dev", FERRY_EDIT_SOURCE_DEV },
};
G_STATIC_ASSERT(G_N_ELEMENTS(kinds) == FERRY_EDIT_N_KINDS);

void
ferry_assign_add(json_t *assign, const char *alias, const char *kind, const char *value)
{
    if (value != NULL)
        json_array_append_new(
            assign, json_pack("{s:s, s:s, s:s}", "alias", alias, "kind", kind, "value", value));
}

static bool
is_text(const json_t *entry, const char *key, const char *text)
{
    return g_strcmp0(json_string_value(json_object_get(entry, key)), text) == 0;
}

const char *
ferry_assign_value(const json_t *assign, const char *alias, const char *kind)
{
    const json_t *entry = NULL;
    size_t i = 0;

    json_array_foreach(assign, i, entry)
    {
        if (is_text(entry, "alias", alias) && is_text(entry, "kind", kind))
            return json_string_value(json_object_get(entry, "value"));
    }
    return NULL;
}

/* Adds what is assigned to the device; without any it would be looked for under the source's name.
 */
static bool
add_edit(const FerryPlanNeed *need, const json_t *assign, GArray *edits, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        FerryEdit edit = { .alias = need->alias, .kind = kinds[i].edit };

        edit.value = ferry_assign_value(assign, need->alias, kinds[i].name);
        if (edit.value == NULL)
            continue;
        g_array_append_val(edits, edit);
        return true;
    }
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "the target assigned nothing to the guest's device %s", need->alias);
    return false;
}

/* An ephemeral device is off while the guest moves, and in the definition unless it was plugged in
 * for one run. */
static bool
is_wanted(const FerryPlanNeed *need, const FerryDomain *domain, FerryAssignText text)
{
    if (need->way == FERRY_WAY_EPHEMERAL)
        return text == FERRY_ASSIGN_DEFINITION && ferry_domain_device(domain, need->alias) != NULL;
    return need->way == FERRY_WAY_STATE || text == FERRY_ASSIGN_LIVE;
}

bool
ferry_assign_apply(const char *xml,
                   const GPtrArray *needs,
                   const json_t *assign,
                   FerryAssignText text,
                   char **ret,
                   GError **error)
{
    g_autoptr(GArray) edits = g_array_new(FALSE, FALSE, sizeof(FerryEdit));
    g_autoptr(FerryDomain) domain = NULL;

    if (needs->len > 0 && !ferry_domain_parse(xml, &domain, error))
        return false;
    for (guint i = 0; i < needs->len; i++) {
        const FerryPlanNeed *need = g_ptr_array_index(needs, i);

        if (is_wanted(need, domain, text) && !add_edit(need, assign, edits, error))
            return false;
    }
    if (edits->len == 0) { /* word for word: nothing of it is written anew */
        *ret = g_strdup(xml);
        return true;
    }
    return ferry_domain_xml_for_target(xml, (const FerryEdit *)(void *)edits->data, edits->len, ret,
                                       error);
}

static bool
take_device(const FerryDomain *domain, FerryPlanDevice *device, GError **error)
{
    const FerryDevice *edited = ferry_domain_device(domain, device->alias);

    if (edited == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "the guest's ephemeral device %s is not in its XML", device->alias);
        return false;
    }
    g_free(device->xml);
    device->xml = g_strdup(edited->xml);
    return true;
}

bool
ferry_assign_ephemerals(FerryPlan *plan, const json_t *assign, GError **error)
{
    g_autoptr(GArray) edits = g_array_new(FALSE, FALSE, sizeof(FerryEdit));
    g_autoptr(FerryDomain) domain = NULL;
    g_autofree char *xml = NULL;

    for (guint i = 0; i < plan->needs->len; i++) {
        const FerryPlanNeed *need = g_ptr_array_index(plan->needs, i);

        if (need->way == FERRY_WAY_EPHEMERAL && !add_edit(need, assign, edits, error))
            return false;
    }
    if (edits->len == 0)
        return true;
    if (!ferry_domain_xml_for_target(plan->live_xml, (const FerryEdit *)(void *)edits->data,
                                     edits->len, &xml, error) ||
        !ferry_domain_parse(xml, &domain, error))
        return false;
    for (guint i = 0; i < plan->ephemerals->len; i++) {
        FerryPlanDevice *device = g_ptr_array_index(plan->ephemerals, i);
        const FerryPlanNeed *need = ferry_needs_of(plan->needs, device->alias);

        if (need != NULL && need->way == FERRY_WAY_EPHEMERAL && !take_device(domain, device, error))
            return false;
    }
    return true;
}
