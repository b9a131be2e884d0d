#include "guest/migrate.h"

#include "base/error.h"
#include "default-guest.h"

/* What needs no QEMU: a migration that runs is in tests/pair. */

/* The relay is opened before the guest is touched; its path is written into a URI. */
static void
test_no_relay(DefaultGuest *fixture, gconstpointer data)
{
    const FerryMigration migration = { .uuid = fixture->uuid,
                                       .relay_socket = "/nonexistent/relay&x=y z",
                                       .migrate_uri = "tcp:127.0.0.1" };
    FerryDomainLook look = { 0 };
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_false(ferry_guests_migrate(fixture->guests, &migration, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_cmpstr(
        error->message, ==,
        "cannot open the target's libvirt through "
        "qemu+unix:///system?socket=/nonexistent/relay%26x%3Dy%20z: "
        "Failed to connect socket to '/nonexistent/relay&x=y z': No such file or directory");
    g_assert_true(ferry_guests_look(fixture->guests, fixture->uuid, &look, NULL));
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
test_nobody(DefaultGuest *fixture, gconstpointer data)
{
    FerryTransferStats stats = { .total_bytes = 7 };
    g_autoptr(GError) of_stats = NULL;
    g_autoptr(GError) of_downtime = NULL;

    (void)data;
    g_assert_false(ferry_guests_transfer_stats(fixture->guests, NOBODY, &stats, &of_stats));
    g_assert_error(of_stats, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpuint(stats.total_bytes, ==, 7);
    g_assert_false(ferry_guests_set_max_downtime(fixture->guests, NOBODY, 300, &of_downtime));
    g_assert_error(of_downtime, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
}

/* libvirt's test driver has no migration, which is not the same as having none under way. */
static void
test_unsupported(DefaultGuest *fixture, gconstpointer data)
{
    FerryTransferStats stats = { 0 };
    g_autoptr(GError) of_stats = NULL;
    g_autoptr(GError) of_downtime = NULL;

    (void)data;
    g_assert_false(ferry_guests_transfer_stats(fixture->guests, fixture->uuid, &stats, &of_stats));
    g_assert_error(of_stats, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED);
    g_assert_true(g_str_has_prefix(of_stats->message, "cannot read the progress of guest "));
    g_assert_false(
        ferry_guests_set_max_downtime(fixture->guests, fixture->uuid, 300, &of_downtime));
    g_assert_error(of_downtime, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    DEFAULT_GUEST_TEST("/migrate/no-relay", test_no_relay);
    g_test_add_func("/migrate/no-libvirt", test_no_libvirt);
    DEFAULT_GUEST_TEST("/migrate/nobody", test_nobody);
    DEFAULT_GUEST_TEST("/migrate/unsupported", test_unsupported);
    return g_test_run();
}
