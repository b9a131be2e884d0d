#include "guest/act.h"

#include <libvirt/libvirt.h>

#include "base/error.h"
#include "default-guest.h"

static int
state_of(const DefaultGuest *fixture)
{
    FerryDomainLook look = { 0 };

    g_assert_true(ferry_guests_look(fixture->guests, fixture->uuid, &look, NULL));
    return look.state;
}

/* One act after the other on the running guest; each twice, for what is so already is a success. */
/* clang-format off */
static const struct {
    const char *name;
    bool (*act)(FerryGuests *guests, const char *uuid, GError **error);
    int state;
} steps[] = {
    { "suspend",  ferry_guests_suspend,  VIR_DOMAIN_PAUSED  },
    { "resume",   ferry_guests_resume,   VIR_DOMAIN_RUNNING },
    { "start",    ferry_guests_start,    VIR_DOMAIN_RUNNING },
    { "shutdown", ferry_guests_shutdown, VIR_DOMAIN_SHUTOFF },
    { "start",    ferry_guests_start,    VIR_DOMAIN_RUNNING },
    { "destroy",  ferry_guests_destroy,  VIR_DOMAIN_SHUTOFF },
};
/* clang-format on */

static void
test_every_act_twice(DefaultGuest *fixture, gconstpointer data)
{
    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++)
        for (int round = 0; round < 2; round++) {
            g_autoptr(GError) error = NULL;

            g_test_message("%s, round %d", steps[i].name, round);
            g_assert_true(steps[i].act(fixture->guests, fixture->uuid, &error));
            g_assert_no_error(error);
            g_assert_cmpint(state_of(fixture), ==, steps[i].state);
        }
}

static void
test_refusals(DefaultGuest *fixture, gconstpointer data)
{
    g_autofree char *message = g_strconcat("cannot resume guest ", fixture->uuid, ": ", NULL);
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_true(ferry_guests_destroy(fixture->guests, fixture->uuid, NULL));
    g_assert_false(ferry_guests_resume(fixture->guests, fixture->uuid, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_true(g_str_has_prefix(error->message, message));
}

/* clang-format off */
static const struct {
    const char *name;
    bool (*act)(FerryGuests *guests, const char *uuid, GError **error);
    bool may_be_gone;
} acts[] = {
    { "start",     ferry_guests_start,     false },
    { "resume",    ferry_guests_resume,    false },
    { "suspend",   ferry_guests_suspend,   false },
    { "shutdown",  ferry_guests_shutdown,  true  },
    { "destroy",   ferry_guests_destroy,   true  },
    { "abort-job", ferry_guests_abort_job, true  },
};
/* clang-format on */

static void
test_nobody(DefaultGuest *fixture, gconstpointer data)
{
    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(acts); i++) {
        g_autoptr(GError) error = NULL;

        g_test_message("%s", acts[i].name);
        g_assert_cmpint(acts[i].act(fixture->guests, NOBODY, &error), ==, acts[i].may_be_gone);
        if (!acts[i].may_be_gone)
            g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    }
    g_assert_true(ferry_guests_undefine(fixture->guests, NOBODY, FERRY_KEEP_NVRAM, NULL));
}

static void
test_no_job_to_abort(DefaultGuest *fixture, gconstpointer data)
{
    (void)data;
    g_assert_true(ferry_guests_abort_job(fixture->guests, fixture->uuid, NULL));
    g_assert_cmpint(state_of(fixture), ==, VIR_DOMAIN_RUNNING);
}

static void
test_define(DefaultGuest *fixture, gconstpointer data)
{
    static const char xml[] = "<domain type='test'><name>new</name><uuid>" NOBODY
                              "</uuid><memory>65536</memory><os><type>hvm</type></os></domain>";
    FerryDomainLook look = { 0 };
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_true(ferry_guests_define(fixture->guests, xml, NULL));
    g_assert_true(ferry_guests_define(fixture->guests, xml, NULL));
    g_assert_true(ferry_guests_look(fixture->guests, NOBODY, &look, NULL));
    g_assert_true(look.persistent);
    g_assert_cmpint(look.state, ==, VIR_DOMAIN_SHUTOFF);
    g_assert_false(ferry_guests_define(fixture->guests, "<domain>", &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_true(g_str_has_prefix(error->message, "cannot define a guest at test:///default: "));
}

static void
test_autostart(DefaultGuest *fixture, gconstpointer data)
{
    FerryAutostart autostart = FERRY_AUTOSTART_ON;
    g_autoptr(GError) nobody = NULL;

    (void)data;
    g_assert_true(ferry_guests_autostart(fixture->guests, fixture->uuid, &autostart, NULL));
    g_assert_cmpint(autostart, ==, FERRY_AUTOSTART_OFF);
    g_assert_true(
        ferry_guests_set_autostart(fixture->guests, fixture->uuid, FERRY_AUTOSTART_ON, NULL));
    g_assert_true(
        ferry_guests_set_autostart(fixture->guests, fixture->uuid, FERRY_AUTOSTART_ON, NULL));
    g_assert_true(ferry_guests_autostart(fixture->guests, fixture->uuid, &autostart, NULL));
    g_assert_cmpint(autostart, ==, FERRY_AUTOSTART_ON);
    g_assert_true(
        ferry_guests_set_autostart(fixture->guests, fixture->uuid, FERRY_AUTOSTART_OFF, NULL));
    g_assert_false(
        ferry_guests_set_autostart(fixture->guests, NOBODY, FERRY_AUTOSTART_ON, &nobody));
    g_assert_error(nobody, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpint(autostart, ==, FERRY_AUTOSTART_ON);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    DEFAULT_GUEST_TEST("/act/every-act-twice", test_every_act_twice);
    DEFAULT_GUEST_TEST("/act/refusals", test_refusals);
    DEFAULT_GUEST_TEST("/act/nobody", test_nobody);
    DEFAULT_GUEST_TEST("/act/no-job-to-abort", test_no_job_to_abort);
    DEFAULT_GUEST_TEST("/act/define", test_define);
    DEFAULT_GUEST_TEST("/act/autostart", test_autostart);
    return g_test_run();
}
