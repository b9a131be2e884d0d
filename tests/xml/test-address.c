#include "xml/address.h"

#include "xml/document.h"

typedef struct {
    const char *attributes;
    const char *expected; /* NULL: refused */
} Row;

static const Row rows[] = {
    { "domain='0x0000' bus='0x03' slot='0x10' function='0x2'", "0000:03:10.2" },
    { "domain='0' bus='3' slot='16' function='2'", "0000:03:10.2" },
    { "bus='222' slot='31' function='7'", "0000:de:1f.7" },
    { "domain='0xFFFF' bus='0xFF' slot='0X1F' function='0'", "ffff:ff:1f.0" },
    { "domain='65536' bus='0' slot='0' function='0'", NULL },
    { "bus='0' slot='010' function='0'", NULL },
    { "bus='0' slot='0' function='8'", NULL },
    { "bus='' slot='0' function='0'", NULL },
    { "bus=' 1' slot='0' function='0'", NULL },
    { "bus='1' slot='0'", NULL },
};

static void
test_rows(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *xml = g_strdup_printf("<address %s/>", rows[i].attributes);
        g_autoptr(xmlDoc) document = NULL;
        g_autofree char *address = NULL;
        g_autoptr(GError) error = NULL;

        g_assert_true(ferry_document_parse(xml, 1000, "XML", "address", &document, NULL));
        g_assert_cmpint(ferry_address_parse(xmlDocGetRootElement(document), &address, &error), ==,
                        rows[i].expected != NULL);
        g_assert_cmpstr(address, ==, rows[i].expected);
        if (error != NULL)
            g_assert_true(g_str_has_prefix(error->message, "line 1, <address>: "));
    }
}

static void
test_append(void)
{
    g_autoptr(GString) text = g_string_new("<address");

    ferry_address_append(text, "0000:03:10.2");
    g_assert_cmpstr(text->str, ==,
                    "<address domain='0x0000' bus='0x03' slot='0x10' function='0x2'");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/address/rows", test_rows);
    g_test_add_func("/address/append", test_append);
    return g_test_run();
}
