#pragma once

#include <glib.h>

/**
 * The one way in which this layer changes the host: writes to the kernel's files, so that a test
 * can record them, fail them, or do in a synthetic tree what a kernel would do.
 */
typedef struct {
    /**
     * Writes @text to a file in one write(2).
     *
     * @path: below the root, "sys/bus/…"
     *
     * Returns: 0 or an errno.  It takes as long as the kernel's driver takes.
     */
    int (*write)(void *data, const char *path, const char *text);
} FerryKernelOps;

/** The kernel that a call is for: where it is read, and how it is changed.  A plain value. */
typedef struct {
    int root; /* descriptor of a folder with sys/ and proc/ in it */
    const FerryKernelOps *ops;
    void *data; /* for @ops */
} FerryKernel;

/** Returns: this machine's kernel below @root, which stays the caller's and must stay open */
FerryKernel ferry_kernel_real(const int *root);
