#include "migrate/assign.h"

#include <string.h>

#include "base/error.h"

#define SOURCE_UUID "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"
#define TARGET_UUID "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c002"

static const char domain[] =
    "<domain type='kvm'><name>web</name><uuid>0f0e1d2c-3b4a-4958-8776-695a4b3c2d1e</uuid>"
    "<memory>1024</memory><devices>"
    "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='" SOURCE_UUID
    "'/></source><alias name='ua-gpu0'/></hostdev>"
    "<interface type='direct'><mac address='52:54:00:00:00:01'/><source dev='eth3' mode='bridge'/>"
    "<model type='virtio'/><alias name='ua-net0'/></interface>"
    "<interface type='hostdev' managed='yes'><mac address='52:54:00:00:00:02'/><source>"
    "<address type='pci' domain='0' bus='3' slot='0x10' function='0'/></source>"
    "<alias name='ua-vf'/></interface></devices></domain>";

#define GPU    "{\"alias\": \"ua-gpu0\", \"kind\": \"mdev-uuid\", \"value\": \"" TARGET_UUID "\"}"
#define NET    "{\"alias\": \"ua-net0\", \"kind\": \"source-dev\", \"value\": \"eth7\"}"
#define VF     "{\"alias\": \"ua-vf\", \"kind\": \"pci-address\", \"value\": \"0000:05:11.3\"}"
#define FUTURE "{\"alias\": \"ua-gpu0\", \"kind\": \"colour\", \"value\": \"red\"}"

typedef struct {
    const char *name;
    const char *needs; /* letters: g, n: gpu0's state, hybrid net0; v, e: vf's state, or off; x: not
                          there */
    const char *assign;
    FerryAssignText text;
    const char *has[3];  /* what must be there then */
    const char *message; /* of the error, NULL: none */
} Row;

/* clang-format off */
static const Row rows[] = {
    { "nothing", "", "[]", FERRY_ASSIGN_LIVE, { SOURCE_UUID, "eth3" }, NULL },
    { "absent", "", NULL, FERRY_ASSIGN_LIVE, { SOURCE_UUID, "eth3" }, NULL },
    { "live", "gn", "[" GPU "," NET "]", FERRY_ASSIGN_LIVE, { TARGET_UUID, "eth7" }, NULL },
    { "definition", "gn", "[" GPU "," NET "]", FERRY_ASSIGN_DEFINITION, { TARGET_UUID, "eth3" }, NULL },
    { "vf-state", "v", "[" VF "]", FERRY_ASSIGN_LIVE, { "bus=\"0x05\"", "slot=\"0x11\"", "function=\"0x3\"" }, NULL },
    { "ephemeral-stays", "e", "[" VF "]", FERRY_ASSIGN_LIVE, { SOURCE_UUID, "bus='3'" }, NULL },
    { "ephemeral-defined", "e", "[" VF "]", FERRY_ASSIGN_DEFINITION, { SOURCE_UUID, "bus=\"0x05\"" }, NULL },
    { "ephemeral-of-a-run", "x", "[]", FERRY_ASSIGN_DEFINITION, { SOURCE_UUID, "bus='3'" }, NULL },
    { "newer-kind", "g", "[" FUTURE "," GPU "]", FERRY_ASSIGN_LIVE, { TARGET_UUID }, NULL },
    { "not-assigned", "g", "[" NET "]", FERRY_ASSIGN_LIVE, { NULL }, "the target assigned nothing to the guest's device ua-gpu0" },
    { "no-list", "g", NULL, FERRY_ASSIGN_LIVE, { NULL }, "the target assigned nothing to the guest's device ua-gpu0" },
    { "other-kind", "g", "[{\"alias\": \"ua-gpu0\", \"kind\": \"source-dev\", \"value\": \"x\"}]", FERRY_ASSIGN_LIVE, { NULL }, "is not an <interface type='direct'>" },
    { "no-address", "v", "[{\"alias\": \"ua-vf\", \"kind\": \"pci-address\", \"value\": \"eth7\"}]", FERRY_ASSIGN_LIVE, { NULL }, "is not a PCI address" },
};
/* clang-format on */

static void
add_needs(GPtrArray *needs, const char *letters)
{
    static const struct {
        char letter;
        FerryWay way;
        const char *alias;
    } known[] = {
        { 'g', FERRY_WAY_STATE, "ua-gpu0" },    { 'n', FERRY_WAY_HYBRID, "ua-net0" },
        { 'v', FERRY_WAY_STATE, "ua-vf" },      { 'e', FERRY_WAY_EPHEMERAL, "ua-vf" },
        { 'x', FERRY_WAY_EPHEMERAL, "ua-vf9" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (strchr(letters, known[i].letter) != NULL)
            g_ptr_array_add(needs, ferry_plan_need_new(known[i].way, known[i].alias));
}

static void
test_apply(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(FerryPlan) plan = ferry_plan_new();
    json_t *assign = row->assign == NULL ? NULL : json_loads(row->assign, 0, NULL);
    g_autofree char *xml = NULL;
    g_autoptr(GError) error = NULL;
    bool ok = false;

    add_needs(plan->needs, row->needs);
    ok = ferry_assign_apply(domain, plan->needs, assign, row->text, &xml, &error);
    g_assert_cmpint(ok, ==, row->message == NULL);
    if (!ok) {
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
        g_assert_nonnull(strstr(error->message, row->message));
        g_assert_null(xml);
    }
    for (size_t i = 0; ok && i < G_N_ELEMENTS(row->has) && row->has[i] != NULL; i++)
        g_assert_nonnull(strstr(xml, row->has[i]));
    json_decref(assign);
}

static void
test_ephemerals(void)
{
    g_autoptr(FerryPlan) plan = ferry_plan_new();
    FerryPlanDevice *device = g_new0(FerryPlanDevice, 1);
    FerryPlanDevice *plain = g_new0(FerryPlanDevice, 1);
    json_t *assign = json_loads("[" VF "]", 0, NULL);
    g_autoptr(GError) error = NULL;

    plan->live_xml = g_strdup(domain);
    device->alias = g_strdup("ua-vf");
    device->xml = g_strdup("<interface/>");
    plain->alias = g_strdup("ua-net9");
    plain->xml = g_strdup("<interface type='user'/>");
    g_ptr_array_add(plan->ephemerals, device);
    g_ptr_array_add(plan->ephemerals, plain);
    add_needs(plan->needs, "e");
    g_assert_true(ferry_assign_ephemerals(plan, assign, &error));
    g_assert_no_error(error);
    g_assert_nonnull(strstr(device->xml, "bus=\"0x05\""));
    g_assert_nonnull(strstr(device->xml, "52:54:00:00:00:02"));
    g_assert_cmpstr(plain->xml, ==, "<interface type='user'/>");
    g_assert_false(ferry_assign_ephemerals(plan, NULL, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    json_decref(assign);
}

static void
test_values(void)
{
    json_t *assign = json_array();

    ferry_assign_add(assign, "a", "mdev-uuid", "u");
    ferry_assign_add(assign, "b", "source-dev", NULL);
    g_assert_cmpuint(json_array_size(assign), ==, 1);
    g_assert_cmpstr(ferry_assign_value(assign, "a", "mdev-uuid"), ==, "u");
    g_assert_null(ferry_assign_value(assign, "a", "source-dev"));
    g_assert_null(ferry_assign_value(assign, "b", "source-dev"));
    g_assert_null(ferry_assign_value(NULL, "a", "mdev-uuid"));
    json_decref(assign);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/assign/apply/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_apply);
    }
    g_test_add_func("/assign/ephemerals", test_ephemerals);
    g_test_add_func("/assign/values", test_values);
    return g_test_run();
}
