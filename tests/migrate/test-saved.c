#include "migrate/saved.h"

#include <string.h>

#include "base/error.h"
#include "saved-fake.h"

#define HEAD "<domain type='qemu'><name>web</name><uuid>" SAVED_UUID "</uuid>"
#define BODY "<memory>1024</memory><os><type>hvm</type></os><devices>%s</devices></domain>"
#define META                                                                                       \
    "<metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'>"                                      \
    "<ferry:mdev alias='ua-gpu0' pool='gpus' type='mtty-1' managed='yes'/>"                        \
    "<ferry:hybrid alias='ua-net0' pool='net-x' vf-alias='ua-net0-vf' "                            \
    "vf-address='0000:07:00.0' on-no-vf='degrade'/></ferry:guest></metadata>"
#define DEVICES                                                                                    \
    "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address "                     \
    "uuid='11111111-0000-4000-8000-000000000011'/></source><alias name='ua-gpu0'/></hostdev>"      \
    "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='net-x'/>"        \
    "<alias name='ua-net0'/></interface>"

static void
put(const SavedFake *fake, const char *xml)
{
    g_autofree char *content = g_strconcat("whole", xml, NULL);

    g_assert_true(g_file_set_contents(fake->file, content, -1, NULL));
}

static FerrySaved *
open_file(SavedFake *fake, FerrySavedVerify verify, json_t *reasons, GError **error)
{
    const FerrySavedWorld world = saved_fake_world(fake);
    FerrySaved *saved = NULL;

    (void)ferry_saved_open(&world, fake->file, verify, &saved, reasons, error);
    return saved;
}

static void
test_of_ferry(void)
{
    g_autoptr(SavedFake) fake = saved_fake_new();
    g_autoptr(FerryPlan) plan = saved_fake_plan();
    g_autofree char *xml = ferry_saved_xml_with_plan(plan->live_xml, plan, NULL);
    g_autoptr(FerrySaved) saved = NULL;
    json_t *reasons = json_array();

    put(fake, xml);
    saved = open_file(fake, FERRY_SAVED_VERIFY, reasons, NULL);
    g_assert_nonnull(saved);
    g_assert_cmpint(saved->by, ==, FERRY_SAVED_BY_FERRY);
    g_assert_null(saved->sidecar);
    g_assert_cmpuint(json_array_size(reasons), ==, 0);
    g_assert_cmpstr(saved->plan->guest_uuid, ==, SAVED_UUID);
    g_assert_cmpuint(saved->plan->ephemerals->len, ==, 1);
    g_assert_null(strstr(saved->xml, "urn:ferry:saved"));
    json_decref(reasons);
}

/* Of libvirt's own file the metadata says what its devices need, and nothing is known of them. */
static void
test_of_libvirt(void)
{
    g_autoptr(SavedFake) fake = saved_fake_new();
    g_autofree char *xml = g_strdup_printf(HEAD META BODY, DEVICES);
    g_autoptr(FerrySaved) saved = NULL;
    const FerryPlanNeed *gpu = NULL, *net = NULL;
    json_t *reasons = json_array();

    put(fake, xml);
    saved = open_file(fake, FERRY_SAVED_VERIFY, reasons, NULL);
    g_assert_nonnull(saved);
    g_assert_cmpint(saved->by, ==, FERRY_SAVED_BY_OTHERS);
    g_assert_cmpuint(saved->plan->needs->len, ==, 2);
    gpu = ferry_needs_of(saved->plan->needs, "ua-gpu0");
    net = ferry_needs_of(saved->plan->needs, "ua-net0");
    g_assert_cmpint(gpu->way, ==, FERRY_WAY_STATE);
    g_assert_cmpstr(gpu->pool, ==, "gpus");
    g_assert_cmpstr(json_string_value(json_object_get(gpu->facts, "mdev_type")), ==, "mtty-1");
    g_assert_cmpint(net->way, ==, FERRY_WAY_HYBRID);
    g_assert_true(net->may_degrade);
    json_decref(reasons);
}

/* What the sidecar says of the file without reading it. */
static void
test_sidecar(void)
{
    static const struct {
        const char *uuid;
        uint64_t bytes_more;
        FerrySavedVerify verify;
        const char *code; /* NULL: none */
    } rows[] = {
        { SAVED_UUID, 0, FERRY_SAVED_VERIFY, NULL },
        { SAVED_UUID, 9, FERRY_SAVED_VERIFY, "file-damaged" },
        { SAVED_UUID, 9, FERRY_SAVED_UNVERIFIED, NULL },
        { "00000000-0000-4000-8000-000000000009", 0, FERRY_SAVED_VERIFY, "foreign-sidecar" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(SavedFake) fake = saved_fake_new();
        g_autoptr(FerryPlan) plan = saved_fake_plan();
        g_autofree char *xml = ferry_saved_xml_with_plan(plan->live_xml, plan, NULL);
        g_autoptr(FerrySidecar) sidecar = g_new0(FerrySidecar, 1);
        g_autoptr(FerrySaved) saved = NULL;
        json_t *reasons = json_array();

        put(fake, xml);
        g_assert_true(ferry_saved_sum_take(fake->file, NULL, NULL, NULL, &sidecar->sum, NULL));
        sidecar->sum->bytes += rows[i].bytes_more;
        sidecar->guest_name = g_strdup("web");
        sidecar->guest_uuid = g_strdup(rows[i].uuid);
        sidecar->host = g_strdup("beta");
        sidecar->saved = g_strdup("then");
        g_assert_true(ferry_sidecar_write(fake->file, sidecar, NULL));
        saved = open_file(fake, rows[i].verify, reasons, NULL);
        g_assert_nonnull(saved);
        g_assert_cmpstr(json_string_value(json_object_get(json_array_get(reasons, 0), "code")), ==,
                        rows[i].code);
        g_assert_cmpint(saved->sidecar == NULL, ==, rows[i].verify == FERRY_SAVED_UNVERIFIED);
        json_decref(reasons);
    }
}

/* What another host sees under the same path. */
static void
test_print(void)
{
    static const struct {
        const char *key, *value; /* of the other's print, JSON; no key: none at all */
        const char *said;        /* NULL: nothing speaks against it */
    } rows[] = {
        { NULL, NULL, NULL },
        { "guest_name", "\"other\"", NULL },
        { "new", "[7]", NULL },
        { "guest_uuid", "\"00000000-0000-4000-8000-000000000009\"", "of another guest" },
        { "bytes", "7", "of another length" },
        { "bytes", "\"7\"", "of another length" },
        { "digest", "\"00\"", "with other checksums" },
    };
    g_autoptr(SavedFake) fake = saved_fake_new();
    g_autoptr(FerryPlan) plan = saved_fake_plan();
    g_autofree char *xml = ferry_saved_xml_with_plan(plan->live_xml, plan, NULL);
    g_autoptr(FerrySidecar) sidecar = g_new0(FerrySidecar, 1);
    g_autoptr(FerrySaved) bare = NULL, saved = NULL;
    json_t *reasons = json_array(), *print = NULL;

    put(fake, xml);
    bare = open_file(fake, FERRY_SAVED_VERIFY, reasons, NULL);
    g_assert_true(ferry_saved_sum_take(fake->file, NULL, NULL, NULL, &sidecar->sum, NULL));
    sidecar->guest_name = g_strdup("web");
    sidecar->guest_uuid = g_strdup(SAVED_UUID);
    sidecar->host = g_strdup("beta");
    sidecar->saved = g_strdup("then");
    g_assert_true(ferry_sidecar_write(fake->file, sidecar, NULL));
    saved = open_file(fake, FERRY_SAVED_VERIFY, reasons, NULL);
    print = ferry_saved_print(bare);
    g_assert_null(json_object_get(print, "digest"));
    ferry_saved_check_print(saved, "beta", print, reasons); /* what is not said is not compared */
    json_decref(print);
    ferry_saved_check_print(saved, "beta", NULL, reasons);
    g_assert_cmpuint(json_array_size(reasons), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *message = NULL;

        print = ferry_saved_print(saved);
        g_assert_cmpuint(json_string_length(json_object_get(print, "digest")), ==, 64);
        if (rows[i].key != NULL)
            (void)json_object_set_new(print, rows[i].key,
                                      json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
        ferry_saved_check_print(saved, "beta", print, reasons);
        message = json_string_value(json_object_get(json_array_get(reasons, 0), "message"));
        g_assert_cmpint(message != NULL, ==, rows[i].said != NULL);
        if (message != NULL)
            g_assert_nonnull(strstr(message, rows[i].said));
        (void)json_array_clear(reasons);
        json_decref(print);
    }
    json_decref(reasons);
}

static void
test_refuses(void)
{
    g_autoptr(SavedFake) fake = saved_fake_new();
    g_autoptr(FerryPlan) plan = saved_fake_plan();
    g_autofree char *plain = g_strdup_printf(HEAD BODY, "");
    g_autofree char *other = NULL;
    g_autofree char *rubbish = g_strdup_printf(
        HEAD "<metadata><s:guest xmlns:s='urn:ferry:saved:1'>{}</s:guest></metadata>" BODY, "");
    json_t *reasons = json_array();
    const char *xmls[3] = { "<domain>", rubbish, NULL };

    g_free(plan->guest_name);
    plan->guest_name = g_strdup("other");
    other = ferry_saved_xml_with_plan(plain, plan, NULL);
    xmls[2] = other;
    for (size_t i = 0; i < G_N_ELEMENTS(xmls); i++) {
        g_autoptr(GError) error = NULL;

        put(fake, xmls[i]);
        g_assert_null(open_file(fake, FERRY_SAVED_VERIFY, reasons, &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
        g_assert_nonnull(strstr(error->message, fake->file));
    }
    json_decref(reasons);
}

static void
test_paths(void)
{
    g_autofree char *longest = g_strnfill(3499, 'a');
    g_autofree char *fits = g_strconcat("/", longest, NULL);
    g_autofree char *too_long = g_strconcat("/a", longest, NULL);
    const char *const good[] = { "/srv/web", "/a.b", fits };
    const char *const bad[] = { NULL, "", "web", "./web", "/srv/", "/srv/web.ferry", too_long };

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(ferry_saved_check_path(good[i], NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(ferry_saved_check_path(bad[i], &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    }
}

static void
test_too_long(void)
{
    g_autoptr(FerryPlan) plan = saved_fake_plan();
    g_autoptr(GError) error = NULL;

    g_free(plan->inactive_xml);
    plan->inactive_xml = g_strnfill((gsize)1 << 20, 'x');
    g_assert_null(ferry_saved_xml_with_plan(plan->live_xml, plan, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/saved/of-ferry", test_of_ferry);
    g_test_add_func("/saved/of-libvirt", test_of_libvirt);
    g_test_add_func("/saved/sidecar", test_sidecar);
    g_test_add_func("/saved/print", test_print);
    g_test_add_func("/saved/refuses", test_refuses);
    g_test_add_func("/saved/paths", test_paths);
    g_test_add_func("/saved/too-long", test_too_long);
    return g_test_run();
}
