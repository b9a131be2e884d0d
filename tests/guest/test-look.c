#include "guest/look.h"

#include <libvirt/libvirt.h>

#include "base/error.h"
#include "default-guest.h"
#include "guest/act.h"
#include "guest/handle.h"

static void
test_look(DefaultGuest *fixture, gconstpointer data)
{
    FerryDomainLook look = { 0 };

    (void)data;
    g_assert_true(ferry_guests_look(fixture->guests, fixture->uuid, &look, NULL));
    g_assert_true(look.present);
    g_assert_true(look.persistent);
    g_assert_cmpint(look.state, ==, VIR_DOMAIN_RUNNING);
    g_assert_true(ferry_guests_suspend(fixture->guests, fixture->uuid, NULL));
    g_assert_true(ferry_guests_look(fixture->guests, fixture->uuid, &look, NULL));
    g_assert_cmpint(look.state, ==, VIR_DOMAIN_PAUSED);
    g_assert_cmpint(look.reason, ==, VIR_DOMAIN_PAUSED_USER);
}

/* Absent is an observation; what is no UUID is a mistake. */
static void
test_look_at_nobody(DefaultGuest *fixture, gconstpointer data)
{
    FerryDomainLook look = { .present = true, .state = 7 };
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_false(ferry_guests_look(fixture->guests, "test", &look, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpint(look.state, ==, 7);
    g_assert_true(ferry_guests_look(fixture->guests, NOBODY, &look, NULL));
    g_assert_false(look.present);
    g_assert_cmpint(look.state, ==, 0);
}

static void
test_list(DefaultGuest *fixture, gconstpointer data)
{
    static const char *const more[] = { "b-guest", "a-guest" };
    g_autoptr(GPtrArray) guests = NULL;
    const FerryGuest *guest = NULL;

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(more); i++) {
        g_autofree char *xml =
            g_strdup_printf("<domain type='test'><name>%s</name><memory "
                            "unit='MiB'>64</memory><os><type>hvm</type></os></domain>",
                            more[i]);

        g_assert_true(ferry_guests_define(fixture->guests, xml, NULL));
    }
    g_assert_true(ferry_guests_list(fixture->guests, &guests, NULL));
    g_assert_cmpuint(guests->len, ==, 3);
    guest = g_ptr_array_index(guests, 0);
    g_assert_cmpstr(guest->name, ==, "a-guest");
    g_assert_cmpint(guest->state, ==, VIR_DOMAIN_SHUTOFF);
    g_assert_cmpuint(guest->memory_bytes, ==, 64u << 20);
    g_assert_true(guest->persistent);
    g_assert_false(guest->autostart);
    guest = g_ptr_array_index(guests, 2);
    g_assert_cmpstr(guest->name, ==, "test");
    g_assert_cmpstr(guest->uuid, ==, fixture->uuid);
}

static void
test_find(DefaultGuest *fixture, gconstpointer data)
{
    g_autoptr(FerryGuest) by_uuid = NULL;
    g_autoptr(FerryGuest) nobody = NULL;

    (void)data;
    g_assert_true(ferry_guests_find(fixture->guests, fixture->uuid, &by_uuid, NULL));
    g_assert_cmpstr(by_uuid->name, ==, "test");
    g_assert_true(ferry_guests_find(fixture->guests, NOBODY, &nobody, NULL));
    g_assert_null(nobody);
    g_assert_true(ferry_guests_find(fixture->guests, "no such name", &nobody, NULL));
    g_assert_null(nobody);
}

static void
test_xml(DefaultGuest *fixture, gconstpointer data)
{
    g_autofree char *xml = NULL;
    g_autofree char *none = NULL;
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_true(
        ferry_guests_xml(fixture->guests, fixture->uuid, FERRY_GUESTS_XML_INACTIVE, &xml, NULL));
    g_assert_nonnull(strstr(xml, fixture->uuid));
    g_assert_false(ferry_guests_xml(fixture->guests, NOBODY, FERRY_GUESTS_XML_LIVE, &none, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpstr(error->message, ==, "libvirt at test:///default has no guest " NOBODY);
    g_assert_null(none);
}

static unsigned
count_snapshots(DefaultGuest *fixture)
{
    unsigned n = 99;

    g_assert_true(ferry_guests_snapshots(fixture->guests, fixture->uuid, &n, NULL));
    return n;
}

static void
test_snapshots(DefaultGuest *fixture, gconstpointer data)
{
    g_autoptr(virConnect) connect = NULL;
    g_autoptr(virDomain) domain = NULL;
    g_autoptr(GError) error = NULL;
    virDomainSnapshot *snapshot = NULL;
    unsigned n = 99;

    (void)data;
    g_assert_cmpuint(count_snapshots(fixture), ==, 0);
    g_assert_true(ferry_guests_connect(fixture->guests, &connect, NULL));
    domain = virDomainLookupByUUIDString(connect, fixture->uuid);
    snapshot = virDomainSnapshotCreateXML(domain, "<domainsnapshot/>", 0);
    g_assert_nonnull(snapshot);
    g_assert_cmpuint(count_snapshots(fixture), ==, 1);
    g_assert_cmpint(virDomainSnapshotDelete(snapshot, 0), ==, 0);
    (void)virDomainSnapshotFree(snapshot);
    g_assert_cmpuint(count_snapshots(fixture), ==, 0);
    g_assert_false(ferry_guests_snapshots(fixture->guests, NOBODY, &n, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
}

static void
test_state_names(void)
{
    g_assert_cmpstr(ferry_guests_state_name(VIR_DOMAIN_RUNNING), ==, "running");
    g_assert_cmpstr(ferry_guests_state_name(VIR_DOMAIN_PMSUSPENDED), ==, "pmsuspended");
    g_assert_cmpstr(ferry_guests_state_name(-1), ==, "unknown");
    g_assert_cmpstr(ferry_guests_state_name(8), ==, "unknown");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    DEFAULT_GUEST_TEST("/look/look", test_look);
    DEFAULT_GUEST_TEST("/look/look-at-nobody", test_look_at_nobody);
    DEFAULT_GUEST_TEST("/look/list", test_list);
    DEFAULT_GUEST_TEST("/look/find", test_find);
    DEFAULT_GUEST_TEST("/look/xml", test_xml);
    DEFAULT_GUEST_TEST("/look/snapshots", test_snapshots);
    g_test_add_func("/look/state-names", test_state_names);
    return g_test_run();
}
