/* libFuzzer target: any bytes as a node device.  What is read as an mdev must come
 * back the same from what ferry writes of it. */
#include <string.h>

#include "xml/nodedev-parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_round_trip(const FerryNodedev *mdev)
{
    g_autofree char *xml = ferry_nodedev_format_mdev(mdev);
    g_autoptr(FerryNodedev) again = NULL;

    g_assert_true(ferry_nodedev_parse(xml, &again, NULL));
    g_assert_cmpstr(again->type, ==, mdev->type);
    g_assert_cmpuint(again->attrs->len, ==, mdev->attrs->len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(FerryNodedev) device = NULL;
    g_autoptr(FerryNodedev) create = NULL;

    (void)ferry_nodedev_parse(text, &device, NULL);
    if (ferry_nodedev_parse_create(text, &create, NULL))
        check_round_trip(create);
    return 0;
}
