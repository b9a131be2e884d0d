#include "store/probes.h"

#include "fixture.h"

static void
set(StoreFixture *fixture, const char *kind, const char *answer, int64_t probed_us)
{
    const FerryProbeRow row = { (char *)kind, (char *)answer, probed_us };

    g_assert_true(ferry_store_probe_set(fixture->store, &row, NULL));
}

static void
test_remembered(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(FerryProbeRow) found = NULL;
    FerryProbeRow *none = (FerryProbeRow *)fixture; /* to see that it is set */

    (void)data;
    set(fixture, "vfio-pci 6.12", "{\"migratable\":false}", 1234567890123456);
    set(fixture, "mtty 6.12", "{}", 1);
    store_fixture_reopen(fixture);
    g_assert_true(ferry_store_probe_find(fixture->store, "vfio-pci 6.12", &found, NULL));
    g_assert_cmpstr(found->kind, ==, "vfio-pci 6.12");
    g_assert_cmpstr(found->answer, ==, "{\"migratable\":false}");
    g_assert_cmpint(found->probed_us, ==, 1234567890123456);
    g_assert_true(ferry_store_probe_find(fixture->store, "vfio-pci 6.13", &none, NULL));
    g_assert_null(none);
}

static void
test_newer_replaces(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(FerryProbeRow) found = NULL;

    (void)data;
    set(fixture, "a", "{}", 1);
    set(fixture, "a", "{\"migratable\":true}", 2);
    g_assert_true(ferry_store_probe_find(fixture->store, "a", &found, NULL));
    g_assert_cmpstr(found->answer, ==, "{\"migratable\":true}");
    g_assert_cmpint(found->probed_us, ==, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    STORE_TEST("/probes/remembered", test_remembered);
    STORE_TEST("/probes/newer-replaces", test_newer_replaces);
    return g_test_run();
}
