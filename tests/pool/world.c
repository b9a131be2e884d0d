#include "world.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"

static int
write_kernel(void *data, const char *path, const char *text)
{
    World *self = data;
    int code = 0;

    (void)pthread_mutex_lock(&self->lock);
    if (self->before_write != NULL)
        code = self->before_write(self->before_write_data, path, text);
    if (code == 0)
        code = tree_write(self->tree, path, text);
    self->n_resets += code == 0 && g_str_has_suffix(path, "/reset");
    (void)pthread_mutex_unlock(&self->lock);
    return code;
}

static const FerryKernelOps kernel_ops = { write_kernel };

FerryVfSettings *
world_card(World *self, const char *netdev, unsigned index)
{
    g_autofree char *key = g_strdup_printf("%s/%u", netdev, index);
    FerryVfSettings *card = g_hash_table_lookup(self->cards, key);

    if (card != NULL)
        return card;
    card = g_new0(FerryVfSettings, 1);
    *card = (FerryVfSettings){
        .known = FERRY_VF_ALL, .spoof_check = true, .vlan_protocol = 0x8100, .rss_query = true
    };
    g_hash_table_insert(self->cards, g_steal_pointer(&key), card);
    return card;
}

static int
get_settings(void *data, const char *netdev, unsigned index, FerryVfSettings *ret)
{
    World *self = data;

    (void)pthread_mutex_lock(&self->lock);
    *ret = *world_card(self, netdev, index);
    (void)pthread_mutex_unlock(&self->lock);
    return 0;
}

static void
copy_field(FerryVfSettings *to, const FerryVfSettings *from, FerryVfFields field)
{
    if (field == FERRY_VF_MAC)
        memcpy(to->mac, from->mac, sizeof(to->mac));
    if (field == FERRY_VF_VLAN) {
        to->vlan = from->vlan;
        to->vlan_priority = from->vlan_priority;
        to->vlan_protocol = from->vlan_protocol;
    }
    if (field == FERRY_VF_SPOOF_CHECK)
        to->spoof_check = from->spoof_check;
    if (field == FERRY_VF_TRUST)
        to->trust = from->trust;
    if (field == FERRY_VF_LINK_STATE)
        to->link_state = from->link_state;
    if (field == FERRY_VF_RATE) {
        to->min_rate_mbps = from->min_rate_mbps;
        to->max_rate_mbps = from->max_rate_mbps;
    }
    if (field == FERRY_VF_RSS_QUERY)
        to->rss_query = from->rss_query;
}

static int
set_settings(void *data,
             const char *netdev,
             unsigned index,
             const FerryVfSettings *settings,
             FerryVfFields field)
{
    World *self = data;
    static const uint8_t no_mac[6] = { 0 };
    int code = 0;

    (void)pthread_mutex_lock(&self->lock);
    if (self->before_write != NULL)
        code = self->before_write(self->before_write_data, netdev, "vf");
    if (self->refuses_no_mac && field == FERRY_VF_MAC &&
        memcmp(settings->mac, no_mac, sizeof(no_mac)) == 0)
        code = EINVAL;
    if (code == 0) {
        copy_field(world_card(self, netdev, index), settings, field);
        self->n_sets++;
    }
    (void)pthread_mutex_unlock(&self->lock);
    return code;
}

static void
pause_for(void *data, unsigned ms)
{
    (void)data;
    (void)ms;
}

static const FerryVfOps vf_ops = { get_settings, set_settings, pause_for };

FerryInventory *
world_inventory(World *self)
{
    FerryInventory *inventory = NULL;
    g_autoptr(GError) error = NULL;

    ferry_inventory_read(self->tree->root, &inventory, &error);
    g_assert_no_error(error);
    return inventory;
}

FerryInventory *
world_look(void *data)
{
    return world_inventory(data);
}

static int64_t
fixed_wall(const FerryClock *clock)
{
    (void)clock;
    return 1234567890123456;
}

static char *
system_uuid(const FerryClock *clock)
{
    (void)clock;
    return ferry_clock_system()->uuid(ferry_clock_system());
}

static const FerryClock fixed_clock = { .wall_us = fixed_wall, .uuid = system_uuid };

void
world_close_store(World *self)
{
    g_clear_pointer(&self->pools, ferry_pools_free);
    g_clear_pointer(&self->store, ferry_store_close);
}

void
world_reopen(World *self)
{
    FerryPoolsConfig config = { .inventory = world_look,
                                .inventory_data = self,
                                .kernel = &self->kernel,
                                .vf_ops = &vf_ops,
                                .vf_data = self,
                                .clock = &fixed_clock };
    g_autoptr(GError) error = NULL;

    world_close_store(self);
    ferry_store_open(self->db, &self->store, &error);
    g_assert_no_error(error);
    config.store = self->store;
    self->pools = ferry_pools_new(&config);
}

World *
world_new(void)
{
    World *self = g_new0(World, 1);

    self->tree = tree_new();
    self->kernel = (FerryKernel){ self->tree->root, &kernel_ops, self };
    self->cards = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    (void)pthread_mutex_init(&self->lock, NULL);
    self->folder = g_dir_make_tmp("ferry-pool-XXXXXX", NULL);
    g_assert_nonnull(self->folder);
    self->db = g_build_filename(self->folder, "ferry.db", NULL);
    world_reopen(self);
    return self;
}

World *
world_new_two_ports(void)
{
    static const char *const pfs[][2] = { { "0000:03:00.0", "eth3" }, { "0000:03:00.1", "eth4" } };
    World *self = world_new();
    g_autoptr(FerryInventory) inventory = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(pfs); i++)
        tree_pf(self->tree, pfs[i][0], pfs[i][1], "igb", 7, 7);
    inventory = world_inventory(self);
    for (unsigned i = 0; i < ferry_inventory_n_devices(inventory); i++) {
        const FerryHostDevice *device = ferry_inventory_device(inventory, i);
        g_autofree char *path = g_strconcat("sys/bus/pci/devices/", device->name, "/reset", NULL);

        tree_file(self->tree, path, "");
    }
    return self;
}

void
world_free(World *self)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };

    ferry_pools_free(self->pools);
    ferry_store_close(self->store);
    for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *file = g_strconcat(self->db, suffixes[i], NULL);

        (void)g_unlink(file);
    }
    g_assert_cmpint(g_rmdir(self->folder), ==, 0);
    tree_free(self->tree);
    g_hash_table_unref(self->cards);
    (void)pthread_mutex_destroy(&self->lock);
    g_free(self->db);
    g_free(self->folder);
    g_free(self);
}

void
world_set_link(World *self, const char *pf, const char *netdev, const char *state)
{
    g_autofree char *path =
        g_strconcat("sys/bus/pci/devices/", pf, "/net/", netdev, "/operstate", NULL);

    tree_file(self->tree, path, state);
}

void
world_open(World *self, unsigned pid, const char *guest, const char *device)
{
    g_autoptr(FerryInventory) inventory = world_inventory(self);
    const FerryHostDevice *found = ferry_inventory_find(inventory, device);
    g_autofree char *comm = g_strdup_printf("proc/%u/comm", pid);
    g_autofree char *cmdline = g_strdup_printf("proc/%u/cmdline", pid);
    g_autofree char *fd = g_strdup_printf("proc/%u/fd/7", pid);
    g_autofree char *node = NULL;
    g_autofree char *words =
        g_strdup_printf("qemu%c-name%cguest=%s,debug-threads=on", '\n', '\n', guest);
    const gssize length = (gssize)strlen(words);
    g_autofree char *full = g_build_filename(self->tree->path, cmdline, NULL);

    g_assert_nonnull(found);
    node = g_strdup_printf("/dev/vfio/%d", found->iommu_group);
    tree_file(self->tree, comm, "qemu-system-x86");
    g_strdelimit(words, "\n", '\0'); /* as the kernel separates them */
    g_assert_true(g_file_set_contents(full, words, length, NULL));
    tree_link(self->tree, fd, node);
}

void
world_close(World *self, unsigned pid)
{
    g_autofree char *folder = g_strdup_printf("proc/%u", pid);

    tree_remove(self->tree, folder);
}

static FerryPool *
pool_of(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    FerryPool *pool = NULL;
    g_autoptr(GError) error = NULL;

    ferry_pool_from_json(json, &pool, &error);
    g_assert_no_error(error);
    json_decref(json);
    return pool;
}

char *
world_refused_define(World *self, const char *json)
{
    g_autoptr(FerryPool) pool = pool_of(json);
    json_t *reasons = NULL;
    const char *code = NULL;
    const char *message = NULL;
    char *text = NULL;
    g_autoptr(GError) error = NULL;

    ferry_pools_define(self->pools, pool, &reasons, &error);
    g_assert_no_error(error);
    if (reasons == NULL)
        return NULL;
    g_assert_cmpint(json_unpack(reasons, "[{s:s, s:s}]", "code", &code, "message", &message), ==,
                    0);
    text = g_strdup_printf("%s: %s", code, message);
    json_decref(reasons);
    return text;
}

void
world_define(World *self, const char *json)
{
    g_autofree char *refused = world_refused_define(self, json);

    g_assert_cmpstr(refused, ==, NULL);
}

FerryClaimRow *
world_claim(World *self, const FerryNeed *need)
{
    FerryClaimRow *claim = NULL;
    json_t *reasons = NULL;
    g_autoptr(GError) error = NULL;

    ferry_pools_claim(self->pools, need, &claim, &reasons, &error);
    g_assert_no_error(error);
    if (reasons != NULL)
        g_error("refused: %s", json_dumps(reasons, 0));
    g_assert_nonnull(claim);
    return claim;
}

json_t *
world_refused(World *self, const FerryNeed *need)
{
    FerryClaimRow *claim = NULL;
    json_t *reasons = NULL;
    json_t *reason = NULL;
    g_autoptr(GError) error = NULL;

    ferry_pools_claim(self->pools, need, &claim, &reasons, &error);
    g_assert_no_error(error);
    g_assert_null(claim);
    g_assert_cmpuint(json_array_size(reasons), ==, 1);
    reason = json_incref(json_array_get(reasons, 0));
    json_decref(reasons);
    return reason;
}

void
world_prepare(World *self, int64_t generation)
{
    json_t *reasons = NULL;
    g_autoptr(GError) error = NULL;

    ferry_pools_prepare(self->pools, generation, &reasons, &error);
    g_assert_no_error(error);
    g_assert_null(reasons);
}

void
world_release(World *self, int64_t generation)
{
    g_autoptr(GError) error = NULL;

    ferry_pools_release(self->pools, generation, 20000, &error);
    g_assert_no_error(error);
}

char *
world_view(World *self, const char *pool)
{
    g_autoptr(FerryPoolView) view = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    ferry_pools_view(self->pools, pool, &view, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < view->members->len; i++) {
        const FerryMember *member = g_ptr_array_index(view->members, i);

        g_string_append_printf(text, "%s%s %u/%u", i > 0 ? ", " : "", member->name, member->used,
                               member->total);
        for (guint n = 0; member->types != NULL && n < member->types->len; n++) {
            const FerrySlotType *type = g_ptr_array_index(member->types, n);

            g_string_append_printf(text, "%s%s %u", n > 0 ? " or " : ": ", type->id,
                                   type->available);
        }
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
list_into(GPtrArray *lines, const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);

    if (folder == NULL) /* no bus yet */
        return;
    for (const char *name = g_dir_read_name(folder); name != NULL; name = g_dir_read_name(folder)) {
        g_autofree char *one = g_build_filename(path, name, NULL);
        g_autofree char *target = g_file_read_link(one, NULL);
        g_autofree char *text = NULL;

        if (target != NULL)
            g_ptr_array_add(lines, g_strdup_printf("%s -> %s", one, target));
        else if (g_file_test(one, G_FILE_TEST_IS_DIR))
            list_into(lines, one);
        else if (g_file_get_contents(one, &text, NULL, NULL))
            g_ptr_array_add(lines, g_strdup_printf("%s: %s", one, g_strstrip(text)));
    }
}

static int
compare_lines(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *
world_listing(World *self)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *devices = g_build_filename(self->tree->path, "sys", "devices", NULL);
    g_autofree char *buses = g_build_filename(self->tree->path, "sys", "bus", NULL);

    list_into(lines, devices);
    list_into(lines, buses);
    g_ptr_array_sort(lines, compare_lines);
    g_ptr_array_add(lines, NULL);
    return g_strjoinv("\n", (char **)lines->pdata);
}
