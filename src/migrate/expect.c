#include "migrate/expect.h"

#include <string.h>

#define ID_DIGITS 4 /* of "10de20b5" the first four are the vendor, the others the product */

/* "0x10DE", "10de": as text of four digits and more, so that "0x10de1" equals nothing. */
static bool
is_same(const char *expected, const char *found)
{
    const char *digits = g_str_has_prefix(expected, "0x") || g_str_has_prefix(expected, "0X")
                             ? expected + 2
                             : expected;

    return strlen(digits) == ID_DIGITS && g_ascii_strncasecmp(digits, found, ID_DIGITS) == 0;
}

bool
ferry_expect_met(const FerryPlanNeed *need, const json_t *facts, char **ret_why)
{
    const char *found = json_string_value(json_object_get(facts, "parent_id"));
    const char *vendor = need->vendor_id != NULL ? need->vendor_id : "any";
    const char *product = need->product_id != NULL ? need->product_id : "any";

    if (need->vendor_id == NULL && need->product_id == NULL)
        return true;
    if (found != NULL && strlen(found) == 2UL * ID_DIGITS &&
        (need->vendor_id == NULL || is_same(need->vendor_id, found)) &&
        (need->product_id == NULL || is_same(need->product_id, found + ID_DIGITS)))
        return true;
    *ret_why = g_strdup_printf(
        "the guest's definition expects vendor %s and product %s, and the device's parent is %s%s",
        vendor, product, found != NULL ? "a PCI device " : "none of PCI",
        found != NULL ? found : "");
    return false;
}
