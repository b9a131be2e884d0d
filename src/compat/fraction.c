#include "compat/fraction.h"

#include <inttypes.h>
#include <string.h>

static int64_t
greatest_common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

bool
ferry_fraction_make(int64_t p, int64_t q, FerryFraction *ret)
{
    int64_t divisor = 0;

    if (q <= 0 || q > FERRY_NUMBER_MAX || p > FERRY_NUMBER_MAX || p < -(int64_t)FERRY_NUMBER_MAX)
        return false;

    divisor = greatest_common_divisor(p, q);
    *ret = (FerryFraction){ (int32_t)(p / divisor), (int32_t)(q / divisor) };
    return true;
}

bool
ferry_integer_has_form(const char *text, size_t size)
{
    if (size > 0 && text[0] == '-') {
        text++;
        size--;
        if (size > 0 && text[0] == '0')
            return false;
    }
    if (size == 0 || (text[0] == '0' && size > 1))
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!g_ascii_isdigit(text[i]))
            return false;
    }
    return true;
}

bool
ferry_integer_parse(const char *text, size_t size, int64_t *ret)
{
    int64_t value = 0;
    bool negative = size > 0 && text[0] == '-';

    if (!ferry_integer_has_form(text, size))
        return false;
    for (size_t i = negative ? 1 : 0; i < size; i++) {
        value = value * 10 + (text[i] - '0');
        if (value > FERRY_NUMBER_MAX)
            return false;
    }

    *ret = negative ? -value : value;
    return true;
}

/* The divisor of "p/q": a number of its own, at least 1. */
static bool
has_form_of_divisor(const char *text)
{
    return text[0] != '-' && text[0] != '0' && ferry_integer_has_form(text, strlen(text));
}

bool
ferry_fraction_has_form(const char *text)
{
    const char *slash = strchr(text, '/');

    if (slash == NULL)
        return ferry_integer_has_form(text, strlen(text));
    return ferry_integer_has_form(text, (size_t)(slash - text)) && has_form_of_divisor(slash + 1);
}

bool
ferry_fraction_parse(const char *text, FerryFraction *ret)
{
    const char *slash = strchr(text, '/');
    int64_t p = 0;
    int64_t q = 1;

    if (!ferry_fraction_has_form(text))
        return false;
    if (slash == NULL)
        return ferry_integer_parse(text, strlen(text), &p) && ferry_fraction_make(p, 1, ret);
    return ferry_integer_parse(text, (size_t)(slash - text), &p) &&
           ferry_integer_parse(slash + 1, strlen(slash + 1), &q) && ferry_fraction_make(p, q, ret);
}

char *
ferry_fraction_format(FerryFraction value)
{
    if (value.den == 1)
        return g_strdup_printf("%" PRId32, value.num);
    return g_strdup_printf("%" PRId32 "/%" PRId32, value.num, value.den);
}

int
ferry_fraction_compare(FerryFraction a, FerryFraction b)
{
    /* Both products fit: 31 bits times 31 bits. */
    int64_t left = (int64_t)a.num * b.den;
    int64_t right = (int64_t)b.num * a.den;

    return (left > right) - (left < right);
}
