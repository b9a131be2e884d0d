#include "hook/domain-uuid.h"

#include <glib.h>

#define UUID  "6f1d2c1e-7d3b-4a57-8a44-0000000000aa"
#define OTHER "11111111-2222-4333-8444-555555555555"

typedef struct {
    const char *name;
    const char *xml;
    const char *expected; /* NULL: there is none */
} Row;

/* clang-format off */
static const Row rows[] = {
    { "libvirt's", "<domain type='qemu' id='1'>\n  <name>g</name>\n  <uuid>" UUID "</uuid>\n  <title>t</title>\n</domain>", UUID },
    { "upper-case", "<domain><uuid>6F1D2C1E-7D3B-4A57-8A44-0000000000AA</uuid></domain>", UUID },
    { "white-space", "<domain><uuid>\n " UUID "\n</uuid></domain>", UUID },
    { "prolog", "<?xml version='1.0'?>\n<!-- <domain><uuid>" OTHER "</uuid> -->\n<domain><uuid>" UUID "</uuid></domain>", UUID },
    { "attribute-on-uuid", "<domain><uuid a='>'>" UUID "</uuid></domain>", UUID },
    { "escaped-in-name", "<domain><name>&lt;uuid>" OTHER "&lt;/uuid></name><uuid>" UUID "</uuid></domain>", UUID },
    { "bare-greater-in-name", "<domain><name>a></name><uuid>" UUID "</uuid></domain>", UUID },
    { "in-attribute", "<domain a='<uuid>" OTHER "</uuid>'><uuid>" UUID "</uuid></domain>", UUID },
    { "in-double-quotes", "<domain a=\"'><uuid>" OTHER "</uuid>\"><uuid>" UUID "</uuid></domain>", UUID },
    { "in-comment", "<domain><!-- <uuid>" OTHER "</uuid> --><uuid>" UUID "</uuid></domain>", UUID },
    { "in-cdata", "<domain><name><![CDATA[</name><uuid>" OTHER "</uuid>]]></name><uuid>" UUID "</uuid></domain>", UUID },
    { "in-instruction", "<domain><?x <uuid>" OTHER "</uuid> ?><uuid>" UUID "</uuid></domain>", UUID },
    { "deeper", "<domain><metadata><a><uuid>" OTHER "</uuid></a></metadata><uuid>" UUID "</uuid></domain>", UUID },
    { "after-empty-element", "<domain><a/><b c='/'></b><uuid>" UUID "</uuid></domain>", UUID },
    { "other-element-name", "<domain><uuidx>" OTHER "</uuidx><uuid>" UUID "</uuid></domain>", UUID },
    { "other-prefix", "<domain><x:uuid>" OTHER "</x:uuid><uuid>" UUID "</uuid></domain>", UUID },
    { "first-of-two", "<domain><uuid>" UUID "</uuid><uuid>" OTHER "</uuid></domain>", UUID },
    { "empty-text", "", NULL },
    { "no-element", "domain", NULL },
    { "other-root", "<network><uuid>" UUID "</uuid></network>", NULL },
    { "root-is-uuid", "<uuid>" UUID "</uuid>", NULL },
    { "second-root", "<domain></domain><x><uuid>" UUID "</uuid></x>", NULL },
    { "none", "<domain><name>g</name></domain>", NULL },
    { "too-short", "<domain><uuid>6f1d2c1e-7d3b-4a57-8a44-0000000000a</uuid></domain>", NULL },
    { "too-long", "<domain><uuid>" UUID "a</uuid></domain>", NULL },
    { "path", "<domain><uuid>../../../../../../../../etc/passwd....</uuid></domain>", NULL },
    { "two-words", "<domain><uuid>" UUID " " UUID "</uuid></domain>", NULL },
    { "doctype", "<!DOCTYPE domain [<!ENTITY u \"x\">]><domain><uuid>" UUID "</uuid></domain>", NULL },
    { "cut-in-tag", "<domain><uuid", NULL },
    { "cut-in-quotes", "<domain a='<uuid>" UUID "</uuid>", NULL },
    { "cut-in-comment", "<domain><!-- <uuid>" UUID "</uuid>", NULL },
    { "cut-in-uuid", "<domain><uuid>" UUID, NULL },
    { "end-before-begin", "</domain><domain><uuid>" UUID "</uuid></domain>", NULL },
};
/* clang-format on */

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    char uuid[HOOK_UUID_LENGTH + 1] = "untouched";

    g_assert_cmpint(hook_find_uuid(row->xml, uuid), ==, row->expected != NULL);
    g_assert_cmpstr(uuid, ==, row->expected != NULL ? row->expected : "untouched");
}

/* Every cut of a good XML is refused or gives the same answer, and is read within its bounds
 * (ASan). */
static void
test_every_cut(void)
{
    const char *xml = rows[0].xml;

    for (size_t n = 0; n <= strlen(xml); n++) {
        g_autofree char *cut = g_strndup(xml, n);
        char uuid[HOOK_UUID_LENGTH + 1] = "";

        if (hook_find_uuid(cut, uuid))
            g_assert_cmpstr(uuid, ==, UUID);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/domain-uuid/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/domain-uuid/every-cut", test_every_cut);
    return g_test_run();
}
