#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/** The largest magnitude of any number in a description: numerator, denominator, version part. */
#define FERRY_NUMBER_MAX 2147483647

/**
 * An exact quantity, always reduced and with a positive denominator: 2/4 is held as 1/2, so equal
 * quantities are equal field by field.  No floating point: an aggregator of 1/2 that became 0
 * loses a guest.
 */
typedef struct {
    int32_t num;
    int32_t den;
} FerryFraction;

/**
 * Makes p/q, reduced.
 *
 * Returns: false, @ret untouched, when @q is not positive, or when a number is beyond
 *          FERRY_NUMBER_MAX before or after reduction
 */
bool ferry_fraction_make(int64_t p, int64_t q, FerryFraction *ret);

/** Reads a whole number: "0", or digits without a leading zero, with "-" before them or not. */
bool ferry_integer_parse(const char *text, size_t size, int64_t *ret);

/** Whether @text has the form of ferry_integer_parse(), however large the number is. */
bool ferry_integer_has_form(const char *text, size_t size);

/** Reads "p" or "p/q" with q of at least 1 and no leading zeros; @ret is untouched on failure. */
bool ferry_fraction_parse(const char *text, FerryFraction *ret);

/** Whether @text is "p" or "p/q" by its form, however large its numbers are. */
bool ferry_fraction_has_form(const char *text);

/** Returns: (transfer full): "2" or "1/2" */
char *ferry_fraction_format(FerryFraction value);

/** Returns: below, equal to or above 0, as strcmp() does */
int ferry_fraction_compare(FerryFraction a, FerryFraction b);
