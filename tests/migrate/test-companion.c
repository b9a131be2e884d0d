#include "migrate/companion.h"

#include "base/error.h"
#include "guest/network.h"
#include "world.h"

#define UNTAGGED "{\"name\": \"net-x\", \"pfs\": [\"eth3\", \"0000:03:00.1\"], \"hybrid\": true}"
#define TAGGED                                                                                     \
    "{\"name\": \"net-x\", \"pfs\": [\"eth3\", \"eth4\"], \"hybrid\": true, \"vlan\": 42}"
#define PLAIN "{\"name\": \"net-x\", \"pfs\": [\"eth3\"]}"

/** libvirt's networks: one at most. */
typedef struct {
    World *world;
    FerryCompanionHost host;
    FerryCompanion is;
    char *xml;
    bool fails;
} Fixture;

static bool
find(void *data, const char *name, FerryCompanion *ret, GError **error)
{
    const Fixture *self = data;

    (void)name;
    (void)error;
    *ret = self->is;
    return true;
}

static bool
define(void *data, const char *name, const char *xml, GError **error)
{
    Fixture *self = data;

    g_assert_cmpstr(name, ==, "net-x");
    if (self->fails || self->is == FERRY_COMPANION_FOREIGN) {
        g_set_error(error, FERRY_ERROR, self->fails ? FERRY_ERROR_IO : FERRY_ERROR_EXISTS, "no");
        return false;
    }
    g_free(self->xml);
    self->xml = g_strdup(xml);
    self->is = FERRY_COMPANION_OURS;
    return true;
}

static bool
undefine(void *data, const char *name, GError **error)
{
    Fixture *self = data;

    g_assert_cmpstr(name, ==, "net-x");
    if (self->fails) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO, "no");
        return false;
    }
    if (self->is == FERRY_COMPANION_OURS)
        self->is = FERRY_COMPANION_ABSENT;
    return true;
}

static const FerryCompanionOps ops = { find, define, undefine };

static Fixture *
fixture_new(void)
{
    Fixture *self = g_new0(Fixture, 1);

    self->world = world_new_two_ports();
    self->host = (FerryCompanionHost){ .pools = self->world->pools,
                                       .networks = &ops,
                                       .networks_data = self,
                                       .inventory = world_look,
                                       .inventory_data = self->world,
                                       .root = self->world->tree->root };
    return self;
}

static void
fixture_free(Fixture *self)
{
    world_free(self->world);
    g_free(self->xml);
    g_free(self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fixture, fixture_free)

/* Returns: (transfer full) (nullable): "code: message" of a refusal, "!message" of an error */
static char *
define_pool(Fixture *self, const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    g_autoptr(FerryPool) pool = NULL;
    json_t *reasons = NULL;
    const char *code = NULL, *message = NULL;
    char *said = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_pool_from_json(json, &pool, NULL));
    json_decref(json);
    if (!ferry_companion_define(&self->host, pool, &reasons, &error))
        return g_strconcat("!", error->message, NULL);
    if (reasons != NULL &&
        json_unpack(reasons, "[{s:s, s:s}]", "code", &code, "message", &message) == 0)
        said = g_strdup_printf("%s: %s", code, message);
    json_decref(reasons);
    return said;
}

static bool
has_pool(const Fixture *self)
{
    g_autoptr(FerryPool) pool = NULL;

    g_assert_true(ferry_pools_find(self->world->pools, "net-x", &pool, NULL));
    return pool != NULL;
}

static void
undefine_pool(Fixture *self)
{
    json_t *reasons = NULL;
    g_autoptr(GError) error = NULL;

    (void)ferry_companion_undefine(&self->host, "net-x", &reasons, &error);
    g_assert_no_error(error);
    g_assert_null(reasons);
}

static void
test_life(void)
{
    g_autoptr(Fixture) self = fixture_new();
    g_autofree char *said = define_pool(self, UNTAGGED);

    g_assert_cmpstr(said, ==, NULL);
    g_assert_true(has_pool(self));
    g_assert_nonnull(strstr(self->xml, "<interface dev='eth3'/>"));
    g_assert_nonnull(strstr(self->xml, "<interface dev='eth4'/>"));
    undefine_pool(self);
    g_assert_cmpint(self->is, ==, FERRY_COMPANION_ABSENT);
    g_assert_false(has_pool(self));
}

static void
test_vlan(void)
{
    g_autoptr(Fixture) self = fixture_new();
    g_autofree char *one = NULL;
    g_autofree char *both = NULL;

    tree_file(self->world->tree, "proc/net/vlan/config",
              "VLAN Dev name\t | VLAN ID\nName-Type: X\neth3.42        | 42  | eth3\n");
    one = define_pool(self, TAGGED);
    g_assert_cmpstr(one, ==,
                    "no-vlan-device: pool net-x: eth4 has no device of VLAN 42: the virtio half of "
                    "a hybrid would be outside of the VLAN that its VF is in");
    g_assert_cmpint(self->is, ==, FERRY_COMPANION_ABSENT);
    g_assert_false(has_pool(self));
    tree_file(self->world->tree, "proc/net/vlan/config",
              "eth3.42        | 42  | eth3\nred            | 42  | eth4\n");
    both = define_pool(self, TAGGED);
    g_assert_cmpstr(both, ==, NULL);
    g_assert_nonnull(strstr(self->xml, "'eth3.42'"));
    g_assert_nonnull(strstr(self->xml, "'red'"));
}

static void
test_plain_pool(void)
{
    g_autoptr(Fixture) self = fixture_new();
    g_autofree char *said = NULL;

    self->is = FERRY_COMPANION_FOREIGN; /* none of our business */
    said = define_pool(self, PLAIN);
    g_assert_cmpstr(said, ==, NULL);
    undefine_pool(self);
    g_assert_cmpint(self->is, ==, FERRY_COMPANION_FOREIGN);
}

/* Whatever goes wrong, there is no pool without its network, and no network that is left. */
static void
test_failures(void)
{
    g_autoptr(Fixture) self = fixture_new();
    g_autofree char *foreign = NULL;
    g_autofree char *away = NULL;
    g_autofree char *no_pf = NULL;
    g_autofree char *shared = NULL;

    self->is = FERRY_COMPANION_FOREIGN;
    foreign = define_pool(self, UNTAGGED);
    g_assert_cmpstr(foreign, ==, "!no");
    self->is = FERRY_COMPANION_ABSENT;
    self->fails = true;
    away = define_pool(self, UNTAGGED);
    g_assert_cmpstr(away, ==, "!no");
    self->fails = false;
    no_pf = define_pool(self, "{\"name\": \"net-x\", \"pfs\": [\"eth9\"], \"hybrid\": true}");
    g_assert_cmpstr(no_pf, ==, "!eth9 is no PF with a netdev on this host: see \"ferry pf list\"");
    world_define(self->world, "{\"name\": \"other\", \"pfs\": [\"eth3\"]}");
    shared = define_pool(self, UNTAGGED);
    g_assert_nonnull(shared);
    g_assert_cmpint(self->is, ==, FERRY_COMPANION_ABSENT);
    g_assert_false(has_pool(self));
}

/* A second definition of that name leaves the first one's network as it is. */
static void
test_twice(void)
{
    g_autoptr(Fixture) self = fixture_new();
    g_autofree char *first = define_pool(self, UNTAGGED);
    g_autofree char *xml = g_strdup(self->xml);
    g_autofree char *second =
        define_pool(self, "{\"name\": \"net-x\", \"pfs\": [\"eth3\"], \"hybrid\": true}");

    g_assert_cmpstr(first, ==, NULL);
    g_assert_cmpstr(second, ==, "!there is a pool net-x already: see \"ferry pool show net-x\"");
    g_assert_cmpstr(self->xml, ==, xml);
    g_assert_cmpint(self->is, ==, FERRY_COMPANION_OURS);
}

/* Claims keep the pool, and so its network. */
static void
test_in_use(void)
{
    g_autoptr(Fixture) self = fixture_new();
    g_autofree char *said = define_pool(self, UNTAGGED);
    const FerryNeed need = NEED_VF("web", "net-x");
    g_autoptr(FerryClaimRow) claim = world_claim(self->world, &need);
    json_t *reasons = NULL;

    g_assert_cmpstr(said, ==, NULL);
    g_assert_nonnull(claim);
    g_assert_true(ferry_companion_undefine(&self->host, "net-x", &reasons, NULL));
    g_assert_nonnull(reasons);
    json_decref(reasons);
    g_assert_cmpint(self->is, ==, FERRY_COMPANION_OURS);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/companion/life", test_life);
    g_test_add_func("/companion/vlan", test_vlan);
    g_test_add_func("/companion/plain-pool", test_plain_pool);
    g_test_add_func("/companion/failures", test_failures);
    g_test_add_func("/companion/twice", test_twice);
    g_test_add_func("/companion/in-use", test_in_use);
    return g_test_run();
}
