#include "migrate/replug.h"

#include "base/error.h"

/* Hybrids that get their VFs at the n-th look, or never. */
typedef struct {
    unsigned looks;
    unsigned there_at; /* 0: never */
    bool away;
    const char *code; /* (nullable): of what it lacks */
} World;

static bool
plug(void *data, json_t **ret_lacks, GError **error)
{
    World *world = data;

    world->looks++;
    if (world->away) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO, "libvirt does not answer");
        return false;
    }
    if (world->there_at == 0 || world->looks < world->there_at)
        *ret_lacks = json_pack("[{s:s, s:s, s:s*}]", "alias", "ua-net0", "message", "no VF is free",
                               "code", world->code);
    return true;
}

static const FerryDeviceOps ops = { .plug = plug };

static int64_t
now(const FerryClock *clock)
{
    (void)clock;
    return 0;
}

static const FerryClock clock_fake = { .now_ms = now, .wall_us = now };

static void
ignore(void *data)
{
    (void)data;
}

static FerryJob *
new_job(void)
{
    FerryJobIdentity identity = {
        .id = "j", .guest_name = "g", .guest_uuid = "u", .source = "a", .target = "b"
    };

    return ferry_job_new(&identity, &clock_fake, ignore, NULL);
}

typedef struct {
    const char *name;
    FerryWay way;
    World world;
    unsigned looks;       /* at one each second, with 3 s to go */
    const char *degraded; /* NULL: it is not */
    bool may_degrade;
} Row;

/* clang-format off */
static const Row rows[] = {
    { "no-hybrid",  FERRY_WAY_STATE,  { .there_at = 1 }, 0, NULL, false },
    { "at-once",    FERRY_WAY_HYBRID, { .there_at = 1 }, 1, NULL, false },
    { "third-look", FERRY_WAY_HYBRID, { .there_at = 3 }, 3, NULL, false },
    { "last-look",  FERRY_WAY_HYBRID, { .there_at = 4 }, 4, NULL, false },
    { "never",      FERRY_WAY_HYBRID, { .there_at = 0 }, 4, "on virtio: no VF is free; ferryd goes on trying", false },
    { "away",       FERRY_WAY_HYBRID, { .away = true },  4, "on virtio: libvirt does not answer; ferryd goes on trying", false },
    { "agreed",     FERRY_WAY_HYBRID, { .code = "no-free-vf" }, 1, "on virtio: no VF is free; ferryd goes on trying", true },
    { "not-agreed", FERRY_WAY_HYBRID, { .code = "no-free-vf" }, 4, "on virtio: no VF is free; ferryd goes on trying", false },
    { "of-another-kind", FERRY_WAY_HYBRID, { .there_at = 3 }, 3, NULL, true },
};
/* clang-format on */

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    World world = row->world;
    FerryTimers timers = { .attach_ms = 3000 };
    FerryReplug replug = { .since_ms = 1 };
    g_autoptr(FerryPlan) plan = ferry_plan_new();
    g_autoptr(FerryJob) job = new_job();
    int64_t now_ms = 7;
    json_t *json = NULL;
    const char *message = NULL;

    g_ptr_array_add(plan->needs, ferry_plan_need_new(row->way, "ua-net0"));
    ((FerryPlanNeed *)g_ptr_array_index(plan->needs, 0))->may_degrade = row->may_degrade;
    while (!ferry_replug(&replug, plan, &ops, &world, &timers, job, now_ms)) {
        g_assert_cmpint(now_ms, <, 60000);
        now_ms += 1000;
    }
    g_assert_true(ferry_replug(&replug, plan, &ops, &world, &timers, job, now_ms + 9000));
    g_assert_cmpuint(world.looks, ==, row->looks);
    json = ferry_job_json(job);
    message = json_string_value(
        json_object_get(json_array_get(json_object_get(json, "degraded"), 0), "message"));
    g_assert_cmpstr(message, ==, row->degraded);
    g_assert_true(ferry_job_is_degraded(job) == (row->degraded != NULL));
    /* the time that it took is put down once, of a hybrid that came */
    g_assert_cmpuint(json_array_size(json_object_get(json, "gaps")), ==,
                     row->way == FERRY_WAY_HYBRID && row->degraded == NULL ? 1 : 0);
    json_decref(json);
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/migrate/replug/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    return g_test_run();
}
