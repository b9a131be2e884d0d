#pragma once

#include <stddef.h>
#include <stdint.h>

/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4): by carry-less products of 256 bits and the
 * processor's own instruction side by side, else by the instruction on three streams at a time,
 * else by a table, whatever the processor has.  bench-vfio measures it.
 *
 * @crc: 0 for a new sum, or the sum so far
 *
 * Returns: the sum including @size bytes at @data
 */
uint32_t ferry_crc32c(uint32_t crc, const void *data, size_t size);

/** The same by the processor's instruction at the most. */
uint32_t ferry_crc32c_streams(uint32_t crc, const void *data, size_t size);

/** The same without the processor's help: for tests to compare with. */
uint32_t ferry_crc32c_portable(uint32_t crc, const void *data, size_t size);
