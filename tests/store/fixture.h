#pragma once

#include <glib.h>
#include <glib/gstdio.h>

#include "store/store.h"

/** A store in a folder of its own, for g_test_add. */
typedef struct {
    char *folder;
    char *path;
    FerryStore *store;
} StoreFixture;

static inline void
store_fixture_set_up(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    (void)data;
    fixture->folder = g_dir_make_tmp("ferry-store-XXXXXX", NULL);
    g_assert_nonnull(fixture->folder);
    fixture->path = g_build_filename(fixture->folder, "ferry.db", NULL);
    ferry_store_open(fixture->path, &fixture->store, &error);
    g_assert_no_error(error);
}

static inline void
store_fixture_close(StoreFixture *fixture)
{
    g_clear_pointer(&fixture->store, ferry_store_close);
}

static inline void
store_fixture_reopen(StoreFixture *fixture)
{
    g_autoptr(GError) error = NULL;

    store_fixture_close(fixture);
    ferry_store_open(fixture->path, &fixture->store, &error);
    g_assert_no_error(error);
}

static inline void
store_fixture_tear_down(StoreFixture *fixture, gconstpointer data)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };

    (void)data;
    store_fixture_close(fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *file = g_strconcat(fixture->path, suffixes[i], NULL);

        (void)g_unlink(file); /* the last two are there only after a crash */
    }
    g_assert_cmpint(g_rmdir(fixture->folder), ==, 0); /* fails if anything else was left */
    g_free(fixture->path);
    g_free(fixture->folder);
}

#define STORE_TEST(name, func)                                                                     \
    g_test_add(name, StoreFixture, NULL, store_fixture_set_up, func, store_fixture_tear_down)
