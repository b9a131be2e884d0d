/* The conformance tester: a good device passes; and for each check there is a fault that fails it.
 */
#include "vfio/conform.h"

#include <errno.h>
#include <string.h>

#include "faulty.h"
#include "sim/transport.h"
#include "vfio/uapi.h"

#define GET   FERRY_FEATURE_GET
#define SET   FERRY_FEATURE_SET
#define PROBE FERRY_FEATURE_PROBE
#define MIG   FERRY_FEATURE_MIGRATION
#define STATE FERRY_FEATURE_MIG_DEVICE_STATE
#define SIZE  FERRY_FEATURE_MIG_DATA_SIZE
#define INFO2 FERRY_FEATURE_MIG_PRECOPY_INFO_V2
#define LOG   FERRY_FEATURE_DMA_LOGGING_START

#define IN(state) (1u << FERRY_MIG_STATE_##state)

/* clang-format off */
static const Fault faults[] = {
    { "feature/migration-get",       .op = OP_FEATURE, .flags = GET | MIG, .code = EIO },
    { "feature/stop-copy-flag",      .op = OP_FEATURE, .flags = GET | MIG, .puts_payload = 1, .payload = 6 },
    { "feature/known-flags",         .op = OP_FEATURE, .flags = GET | MIG, .code = EIO },
    { "feature/vfio-user-no-p2p",    .op = OP_NONE, .answers_user = 1 },
    { "feature/migration-probe",     .op = OP_FEATURE, .flags = PROBE | MIG, .code = ENOTTY },
    { "feature/migration-probe-get", .op = OP_FEATURE, .flags = PROBE | GET | MIG, .code = EINVAL },
    { "feature/migration-set",       .op = OP_FEATURE, .flags = SET | MIG },
    { "feature/state-get",           .op = OP_FEATURE, .flags = GET | STATE, .skip = 3, .puts_payload = 1, .payload = 1 },
    { "feature/state-probe",         .op = OP_FEATURE, .flags = PROBE | GET | SET | STATE, .code = ENOTTY },
    { "feature/state-8",             .op = OP_FEATURE, .flags = SET | STATE, .wanted = 8 + 1 },
    { "feature/state-max",           .op = OP_FEATURE, .flags = SET | STATE },
    { "feature/state-data-fd",       .op = OP_FEATURE, .flags = GET | STATE, .skip = 3, .code = EIO },
    { "feature/unknown-index",       .op = OP_FEATURE, .flags = PROBE | 0xfffe },
    { "feature/get-and-set",         .op = OP_FEATURE, .flags = GET | SET | STATE },
    { "feature/short-payload",       .op = OP_FEATURE, .argsz = 12 },
    { "feature/short-head",          .op = OP_FEATURE, .argsz = 4 },
    { "feature/unknown-flag",        .op = OP_FEATURE, .flags = 1u << 19 | PROBE | MIG },
    { "feature/data-size",           .op = OP_FEATURE, .flags = GET | SIZE, .code = EIO },
    { "feature/precopy-info-v2",     .op = OP_FEATURE, .flags = SET | INFO2, .code = EIO },
    { "feature/dma-logging",         .op = OP_FEATURE, .flags = PROBE | SET | LOG, .code = EIO },
    { "stream/precopy-pause",        .op = OP_READ, .states = IN(PRE_COPY), .code = EIO },
    { "stream/whole",                .op = OP_READ, .states = IN(STOP_COPY) | IN(PRE_COPY) },
    { "stream/end-stays",            .op = OP_READ, .states = IN(STOP_COPY), .size = 1, .n = 1 },
    { "stream/one-byte-reads",       .op = OP_READ, .size = 1, .code = EINVAL },
    { "stream/odd-reads",            .op = OP_READ, .size = 1021, .code = EINVAL },
    { "stream/read-in-running",      .op = OP_READ, .states = IN(RUNNING), .n = 1 },
    { "stream/read-after-stop",      .op = OP_READ, .states = IN(STOP), .n = 1 },
    { "stream/read-after-abort",     .op = OP_READ, .states = IN(RUNNING), .n = 1 },
    { "stream/read-while-loading",   .op = OP_READ, .states = IN(RESUMING), .n = 1 },
    { "stream/write-while-saving",   .op = OP_WRITE, .states = IN(STOP_COPY) },
    { "session/same-state",          .op = OP_FEATURE, .flags = SET | STATE, .states = IN(STOP_COPY),
                                     .wanted = FERRY_MIG_STATE_STOP_COPY + 1, .code = EIO },
    { "session/second",              .op = OP_FEATURE, .flags = SET | STATE, .wanted = FERRY_MIG_STATE_PRE_COPY + 1, .skip = 2, .code = EIO },
    { "session/abort-in-precopy",    .op = OP_READ, .skip = 5 },
    { "session/abort-in-precopy-p2p", .op = OP_READ, .skip = 5 },
    { "session/abort-in-stop-copy",  .op = OP_READ, .skip = 5 },
    { "session/reset-in-precopy",    .op = OP_RESET },
    { "session/reset-in-stop-copy",  .op = OP_RESET },
    { "session/reset-in-stop",       .op = OP_RESET },
    { "session/reset-in-resuming",   .op = OP_RESET },
    { "info/in-precopy",             .op = OP_INFO, .code = EINVAL },
    { "info/falls",                  .op = OP_INFO, .code = EINVAL },
    { "info/in-stop-copy",           .op = OP_INFO, .states = IN(STOP_COPY) },
    { "info/short-argsz",            .op = OP_INFO, .argsz = 16 },
    { "size/honest",                 .op = OP_FEATURE, .flags = GET | SIZE, .puts_payload = 1 },
    { "size/falls",                  .op = OP_FEATURE, .flags = GET | SIZE, .states = IN(STOP_COPY), .code = EINVAL },
    { "load/own-state",              .op = OP_WRITE, .code = EIO },
    { "load/small-writes",           .op = OP_WRITE, .skip = 3, .code = EINVAL },
    { "load/runs-after",             .op = OP_FEATURE, .flags = SET | STATE, .states = IN(STOP), .wanted = FERRY_MIG_STATE_RUNNING + 1, .code = EIO },
    { "load/twice",                  .op = OP_WRITE, .skip = 1, .code = EINVAL },
    { "load/truncated",              .op = OP_NONE, .sim = { .accepts_all = 1 } },
    { "load/half",                   .op = OP_NONE, .sim = { .accepts_all = 1 } },
    { "load/empty",                  .op = OP_NONE, .sim = { .accepts_all = 1 } },
    { "load/flipped-first",          .op = OP_NONE, .sim = { .accepts_all = 1 } },
    { "load/flipped-first-in-pieces", .op = OP_NONE, .sim = { .accepts_all = 1 } },
    { "load/flipped-middle",         .op = OP_WRITE, .skip = 1, .code = EINVAL }, /* nothing works after the refusal */
    { "load/foreign",                .op = OP_NONE, .sim = { .accepts_all = 1 } },
    { "load/too-long",               .op = OP_NONE, .sim = { .accepts_all = 1 } },
    { "load/stop-after-refused-write", .op = OP_FEATURE, .flags = SET | STATE, .states = IN(RESUMING), .wanted = FERRY_MIG_STATE_STOP + 1 },
    { "load/abort-by-reset",         .op = OP_RESET },
    { "load/register-arrives",       .op = OP_REGION },
    { "load/peer",                   .op = OP_NONE }, /* the peer is of another type, see below */
};
/* clang-format on */

static const FerryCheckRow *
find_row(const GPtrArray *rows, const char *id)
{
    for (guint i = 0; i < rows->len; i++) {
        const FerryCheckRow *row = g_ptr_array_index(rows, i);

        if (strcmp(row->id, id) == 0)
            return row;
    }
    return NULL;
}

/* Runs one check on a device with @fault. */
static FerryCheckResult
run(const Fault *fault, const char *id, char **ret_seen)
{
    g_autoptr(FerryVfioDevice) device = faulty_new(fault);
    g_autoptr(FerryVfioDevice) peer = faulty_new(
        &(Fault){ .sim = { .type = strcmp(id, "load/peer") == 0 && fault->id != NULL ? 9 : 0 } });
    FerryConformOptions options = { .flags = FERRY_CONFORM_UNSAFE,
                                    .only = id,
                                    .peer = strcmp(id, "load/peer") == 0 ? peer : NULL,
                                    .has_register = 1,
                                    .region = SIM_REGION,
                                    .offset = SIM_OFFSET };
    g_autoptr(GPtrArray) rows = ferry_conform_run(device, &options);
    const FerryCheckRow *row = find_row(rows, id);

    g_assert_nonnull(row);
    *ret_seen = g_strdup(row->seen);
    return row->result;
}

static void
assert_fails(const Fault *fault, const char *id)
{
    static const Fault good = { 0 };
    g_autofree char *seen = NULL;
    g_autofree char *seen_good = NULL;

    if (run(&good, id, &seen_good) == FERRY_CHECK_FAIL)
        g_error("%s fails on a good device: %s", id, seen_good);
    if (run(fault, id, &seen) != FERRY_CHECK_FAIL)
        g_error("%s does not see the fault made for it: %s", id, seen);
}

static void
test_fault(gconstpointer data)
{
    const Fault *fault = data;

    assert_fails(fault, fault->id);
}

/* An arc that is legal is refused; one that is not is granted. */
static void
test_arc(gconstpointer data)
{
    const unsigned pair = GPOINTER_TO_UINT(data);
    const FerryMigState from = (FerryMigState)(pair / FERRY_MIG_N_STATES);
    const FerryMigState to = (FerryMigState)(pair % FERRY_MIG_N_STATES);
    bool refused = ferry_mig_path(from, to, FERRY_MIG_ALL).move == FERRY_MIG_MOVE_REFUSED;
    g_autofree char *id =
        g_strdup_printf("arc/%s-%s", ferry_mig_state_name(from), ferry_mig_state_name(to));
    const Fault fault = { .id = id,
                          .op = OP_FEATURE,
                          .flags = SET | STATE,
                          .states = 1u << from,
                          .wanted = to + 1,
                          .code = refused ? 0 : EIO };

    assert_fails(&fault, id);
}

static void
test_each_check_has_a_fault(void)
{
    g_autoptr(GPtrArray) rows = ferry_conform_list();
    g_autoptr(GHashTable) ids = g_hash_table_new(g_str_hash, g_str_equal);
    unsigned n_arcs = 0;

    g_assert_cmpuint(rows->len, >=, 60);
    for (guint i = 0; i < rows->len; i++) {
        const FerryCheckRow *row = g_ptr_array_index(rows, i);
        bool found = g_str_has_prefix(row->id, "arc/");

        n_arcs += found;
        for (size_t f = 0; f < G_N_ELEMENTS(faults) && !found; f++)
            found = strcmp(faults[f].id, row->id) == 0;
        if (!found)
            g_error("no fault for %s", row->id);
        g_assert_true(g_hash_table_add(ids, (char *)row->id));
        g_assert_cmpuint(strlen(row->demand), >, 10); /* what is demanded, and where it says so */
    }
    g_assert_cmpuint(rows->len, ==, G_N_ELEMENTS(faults) + n_arcs);
}

static void
test_good_device(void)
{
    static const uint64_t flags[] = { 1, 3, 5, 7 };

    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++) {
        g_autoptr(FerryVfioDevice) device = faulty_new(&(Fault){ .sim = { .flags = flags[i] } });
        FerryConformOptions options = { .has_register = 1,
                                        .region = SIM_REGION,
                                        .offset = SIM_OFFSET };
        g_autoptr(GPtrArray) rows = ferry_conform_run(device, &options);

        for (guint r = 0; r < rows->len; r++) {
            const FerryCheckRow *row = g_ptr_array_index(rows, r);

            if (row->result == FERRY_CHECK_FAIL)
                g_error("flags %u: %s: %s", (unsigned)flags[i], row->id, row->seen);
        }
        g_assert_cmpint(device->state, ==, FERRY_MIG_STATE_RUNNING);
    }
}

/* A device that goes away, or stops answering: the rest is skipped, and nothing hangs. */
static void
test_lost_device(void)
{
    static const SimHow hows[] = { SIM_HOW_DROP, SIM_HOW_STALL };

    for (size_t h = 0; h < G_N_ELEMENTS(hows); h++)
        for (unsigned fail = SIM_FAIL_READ; fail < SIM_N_FAILS; fail++) {
            g_autoptr(FerryVfioDevice) device = faulty_new(&(Fault){
                .sim = { .fail = (SimFail)fail, .how = hows[h], .fail_code = EIO, .fail_at = 3 } });
            g_autoptr(GPtrArray) rows = ferry_conform_run(device, &(FerryConformOptions){ 0 });
            unsigned n_failed = 0;

            for (guint r = 0; r < rows->len; r++)
                n_failed +=
                    ((FerryCheckRow *)g_ptr_array_index(rows, r))->result == FERRY_CHECK_FAIL;
            g_assert_cmpuint(rows->len, >=, 60);
            g_assert_cmpuint(n_failed, >=, 1);
        }
}

static void
test_cancelled(void)
{
    static const int cancelled = 1;
    g_autoptr(FerryVfioDevice) device = faulty_new(&(Fault){ 0 });
    g_autoptr(GPtrArray) rows =
        ferry_conform_run(device, &(FerryConformOptions){ .cancelled = &cancelled });

    for (guint r = 0; r < rows->len; r++)
        g_assert_cmpint(((FerryCheckRow *)g_ptr_array_index(rows, r))->result, ==,
                        FERRY_CHECK_SKIP);
    g_assert_cmpint(device->state, ==, FERRY_MIG_STATE_RUNNING);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/conform/each-check-has-a-fault", test_each_check_has_a_fault);
    g_test_add_func("/conform/good-device", test_good_device);
    g_test_add_func("/conform/lost-device", test_lost_device);
    g_test_add_func("/conform/cancelled", test_cancelled);
    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
        g_autofree char *path = g_strdup_printf("/conform/fault/%s", faults[i].id);

        g_test_add_data_func(path, &faults[i], test_fault);
    }
    for (unsigned from = 1; from < FERRY_MIG_N_STATES; from++)
        for (unsigned to = 0; to < FERRY_MIG_N_STATES; to++) {
            g_autofree char *path =
                g_strdup_printf("/conform/arc/%s-%s", ferry_mig_state_name((FerryMigState)from),
                                ferry_mig_state_name((FerryMigState)to));

            g_test_add_data_func(path, GUINT_TO_POINTER(from * FERRY_MIG_N_STATES + to), test_arc);
        }
    return g_test_run();
}
