#include "migrate/alternatives.h"

#include <string.h>

/* Guests: what their one device needs; NULL type: a VF. */
typedef struct {
    const char *pool, *type, *device;
    bool none, transient, two;
} Guest;

#define CANDIDATE(name, available)                                                                 \
    "{\"name\": \"" name "\", \"available\": " available ", \"verdict\": \"no\", \"findings\": "   \
    "[{\"key\": \"KEY\", \"severity\": \"no\"}]}"
#define FREE  CANDIDATE("0000:3b:00.0 mtty-1", "2")
#define FULL  CANDIDATE("0000:3b:00.0 mtty-1", "0")
#define OTHER CANDIDATE("0000:3b:00.0 mtty-2", "2")
#define VFS   CANDIDATE("eth3", "7")

static const Guest gpu = { .pool = "gpus", .type = "mtty-1" };
static const Guest lone = { .type = "mtty-1" };
static const Guest given = { .pool = "gpus", .type = "mtty-1", .device = "u" };
static const Guest vf = { .pool = "fast" };
static const Guest two = { .pool = "gpus", .type = "mtty-1", .two = true };
static const Guest plain = { .none = true };
static const Guest transient = { .pool = "gpus", .type = "mtty-1", .transient = true };

/* clang-format off */
static const struct {
    const char *name;
    const Guest *guest;
    const char *verdict, *codes; /* of the reasons */
    const char *candidates;
    const char *ways; /* "live no(factor) save yes …" */
} rows[] = {
    { "yes", &gpu, "yes", "", FREE, "" },
    { "does-not-load", &gpu, "no", "incompatible", FREE, "live no(device), save no(device), ephemeral yes, cold yes" },
    { "does-not-load-and-full", &gpu, "no", "incompatible", FULL, "live no(device), save no(device), ephemeral no(definition), cold no(definition)" },
    { "free-is-another-type", &gpu, "no", "incompatible", OTHER, "live no(device), save no(device), ephemeral no(definition), cold no(definition)" },
    { "of-no-pool", &lone, "no", "incompatible", FREE, "live no(device), save no(device), ephemeral no(definition), cold no(definition)" },
    { "made-beforehand", &given, "no", "incompatible", FREE, "live no(device), save no(device), ephemeral no(definition), cold no(definition)" },
    { "vf", &vf, "no", "incompatible", VFS, "live no(device), save no(device), ephemeral yes, cold yes" },
    { "two-of-one-pool", &two, "no", "incompatible", FREE, "live no(device), save no(device), ephemeral no(definition), cold no(definition)" },
    { "transient", &transient, "no", "incompatible", FREE, "live no(device), save no(device), ephemeral yes, cold no(definition)" },
    { "unknown", &gpu, "unknown", "unknown", FREE, "live unknown(device), save unknown(device), ephemeral yes, cold yes" },
    { "unknown-and-no-disk", &gpu, "no", "no-disk unknown", FREE, "live no(storage), save no(storage), ephemeral no(storage), cold no(storage)" },
    { "too-long", &gpu, "no", "blackout-too-long", FREE, "live no(time), save yes, ephemeral yes, cold yes" },
    { "too-long-plain", &plain, "no", "blackout-too-long", "", "live no(time), save yes, ephemeral no(definition), cold yes" },
    { "no-slot", &gpu, "no", "no-free-slot", FULL, "live no(device), save no(device), ephemeral no(device), cold no(device)" },
    { "local-disk", &plain, "no", "disk-not-shared", "", "live no(storage), save no(storage), ephemeral no(storage), cold no(storage)" },
    { "not-running", &plain, "no", "guest-not-running", "", "live no(guest), save no(guest), ephemeral no(guest), cold yes" },
    { "old-qemu", &gpu, "no", "qemu-too-old", FREE, "live no(host), save no(host), ephemeral yes, cold yes" },
    { "blocked-by-libvirt", &gpu, "no", "dirty-tracking-missing", FREE, "live no(host driver), save no(host driver), ephemeral yes, cold yes" },
    { "other-rom", &plain, "no", "rom-size-differs", "", "live no(host), save no(host), ephemeral no(host), cold yes" },
    { "no-tls", &plain, "no", "no-memory-tls", "", "live no(definition), save yes, ephemeral no(definition), cold yes" },
    { "no-failover", &plain, "no", "failover-unknown", "", "live no(guest driver), save yes, ephemeral no(guest driver), cold yes" },
    { "of-a-newer-ferry", &plain, "no", "whatever-else", "", "live no(other), save no(other), ephemeral no(other), cold no(other)" },
    { "the-worst-counts", &gpu, "no", "blackout-too-long cpu-model", FREE, "live no(time), save no(host), ephemeral no(host), cold no(host)" },
};
/* clang-format on */

static FerryPlan *
plan_of(const Guest *guest)
{
    FerryPlan *plan = ferry_plan_new();

    plan->inactive_xml = guest->transient ? NULL : g_strdup("<domain/>");
    for (unsigned i = 0; i < (guest->two ? 2U : 1U) && !guest->none; i++) {
        g_autofree char *alias = g_strdup_printf("ua-gpu%u", i);
        FerryPlanNeed *need = ferry_plan_need_new(FERRY_WAY_STATE, alias);

        need->pool = g_strdup(guest->pool);
        need->type = g_strdup(guest->type);
        need->device = g_strdup(guest->device);
        g_ptr_array_add(plan->needs, need);
    }
    return plan;
}

static json_t *
answer_of(const char *verdict, const char *codes, const char *candidates, const char *key)
{
    g_auto(GStrv) each = g_strsplit(codes, " ", -1); /* of "" none */
    g_autoptr(GString) text = g_string_new(NULL);
    json_t *answer = NULL;

    g_string_append_printf(text, "{\"verdict\": \"%s\", \"reasons\": [", verdict);
    for (size_t i = 0; each[i] != NULL; i++)
        g_string_append_printf(
            text, "%s{\"code\": \"%s\", \"alias\": \"ua-gpu0\", \"message\": \"because\"}",
            i > 0 ? ", " : "", each[i]);
    g_string_append_printf(text,
                           "], \"devices\": [{\"alias\": \"ua-gpu0\", \"candidates\": [%s]}, "
                           "{\"alias\": \"ua-gpu1\", \"candidates\": [%s]}]}",
                           candidates, candidates);
    g_string_replace(text, "KEY", key, 0);
    answer = json_loads(text->str, 0, NULL);
    g_assert_nonnull(answer);
    return answer;
}

/* "live no(device), save yes": and each says in words what to do, or why not. */
static char *
ways_of(const json_t *alternatives)
{
    g_autoptr(GString) ways = g_string_new(NULL);
    const json_t *row = NULL;
    size_t i = 0;

    json_array_foreach(alternatives, i, row)
    {
        const char *factor = json_string_value(json_object_get(row, "factor"));

        g_string_append_printf(ways, "%s%s %s", i > 0 ? ", " : "",
                               json_string_value(json_object_get(row, "way")),
                               json_string_value(json_object_get(row, "verdict")));
        if (factor != NULL)
            g_string_append_printf(ways, "(%s)", factor);
        g_assert_cmpuint(json_string_length(json_object_get(row, "message")), >, 0);
    }
    return g_string_free(g_steal_pointer(&ways), FALSE);
}

static void
test_row(gconstpointer data)
{
    const size_t i = GPOINTER_TO_SIZE(data);
    g_autoptr(FerryPlan) plan = plan_of(rows[i].guest);
    json_t *answer = answer_of(rows[i].verdict, rows[i].codes, rows[i].candidates, "firmware");
    json_t *alternatives = ferry_alternatives(plan, answer);
    g_autofree char *ways = ways_of(alternatives);

    g_assert_cmpstr(ways, ==, rows[i].ways);
    json_decref(alternatives);
    json_decref(answer);
}

/* What differs says whether it is the driver's or the device's affair. */
static void
test_driver(void)
{
    static const struct {
        const char *key, *factor;
    } keys[] = { { "driver_version", "host driver" },
                 { "kernel", "host driver" },
                 { "ecc", "device" } };
    g_autoptr(FerryPlan) plan = plan_of(&gpu);

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        json_t *answer = answer_of("no", "incompatible", FREE, keys[i].key);
        json_t *alternatives = ferry_alternatives(plan, answer);

        g_assert_cmpstr(
            json_string_value(json_object_get(json_array_get(alternatives, 0), "factor")), ==,
            keys[i].factor);
        json_decref(alternatives);
        json_decref(answer);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/alternatives/", rows[i].name, NULL);
        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
    }
    g_test_add_func("/alternatives/driver", test_driver);
    return g_test_run();
}
