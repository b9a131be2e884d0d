#include "migrate/objection.h"

static void
object_simply(json_t *reasons)
{
    ferry_object(reasons, "no-disk", "%s does not have %s", "beta", "/srv/web");
}

static void
object_to_device(json_t *reasons)
{
    ferry_object_to(reasons, "ua-net0", "no-rom", "beta lacks %s: %d bytes", "efi.rom", 7);
}

static void
object_and_advise(json_t *reasons)
{
    ferry_object(reasons, "name-taken", "100 %% of it");
    ferry_object(reasons, "guest-runs-here", "it is up");
    ferry_object_remedy(reasons, "stop it first");
}

static void
object_alone(json_t *reasons)
{
    json_t *alone = ferry_objection("no-vlan-device", "%s has no device of VLAN %u", "eth3", 7);

    ferry_object_value(alone, "vlan", json_integer(7));
    json_array_extend(reasons, alone);
    json_decref(alone);
}

static const struct {
    const char *name;
    void (*act)(json_t *reasons);
    const char *expected;
} rows[] = {
    { "simply", object_simply,
      "[{\"code\":\"no-disk\",\"message\":\"beta does not have /srv/web\"}]" },
    { "to-device", object_to_device,
      "[{\"code\":\"no-rom\",\"alias\":\"ua-net0\",\"message\":\"beta lacks efi.rom: 7 bytes\"}]" },
    { "and-advise", object_and_advise,
      "[{\"code\":\"name-taken\",\"message\":\"100 % of it\"},"
      "{\"code\":\"guest-runs-here\",\"message\":\"it is up\",\"remedy\":\"stop it first\"}]" },
    { "alone", object_alone,
      "[{\"code\":\"no-vlan-device\",\"message\":\"eth3 has no device of VLAN 7\",\"vlan\":7}]" },
};

static void
test_row(gconstpointer data)
{
    const size_t i = GPOINTER_TO_SIZE(data);
    json_t *reasons = json_array();
    char *text = NULL;

    rows[i].act(reasons);
    text = json_dumps(reasons, JSON_COMPACT);
    g_assert_cmpstr(text, ==, rows[i].expected);
    free(text); /* jansson's malloc, not GLib's */
    json_decref(reasons);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = g_strconcat("/objection/", rows[i].name, NULL);

        g_test_add_data_func(name, GSIZE_TO_POINTER(i), test_row);
    }
    return g_test_run();
}
