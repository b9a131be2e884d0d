#pragma once

#include <jansson.h>

#include <glib.h>

/**
 * Facts that no kernel tells, from vendors and administrators: /etc/ferry/facts.d/NAME.json, see
 * ferry-facts(5).  They complete what is read of a device; what the kernel says they cannot change,
 * and whether a device can migrate they cannot say.
 */
typedef struct _FerryFactsDir FerryFactsDir;

/**
 * Reads all files, in the order of their names.  One that is malformed counts for nothing, and is
 * among the problems.
 *
 * @root: descriptor of a folder with etc/ in it
 *
 * Returns: (transfer full): without any entry when there is no such folder
 */
FerryFactsDir *ferry_facts_dir_read(int root);
void ferry_facts_dir_free(FerryFactsDir *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryFactsDir, ferry_facts_dir_free)

/**
 * Adds to a device's facts what the entries that match it have and it has not.  The first entry
 * that has a fact counts.
 */
void ferry_facts_dir_complete(const FerryFactsDir *self, json_t *facts);

/** Returns: (transfer none): of char *: "/etc/ferry/facts.d/x.json:3: …", for people */
const GPtrArray *ferry_facts_dir_problems(const FerryFactsDir *self);
