#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/** The largest number a field may hold: that of every integer in ferry-compat(1), LIMITS. */
#define FERRY_VERSION_FIELD_MAX 2147483647

/**
 * The migration version a device's driver reports: <major>.<minor>[.<bugfix>].
 *
 * The rule is the one proposed on libvir-list in July 2020, thread "device compatibility
 * interface for live migration with assigned devices":
 *
 *   major   a step that takes something away, so a guest cannot cross it in either direction
 *   minor   a step that only adds, so a guest can move up but not down
 *   bugfix  invisible to the guest: never a reason to refuse, only to prefer one target
 *
 * "1.0" and "1.0.0" rank alike but are not the same text: a list entry "1.0" means any bugfix,
 * "1.0.0" only that one.  So the value keeps which of the two was written.
 *
 * A value type: numbers and a flag, copied freely, nothing to free, safe in any thread.
 */
typedef struct {
    uint32_t major;
    uint32_t minor;
    uint32_t bugfix; /* 0 when it was left out */
    bool has_bugfix; /* it was written, be it as 0 */
} FerryVersion;

/** May a guest move from one version to another?  "No" is an answer, not an error. */
typedef enum {
    FERRY_VERSION_COMPATIBLE,
    FERRY_VERSION_MAJOR_DIFFERS,
    FERRY_VERSION_TARGET_OLDER,
    FERRY_VERSION_N_VERDICTS
} FerryVersionVerdict;

/**
 * Reads a version.  Strict on purpose: "1.05" may mean five or a twentieth, and a wrong guess
 * loses a guest, so leading zeros are refused along with signs, blanks and extra fields.
 *
 * @text: the driver's string, already stripped of its newline
 * @ret: (out): set on success, untouched on failure
 *
 * Returns: false with FERRY_ERROR_INVALID when @text is not a version
 */
bool ferry_version_parse(const char *text, FerryVersion *ret, GError **error);

/** Returns: (transfer full): "major.minor", with ".bugfix" when that was written */
char *ferry_version_format(const FerryVersion *version);

/**
 * Orders versions by major, then minor, then bugfix; a missing bugfix ranks as 0.  For ranking
 * targets that are already known to be compatible; it says nothing about whether a guest may
 * move, and 0 does not mean that both were written alike.
 *
 * Returns: below, equal to or above 0, as strcmp() does
 */
int ferry_version_compare(const FerryVersion *a, const FerryVersion *b);

/** Returns: whether a guest running on @source may move to @target, and if not, why */
FerryVersionVerdict ferry_version_check(const FerryVersion *source, const FerryVersion *target);

/**
 * One verdict in words, for the plan's table: "the target's minor version is older".
 *
 * Returns: (transfer none): a static string, never NULL
 */
const char *ferry_version_verdict_text(FerryVersionVerdict verdict);
