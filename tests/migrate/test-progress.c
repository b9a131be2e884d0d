/* What is made of libvirt's statistics of a transfer, look by look. */
#include "migrate/progress.h"

#include <string.h>

#include <glib.h>

#define MIB (1 << 20)

/* One look; amounts in MiB, rates in MiB/s. */
typedef struct {
    int64_t at_ms;
    uint64_t total, done, left, rate, dirty, device, round;
} Look;

/* clang-format off */
/* A guest of 1 GiB that is busy at first: what is left grows when a round begins anew. */
static const Look busy[] = {
    { 1000,  1024,  100,  924, 100,  0, 0, 1 },
    { 5000,  1024,  500,  524, 100, 50, 0, 1 },
    { 10000, 1024, 1000,   24, 100, 50, 0, 1 },
    { 10500, 1024, 1030,  250, 100, 50, 0, 2 },
    { 12000, 1024, 1180,  100, 100, 50, 0, 2 },
    { 13500, 1024, 1280,   60, 100, 20, 0, 3 },
    { 14000, 1024, 1330,   10, 100, 20, 2, 3 },
    { 14200, 1024, 1340,    0, 100, 20, 8, 4 },
};
/* It writes as fast as the link takes it: M7's 1.4 GB/s over 1.1 GB/s. */
static const Look endless[] = {
    { 1000,  4096, 1049, 3047, 1049,    0, 0, 1 },
    { 4000,  4096, 4096,   10, 1049, 1335, 0, 1 },
    { 5000,  4096, 4100, 4000, 1049, 1335, 0, 2 },
    { 9000,  4096, 8200, 3900, 1049, 1335, 0, 3 },
    { 13000, 4096, 12300, 3950, 1049, 1335, 0, 4 },
    { 60000, 4096, 61000, 3950, 1049, 1335, 0, 15 },
};
/* Nothing moves at all. */
static const Look stuck[] = {
    { 1000, 1024, 100, 924, 100, 0, 0, 1 },
    { 9000, 1024, 100, 924,   0, 0, 0, 1 },
};
/* A device's state goes over when the memory is there. */
static const Look device[] = {
    { 1000, 64, 64, 0, 100, 0,    0, 2 },
    { 2000, 64, 64, 0, 100, 0, 1024, 2 },
    { 3000, 64, 64, 0, 100, 0, 2048, 2 },
};

static const struct {
    const char *name;
    const Look *looks;
    size_t n;
    int64_t moved_ms;
    uint64_t there, total, sent, resent; /* MiB, after the last look */
    bool diverging;
    json_int_t eta_ms, eta_max_ms; /* -1 = null */
} rows[] = {
    { "busy",    busy,    G_N_ELEMENTS(busy),    14200, 1032, 1032,  1348,   310, false,    0,     0 },
    { "nearly",  busy,    6,                     13500, 1000, 1024,  1280,   250, false,  600,   750 },
    { "endless", endless, G_N_ELEMENTS(endless),  4000, 4086, 4096, 61000, 56900, true,  3765,    -1 },
    { "2-rounds", endless, 3,                     4000, 4086, 4096,  4100,     0, false, 3813,    -1 },
    { "3-rounds", endless, 4,                     4000, 4086, 4096,  8200,  4100, true,  3717,    -1 },
    { "stuck",   stuck,   G_N_ELEMENTS(stuck),    1000,  100, 1024,   100,     0, false,   -1,    -1 },
    { "device",  device,  G_N_ELEMENTS(device),   3000, 2112, 2112,  2112,     0, false,    0,     0 },
};
/* clang-format on */

static json_int_t
number(const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);

    g_assert_nonnull(value);
    return json_is_null(value) ? -1 : json_integer_value(value);
}

static void
take(FerryProgress *progress, const Look *look)
{
    const FerryTransferStats stats = { .total_bytes = look->total * MIB,
                                       .done_bytes = look->done * MIB,
                                       .remaining_bytes = look->left * MIB,
                                       .rate_bps = look->rate * MIB,
                                       .dirty_rate_bps = look->dirty * MIB,
                                       .device_bytes = look->device * MIB,
                                       .iteration = look->round };

    ferry_progress_take(progress, &stats, 300, look->at_ms);
}

/* M6: neither the bar nor a sum ever runs backwards, whatever libvirt says. */
static void
assert_forward(const json_t *before, const json_t *now)
{
    static const char *const keys[] = { "bytes", "total_bytes", "sent_bytes", "resent_bytes",
                                        "device_bytes" };

    for (size_t i = 0; i < G_N_ELEMENTS(keys) && before != NULL; i++)
        g_assert_cmpint(number(now, keys[i]), >=, number(before, keys[i]));
    if (before != NULL)
        g_assert_cmpint(number(now, "bytes") / MIB * number(before, "total_bytes"), >=,
                        number(before, "bytes") / MIB * number(now, "total_bytes"));
}

static void
test_row(gconstpointer data)
{
    const size_t i = GPOINTER_TO_SIZE(data);
    FerryProgress progress = { 0 };
    json_t *before = NULL;

    for (size_t j = 0; j < rows[i].n; j++) {
        json_t *now = NULL;

        take(&progress, &rows[i].looks[j]);
        now = ferry_progress_json(&progress);
        assert_forward(before, now);
        json_decref(before);
        before = now;
    }
    g_assert_cmpint(progress.moved_ms, ==, rows[i].moved_ms);
    g_assert_cmpint(number(before, "bytes"), ==, rows[i].there * MIB);
    g_assert_cmpint(number(before, "total_bytes"), ==, rows[i].total * MIB);
    g_assert_cmpint(number(before, "sent_bytes"), ==, rows[i].sent * MIB);
    g_assert_cmpint(number(before, "resent_bytes"), ==, rows[i].resent * MIB);
    g_assert_cmpint(number(before, "eta_ms"), ==, rows[i].eta_ms);
    g_assert_cmpint(number(before, "eta_max_ms"), ==, rows[i].eta_max_ms);
    g_assert_true(json_is_true(json_object_get(before, "diverging")) == rows[i].diverging);
    g_assert_true(ferry_progress_is_diverging(&progress) == rows[i].diverging);
    json_decref(before);
}

/* M7: said in numbers, and what there is to do. */
static void
test_advice(void)
{
    static const char *const parts[] = {
        "after 3 rounds",     "writes 1.3 GiB/s",      "takes 1.0 GiB/s", "3.8 GiB", "3717 ms",
        "300 ms are allowed", "--max-downtime 3800ms", "--auto-converge", "Cancel"
    };
    FerryProgress progress = { 0 };
    g_autofree char *advice = NULL;

    for (size_t i = 0; i < 4; i++)
        take(&progress, &endless[i]);
    advice = ferry_progress_advice(&progress, 300);
    g_strdelimit(advice, "\302\240", ' '); /* GLib puts a no-break space before a unit */
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autofree char *plain = g_strdup(advice);
        g_auto(GStrv) words = g_strsplit(plain, "  ", -1);
        g_autofree char *joined = g_strjoinv(" ", words);

        if (strstr(joined, parts[i]) == NULL)
            g_error("no \"%s\" in \"%s\"", parts[i], joined);
    }
}

/* Within the limit there is an end, however fast the guest writes. */
static void
test_limit(void)
{
    FerryProgress progress = { 0 };
    const Look last = { 1, 1024, 4000, 20, 100, 200, 0, 5 };

    take(&progress, &last);
    g_assert_false(ferry_progress_is_diverging(&progress));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/progress/", rows[i].name, NULL);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
    }
    g_test_add_func("/progress/advice", test_advice);
    g_test_add_func("/progress/limit", test_limit);
    return g_test_run();
}
