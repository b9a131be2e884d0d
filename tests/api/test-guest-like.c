#include "api/guest-like.h"

#include <glib.h>

#define MDEV(alias, rest)                                                                          \
    "<f:mdev alias='" alias "' type='nvidia-474' managed='yes' " rest "</f:mdev>"
#define HYBRID(alias, pool, rest)                                                                  \
    "<f:hybrid alias='" alias "' pool='" pool "' vf-alias='" alias                                 \
    "-vf' vf-address='0000:07:00.0' " rest "/>"
#define ATTR(name, value) "<f:attr name='" name "' value='" value "'/>"

typedef struct {
    const char *name;
    const char *before; /* ferry's metadata of the guest */
    const char *more;   /* and what is added to it */
    const char *alias;  /* (nullable) */
    const char *like;   /* (nullable) expected */
} Row;

/* clang-format off */
static const Row rows[] = {
    { "mdev",            MDEV("ua-a", "pool='p'>"), MDEV("ua-b", "pool='p'>"), NULL, "ua-a" },
    { "first-of-two",    MDEV("ua-a", "pool='p'>") MDEV("ua-b", "pool='p'>"), MDEV("ua-c", "pool='p'>"), NULL, "ua-a" },
    { "that-alias",      MDEV("ua-a", "pool='p'>") MDEV("ua-b", "pool='p'>"), MDEV("ua-c", "pool='p'>"), "ua-b", "ua-b" },
    { "no-such-alias",   MDEV("ua-a", "pool='p'>"), MDEV("ua-c", "pool='p'>"), "ua-b", NULL },
    { "first-of-all",    "", MDEV("ua-a", "pool='p'>"), NULL, NULL },
    { "other-pool",      MDEV("ua-a", "pool='p'>"), MDEV("ua-b", "pool='q'>"), NULL, NULL },
    { "pool-and-parent", MDEV("ua-a", "pool='p'>"), MDEV("ua-b", "parent='p'>"), NULL, NULL },
    { "parent",          MDEV("ua-a", "parent='mtty'>"), MDEV("ua-b", "parent='mtty'>"), "ua-a", "ua-a" },
    { "other-type",      MDEV("ua-a", "pool='p'>"), "<f:mdev alias='ua-b' type='nvidia-475' managed='yes' pool='p'/>", NULL, NULL },
    { "not-managed",     "<f:mdev alias='ua-a' type='nvidia-474'/>", MDEV("ua-b", "pool='p'>"), NULL, NULL },
    { "attrs",           MDEV("ua-a", "pool='p'>" ATTR("a", "1") ATTR("b", "2")), MDEV("ua-b", "pool='p'>" ATTR("a", "1") ATTR("b", "2")), NULL, "ua-a" },
    { "attrs-in-another-order", MDEV("ua-a", "pool='p'>" ATTR("a", "1") ATTR("b", "2")), MDEV("ua-b", "pool='p'>" ATTR("b", "2") ATTR("a", "1")), NULL, NULL },
    { "fewer-attrs",     MDEV("ua-a", "pool='p'>" ATTR("a", "1")), MDEV("ua-b", "pool='p'>"), NULL, NULL },
    { "other-value",     MDEV("ua-a", "pool='p'>" ATTR("a", "1")), MDEV("ua-b", "pool='p'>" ATTR("a", "2")), NULL, NULL },
    { "hybrid",          HYBRID("ua-n", "net-x", ""), HYBRID("ua-m", "net-x", ""), NULL, "ua-n" },
    { "hybrid-of-that-alias", HYBRID("ua-n", "net-x", ""), HYBRID("ua-m", "net-x", "on-no-vf='refuse'"), "ua-n", "ua-n" },
    { "hybrid-of-other-pool", HYBRID("ua-n", "net-x", ""), HYBRID("ua-m", "net-y", ""), NULL, NULL },
    { "hybrid-of-other-rule", HYBRID("ua-n", "net-x", ""), HYBRID("ua-m", "net-x", "on-no-vf='degrade'"), NULL, NULL },
    { "other-kind",      MDEV("ua-a", "pool='p'>"), HYBRID("ua-b", "p", ""), NULL, NULL },
    { "nothing-new",     MDEV("ua-a", "pool='p'>") HYBRID("ua-n", "net-x", ""), "", NULL, NULL },
};
/* clang-format on */

static FerryDomain *
domain_with(const char *metadata, const char *more)
{
    g_autofree char *xml = g_strconcat(
        "<domain type='kvm'><name>g</name><uuid>6f1d2c1e-7d3b-4a57-8a44-000000000001</uuid>"
        "<metadata><f:guest xmlns:f='urn:ferry:guest:1'>",
        metadata, more, "</f:guest></metadata><memory>65536</memory><devices/></domain>", NULL);
    FerryDomain *domain = NULL;
    g_autoptr(GError) error = NULL;

    (void)ferry_domain_parse(xml, &domain, &error);
    g_assert_no_error(error);
    return domain;
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(FerryDomain) before = domain_with(row->before, "");
    g_autoptr(FerryDomain) after = domain_with(row->before, row->more);

    g_assert_cmpstr(ferry_guest_like_find(before, after, row->alias), ==, row->like);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/guest-like/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    return g_test_run();
}
