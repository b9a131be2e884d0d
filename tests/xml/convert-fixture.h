/* A host for conversions: what there is on it is in these tables, and its randomness counts. */
#pragma once

#include <stdio.h>
#include <string.h>

#include "xml/convert.h"

static const FerryConvertPool fixture_pools[] = {
    { .name = "gpus", .kind = FERRY_CONVERT_MDEVS },
    { .name = "net-x", .kind = FERRY_CONVERT_HYBRIDS },
    { .name = "net-x-42", .kind = FERRY_CONVERT_HYBRIDS, .vlan = 42 },
    { .name = "net-x-vfs", .kind = FERRY_CONVERT_VFS, .ephemeral = true, .vlan = 42 },
    { .name = "vfs", .kind = FERRY_CONVERT_VFS },
};

static const struct {
    const char *vf, *pf, *pools;
} fixture_vfs[] = {
    { "0000:03:10.0", "eth3", "" },          { "0000:03:10.2", "eth3", "net-x" },
    { "0000:03:10.4", "eth3", "net-x vfs" }, { "0000:03:10.1", "eth4", "net-x" },
    { "0000:08:00.2", "eth8", "vfs" },
};

static const struct {
    const char *name, *kernel_name, *type;
} fixture_parents[] = {
    { "0000:41:00.0", "0000:41:00.0", "nvidia-474" },
    { "pci_0000_41_00_0", "0000:41:00.0", "nvidia-474" },
    { "mtty", "mtty", "mtty-2" },
};

static inline char **
fixture_pools_of_vf(void *data, const char *vf)
{
    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(fixture_vfs); i++)
        if (strcmp(fixture_vfs[i].vf, vf) == 0 && fixture_vfs[i].pools[0] != '\0')
            return g_strsplit(fixture_vfs[i].pools, " ", -1);
    return g_new0(char *, 1);
}

static inline FerryConvertAnswer
fixture_shares_pf(void *data, const char *netdev, const char *vf)
{
    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(fixture_vfs); i++)
        if (strcmp(fixture_vfs[i].vf, vf) == 0)
            return g_str_has_prefix(netdev, fixture_vfs[i].pf) ? FERRY_CONVERT_YES
                                                               : FERRY_CONVERT_NO;
    return FERRY_CONVERT_UNKNOWN;
}

static inline char *
fixture_find_parent(void *data, const char *name)
{
    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(fixture_parents); i++)
        if (strcmp(fixture_parents[i].name, name) == 0)
            return g_strdup(fixture_parents[i].kernel_name);
    return NULL;
}

static inline FerryConvertAnswer
fixture_has_type(void *data, const char *parent, const char *type)
{
    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(fixture_parents); i++)
        if (strcmp(fixture_parents[i].kernel_name, parent) == 0)
            return strcmp(fixture_parents[i].type, type) == 0 ? FERRY_CONVERT_YES
                                                              : FERRY_CONVERT_NO;
    return FERRY_CONVERT_UNKNOWN;
}

/* FerryClock has no place for a count of its own. */
static inline char *
fixture_uuid(const FerryClock *clock)
{
    static unsigned count;

    (void)clock;
    count++;
    return g_strdup_printf("c0ffee%02x-0000-4000-8000-%012x", count & 0xff, count);
}

static inline const FerryConvertHost *
fixture_host(void)
{
    static const FerryClock clock = { .uuid = fixture_uuid };
    static const FerryConvertHost host = {
        .pools = fixture_pools,
        .n_pools = G_N_ELEMENTS(fixture_pools),
        .clock = &clock,
        .pools_of_vf = fixture_pools_of_vf,
        .shares_pf = fixture_shares_pf,
        .find_parent = fixture_find_parent,
        .has_type = fixture_has_type,
    };

    return &host;
}

/* Returns: (transfer full): the converted text, which must be accepted; @ret_notes: (nullable) */
static inline char *
fixture_convert(const char *xml, GPtrArray **ret_notes)
{
    g_autoptr(GPtrArray) notes = NULL;
    g_autoptr(GError) error = NULL;
    char *out = NULL;

    (void)ferry_convert_domain(xml, fixture_host(), &out, &notes, &error);
    g_assert_no_error(error);
    if (ret_notes != NULL)
        *ret_notes = g_steal_pointer(&notes);
    return out;
}

/* It must be refused with this message, and nothing come out of it. */
static inline void
fixture_refuse(const char *xml, const char *message)
{
    GPtrArray *notes = NULL;
    g_autoptr(GError) error = NULL;
    char *out = NULL;

    g_assert_false(ferry_convert_domain(xml, fixture_host(), &out, &notes, &error));
    g_assert_cmpstr(error->message, ==, message);
    g_assert_null(out);
    g_assert_null(notes);
}

/* What a second conversion changes is wrong; warnings come again. */
static inline void
fixture_assert_settled(const char *xml)
{
    g_autoptr(GPtrArray) notes = NULL;
    g_autofree char *out = fixture_convert(xml, &notes);

    g_assert_cmpstr(out, ==, xml);
    for (guint i = 0; i < notes->len; i++)
        g_assert_cmpint(((FerryNote *)g_ptr_array_index(notes, i))->kind, ==, FERRY_NOTE_WARNING);
}

static inline unsigned
fixture_count(const GPtrArray *notes, FerryNoteKind kind)
{
    unsigned n_notes = 0;

    for (guint i = 0; i < notes->len; i++)
        n_notes += ((FerryNote *)g_ptr_array_index(notes, i))->kind == kind;
    return n_notes;
}

static inline void
fixture_assert_has(const char *text, const char *part)
{
    if (part != NULL && strstr(text, part) == NULL)
        g_error("no \"%s\" in\n%s", part, text);
}

/* One guest around some devices; each of these starts a line, the first is line 5. */
#define GUEST(metadata, devices)                                                                   \
    "<domain type='kvm'>\n<name>g</name>\n<metadata>" metadata "</metadata>\n"                     \
    "<os><type machine='q35'>hvm</type></os><devices>\n" devices "</devices>\n</domain>\n"
#define FERRY(elements) "<ferry:guest xmlns:ferry='urn:ferry:guest:1'>" elements "</ferry:guest>"
