#include "cli/quantity.h"

#include <string.h>

#include "base/error.h"

/* Larger than any guest or patience, and far from every overflow. */
#define QUANTITY_MAX (UINT64_C(1) << 60)
/* What ferryd takes at most. */
#define TIME_MAX_MS (UINT64_C(24) * 60 * 60 * 1000)
#define WAIT_MAX_MS (UINT64_C(60) * 60 * 1000)

typedef struct {
    const char *suffix;
    uint64_t factor;
} Unit;

/* clang-format off */
static const Unit sizes[] = {
    { "B",  1 },
    { "K",  UINT64_C(1000) },          { "Ki", UINT64_C(1) << 10 },
    { "M",  UINT64_C(1000000) },       { "Mi", UINT64_C(1) << 20 },
    { "G",  UINT64_C(1000000000) },    { "Gi", UINT64_C(1) << 30 },
    { "T",  UINT64_C(1000000000000) }, { "Ti", UINT64_C(1) << 40 },
    { NULL, 0 },
};
static const Unit times[] = {
    { "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 60 * 60 * 1000 },
    { NULL, 0 },
};
/* clang-format on */

/* @text as digits and one of @units' suffixes; false leaves the message to the caller. */
static bool
parse(const char *text, const Unit *units, const char *plain_unit, uint64_t *ret)
{
    const char *suffix = text + strspn(text, "0123456789");
    g_autofree char *digits = g_strndup(text, (size_t)(suffix - text));
    uint64_t number = 0;

    if (*suffix == '\0')
        suffix = plain_unit;
    for (const Unit *unit = units; unit->suffix; unit++)
        if (strcmp(unit->suffix, suffix) == 0 &&
            g_ascii_string_to_unsigned(digits, 10, 0, QUANTITY_MAX / unit->factor, &number, NULL)) {
            *ret = number * unit->factor;
            return true;
        }
    return false;
}

bool
ferry_quantity_parse_bytes(const char *text, uint64_t *ret_bytes, GError **error)
{
    uint64_t bytes = 0;

    if (parse(text, sizes, "", &bytes) && bytes > 0) {
        *ret_bytes = bytes;
        return true;
    }
    g_set_error(
        error, FERRY_ERROR, FERRY_ERROR_INVALID,
        "\"%s\" is not a size: expected a whole number above 0 and a unit, as in 100M or 96Mi",
        text);
    return false;
}

bool
ferry_quantity_parse_time(const char *text,
                          const char *plain_unit,
                          uint64_t *ret_ms,
                          GError **error)
{
    uint64_t ms = 0;

    if (parse(text, times, plain_unit, &ms) && ms > 0 && ms <= TIME_MAX_MS) {
        *ret_ms = ms;
        return true;
    }
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "\"%s\" is not a time: expected a whole number above 0 and ms, s, m or h, as in "
                "300ms, and a day at most",
                text);
    return false;
}

bool
ferry_quantity_parse_wait(const char *text, uint64_t *ret_ms, GError **error)
{
    uint64_t ms = 0;

    if (parse(text, times, "s", &ms) && ms <= WAIT_MAX_MS) {
        *ret_ms = ms;
        return true;
    }
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "\"%s\" is not a time to wait: expected a whole number and ms, s, m or h, as in "
                "30s, and an hour at most",
                text);
    return false;
}

char *
ferry_quantity_format_bytes(uint64_t bytes)
{
    static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
    size_t name = 0;
    double value = (double)bytes;

    /* 1023.95 would be shown as "1024.0" of the smaller unit. */
    while (value >= (name == 0 ? 1024 : 1023.95) && name + 1 < G_N_ELEMENTS(names)) {
        value /= 1024;
        name++;
    }
    return g_strdup_printf(name == 0 ? "%.0f %s" : "%.1f %s", value, names[name]);
}

char *
ferry_quantity_format_time(uint64_t ms)
{
    uint64_t s = ms / 1000;

    if (ms < 1000)
        return g_strdup_printf("%" G_GUINT64_FORMAT " ms", ms);
    if (s < 60)
        return g_strdup_printf("%u.%u s", (unsigned)s, (unsigned)(ms % 1000 / 100));
    if (s < 3600)
        return g_strdup_printf("%" G_GUINT64_FORMAT " min %02u s", s / 60, (unsigned)(s % 60));
    return g_strdup_printf("%" G_GUINT64_FORMAT " h %02u min", s / 3600, (unsigned)(s / 60 % 60));
}
