#include "pool/choose.h"

/* A view by hand: each member "NAME FREE/TOTAL", with "!" before it where there is no link. */
static FerryPoolView *
view_of(FerryPolicy policy, const char *const *members)
{
    FerryPoolView *view = g_new0(FerryPoolView, 1);

    view->pool = ferry_pool_new("x", FERRY_POOL_VF);
    view->pool->policy = policy;
    view->members = g_ptr_array_new();
    for (size_t i = 0; members[i] != NULL; i++) {
        g_auto(GStrv) parts = g_strsplit_set(members[i], " /", 3);
        FerryMember *member = g_new0(FerryMember, 1);
        const unsigned n_free = (unsigned)g_ascii_strtoull(parts[1], NULL, 10);

        member->without_link = parts[0][0] == '!';
        member->netdev = g_strdup(parts[0] + member->without_link);
        member->name = g_strconcat("n-", member->netdev, NULL);
        member->device = g_strconcat("d-", member->netdev, NULL);
        member->total = (unsigned)g_ascii_strtoull(parts[2], NULL, 10);
        member->used = member->total - n_free;
        member->slots = g_ptr_array_new();
        for (unsigned n = 0; n < member->total; n++) {
            FerrySlot *slot = g_new0(FerrySlot, 1);

            slot->id = g_strdup_printf("%s/vf%u", member->netdev, n);
            slot->state = n < member->used ? FERRY_SLOT_FOREIGN : FERRY_SLOT_FREE;
            g_ptr_array_add(member->slots, slot);
        }
        g_ptr_array_add(view->members, member);
    }
    return view;
}

static void
view_free(FerryPoolView *view)
{
    for (guint i = 0; i < view->members->len; i++) {
        FerryMember *member = g_ptr_array_index(view->members, i);

        for (guint n = 0; n < member->slots->len; n++) {
            FerrySlot *slot = g_ptr_array_index(member->slots, n);

            g_free(slot->id);
            g_free(slot);
        }
        g_ptr_array_unref(member->slots);
        g_clear_pointer(&member->types, g_ptr_array_unref);
        g_free(member->name);
        g_free(member->device);
        g_free(member->netdev);
        g_free(member);
    }
    g_ptr_array_unref(view->members);
    ferry_pool_free(view->pool);
    g_free(view);
}

static void
test_vf(void)
{
    static const struct {
        const char *name;
        const char *members[4];
        FerryPolicy pool, need;
        const char *pf, *slot;
    } rows[] = {
        { "first", { "a 1/7", "b 7/7" }, FERRY_POLICY_FIRST, 0, NULL, "a/vf6" },
        { "first, the next", { "a 0/7", "b 7/7" }, FERRY_POLICY_FIRST, 0, NULL, "b/vf0" },
        { "pack", { "a 3/7", "b 2/7", "c 2/7" }, FERRY_POLICY_PACK, 0, NULL, "b/vf5" },
        { "pack, not an empty one", { "a 3/7", "b 0/7" }, FERRY_POLICY_PACK, 0, NULL, "a/vf4" },
        { "spread", { "a 3/7", "b 4/7", "c 4/7" }, FERRY_POLICY_SPREAD, 0, NULL, "b/vf3" },
        { "the need's policy",
          { "a 3/7", "b 4/7" },
          FERRY_POLICY_FIRST,
          FERRY_POLICY_SPREAD,
          NULL,
          "b/vf3" },
        { "link before order", { "!a 7/7", "b 1/7" }, FERRY_POLICY_FIRST, 0, NULL, "b/vf6" },
        { "link before packing", { "!a 1/7", "b 7/7" }, FERRY_POLICY_PACK, 0, NULL, "b/vf0" },
        { "link before spreading", { "!a 7/7", "b 1/7" }, FERRY_POLICY_SPREAD, 0, NULL, "b/vf6" },
        { "later without link", { "a 1/7", "!b 7/7" }, FERRY_POLICY_SPREAD, 0, NULL, "a/vf6" },
        { "no link is better than none",
          { "!a 1/7", "b 0/7" },
          FERRY_POLICY_FIRST,
          0,
          NULL,
          "a/vf6" },
        { "spread without link", { "!a 1/7", "!b 2/7" }, FERRY_POLICY_SPREAD, 0, NULL, "b/vf5" },
        { "a PF's netdev", { "a 7/7", "b 7/7" }, FERRY_POLICY_FIRST, 0, "b", "b/vf0" },
        { "a PF's address", { "a 7/7", "b 7/7" }, FERRY_POLICY_FIRST, 0, "d-b", "b/vf0" },
        { "a PF's name", { "a 7/7", "b 7/7" }, FERRY_POLICY_FIRST, 0, "n-b", "b/vf0" },
        { "a PF that is full", { "a 7/7", "b 0/7" }, FERRY_POLICY_FIRST, 0, "b", NULL },
        { "another PF", { "a 7/7" }, FERRY_POLICY_FIRST, 0, "c", NULL },
        { "nothing free", { "a 0/7", "b 0/7" }, FERRY_POLICY_SPREAD, 0, NULL, NULL },
        { "no VFs at all", { "a 0/0" }, FERRY_POLICY_FIRST, 0, NULL, NULL },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        FerryPoolView *view = view_of(rows[i].pool, rows[i].members);
        const FerrySlot *slot = ferry_choose_vf(view, rows[i].need, rows[i].pf, NULL);

        g_test_message("%s", rows[i].name);
        g_assert_cmpstr(slot != NULL ? slot->id : NULL, ==, rows[i].slot);
        view_free(view);
    }
}

/* What did not work comes last. */
static void
test_avoid(void)
{
    static const struct {
        const char *name, *members[3], *pf, *avoid, *slot;
    } rows[] = {
        { "another one of its PF", { "a 2/7", "b 7/7" }, NULL, "a/vf5", "a/vf6" },
        { "its PF has no other", { "a 1/7", "b 7/7" }, NULL, "a/vf6", "b/vf0" },
        { "nobody has another", { "a 1/7" }, NULL, "a/vf6", "a/vf6" },
        { "only of that PF", { "a 1/7", "b 7/7" }, "a", "a/vf6", "a/vf6" },
        { "not free anyway", { "a 1/7" }, NULL, "a/vf0", "a/vf6" },
        { "none at all", { "a 0/7" }, NULL, "a/vf0", NULL },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        FerryPoolView *view = view_of(FERRY_POLICY_FIRST, rows[i].members);
        g_autoptr(GPtrArray) avoid = g_ptr_array_new();
        const FerrySlot *slot = NULL;

        g_ptr_array_add(avoid, (gpointer)rows[i].avoid);
        slot = ferry_choose_vf(view, FERRY_POLICY_OF_POOL, rows[i].pf, avoid);
        g_test_message("%s", rows[i].name);
        g_assert_cmpstr(slot != NULL ? slot->id : NULL, ==, rows[i].slot);
        view_free(view);
    }
}

static void
test_parent(void)
{
    static const struct {
        const char *name;
        uint32_t left[3];
        FerryPolicy policy;
        const char *tried, *parent;
    } rows[] = {
        { "first", { 1, 5, 5 }, FERRY_POLICY_FIRST, NULL, "d-a" },
        { "first that has some", { 0, 5, 5 }, FERRY_POLICY_FIRST, NULL, "d-b" },
        { "pack", { 3, 2, 2 }, FERRY_POLICY_PACK, NULL, "d-b" },
        { "spread", { 3, 4, 4 }, FERRY_POLICY_SPREAD, NULL, "d-b" },
        { "not the one that was tried", { 3, 4, 4 }, FERRY_POLICY_SPREAD, "d-b", "d-c" },
        { "none", { 0, 0, 0 }, FERRY_POLICY_FIRST, NULL, NULL },
        { "only the tried one", { 0, 4, 0 }, FERRY_POLICY_FIRST, "d-b", NULL },
    };
    static const char *const members[] = { "a 0/0", "b 0/0", "c 0/0", NULL };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        FerryPoolView *view = view_of(FERRY_POLICY_FIRST, members);
        g_autoptr(GPtrArray) tried = g_ptr_array_new();
        FerrySlotType types[3] = { 0 };
        const FerryMember *parent = NULL;

        for (guint n = 0; n < 3; n++) {
            FerryMember *member = g_ptr_array_index(view->members, n);

            types[n] = (FerrySlotType){ .id = (char *)"t-1", .available = rows[i].left[n] };
            member->types = g_ptr_array_new();
            g_ptr_array_add(member->types, &types[n]);
        }
        if (rows[i].tried != NULL)
            g_ptr_array_add(tried, (gpointer)rows[i].tried);
        parent = ferry_choose_parent(view, rows[i].policy, "t-1", tried);
        g_test_message("%s", rows[i].name);
        g_assert_cmpstr(parent != NULL ? parent->device : NULL, ==, rows[i].parent);
        g_assert_null(ferry_choose_parent(view, rows[i].policy, "t-2", NULL));
        view_free(view);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/choose/vf", test_vf);
    g_test_add_func("/choose/avoid", test_avoid);
    g_test_add_func("/choose/parent", test_parent);
    return g_test_run();
}
