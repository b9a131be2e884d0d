#pragma once

#include <stdbool.h>

#include <glib.h>

#include "host/facts.h"

/**
 * A synthetic sysfs in a temporary folder, and a kernel for it: writes to create, remove and
 * sriov_numvfs do to the tree what the kernel does, with its errors.
 */
typedef struct {
    char *path; /* of the root */
    int root;   /* its descriptor */
    unsigned n_groups;
    unsigned ports;    /* all that every mtty-like parent has; types take 1, 2, … of them */
    int write_errno;   /* the next write fails with this, when it is not 0 */
    unsigned n_writes; /* that were asked for */
    char *last_write;  /* "path=text" of the last one */
} Tree;

Tree *tree_new(void);
void tree_free(Tree *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tree, tree_free)

/** Writes a file, with the folders above it; a link, likewise; paths are below the root. */
void tree_file(Tree *self, const char *path, const char *text);
void tree_link(Tree *self, const char *path, const char *target);
void tree_remove(Tree *self, const char *path);

/** A PF at "0000:BB:00.F" with @n_vfs VFs on "0000:BB:10+…"; @netdev and @driver may be NULL. */
void tree_pf(Tree *self,
             const char *address,
             const char *netdev,
             const char *driver,
             unsigned total,
             unsigned n_vfs);

/** Binds a device to a driver (NULL: none); vfio drivers get it a cdev. */
void tree_bind(Tree *self, const char *address, const char *driver);

/** A parent of class mdev_bus: @folder is below sys/devices, @bus NULL for a virtual one.  Types
 * are "NAME" with "PREFIX-1" of one port, "PREFIX-2" of two and so on, @n_types of them. */
void
tree_parent(Tree *self, const char *folder, const char *bus, const char *prefix, unsigned n_types);

/** An mdev that is there, as if its type's create had been written to; takes its ports. */
int tree_mdev(Tree *self, const char *parent_folder, const char *type, const char *uuid);

/** FerryHostOps.write for this tree. */
int tree_write(void *data, const char *path, const char *text);

/** Of netdevs whose drivers tell nothing: there is no driver in a tree. */
const FerryDriverOps *tree_drivers(void);
