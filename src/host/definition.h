#pragma once

#include <stdbool.h>

#include <glib.h>

/** One vendor attribute of a definition; order counts, names may repeat. */
typedef struct {
    char *name;
    char *value;
} FerryDefinitionAttr;

/**
 * A mediated device that mdevctl keeps (and libvirt, which uses mdevctl):
 * /etc/mdevctl.d/PARENT/UUID. ferry reads and shows these, and writes none.
 */
typedef struct {
    char *parent;
    char *uuid;       /* lower case */
    char *type;       /* (nullable) NULL when it has a @problem */
    bool autostart;   /* made when its parent appears */
    GPtrArray *attrs; /* of FerryDefinitionAttr */
    char *problem;    /* (nullable) why mdevctl would not read it either */
} FerryDefinition;

/**
 * Reads the text of one definition as mdevctl does: mdev_type and start must be there, each
 * attribute is an object with one member, a string; other keys are ignored.
 *
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_INVALID, naming line or key
 */
bool ferry_definition_parse(const char *parent,
                            const char *uuid,
                            const char *json,
                            FerryDefinition **ret,
                            GError **error);

/**
 * All definitions.  One that cannot be read is in it with its problem: it must not hide the others.
 * Files whose names are no UUIDs, and the folder scripts.d, are none.
 *
 * @root: descriptor of a folder with etc/ in it
 *
 * Returns: (transfer full): of FerryDefinition, sorted by parent, then UUID; empty without mdevctl
 */
GPtrArray *ferry_definition_read_all(int root);

void ferry_definition_free(FerryDefinition *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryDefinition, ferry_definition_free)
