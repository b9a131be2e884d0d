/* What a target says no to of itself, with libvirt's test driver: one guest, "test", is there. */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "base/error.h"
#include "guest/act.h"
#include "migrate/begin.h"
#include "temp-folder.h"

#define JOB  "5c36f433-e8cb-4dbb-8e75-905305d1fc76"
#define UUID "0f0e1d2c-3b4a-4958-8776-695a4b3c2d1e"
#define TEST "6695eb01-f6a4-8304-79aa-97f2502e193f"

typedef struct {
    char *folder, *db;
    FerryStore *store;
    FerryGuests *guests;
    FerryMigratorConfig config;
} Host;

static void
set_up(Host *self, gconstpointer data)
{
    (void)data;
    self->folder = g_dir_make_tmp("ferry-place-XXXXXX", NULL);
    self->db = g_build_filename(self->folder, "ferry.db", NULL);
    g_assert_true(ferry_store_open(self->db, &self->store, NULL));
    self->guests = ferry_guests_new("test:///default");
    self->config = (FerryMigratorConfig){ .clock = ferry_clock_system(),
                                          .name = "beta",
                                          .store = self->store,
                                          .guests = self->guests,
                                          .marker_dir = self->folder,
                                          .run_dir = self->folder,
                                          .memory_tls_dir = self->folder,
                                          .root = -1,
                                          .max_in = 2 };
}

static void
tear_down(Host *self, gconstpointer data)
{
    (void)data;
    ferry_guests_free(self->guests);
    ferry_store_close(self->store);
    temp_folder_remove(self->folder);
    g_free(self->folder);
    g_free(self->db);
}

/* A guest that wants to come, and the host that it comes to. */
typedef struct {
    const char *name;
    const char *guest, *uuid; /* (nullable): "web" and its own */
    const char *devices, *os; /* (nullable): XML */
    bool wants_tls, has_tls;
    bool is_full;      /* as many come as may */
    bool has_need;     /* a device whose state goes, too */
    const char *codes; /* of all reasons, in their order */
    const char *words; /* of the first one */
} Row;

/* clang-format off */
static const Row rows[] = {
    { "welcome", .codes = "" },
    { "tls-here-only", .has_tls = true, .codes = "memory-tls-differs", .words = "is no on alpha and yes on beta" },
    { "tls-there-only", .wants_tls = true, .codes = "memory-tls-differs no-memory-tls", .words = "is yes on alpha and no on beta" },
    { "no-credentials", .wants_tls = true, .has_tls = true, .codes = "no-memory-tls", .words = "/server-cert.pem): run \"ferry pki install\"" },
    { "full", .is_full = true, .codes = "target-busy", .words = "no more than 0 migrations at a time" },
    { "same-uuid", .uuid = TEST, .codes = "guest-exists", .words = "a guest of this UUID already (test)" },
    { "same-name", .guest = "test", .codes = "name-taken", .words = "another guest named test" },
    { "no-bridge", .devices = "<interface type='bridge'><source bridge='ferry-none'/><alias name='net0'/></interface>",
      .codes = "no-network-device", .words = "no network device ferry-none, which the guest's interface net0" },
    { "no-network", .devices = "<interface type='network'><source network='lan'/><alias name='net0'/></interface>",
      .codes = "no-network", .words = "beta has no libvirt network lan, which the guest's interface net0 is on" },
    { "no-network-of-a-macvtap", .devices = "<interface type='direct'><source network='lan' dev='ferry-none' mode='bridge'/><alias name='net0'/></interface>",
      .codes = "no-network", .words = "lan" },
    { "bridge-of-a-network", .devices = "<interface type='bridge'><source network='default' bridge='ferry-none'/><alias name='net0'/></interface>", .codes = "" },
    { "no-address", .devices = "<graphics type='vnc' port='5900' listen='192.0.2.77'><listen type='address' address='192.0.2.77'/></graphics>",
      .codes = "no-listen-address", .words = "beta does not have the address 192.0.2.77, on which the guest's vnc graphics" },
    { "an-address", .devices = "<graphics type='vnc'><listen type='address' address='127.0.0.1'/></graphics>"
                               "<graphics type='spice'><listen type='address' address='0.0.0.0'/></graphics>", .codes = "" },
    { "an-address-of-ipv6", .devices = "<graphics type='vnc'><listen type='address' address='2001:db8::77'/></graphics>", .codes = "no-listen-address", .words = "2001:db8::77" },
    { "address-by-network", .devices = "<graphics type='vnc'><listen type='network' address='192.0.2.77' network='lan'/></graphics>", .codes = "" },
    { "address-by-name", .devices = "<graphics type='vnc'><listen type='address' address='alpha.example'/></graphics>", .codes = "" },
    { "no-graphics-address", .devices = "<graphics type='vnc'><listen type='none'/></graphics><channel type='unix'><listen type='address' address='192.0.2.77'/></channel>", .codes = "" },
    { "a-network", .devices = "<interface type='network'><source network='default'/><alias name='net0'/></interface>", .codes = "" },
    { "no-disk", .devices = "<disk type='file' device='disk'><source file='/no/such/disk'/><target dev='vda'/></disk>",
      .codes = "no-disk", .words = "does not have /no/such/disk, the guest's disk vda" },
    { "no-firmware", .os = "<loader>/no/code.fd</loader><nvram template='/no/vars.fd'>/no/nvram.fd</nvram>",
      .codes = "no-boot-file no-boot-file", .words = "beta does not have /no/code.fd, which the guest starts from" },
    { "nvram-is-there", .os = "<nvram template='/no/vars.fd'>/proc/version</nvram>", .codes = "" },
    { "nvram-from-what-libvirt-knows", .os = "<nvram>/no/nvram.fd</nvram>", .codes = "" },
    { "no-kernel", .os = "<loader>/proc/version</loader><kernel>/no/vmlinuz</kernel><initrd>/proc/version</initrd><dtb>/no/dtb</dtb>",
      .codes = "no-boot-file no-boot-file", .words = "/no/vmlinuz" },
    { "loader-by-name", .os = "<loader>bios.bin</loader>", .codes = "" },
    { "no-devices", .has_need = true, .codes = "qemu-too-old no-devices", .words = "8.1" },
};
/* clang-format on */

static json_t *
plan_of(const Row *row)
{
    const char *name = row->guest != NULL ? row->guest : "web";
    const char *uuid = row->uuid != NULL ? row->uuid : UUID;
    g_autoptr(FerryPlan) plan = ferry_plan_new();

    plan->job = g_strdup(JOB);
    plan->guest_name = g_strdup(name);
    plan->guest_uuid = g_strdup(uuid);
    plan->source = g_strdup("alpha");
    plan->target = g_strdup("beta");
    plan->tls = row->wants_tls;
    plan->live_xml = g_strdup_printf(
        "<domain type='test'><name>%s</name><uuid>%s</uuid><memory>1024</memory><os><type "
        "arch='i686'>hvm</type>%s</os><devices>%s</devices></domain>",
        name, uuid, row->os != NULL ? row->os : "", row->devices != NULL ? row->devices : "");
    plan->inactive_xml = g_strdup(plan->live_xml);
    if (row->has_need) {
        FerryPlanNeed *need = ferry_plan_need_new(FERRY_WAY_STATE, "ua-gpu0");

        need->facts = json_object();
        g_ptr_array_add(plan->needs, need);
    }
    return ferry_plan_format(plan);
}

/* Returns: (transfer full): what it says to the source that asks */
static json_t *
answer(const Host *self, const Row *row, GError **error)
{
    FerryMigratorConfig config = self->config;
    FerryMigrator *migrator = NULL;
    json_t *plan = plan_of(row);
    json_t *answer = NULL;

    config.tls = row->has_tls;
    config.max_in = row->is_full ? 0 : config.max_in;
    migrator = ferry_migrator_new(&config);
    (void)ferry_migrator_peer_check(migrator, "alpha", plan, &answer, error);
    json_decref(plan);
    g_assert_true(ferry_migrator_stop(migrator, 0));
    ferry_migrator_free(migrator);
    return answer;
}

static void
assert_reasons(const json_t *answer, const Row *row)
{
    const json_t *reasons = json_object_get(answer, "reasons");
    const json_t *reason = NULL;
    g_autoptr(GString) codes = g_string_new(NULL);
    size_t i = 0;

    json_array_foreach(reasons, i, reason)
    {
        g_string_append(codes, i == 0 ? "" : " ");
        g_string_append(codes, json_string_value(json_object_get(reason, "code")));
    }
    g_assert_cmpstr(codes->str, ==, row->codes);
    if (i == 0)
        return;
    reason = json_array_get(reasons, 0);
    g_assert_nonnull(strstr(json_string_value(json_object_get(reason, "message")), row->words));
}

static void
test_row(Host *self, gconstpointer data)
{
    const Row *row = data;
    g_autoptr(GError) error = NULL;
    json_t *said = answer(self, row, &error);

    g_assert_no_error(error);
    assert_reasons(said, row);
    json_decref(said);
}

/* A limit on the size of files stands for a full disk.  Space is back, and all is well. */
static void
test_full_disk(Host *self, gconstpointer data)
{
    const Row refused = { .codes = "journal-unwritable", .words = "cannot" };
    g_autoptr(GError) error = NULL;
    struct rlimit limit;
    struct rlimit none;
    json_t *said = NULL;

    (void)data;
    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    none = (struct rlimit){ 64 << 10, limit.rlim_max };
    (void)signal(SIGXFSZ, SIG_IGN);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &none), ==, 0);
    said = answer(self, &rows[0], &error);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    g_assert_no_error(error);
    assert_reasons(said, &refused);
    json_decref(said);
    said = answer(self, &rows[0], NULL);
    assert_reasons(said, &rows[0]);
    json_decref(said);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/place/", rows[i].name, NULL);

        g_test_add(path, Host, &rows[i], set_up, test_row, tear_down);
    }
    g_test_add("/place/full-disk", Host, NULL, set_up, test_full_disk, tear_down);
    return g_test_run();
}
