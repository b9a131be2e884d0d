#include "guest/save.h"

#include <string.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "default-guest.h"

/* libvirt's test driver saves and restores as the real one does, but for the memory. */
typedef struct {
    DefaultGuest guest;
    char *folder, *path;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    default_guest_open(&fixture->guest, data);
    fixture->folder = g_dir_make_tmp("ferry-save-XXXXXX", NULL);
    fixture->path = g_build_filename(fixture->folder, "g", NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    default_guest_close(&fixture->guest, data);
    (void)g_unlink(fixture->path);
    g_assert_cmpint(g_rmdir(fixture->folder), ==, 0);
    g_free(fixture->folder);
    g_free(fixture->path);
}

/* Each call has a connection of its own, and so a world of its own in the test driver: the guest
 * that ends is another connection's. */
static void
test_writes_the_file(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    (void)data;
    if (!ferry_guests_save(fixture->guest.guests, fixture->guest.uuid, fixture->path, NULL, &error))
        g_assert_true(g_str_has_prefix(error->message, "cannot save guest "));
    else
        g_assert_true(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
}

static void
test_refusals(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) save = NULL;
    g_autoptr(GError) restore = NULL;
    g_autoptr(GError) read = NULL;
    char *xml = NULL;

    (void)data;
    g_assert_false(ferry_guests_save(fixture->guest.guests, NOBODY, fixture->path, NULL, &save));
    g_assert_error(save, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_true(g_file_set_contents(fixture->path, "no guest", -1, NULL));
    g_assert_false(ferry_guests_restore(fixture->guest.guests, fixture->path, NULL, &restore));
    g_assert_nonnull(strstr(restore->message, fixture->path));
    g_assert_false(ferry_guests_saved_xml(fixture->guest.guests, fixture->path, &xml, &read));
    g_assert_nonnull(strstr(read->message, fixture->path));
    g_assert_true(g_str_has_suffix(read->message, " or \"virsh save\"?"));
    g_assert_null(xml);
}

static void
test_idle(Fixture *fixture, gconstpointer data)
{
    const char *const uuids[] = { fixture->guest.uuid, NOBODY };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(uuids); i++) {
        FerryGuestWork work = FERRY_GUEST_AT_WORK;

        g_assert_true(ferry_guests_work(fixture->guest.guests, uuids[i], &work, NULL));
        g_assert_cmpint(work, ==, FERRY_GUEST_IDLE);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/guest/save/writes", Fixture, NULL, set_up, test_writes_the_file, tear_down);
    g_test_add("/guest/save/refusals", Fixture, NULL, set_up, test_refusals, tear_down);
    g_test_add("/guest/save/idle", Fixture, NULL, set_up, test_idle, tear_down);
    return g_test_run();
}
