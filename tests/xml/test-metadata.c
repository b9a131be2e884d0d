#include "xml/metadata.h"

#include "base/error.h"
#include "xml/document.h"

#define BEGIN "<domain>\n<metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'>\n"
#define END   "\n</ferry:guest></metadata></domain>"

static FerryMetadata *
parse(const char *domain, GError **error)
{
    g_autoptr(xmlDoc) document = NULL;
    FerryMetadata *metadata = NULL;

    g_assert_true(ferry_document_parse(domain, 1 << 16, "domain XML", "domain", &document, NULL));
    g_assert_cmpint(ferry_metadata_parse(xmlDocGetRootElement(document), &metadata, error), ==,
                    metadata != NULL);
    return metadata;
}

static void
test_none(void)
{
    static const char *const domains[] = {
        "<domain/>",
        "<domain><metadata/></domain>",
        "<domain><metadata><guest/></metadata></domain>",
        "<domain><metadata><o:ephemeral xmlns:o='urn:o' alias='a'/></metadata></domain>",
        "<domain><metadata><f:guest xmlns:f='urn:ferry:guest:1'/></metadata></domain>",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(domains); i++) {
        g_autoptr(FerryMetadata) metadata = parse(domains[i], NULL);

        g_assert_cmpuint(metadata->mdevs->len + metadata->hybrids->len + metadata->ephemerals->len,
                         ==, 0);
        g_assert_false(ferry_metadata_is_ephemeral(metadata, "a"));
    }
}

static void
test_mdev(void)
{
    g_autoptr(FerryMetadata) metadata =
        parse(BEGIN "<ferry:mdev alias='ua-gpu0' type='nvidia-474' pool='gpus' managed='yes'/>"
                    "<ferry:mdev alias='ua-gpu1' type='nvidia-471' parent='0000:41:00.0' "
                    "managed='yes' vendor-id='0x10de' product-id='0x20b5'>"
                    "<ferry:attr name='b' value='1'/><ferry:attr name='a' value='2'/></ferry:mdev>"
                    "<ferry:mdev alias='ua-gpu2' type='mtty-2' managed='no'/>" END,
              NULL);
    const FerryMdevMeta *pooled = g_ptr_array_index(metadata->mdevs, 0);
    const FerryMdevMeta *fixed = g_ptr_array_index(metadata->mdevs, 1);
    const FerryMdevMeta *foreign = g_ptr_array_index(metadata->mdevs, 2);
    const FerryMetaAttr *attr = NULL;

    g_assert_cmpuint(metadata->mdevs->len, ==, 3);
    g_assert_true(pooled->managed);
    g_assert_cmpstr(pooled->pool, ==, "gpus");
    g_assert_null(pooled->parent);
    g_assert_cmpstr(fixed->parent, ==, "0000:41:00.0");
    g_assert_cmpstr(fixed->vendor_id, ==, "0x10de");
    g_assert_cmpstr(fixed->product_id, ==, "0x20b5");
    g_assert_cmpuint(fixed->attrs->len, ==, 2);
    attr = g_ptr_array_index(fixed->attrs, 0); /* in the order of the file */
    g_assert_cmpstr(attr->name, ==, "b");
    g_assert_cmpstr(attr->value, ==, "1");
    g_assert_false(foreign->managed);
}

static void
test_hybrid(void)
{
    g_autoptr(FerryMetadata) metadata = parse(
        BEGIN
        "<ferry:hybrid alias='ua-a' pool='net-x' vf-alias='ua-a-vf' vf-address='0000:03:00.0'/>"
        "<ferry:hybrid alias='ua-b' pool='net-x' vf-alias='ua-b-vf' vf-address='0000:04:00.0' "
        "on-no-vf='degrade'/>" END,
        NULL);
    const FerryHybridMeta *first = g_ptr_array_index(metadata->hybrids, 0);
    const FerryHybridMeta *second = g_ptr_array_index(metadata->hybrids, 1);

    g_assert_cmpuint(metadata->hybrids->len, ==, 2);
    g_assert_cmpstr(first->vf_alias, ==, "ua-a-vf");
    g_assert_cmpstr(first->vf_address, ==, "0000:03:00.0");
    g_assert_cmpint(first->on_no_vf, ==, FERRY_NO_VF_REFUSE); /* unless asked otherwise */
    g_assert_cmpint(second->on_no_vf, ==, FERRY_NO_VF_DEGRADE);
}

/* A managed mdev that cannot migrate may be ephemeral, too. */
static void
test_ephemeral(void)
{
    g_autoptr(FerryMetadata) metadata =
        parse(BEGIN "<ferry:ephemeral alias='ua-nic7' pool='vfs'/><ferry:mdev alias='ua-gpu0' "
                    "type='t' pool='p' managed='yes'/>"
                    "<ferry:ephemeral alias='ua-gpu0'/>" END,
              NULL);
    const FerryEphemeralMeta *first = g_ptr_array_index(metadata->ephemerals, 0);

    g_assert_cmpuint(metadata->ephemerals->len, ==, 2);
    g_assert_cmpstr(first->pool, ==, "vfs");
    g_assert_true(ferry_metadata_is_ephemeral(metadata, "ua-nic7"));
    g_assert_true(ferry_metadata_is_ephemeral(metadata, "ua-gpu0"));
    g_assert_false(ferry_metadata_is_ephemeral(metadata, "ua-nic"));
}

typedef struct {
    const char *name;
    const char *content;
    const char *message;
} Row;

/* clang-format off */
static const Row refused[] = {
    { "unknown-element", "<ferry:efemeral alias='a'/>", "line 3, <ferry:efemeral>: ferry knows no such element here" },
    { "unknown-attribute", "<ferry:ephemeral alias='a' poool='p'/>", "line 3, <ferry:ephemeral>: ferry knows no attribute \"poool\" here" },
    { "attribute-in-namespace", "<ferry:ephemeral alias='a' ferry:pool='p'/>", "line 3, <ferry:ephemeral>: ferry knows no attribute \"pool\" here" },
    { "element-of-others", "<o:ephemeral xmlns:o='urn:o' alias='a'/>", "line 3, <o:ephemeral>: ferry knows no such element here" },
    { "element-without-namespace", "<ephemeral alias='a'/>", "line 3, <ephemeral>: ferry knows no such element here" },
    { "no-alias", "<ferry:ephemeral/>", "line 3, <ferry:ephemeral>: the attribute alias is missing" },
    { "empty-alias", "<ferry:ephemeral alias=''/>", "line 3, <ferry:ephemeral>: alias is empty" },
    { "child-of-ephemeral", "<ferry:ephemeral alias='a'>\n<x/></ferry:ephemeral>", "line 4, <x>: ferry knows no such element here" },
    { "twice", "<ferry:ephemeral alias='a'/>\n<ferry:ephemeral alias='a'/>", "line 4, <ferry:ephemeral>: there is one for the alias a already" },
    { "mdev-no-type", "<ferry:mdev alias='a' pool='p' managed='yes'/>", "line 3, <ferry:mdev>: the attribute type is missing" },
    { "mdev-managed-word", "<ferry:mdev alias='a' type='t' managed='true'/>", "line 3, <ferry:mdev>: managed is \"true\", it can be no or yes" },
    { "mdev-no-place", "<ferry:mdev alias='a' type='t' managed='yes'/>", "line 3, <ferry:mdev>: a managed mdev needs a pool or a parent, exactly one of them" },
    { "mdev-two-places", "<ferry:mdev alias='a' type='t' managed='yes' pool='p' parent='q'/>", "line 3, <ferry:mdev>: a managed mdev needs a pool or a parent, exactly one of them" },
    { "mdev-foreign-with-pool", "<ferry:mdev alias='a' type='t' pool='p'/>", "line 3, <ferry:mdev>: pool and parent are for managed='yes' only: without it somebody else makes the mdev" },
    { "mdev-foreign-with-attr", "<ferry:mdev alias='a' type='t'><ferry:attr name='n' value='v'/></ferry:mdev>", "line 3, <ferry:mdev>: attributes are for managed='yes' only: without it somebody else makes the mdev" },
    { "attr-no-value", "<ferry:mdev alias='a' type='t' pool='p' managed='yes'><ferry:attr name='n'/></ferry:mdev>", "line 3, <ferry:attr>: the attribute value is missing" },
    { "attr-misspelt", "<ferry:mdev alias='a' type='t' pool='p' managed='yes'><ferry:atr name='n' value='v'/></ferry:mdev>", "line 3, <ferry:atr>: ferry knows no such element here" },
    { "hybrid-no-pool", "<ferry:hybrid alias='a' vf-alias='b' vf-address='0000:03:00.0'/>", "line 3, <ferry:hybrid>: the attribute pool is missing" },
    { "hybrid-no-vf-word", "<ferry:hybrid alias='a' pool='p' vf-alias='b' vf-address='c' on-no-vf='wait'/>", "line 3, <ferry:hybrid>: on-no-vf is \"wait\", it can be refuse or degrade" },
    { "hybrid-child", "<ferry:hybrid alias='a' pool='p' vf-alias='b' vf-address='c'><ferry:attr name='n' value='v'/></ferry:hybrid>", "line 3, <ferry:attr>: ferry knows no such element here" },
};
/* clang-format on */

static void
test_refused(gconstpointer data)
{
    const Row *row = data;
    g_autofree char *domain = g_strconcat(BEGIN, row->content, END, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_null(parse(domain, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, row->message);
}

static void
test_refused_root(void)
{
    g_autoptr(GError) other = NULL;
    g_autoptr(GError) twice = NULL;
    g_autoptr(GError) attribute = NULL;

    g_assert_null(parse(
        "<domain><metadata><f:host xmlns:f='urn:ferry:guest:1'/></metadata></domain>", &other));
    g_assert_cmpstr(other->message, ==, "line 1, <f:host>: ferry knows only <guest> here");
    g_assert_null(parse(
        "<domain><metadata xmlns:f='urn:ferry:guest:1'><f:guest/>\n<f:guest/></metadata></domain>",
        &twice));
    g_assert_cmpstr(twice->message, ==, "line 2, <f:guest>: ferry's metadata is there twice");
    g_assert_null(parse(
        "<domain><metadata><f:guest xmlns:f='urn:ferry:guest:1' version='2'/></metadata></domain>",
        &attribute));
    g_assert_cmpstr(attribute->message, ==,
                    "line 1, <f:guest>: ferry knows no attribute \"version\" here");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/metadata/none", test_none);
    g_test_add_func("/metadata/mdev", test_mdev);
    g_test_add_func("/metadata/hybrid", test_hybrid);
    g_test_add_func("/metadata/ephemeral", test_ephemeral);
    g_test_add_func("/metadata/refused-root", test_refused_root);
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autofree char *path = g_strconcat("/metadata/refused/", refused[i].name, NULL);
        g_test_add_data_func(path, &refused[i], test_refused);
    }
    return g_test_run();
}
