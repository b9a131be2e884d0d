#include "migrate/ephemeral.h"

#include <string.h>

#include "base/error.h"

#define UUID "0f0e1d2c-3b4a-4958-8776-695a4b3c2d1e"

/* A guest with NICs that it may or may not let go of. */
typedef struct {
    bool has[2]; /* ua-nic0, ua-nic1 */
    bool away;   /* libvirt does not answer */
    bool ended;  /* libvirt does not know it any more */
    bool obeys;
    bool says_no; /* the guest answers that it keeps it */
    FerryDetach answer;
    bool attach_fails;
    unsigned asked;
    unsigned attached;
} Guest;

static bool
guest_xml(void *data, FerryGuestsXml which, char **ret, GError **error)
{
    const Guest *guest = data;
    GString *xml = g_string_new("<domain type='qemu'><name>g</name><uuid>" UUID
                                "</uuid><memory>1024</memory><os><type>hvm</type></os><devices>");

    g_assert_cmpint(which, ==, FERRY_GUESTS_XML_LIVE);
    if (guest->away || guest->ended) {
        (void)g_string_free(xml, TRUE);
        g_set_error(error, FERRY_ERROR, guest->away ? FERRY_ERROR_IO : FERRY_ERROR_NOT_FOUND,
                    guest->away ? "libvirt does not answer" : "there is no such guest");
        return false;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(guest->has); i++)
        if (guest->has[i])
            g_string_append_printf(
                xml, "<interface type='user'><alias name='ua-nic%u'/></interface>", i);
    g_string_append(xml, "</devices></domain>");
    *ret = g_string_free(xml, FALSE);
    return true;
}

static unsigned
index_of(const char *alias)
{
    return (unsigned)(alias[strlen(alias) - 1] - '0');
}

static bool
guest_detach_ask(void *data, const char *alias, FerryDetach *ret, char **ret_reason, GError **error)
{
    Guest *guest = data;

    (void)error;
    guest->asked++;
    *ret = guest->answer;
    if (guest->answer == FERRY_DETACH_REFUSED)
        *ret_reason = g_strdup("not hot-pluggable");
    if (guest->obeys)
        guest->has[index_of(alias)] = false;
    return true;
}

static bool
guest_device_kept(void *data, const char *alias)
{
    (void)alias;
    return ((Guest *)data)->says_no;
}

static bool
guest_attach(void *data, const char *alias, const char *xml, GError **error)
{
    Guest *guest = data;

    g_assert_nonnull(strstr(xml, alias));
    guest->attached++;
    if (guest->attach_fails) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO, "no such slot");
        return false;
    }
    guest->has[index_of(alias)] = true;
    return true;
}

static const FerryGuestOps ops = { .xml = guest_xml,
                                   .detach_ask = guest_detach_ask,
                                   .device_kept = guest_device_kept,
                                   .attach = guest_attach };

static const FerryTimers timers = { .detach_ms = 30000,
                                    .attach_ms = 30000,
                                    .libvirt_retry_ms = 200 };

static GPtrArray *
devices_new(unsigned n)
{
    GPtrArray *devices = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_plan_device_free);

    for (unsigned i = 0; i < n; i++) {
        FerryPlanDevice *device = g_new0(FerryPlanDevice, 1);

        device->alias = g_strdup_printf("ua-nic%u", i);
        device->xml = g_strdup_printf("<interface><alias name='ua-nic%u'/></interface>", i);
        g_ptr_array_add(devices, device);
    }
    return devices;
}

static FerryEphemerals *
ephemerals_new(Guest *guest, unsigned n)
{
    g_autoptr(GPtrArray) devices = devices_new(n);

    return ferry_ephemerals_new(&ops, guest, &timers, devices);
}

static int64_t
job_now_ms(const FerryClock *clock)
{
    (void)clock;
    return 0;
}

static const FerryClock clock_fake = { .now_ms = job_now_ms, .wall_us = job_now_ms };

static void
ignore(void *data)
{
    (void)data;
}

static FerryJob *
job_new(void)
{
    const FerryJobIdentity who = { .id = "j",
                                   .side = FERRY_SIDE_SOURCE,
                                   .guest_name = "g",
                                   .guest_uuid = UUID,
                                   .source = "alpha",
                                   .target = "beta" };

    return ferry_job_new(&who, &clock_fake, ignore, NULL);
}

/* The alias of the one that is left for later, "" for none */
static const char *
late_of(const FerryEphemerals *all)
{
    static char alias[16];
    json_t *late = ferry_ephemerals_late(all);
    const char *name = json_string_value(json_object_get(json_array_get(late, 0), "alias"));

    g_assert_cmpuint(json_array_size(late), <=, 1);
    (void)g_strlcpy(alias, name == NULL ? "" : name, sizeof(alias));
    json_decref(late);
    return alias;
}

/* "ALIAS STEP" of each that is put down. */
static void
assert_gaps(FerryJob *job, const char *expected)
{
    json_t *json = ferry_job_json(job);
    g_autoptr(GString) gaps = g_string_new(NULL);
    const json_t *gap = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(json, "gaps"), i, gap) g_string_append_printf(
        gaps, "%s%s %s", i > 0 ? ", " : "", json_string_value(json_object_get(gap, "alias")),
        json_string_value(json_object_get(gap, "step")));
    g_assert_cmpstr(gaps->str, ==, expected);
    json_decref(json);
}

/* One after the other, each asked once and seen to be gone before the next. */
static void
test_takes_off_one_by_one(void)
{
    Guest guest = { .has = { true, true }, .obeys = true };
    g_autoptr(FerryEphemerals) all = ephemerals_new(&guest, 2);
    g_autoptr(FerryJob) job = job_new();
    g_autofree char *why = NULL;

    for (unsigned i = 0; i < 2; i++) {
        const FerryPlanDevice *next = ferry_ephemerals_next(all);

        g_assert_cmpuint(index_of(next->alias), ==, i);
        ferry_ephemerals_begin(all, next->alias, 0);
        g_assert_null(ferry_ephemerals_next(all)); /* while one is under way */
        g_clear_pointer(&why, g_free);
        g_assert_cmpint(ferry_ephemerals_detach(all, job, 0, &why), ==, FERRY_EPHEMERAL_WAIT);
        g_clear_pointer(&why, g_free);
        g_assert_cmpint(ferry_ephemerals_detach(all, job, 1, &why), ==, FERRY_EPHEMERAL_DONE);
        g_assert_false(guest.has[i]);
    }
    g_assert_null(ferry_ephemerals_next(all));
    g_assert_cmpstr(late_of(all), ==, "");
    g_assert_cmpuint(guest.asked, ==, 2);
    assert_gaps(job, "ua-nic0 off, ua-nic1 off");
}

typedef struct {
    const char *name;
    Guest guest;
    int64_t at_ms; /* of the second look; the device is asked for at 0 */
    FerryEphemeral expected;
    const char *why; /* must be in the sentence */
} RefuseRow;

static const RefuseRow refuse_rows[] = {
    { "still-waiting", { .has = { true } }, 29999, FERRY_EPHEMERAL_WAIT, "at most 1 s more" },
    { "deadline", { .has = { true } }, 30000, FERRY_EPHEMERAL_FAILED, "within 30 s" },
    { "guest-says-no", { .has = { true }, .says_no = true }, 5, FERRY_EPHEMERAL_FAILED, "refused" },
};

static void
test_guest_that_does_not_let_go(gconstpointer data)
{
    const RefuseRow *row = data;
    Guest guest = row->guest;
    g_autoptr(FerryEphemerals) all = ephemerals_new(&guest, 1);
    g_autoptr(FerryJob) job = job_new();
    g_autofree char *first = NULL;
    g_autofree char *why = NULL;

    ferry_ephemerals_begin(all, "ua-nic0", 0);
    g_assert_cmpint(ferry_ephemerals_detach(all, job, 0, &first), ==, FERRY_EPHEMERAL_WAIT);
    g_assert_cmpint(ferry_ephemerals_detach(all, job, row->at_ms, &why), ==, row->expected);
    g_assert_nonnull(strstr(why, row->why));
    g_assert_nonnull(strstr(why, "ua-nic0"));
    g_assert_cmpuint(guest.asked, ==, 1);
    g_assert_cmpstr(late_of(all), ==, "ua-nic0"); /* it may still let go */
}

static void
test_libvirt_refuses(void)
{
    Guest guest = { .has = { true }, .answer = FERRY_DETACH_REFUSED };
    g_autoptr(FerryEphemerals) all = ephemerals_new(&guest, 1);
    g_autoptr(FerryJob) job = job_new();
    g_autofree char *why = NULL;

    ferry_ephemerals_begin(all, "ua-nic0", 0);
    g_assert_cmpint(ferry_ephemerals_detach(all, job, 0, &why), ==, FERRY_EPHEMERAL_FAILED);
    g_assert_nonnull(strstr(why, "not hot-pluggable"));
}

/* Not to be seen is not to be gone: the deadline counts on. */
static void
test_libvirt_away(void)
{
    Guest guest = { .has = { true }, .away = true };
    g_autoptr(FerryEphemerals) all = ephemerals_new(&guest, 1);
    g_autoptr(FerryJob) job = job_new();
    g_autofree char *why = NULL;
    g_autofree char *late = NULL;

    ferry_ephemerals_begin(all, "ua-nic0", 0);
    g_assert_cmpint(ferry_ephemerals_detach(all, job, 0, &why), ==, FERRY_EPHEMERAL_WAIT);
    g_assert_cmpint(ferry_ephemerals_detach(all, job, 30000, &late), ==, FERRY_EPHEMERAL_FAILED);
    g_assert_nonnull(strstr(late, "libvirt does not answer"));
}

/* Only what has a record is put back, and only where it is absent. */
static void
test_puts_back_what_is_absent(void)
{
    Guest guest = { .has = { false, false } };
    g_autoptr(FerryEphemerals) all = ephemerals_new(&guest, 2);
    g_autoptr(FerryJob) job = job_new();

    ferry_ephemerals_begin(all, "ua-nic0", 0);
    g_assert_cmpint(ferry_ephemerals_attach(all, job, 0), ==, FERRY_EPHEMERAL_DONE);
    g_assert_true(guest.has[0]);
    g_assert_false(guest.has[1]);
    g_assert_cmpuint(guest.attached, ==, 1);
    g_assert_cmpstr(late_of(all), ==, "");
    g_assert_false(ferry_job_is_degraded(job));
}

/* Section 7: three tries, then the guest goes on without, and that is told. */
static void
test_gives_up_after_three_tries(void)
{
    Guest guest = { .attach_fails = true };
    g_autoptr(FerryEphemerals) all = ephemerals_new(&guest, 1);
    g_autoptr(FerryJob) job = job_new();
    int64_t now_ms = 0;

    ferry_ephemerals_begin_all(all);
    for (unsigned i = 0;
         i < 100 && ferry_ephemerals_attach(all, job, now_ms) == FERRY_EPHEMERAL_WAIT; i++)
        now_ms += 250;
    g_assert_cmpuint(guest.attached, ==, 3);
    g_assert_true(ferry_job_is_degraded(job));
    g_assert_cmpstr(late_of(all), ==, "ua-nic0"); /* the watch goes on trying */
}

/* A libvirtd that is being restarted uses up no try, but not more than the time that there is. */
static void
test_libvirt_away_while_putting_back(void)
{
    static const struct {
        int64_t back_ms;
        unsigned attached;
        bool is_degraded;
    } rows[] = { { 29000, 1, false }, { INT64_MAX, 0, true } };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        Guest guest = { .away = true };
        g_autoptr(FerryEphemerals) all = ephemerals_new(&guest, 1);
        g_autoptr(FerryJob) job = job_new();
        int64_t now_ms = 1000;

        ferry_ephemerals_begin_all(all);
        while (now_ms < 60000 &&
               ferry_ephemerals_attach(all, job, now_ms) == FERRY_EPHEMERAL_WAIT) {
            now_ms += 250;
            guest.away = now_ms < rows[i].back_ms;
        }
        g_assert_cmpint(now_ms, ==, rows[i].is_degraded ? 31000 : rows[i].back_ms);
        g_assert_cmpuint(guest.attached, ==, rows[i].attached);
        g_assert_true(ferry_job_is_degraded(job) == rows[i].is_degraded);
        g_assert_cmpstr(late_of(all), ==, rows[i].is_degraded ? "ua-nic0" : "");
    }
}

/* The time that one has used up is not the next one's. */
static void
test_each_device_has_its_time(void)
{
    Guest guest = { .away = true };
    g_autoptr(FerryEphemerals) all = ephemerals_new(&guest, 2);
    g_autoptr(FerryJob) job = job_new();

    ferry_ephemerals_begin_all(all);
    g_assert_cmpint(ferry_ephemerals_attach(all, job, 1000), ==, FERRY_EPHEMERAL_WAIT);
    g_assert_cmpint(ferry_ephemerals_attach(all, job, 31000), ==, FERRY_EPHEMERAL_WAIT);
    g_assert_cmpstr(late_of(all), ==, "ua-nic0");
    g_assert_cmpint(ferry_ephemerals_attach(all, job, 60999), ==, FERRY_EPHEMERAL_WAIT);
    guest.away = false;
    g_assert_cmpint(ferry_ephemerals_attach(all, job, 61000), ==, FERRY_EPHEMERAL_DONE);
    g_assert_true(guest.has[1]);
    g_assert_cmpstr(late_of(all), ==, "ua-nic0");
}

/* Whose end libvirt knows of is not waited for. */
static void
test_guest_that_has_ended(void)
{
    Guest guest = { .ended = true };
    g_autoptr(FerryEphemerals) all = ephemerals_new(&guest, 1);
    g_autoptr(FerryJob) job = job_new();
    int64_t now_ms = 1000;

    ferry_ephemerals_begin_all(all);
    while (now_ms < 60000 && ferry_ephemerals_attach(all, job, now_ms) == FERRY_EPHEMERAL_WAIT)
        now_ms += 250;
    g_assert_cmpint(now_ms, <, 5000);
    g_assert_true(ferry_job_is_degraded(job));
}

static void
test_target_begins_with_all_off(void)
{
    Guest guest = { .has = { false, true } };
    g_autoptr(FerryEphemerals) all = ephemerals_new(&guest, 2);
    g_autoptr(FerryJob) job = job_new();

    ferry_ephemerals_begin_all(all);
    g_assert_null(ferry_ephemerals_next(all));
    g_assert_cmpstr(late_of(all), ==, "");
    g_assert_cmpint(ferry_ephemerals_attach(all, job, 0), ==, FERRY_EPHEMERAL_DONE);
    g_assert_true(guest.has[0] && guest.has[1]);
    assert_gaps(job, ""); /* nobody said since when */
}

/* What was there is not measured, nor what could not be put back. */
static void
test_measures_what_comes(void)
{
    Guest guest = { .has = { false, true } };
    Guest failing = { .attach_fails = true };
    g_autoptr(FerryEphemerals) all = ephemerals_new(&guest, 2);
    g_autoptr(FerryEphemerals) none = ephemerals_new(&failing, 1);
    g_autoptr(FerryJob) job = job_new();

    ferry_ephemerals_begin_all(all);
    ferry_ephemerals_measure(all, 1);
    g_assert_cmpint(ferry_ephemerals_attach(all, job, 0), ==, FERRY_EPHEMERAL_DONE);
    ferry_ephemerals_begin_all(none);
    ferry_ephemerals_measure(none, 1);
    for (int64_t now_ms = 0; now_ms < 90000; now_ms += 1000)
        (void)ferry_ephemerals_attach(none, job, now_ms);
    assert_gaps(job, "ua-nic0 on");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ephemeral/takes-off-one-by-one", test_takes_off_one_by_one);
    for (size_t i = 0; i < G_N_ELEMENTS(refuse_rows); i++) {
        g_autofree char *path = g_strconcat("/ephemeral/guest/", refuse_rows[i].name, NULL);
        g_test_add_data_func(path, &refuse_rows[i], test_guest_that_does_not_let_go);
    }
    g_test_add_func("/ephemeral/libvirt-refuses", test_libvirt_refuses);
    g_test_add_func("/ephemeral/libvirt-away", test_libvirt_away);
    g_test_add_func("/ephemeral/puts-back-what-is-absent", test_puts_back_what_is_absent);
    g_test_add_func("/ephemeral/gives-up-after-three-tries", test_gives_up_after_three_tries);
    g_test_add_func("/ephemeral/libvirt-away-while-putting-back",
                    test_libvirt_away_while_putting_back);
    g_test_add_func("/ephemeral/each-device-has-its-time", test_each_device_has_its_time);
    g_test_add_func("/ephemeral/guest-that-has-ended", test_guest_that_has_ended);
    g_test_add_func("/ephemeral/target-begins-with-all-off", test_target_begins_with_all_off);
    g_test_add_func("/ephemeral/measures-what-comes", test_measures_what_comes);
    return g_test_run();
}
