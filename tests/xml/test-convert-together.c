/*
 * Any two forms of a device in one guest, in both orders, on both boards, beside what libvirt has
 * placed already: each becomes what it becomes alone, and no two get one alias or one place.
 */
#include "convert-fixture.h"
#include "xml/domain.h"

#define UUID "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"
#define MDEV "<hostdev mode='subsystem' type='mdev' managed='yes' model='vfio-pci'><source>"
#define TYPE "<type id='nvidia-474'/></source>"

typedef struct {
    const char *name;
    const char *device; /* %u: which of the two it is */
    unsigned n_mdevs, n_hybrids, n_ephemerals;
} Form;

/* clang-format off */
static const Form forms[] = {
    { "mdev-at-parent",   MDEV "<parent>pci_0000_41_00_0</parent>" TYPE "</hostdev>", 1, 0, 0 },
    { "mdev-from-pool",   MDEV "<pool>gpus</pool>" TYPE "<alias name='ua-own%u'/></hostdev>", 1, 0, 0 },
    { "mdev-with-uuid",   MDEV "<address uuid='0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c0%02u'/><parent>mtty</parent>" TYPE "</hostdev>", 1, 0, 0 },
    { "mdev-with-facts",  "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='1d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c0%02u'/>"
                          "<mdevtype>nvidia-474</mdevtype></source></hostdev>", 1, 0, 0 },
    { "mdev-of-libvirt",  "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='2d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c0%02u'/>"
                          "</source></hostdev>", 0, 0, 0 },
    { "mdev-ephemeral",   "<hostdev mode='subsystem' type='mdev' managed='yes' model='vfio-pci' ephemeral='yes'><source><pool>gpus</pool>" TYPE
                          "</hostdev>", 1, 0, 1 },
    { "hybrid-by-pool",   "<interface type='hostdev-hybrid'><source network='net-x'/></interface>", 0, 1, 0 },
    { "hybrid-by-vf",     "<interface type='hostdev-hybrid'><source><address type='pci' domain='0' bus='3' slot='16' function='%u'/></source>"
                          "</interface>", 0, 1, 0 },
    { "hybrid-of-vlan",   "<interface type='network'><source network='net-x-42'/><vlan><tag id='42'/></vlan><alias name='ua-vlan%u'/></interface>", 0, 1, 0 },
    { "hybrid-placed",    "<interface type='network'><source network='net-x'/><model type='virtio'/>"
                          "<address type='pci' domain='0' bus='0' slot='2%u' function='0'/></interface>", 0, 1, 0 },
    { "nic-ephemeral",    "<interface type='user' ephemeral='yes'><mac address='52:54:00:00:00:%02u'/></interface>", 0, 0, 1 },
    { "nic-of-its-pool",  "<interface type='network'><source network='net-x-vfs'/></interface>", 0, 0, 1 },
    { "nic-of-libvirt",   "<interface type='network'><source network='default'/></interface>", 0, 0, 0 },
    { "placed-by-libvirt", "<rng model='virtio'><backend model='random'/><address type='pci' domain='0' bus='0' slot='0x1%u' function='0'/></rng>", 0, 0, 0 },
};
/* clang-format on */

typedef struct {
    const char *machine;
    const Form *one;
    const Form *other;
} Pair;

/* The forms' devices are formats: each has one %u or none. */
static char *
device_of(const Form *form, unsigned number)
{
    const char *at = strstr(form->device, "%");
    const size_t skip = at == NULL ? 0 : strspn(at + 1, "0123456789") + 2;
    g_autofree char *before = NULL;
    g_autofree char *text = NULL;

    if (at == NULL)
        return g_strdup(form->device);
    before = g_strndup(form->device, (gsize)(at - form->device));
    text = g_strdup_printf(skip > 2 ? "%02u" : "%u", number);
    return g_strconcat(before, text, at + skip, NULL);
}

static char *
guest_with(const Pair *pair)
{
    g_autofree char *one = device_of(pair->one, 1);
    g_autofree char *other = device_of(pair->other, 2);

    return g_strdup_printf(
        "<!-- before -->\n<domain type='kvm' xmlns:q='q'><name>g</name><uuid>" UUID "</uuid>\n"
        "<memory>65536</memory><os><type machine='%s'>hvm</type></os>\n<devices> <!-- first -->\n"
        "%s\n%s <!-- last -->\n</devices>\n<q:own arg=\"a>b\"/></domain>\n",
        pair->machine, one, other);
}

static void
take_place(GHashTable *places, const char *place)
{
    if (place != NULL && !g_hash_table_add(places, (char *)place))
        g_error("two devices at %s", place);
}

static void
check_places(const FerryDomain *domain)
{
    g_autoptr(GHashTable) places = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < domain->devices->len; i++) {
        const FerryDevice *device = g_ptr_array_index(domain->devices, i);

        if (strcmp(device->kind, "controller") != 0) /* one slot has several, by function */
            take_place(places, device->address);
    }
    for (guint i = 0; i < domain->metadata->hybrids->len; i++) {
        const FerryHybridMeta *hybrid = g_ptr_array_index(domain->metadata->hybrids, i);

        take_place(places, hybrid->vf_address);
    }
}

static void
test_pair(gconstpointer data)
{
    const Pair *pair = data;
    g_autofree char *xml = guest_with(pair);
    g_autofree char *out = fixture_convert(xml, NULL);
    g_autoptr(FerryDomain) domain = NULL;
    g_autoptr(GError) error = NULL;

    (void)ferry_domain_parse(out, &domain, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(domain->metadata->mdevs->len, ==, pair->one->n_mdevs + pair->other->n_mdevs);
    g_assert_cmpuint(domain->metadata->hybrids->len, ==,
                     pair->one->n_hybrids + pair->other->n_hybrids);
    g_assert_cmpuint(domain->metadata->ephemerals->len, ==,
                     pair->one->n_ephemerals + pair->other->n_ephemerals);
    check_places(domain);
    fixture_assert_has(out, "<devices> <!-- first -->\n");
    fixture_assert_has(out, " <!-- last -->\n");
    fixture_assert_has(out, "\n<q:own arg=\"a>b\"/>");
    fixture_assert_settled(out);
}

int
main(int argc, char **argv)
{
    static const char *const machines[] = { "q35", "pc" };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(machines) * G_N_ELEMENTS(forms) * G_N_ELEMENTS(forms);
         i++) {
        Pair *pair = g_new0(Pair, 1);
        g_autofree char *path = NULL;

        pair->machine = machines[i % G_N_ELEMENTS(machines)];
        pair->one = &forms[i / G_N_ELEMENTS(machines) % G_N_ELEMENTS(forms)];
        pair->other = &forms[i / G_N_ELEMENTS(machines) / G_N_ELEMENTS(forms)];
        path = g_strdup_printf("/convert-together/%s/%s/%s", pair->machine, pair->one->name,
                               pair->other->name);
        g_test_add_data_func_full(path, pair, test_pair, g_free);
    }
    return g_test_run();
}
