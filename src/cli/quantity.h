#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/**
 * Sizes and times as people write and read them.  Inside the program and in JSON they are plain
 * bytes and milliseconds.
 */

/**
 * Reads a size with its unit: "100M" (powers of 1000: K M G T), "100Mi" (powers of 1024: Ki Mi
 * Gi Ti), "512B".  A number alone is refused, as virsh takes it for MiB and others for bytes.
 *
 * Returns: false with FERRY_ERROR_INVALID; zero and fractions are refused too
 */
bool ferry_quantity_parse_bytes(const char *text, uint64_t *ret_bytes, GError **error);

/**
 * Reads a time: "300ms", "15s", "5m", "2h"; a number alone has the unit @plain_unit.
 *
 * @plain_unit: "ms" or "s"
 *
 * Returns: false with FERRY_ERROR_INVALID; zero, fractions and more than a day are refused too
 */
bool ferry_quantity_parse_time(const char *text,
                               const char *plain_unit,
                               uint64_t *ret_ms,
                               GError **error);

/**
 * Reads how long a command is to wait: as ferry_quantity_parse_time(), a number alone being
 * seconds, but from 0, which is not to wait, to an hour.
 *
 * Returns: false with FERRY_ERROR_INVALID
 */
bool ferry_quantity_parse_wait(const char *text, uint64_t *ret_ms, GError **error);

/** Returns: (transfer full): "512 B", "256.0 MiB" */
char *ferry_quantity_format_bytes(uint64_t bytes);

/** Returns: (transfer full): "37 ms", "2.4 s", "3 min 05 s", "2 h 10 min" */
char *ferry_quantity_format_time(uint64_t ms);
