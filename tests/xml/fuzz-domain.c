/* libFuzzer target: any bytes as a domain XML.  What can be read can be read again after its
 * devices are taken out, and then has none of them. */
#include <string.h>

#include "xml/domain.h"
#include "xml/edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not those that another device has as its other half: without it the rest is refused. */
static GPtrArray *
collect_aliases(const FerryDomain *domain)
{
    GPtrArray *aliases = g_ptr_array_new();

    for (size_t i = 0; i < domain->devices->len; i++) {
        const FerryDevice *device = g_ptr_array_index(domain->devices, i);

        if (device->alias != NULL && strcmp(device->kind, "console") != 0)
            g_ptr_array_add(aliases, device->alias);
    }
    g_ptr_array_add(aliases, NULL);
    return aliases;
}

static bool
has_pair(const FerryDomain *domain)
{
    for (size_t i = 0; i < domain->devices->len; i++)
        if (((const FerryDevice *)g_ptr_array_index(domain->devices, i))->teaming_partner != NULL)
            return true;
    return false;
}

static void
check_without(const char *xml, const FerryDomain *domain)
{
    g_autoptr(GPtrArray) aliases = collect_aliases(domain);
    g_autoptr(FerryDomain) rest = NULL;
    g_autofree char *text = NULL;

    g_assert_true(ferry_domain_xml_without(xml, (const char *const *)aliases->pdata, &text, NULL));
    if (has_pair(domain))
        return;
    g_assert_true(ferry_domain_parse(text, &rest, NULL));
    g_assert_cmpstr(rest->name, ==, domain->name);
    g_assert_cmpuint(rest->devices->len, ==, domain->devices->len - (aliases->len - 1));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(FerryDomain) domain = NULL;

    if (ferry_domain_parse(text, &domain, NULL))
        check_without(text, domain);
    return 0;
}
