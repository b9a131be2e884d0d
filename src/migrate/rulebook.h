#pragma once

#include <stdbool.h>

#include <glib.h>

#include "compat/rules.h"

/** The system's compatibility rules, read once and again when a file changed.  One thread at a
 * time, and so are the rules that it hands out. */
typedef struct _FerryRulebook FerryRulebook;

/** @root: "" for the machine's own directories; copied */
FerryRulebook *ferry_rulebook_new(const char *root);
void ferry_rulebook_free(FerryRulebook *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryRulebook, ferry_rulebook_free)

/**
 * @ret: (out) (transfer none): the rules as they are on the disk now; until the next call
 *
 * Returns: false as ferry_rule_dir_read_system()
 */
bool ferry_rulebook_rules(FerryRulebook *self, const FerryRules **ret, GError **error);
