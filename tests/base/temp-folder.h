/* Folders of g_dir_make_tmp() that a test filled. */
#pragma once

#include <ftw.h>
#include <stdio.h>

#include <glib.h>

static inline int
temp_folder_remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

/* Removes it with all that is in it. */
static inline void
temp_folder_remove(const char *path)
{
    g_assert_cmpint(nftw(path, temp_folder_remove_one, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
}
