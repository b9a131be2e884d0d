#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "base/error.h"
#include "world.h"

/* P6 and S5: what one tenant set on a VF is neither the host's nor the next tenant's. */

#define NET_X "{\"name\": \"net-x\", \"pfs\": [\"eth3\", \"eth4\"]}"

static const FerryVfSettings tenants = { .known = FERRY_VF_ALL,
                                         .mac = { 0x52, 0x54, 0, 0, 0x0a, 1 },
                                         .vlan = 100,
                                         .vlan_priority = 3,
                                         .vlan_protocol = 0x88a8,
                                         .trust = true,
                                         .link_state = 1,
                                         .max_rate_mbps = 100 };

/* A VF that is claimed, prepared and changed by its guest. */
typedef struct {
    World *world;
    FerryClaimRow *claim;
    FerryVfSettings before;
} Tenancy;

static void
begin(Tenancy *self)
{
    const FerryNeed need = NEED_VF("web", "net-x");

    self->world = world_new_two_ports();
    world_define(self->world, NET_X);
    world_card(self->world, "eth3", 0)->max_rate_mbps = 7; /* the administrator's */
    self->before = *world_card(self->world, "eth3", 0);
    self->claim = world_claim(self->world, &need);
    world_prepare(self->world, self->claim->generation);
    *world_card(self->world, "eth3", 0) = tenants;
}

static void
end(Tenancy *self)
{
    ferry_claim_row_free(self->claim);
    world_free(self->world);
}

static FerryVfFields
differs(const Tenancy *self)
{
    return ferry_vf_compare(world_card(self->world, "eth3", 0), &self->before);
}

static void
test_put_back(void)
{
    Tenancy tenancy;

    begin(&tenancy);
    world_release(tenancy.world, tenancy.claim->generation);
    g_assert_cmpint(differs(&tenancy), ==, 0);
    g_assert_cmpuint(tenancy.world->n_resets, ==, 1);
    g_assert_cmpstr(tenancy.world->tree->last_write, ==,
                    "sys/bus/pci/devices/0000:03:10.0/reset=1");
    end(&tenancy);
}

static void
test_put_back_after_restart(void)
{
    Tenancy tenancy;

    begin(&tenancy);
    world_reopen(tenancy.world);
    world_release(tenancy.world, tenancy.claim->generation);
    g_assert_cmpint(differs(&tenancy), ==, 0);
    end(&tenancy);
}

/* What is set at a second try is the guest's by now: the first one counts. */
static void
test_saved_once(void)
{
    Tenancy tenancy;

    begin(&tenancy);
    world_prepare(tenancy.world, tenancy.claim->generation);
    world_release(tenancy.world, tenancy.claim->generation);
    g_assert_cmpint(differs(&tenancy), ==, 0);
    end(&tenancy);
}

static void
test_not_prepared_is_not_touched(void)
{
    g_autoptr(World) world = world_new_two_ports();
    const FerryNeed need = NEED_VF("web", "net-x");
    g_autoptr(FerryClaimRow) claim = NULL;

    world_define(world, NET_X);
    claim = world_claim(world, &need);
    world_release(world, claim->generation);
    g_assert_cmpuint(world->n_sets, ==, 0);
    g_assert_cmpuint(world->n_resets, ==, 0);
}

/* libvirt puts back MAC and VLAN itself, from its own file, and resets: not twice. */
static void
test_libvirts_part(void)
{
    Tenancy tenancy;

    begin(&tenancy);
    tree_file(tenancy.world->tree, "run/libvirt/hostdevmgr/eth3_vf0", "{}");
    world_release(tenancy.world, tenancy.claim->generation);
    g_assert_cmpint(differs(&tenancy), ==, FERRY_VF_MAC | FERRY_VF_VLAN);
    g_assert_cmpuint(tenancy.world->n_resets, ==, 0);
    end(&tenancy);
}

/* A3: a guest has let go of it, and QEMU still has it open. */
static void
test_still_open(void)
{
    Tenancy tenancy;
    g_autoptr(GError) error = NULL;

    begin(&tenancy);
    world_open(tenancy.world, 47, "web", "0000:03:10.0");
    g_assert_false(
        ferry_pools_release(tenancy.world->pools, tenancy.claim->generation, 1000, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_BUSY);
    g_assert_cmpstr(error->message, ==,
                    "cannot give 0000:03:00.0/vf0 (0000:03:10.0) back: process 47 "
                    "(qemu-system-x86, guest web) has it open. Stop it, or detach the device there "
                    "first.");
    g_assert_cmpint(differs(&tenancy), !=, 0);
    world_close(tenancy.world, 47);
    world_release(tenancy.world, tenancy.claim->generation);
    g_assert_cmpint(differs(&tenancy), ==, 0);
    end(&tenancy);
}

static int
fail_settings(void *data, const char *path, const char *text)
{
    const int *code = data;

    (void)path;
    return strcmp(text, "vf") == 0 ? *code : 0;
}

/* Such a driver has no way back to "none was set": nobody's MAC it is, again and again. */
static void
test_driver_refuses_no_mac(void)
{
    static const uint8_t nobodys[6] = { 0x02 };
    Tenancy tenancy;

    begin(&tenancy);
    tenancy.world->refuses_no_mac = true;
    world_release(tenancy.world, tenancy.claim->generation);
    g_assert_cmpint(differs(&tenancy), ==, FERRY_VF_MAC);
    g_assert_cmpmem(world_card(tenancy.world, "eth3", 0)->mac, 6, nobodys, 6);
    end(&tenancy);
}

static void
test_driver_refuses_settings(void)
{
    Tenancy tenancy;
    g_autoptr(GError) error = NULL;
    int code = EINVAL;

    begin(&tenancy);
    tenancy.world->before_write = fail_settings;
    tenancy.world->before_write_data = &code;
    g_assert_false(
        ferry_pools_release(tenancy.world->pools, tenancy.claim->generation, 1000, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_cmpstr(error->message, ==, "cannot set the VLAN of VF 0 of eth3: Invalid argument");
    tenancy.world->before_write = NULL;
    world_release(tenancy.world, tenancy.claim->generation);
    end(&tenancy);
}

static int
fail_reset(void *data, const char *path, const char *text)
{
    const int *code = data;

    (void)text;
    return g_str_has_suffix(path, "/reset") ? *code : 0;
}

/* A function that cannot be reset at all is one thing, one that fails to is another. */
static void
test_reset_fails(void)
{
    static const struct {
        int code;
        bool fails;
    } rows[] = { { ENOENT, false }, { ENOTTY, false }, { EOPNOTSUPP, false }, { EIO, true } };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Tenancy tenancy;
        int code = rows[i].code;
        g_autoptr(GError) error = NULL;

        begin(&tenancy);
        tenancy.world->before_write = fail_reset;
        tenancy.world->before_write_data = &code;
        g_assert_cmpint(
            ferry_pools_release(tenancy.world->pools, tenancy.claim->generation, 1000, &error), ==,
            !rows[i].fails);
        g_assert_cmpint(differs(&tenancy) != 0, ==, rows[i].fails);
        if (rows[i].fails)
            g_assert_cmpstr(error->message, ==, "cannot reset VF 0000:03:10.0: Input/output error");
        tenancy.world->before_write = NULL;
        world_release(tenancy.world, tenancy.claim->generation);
        end(&tenancy);
    }
}

/* A PF that is gone has nothing to put back: the claim goes all the same. */
static void
test_vf_is_gone(void)
{
    Tenancy tenancy;
    g_autoptr(GPtrArray) claims = NULL;

    begin(&tenancy);
    tree_pf(tenancy.world->tree, "0000:03:00.0", "eth3", "igb", 7, 0);
    world_release(tenancy.world, tenancy.claim->generation);
    g_assert_true(ferry_pools_claims(tenancy.world->pools, NULL, &claims, NULL));
    g_assert_cmpuint(claims->len, ==, 0);
    end(&tenancy);
}

static void
test_prepare_a_vf_that_is_gone(void)
{
    g_autoptr(World) world = world_new_two_ports();
    const FerryNeed need = NEED_VF("web", "net-x");
    g_autoptr(FerryClaimRow) claim = NULL;
    json_t *reasons = NULL;
    g_autoptr(GError) error = NULL;

    world_define(world, NET_X);
    claim = world_claim(world, &need);
    tree_pf(world->tree, "0000:03:00.0", "eth3", "igb", 7, 0);
    g_assert_false(ferry_pools_prepare(world->pools, claim->generation, &reasons, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpstr(error->message, ==,
                    "0000:03:00.0/vf0 is not there any more: its PF has fewer VFs now, or is gone");
}

/* Without a netdev nobody can set anything; the function is reset all the same. */
static void
test_pf_without_netdev(void)
{
    g_autoptr(World) world = world_new();
    const FerryNeed need = NEED_VF("web", "accel");
    g_autoptr(FerryClaimRow) claim = NULL;

    tree_pf(world->tree, "0000:05:00.0", NULL, "qat", 2, 2);
    tree_file(world->tree, "sys/bus/pci/devices/0000:05:10.0/reset", "");
    world_define(world, "{\"name\": \"accel\", \"pfs\": [\"0000:05:00.0\"]}");
    claim = world_claim(world, &need);
    world_prepare(world, claim->generation);
    world_release(world, claim->generation);
    g_assert_cmpuint(world->n_sets, ==, 0);
    g_assert_cmpuint(world->n_resets, ==, 1);
}

static void
test_damaged_settings(void)
{
    Tenancy tenancy;
    g_autoptr(GError) error = NULL;

    begin(&tenancy);
    g_free(tenancy.claim->saved_settings);
    tenancy.claim->saved_settings = g_strdup("{\"vlan\":\"x\"}");
    g_assert_true(ferry_store_claim_update(tenancy.world->store, tenancy.claim, NULL));
    g_assert_false(
        ferry_pools_release(tenancy.world->pools, tenancy.claim->generation, 1000, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_CORRUPT);
    end(&tenancy);
}

#define N_RETURNED 7

/* Where each reset of a function passes. */
typedef struct {
    World *world;
    const FerryKernelOps *ops;
    unsigned inside; /* only who has the PF's turn may touch it */
} Gate;

static int
write_through_gate(void *data, const char *path, const char *text)
{
    Gate *self = data;
    int code = 0;

    if (!g_str_has_suffix(path, "/reset"))
        return self->ops->write(self->world, path, text);
    g_assert_cmpuint(self->inside++, ==, 0);
    (void)sched_yield();
    code = self->ops->write(self->world, path, text);
    self->inside--;
    return code;
}

typedef struct {
    World *world;
    int64_t generation;
} Return;

static void *
give_back(void *data)
{
    const Return *self = data;

    world_release(self->world, self->generation);
    return NULL;
}

/* A8: all VFs of a PF are returned at the same moment; its driver sees one reset after the other.
 * The thread sanitizer sees whether two are in it, too. */
static void
test_resets_take_turns(void)
{
    static const FerryKernelOps gated = { write_through_gate };
    World *world = world_new_two_ports();
    Gate gate = { world, world->kernel.ops, 0 };
    pthread_t threads[N_RETURNED];
    Return returns[N_RETURNED];

    world_define(world, NET_X);
    for (unsigned i = 0; i < N_RETURNED; i++) {
        g_autofree char *alias = g_strdup_printf("ua-net%u", i);
        FerryNeed need = NEED_VF("web", "net-x");
        g_autoptr(FerryClaimRow) claim = NULL;

        need.alias = alias;
        need.pf = "eth3";
        claim = world_claim(world, &need);
        world_prepare(world, claim->generation);
        returns[i] = (Return){ world, claim->generation };
    }
    world->kernel.ops = &gated;
    world->kernel.data = &gate;
    for (unsigned i = 0; i < N_RETURNED; i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, give_back, &returns[i]), ==, 0);
    for (unsigned i = 0; i < N_RETURNED; i++)
        g_assert_cmpint(pthread_join(threads[i], NULL), ==, 0);
    g_assert_cmpuint(world->n_resets, ==, N_RETURNED);
    world_free(world);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/settings/put-back", test_put_back);
    g_test_add_func("/settings/put-back-after-restart", test_put_back_after_restart);
    g_test_add_func("/settings/saved-once", test_saved_once);
    g_test_add_func("/settings/not-prepared-is-not-touched", test_not_prepared_is_not_touched);
    g_test_add_func("/settings/libvirts-part", test_libvirts_part);
    g_test_add_func("/settings/still-open", test_still_open);
    g_test_add_func("/settings/resets-take-turns", test_resets_take_turns);
    g_test_add_func("/settings/driver-refuses-no-mac", test_driver_refuses_no_mac);
    g_test_add_func("/settings/driver-refuses-settings", test_driver_refuses_settings);
    g_test_add_func("/settings/reset-fails", test_reset_fails);
    g_test_add_func("/settings/vf-is-gone", test_vf_is_gone);
    g_test_add_func("/settings/prepare-a-vf-that-is-gone", test_prepare_a_vf_that_is_gone);
    g_test_add_func("/settings/pf-without-netdev", test_pf_without_netdev);
    g_test_add_func("/settings/damaged-settings", test_damaged_settings);
    return g_test_run();
}
