#include "migrate/resolve.h"

/* What may go on, and what must be started from disk: docs/handover.md, section 8. */

#define DISK     "<disk type='file' device='disk'><source file='/x'/><target dev='vda'/></disk>"
#define READONLY "<disk type='file' device='cdrom'><target dev='sda'/><readonly/></disk>"

typedef struct {
    const char *name;
    const char *devices;        /* of the guest */
    FerryRecordKind records[4]; /* of the fenced host; NONE ends them */
    bool has_journal;
    FerryKept kept;
    const char *because;
} Row;

#define R(kind) FERRY_RECORD_##kind

/* clang-format off */
static const Row source_rows[] = {
    { "no journal, a disk", DISK, { 0 }, false, FERRY_KEPT_DISK, "may have run at beta and written to disk vda" },
    { "no journal, no disk", "", { 0 }, false, FERRY_KEPT_MEMORY, "no disk that beta could have written to" },
    { "no journal, only what is read", READONLY, { 0 }, false, FERRY_KEPT_MEMORY, "no disk" },
    { "a disk among others", READONLY DISK, { 0 }, false, FERRY_KEPT_DISK, "vda" },
    { "never committed", DISK, { R(RESERVED), R(PREPARED) }, true, FERRY_KEPT_MEMORY, "never ran there" },
    { "gave up", DISK, { R(RESERVED), R(PREPARED), R(ABORTED) }, true, FERRY_KEPT_MEMORY, "never ran there" },
    { "committed", DISK, { R(RESERVED), R(PREPARED), R(COMMIT) }, true, FERRY_KEPT_DISK, "taken over there" },
    { "committed, no disk", "", { R(PREPARED), R(COMMIT) }, true, FERRY_KEPT_DISK, "taken over there" },
    { "ran", DISK, { R(PREPARED), R(COMMIT), R(RUNNING) }, true, FERRY_KEPT_DISK, "taken over there" },
    { "lost", DISK, { R(PREPARED), R(COMMIT), R(LOST) }, true, FERRY_KEPT_DISK, "taken over there" },
    { "resolved there too", DISK, { R(PREPARED), R(RESOLVED) }, true, FERRY_KEPT_DISK, "taken over there" },
    { "XML that nobody can read", "<disk", { 0 }, false, FERRY_KEPT_DISK, "disk ?" },
};

static const Row target_rows[] = {
    { "no journal", "", { 0 }, false, FERRY_KEPT_DISK, "--journal FILE" },
    { "handed over", DISK, { R(PLANNED), R(TRANSFER), R(HANDOFF) }, true, FERRY_KEPT_MEMORY, "was handed over" },
    { "not handed over", DISK, { R(PLANNED), R(TRANSFER) }, true, FERRY_KEPT_DISK, "may have run on at alpha" },
    { "taken back", DISK, { R(TRANSFER), R(HANDOFF), R(ABORTED) }, true, FERRY_KEPT_DISK, "may have run on" },
    { "resolved there", DISK, { R(TRANSFER), R(HANDOFF), R(RESOLVED) }, true, FERRY_KEPT_DISK, "may have run on" },
};
/* clang-format on */

static GPtrArray *
records_of(const Row *row)
{
    GPtrArray *records = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_record_free);

    for (size_t i = 0; i < G_N_ELEMENTS(row->records) && row->records[i] != R(NONE); i++) {
        FerryRecord *record = g_new0(FerryRecord, 1);

        record->kind = row->records[i];
        record->data = g_strdup("{}");
        g_ptr_array_add(records, record);
    }
    return records;
}

typedef FerryKept (*Judge)(const FerryPlan *plan, const FerryResolution *resolution, char **why);

static void
check_rows(const Row *rows, size_t n, Judge judge)
{
    for (size_t i = 0; i < n; i++) {
        g_autoptr(FerryPlan) plan = ferry_plan_new();
        g_autoptr(GPtrArray) records = records_of(&rows[i]);
        const FerryResolution resolution = { .fenced = "beta",
                                             .peer_records = rows[i].has_journal ? records : NULL };
        g_autofree char *why = NULL;

        plan->source = g_strdup("alpha");
        plan->target = g_strdup("beta");
        plan->live_xml = g_strdup_printf(
            "<domain type='kvm'><name>g</name><uuid>"
            "4b20d080-1b54-4048-85b3-a6a62d165c01</uuid><memory>1024</memory><devices>%s"
            "</devices></domain>",
            rows[i].devices);
        g_test_message("%s", rows[i].name);
        g_assert_cmpint(judge(plan, &resolution, &why), ==, rows[i].kept);
        g_assert_nonnull(strstr(why, rows[i].because));
    }
}

static void
test_source(void)
{
    check_rows(source_rows, G_N_ELEMENTS(source_rows), ferry_resolve_source);
}

static void
test_target(void)
{
    check_rows(target_rows, G_N_ELEMENTS(target_rows), ferry_resolve_target);
}

/* All of the decision is in the record, and what was decided can be read again. */
static void
test_record(void)
{
    const FerryResolution resolution = {
        .fenced = "beta", .reason = "beta burnt down", .by = "local", .journal = "/tmp/ferry.db"
    };
    static const FerryKept both[] = { FERRY_KEPT_MEMORY, FERRY_KEPT_DISK };

    for (size_t i = 0; i < G_N_ELEMENTS(both); i++) {
        json_t *record = ferry_resolve_format(&resolution, both[i], "of this");
        g_autofree char *text = NULL;
        char *dumped = json_dumps(record, JSON_COMPACT);

        text = g_strdup_printf("{\"fenced\":\"beta\",\"reason\":\"beta burnt down\",\"by\":"
                               "\"local\",\"kept\":\"%s\",\"because\":\"of this\",\"journal\":"
                               "\"/tmp/ferry.db\"}",
                               both[i] == FERRY_KEPT_MEMORY ? "memory" : "disk");
        g_assert_cmpstr(dumped, ==, text);
        g_assert_cmpint(ferry_resolve_kept(record), ==, both[i]);
        free(dumped);
        json_decref(record);
    }
    g_assert_cmpint(ferry_resolve_kept(NULL), ==, FERRY_KEPT_DISK);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/resolve/source", test_source);
    g_test_add_func("/resolve/target", test_target);
    g_test_add_func("/resolve/record", test_record);
    return g_test_run();
}
