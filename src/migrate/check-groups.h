#pragma once

#include <jansson.h>

/**
 * The answers of many hosts, grouped by what they come to: a pure function.
 *
 * @answers: an array of what ferry_migrator_check() says of one host: {target, verdict, reasons,
 *           devices}; a verdict "unreachable" is a host that did not answer
 *
 * Returns: (transfer full): an array of {verdict, label, n_hosts, hosts[]}, the best verdict first
 *          and within one the largest group; @label is "" for a yes, else the codes of the reasons,
 *          and of a device that does not fit what differs and the host's value: "incompatible
 *          (driver_version \"550.163\")"
 */
json_t *ferry_check_groups(const json_t *answers);

/** Returns: (transfer none): the best verdict of the groups; "no" when there are none */
const char *ferry_check_groups_best(const json_t *groups);

/** Returns: (transfer none): "yes", "unknown" (which accept_unknown turns into a yes, so nothing
 * else may speak against it) or "no" */
const char *ferry_check_verdict(const json_t *reasons);
