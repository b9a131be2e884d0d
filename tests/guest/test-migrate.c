#include "guest/migrate.h"

#include "base/error.h"
#include "guest/look.h"

/* What needs no QEMU: a migration that runs is in tests/pair. */
#define NOBODY "00000000-0000-4000-8000-000000000001"

static FerryGuests *
open_test_driver(char **ret_uuid)
{
    FerryGuests *guests = ferry_guests_new("test:///default");
    g_autoptr(FerryGuest) guest = NULL;

    g_assert_true(ferry_guests_find(guests, "test", &guest, NULL));
    *ret_uuid = g_strdup(guest->uuid);
    return guests;
}

/* The relay is opened before the guest is touched; its path is written into a URI. */
static void
test_no_relay(void)
{
    g_autofree char *uuid = NULL;
    g_autoptr(FerryGuests) guests = open_test_driver(&uuid);
    const FerryMigration migration = { .uuid = uuid,
                                       .relay_socket = "/nonexistent/relay&x=y z",
                                       .migrate_uri = "tcp:127.0.0.1" };
    FerryDomainLook look = { 0 };
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_guests_migrate(guests, &migration, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_cmpstr(
        error->message, ==,
        "cannot open the target's libvirt through "
        "qemu+unix:///system?socket=/nonexistent/relay%26x%3Dy%20z: "
        "Failed to connect socket to '/nonexistent/relay&x=y z': No such file or directory");
    g_assert_true(ferry_guests_look(guests, uuid, &look, NULL));
    g_assert_cmpint(look.state, ==, 1);
}

static void
test_no_libvirt(void)
{
    g_autoptr(FerryGuests) guests =
        ferry_guests_new("qemu+unix:///system?socket=/nonexistent/libvirt-sock");
    const FerryMigration migration = { .uuid = NOBODY,
                                       .relay_socket = "/nonexistent/relay",
                                       .migrate_uri = "tcp:127.0.0.1" };
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_guests_migrate(guests, &migration, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_true(g_str_has_prefix(
        error->message,
        "cannot open libvirt at qemu+unix:///system?socket=/nonexistent/libvirt-sock: "));
}

static void
test_nobody(void)
{
    g_autofree char *uuid = NULL;
    g_autoptr(FerryGuests) guests = open_test_driver(&uuid);
    FerryTransferStats stats = { .total_bytes = 7 };
    g_autoptr(GError) of_stats = NULL;
    g_autoptr(GError) of_downtime = NULL;

    g_assert_false(ferry_guests_transfer_stats(guests, NOBODY, &stats, &of_stats));
    g_assert_error(of_stats, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpuint(stats.total_bytes, ==, 7);
    g_assert_false(ferry_guests_set_max_downtime(guests, NOBODY, 300, &of_downtime));
    g_assert_error(of_downtime, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
}

/* libvirt's test driver has no migration, which is not the same as having none under way. */
static void
test_unsupported(void)
{
    g_autofree char *uuid = NULL;
    g_autoptr(FerryGuests) guests = open_test_driver(&uuid);
    FerryTransferStats stats = { 0 };
    g_autoptr(GError) of_stats = NULL;
    g_autoptr(GError) of_downtime = NULL;

    g_assert_false(ferry_guests_transfer_stats(guests, uuid, &stats, &of_stats));
    g_assert_error(of_stats, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED);
    g_assert_true(g_str_has_prefix(of_stats->message, "cannot read the progress of guest "));
    g_assert_false(ferry_guests_set_max_downtime(guests, uuid, 300, &of_downtime));
    g_assert_error(of_downtime, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/migrate/no-relay", test_no_relay);
    g_test_add_func("/migrate/no-libvirt", test_no_libvirt);
    g_test_add_func("/migrate/nobody", test_nobody);
    g_test_add_func("/migrate/unsupported", test_unsupported);
    return g_test_run();
}
