#include "migrate/roms.h"

#include <string.h>

#include "tree.h"

#define PCI(bus) "<address type='pci' domain='0x0000' bus='" bus "' slot='0x00' function='0x0'/>"
#define NIC(alias, bus, more)                                                                      \
    "<interface type='user'>" more "<alias name='" alias "'/>" PCI(bus) "</interface>"
#define GUEST(devices)                                                                             \
    "<domain type='kvm'><name>g</name><uuid>6f1d2c1e-7d3b-4a57-8a44-0000000000cc</uuid>"           \
    "<memory>1024</memory><metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'>"                 \
    "<ferry:ephemeral alias='ua-off'/></ferry:guest></metadata><os><type>hvm</type></os>"          \
    "<devices>" devices "</devices></domain>"
#define VIRTIO "<model type='virtio'/>"

/* clang-format off */
static const struct {
    const char *name, *devices, *roms; /* "ALIAS FILE BYTES" of each */
} lists[] = {
    { "none", "", "" },
    { "virtio", NIC("ua-net0", "0x01", VIRTIO), "ua-net0 efi-virtio.rom 3000" },
    { "second-folder", NIC("ua-net0", "0x01", "<model type='e1000e'/>"), "ua-net0 efi-e1000e.rom 100" },
    { "not-found", NIC("ua-net0", "0x01", "<model type='rtl8139'/>"), "ua-net0 efi-rtl8139.rom -" },
    { "of-its-own", NIC("ua-net0", "0x01", VIRTIO "<rom file='/srv/own.rom'/>"), "ua-net0 /srv/own.rom 5000" },
    { "of-a-hostdev", "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='4b20d080-1b54-4048-85b3-a6a62d165c01'/></source><rom file='/srv/own.rom'/><alias name='ua-gpu'/>" PCI("0x02") "</hostdev>", "ua-gpu /srv/own.rom 5000" },
    { "hostdev-without", "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='4b20d080-1b54-4048-85b3-a6a62d165c01'/></source><alias name='ua-gpu'/>" PCI("0x02") "</hostdev>", "" },
    { "disabled", NIC("ua-net0", "0x01", VIRTIO "<rom enabled='no'/>"), "" },
    { "bar-off", NIC("ua-net0", "0x01", VIRTIO "<rom bar='off' file='/srv/own.rom'/>"), "" },
    { "not-on-pci", "<interface type='user'>" VIRTIO "<alias name='ua-net0'/></interface>", "" },
    { "taken-off-before", NIC("ua-off", "0x01", VIRTIO), "ua-off efi-virtio.rom -" },
    { "unknown-model", NIC("ua-net0", "0x01", "<model type='tulip'/>"), "" },
    { "two", NIC("ua-net0", "0x01", VIRTIO) NIC("ua-net1", "0x02", VIRTIO), "ua-net0 efi-virtio.rom 3000, ua-net1 efi-virtio.rom 3000" },
};

static const struct {
    const char *name, *roms, *code, *part;
} checks[] = {
    { "same", "{\"alias\": \"a\", \"file\": \"efi-virtio.rom\", \"bytes\": 3000}", NULL, NULL },
    { "same-block", "{\"alias\": \"a\", \"file\": \"efi-virtio.rom\", \"bytes\": 2049}", NULL, NULL },
    { "whole-block", "{\"alias\": \"a\", \"file\": \"efi-virtio.rom\", \"bytes\": 4096}", NULL, NULL },
    { "smaller", "{\"alias\": \"a\", \"file\": \"efi-virtio.rom\", \"bytes\": 2048}", "rom-size-differs", "takes 2 KiB of the guest and 4 KiB on beta" },
    { "larger", "{\"alias\": \"a\", \"file\": \"efi-virtio.rom\", \"bytes\": 4097}", "rom-size-differs", "takes 8 KiB" },
    { "not-known-there", "{\"alias\": \"a\", \"file\": \"efi-virtio.rom\"}", NULL, NULL },
    { "not-known-here", "{\"alias\": \"a\", \"file\": \"efi-rtl8139.rom\", \"bytes\": 1}", NULL, NULL },
    { "file-missing", "{\"alias\": \"a\", \"file\": \"/srv/other.rom\", \"bytes\": 1}", "no-rom", "beta does not have /srv/other.rom, the option ROM of a" },
    { "file-missing-of-one-plugged-later", "{\"alias\": \"a\", \"file\": \"/srv/other.rom\"}", "no-rom", "a" },
    { "no-file", "{\"alias\": \"a\", \"file\": \"/srv\", \"bytes\": 1}", "no-rom", "a" },
    { "firmware", "{\"file\": \"/srv/own.rom\", \"bytes\": 5000}", NULL, NULL },
    { "firmware-differs", "{\"file\": \"/srv/own.rom\", \"bytes\": 5001}", "rom-size-differs", "firmware /srv/own.rom has 5001 bytes, and 5000 on beta" },
    { "firmware-missing", "{\"file\": \"/srv/code.fd\", \"bytes\": 5000}", NULL, NULL },
    { "firmware-nowhere", "{\"file\": \"own.rom\", \"bytes\": 1}", NULL, NULL },
    { "hostile-path", "{\"alias\": \"a\", \"file\": \"../../../etc/passwd\", \"bytes\": 1}", NULL, NULL },
    { "hostile-size", "{\"alias\": \"a\", \"file\": \"efi-virtio.rom\", \"bytes\": 9223372036854775807}", NULL, NULL },
    { "hostile-size-below", "{\"alias\": \"a\", \"file\": \"efi-virtio.rom\", \"bytes\": -7}", NULL, NULL },
    { "nonsense", "7, {}, {\"alias\": 1, \"file\": [], \"bytes\": \"x\"}", NULL, NULL },
};
/* clang-format on */

static void
put(Tree *tree, const char *path, size_t bytes)
{
    g_autofree char *text = g_strnfill(bytes - 1, 'x'); /* and a newline */

    tree_file(tree, path, text);
}

static Tree *
new_host(void)
{
    Tree *tree = tree_new();

    put(tree, "usr/lib/ipxe/qemu/efi-virtio.rom", 3000);
    put(tree, "usr/share/qemu/efi-e1000e.rom", 100);
    put(tree, "srv/own.rom", 5000);
    return tree;
}

static void
test_list(void)
{
    g_autoptr(Tree) tree = new_host();

    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        g_auto(GStrv) halves = g_strsplit(GUEST("@"), "@", 2);
        g_autofree char *whole = g_strconcat(halves[0], lists[i].devices, halves[1], NULL);
        g_autoptr(FerryDomain) domain = NULL;
        g_autoptr(GString) roms = g_string_new(NULL);
        json_t *list = NULL;
        const json_t *rom = NULL;
        size_t j = 0;

        g_test_message("%s", lists[i].name);
        g_assert_true(ferry_domain_parse(whole, &domain, NULL));
        list = ferry_roms_list(tree->path, domain);
        json_array_foreach(list, j, rom)
        {
            const json_t *bytes = json_object_get(rom, "bytes");
            g_autofree char *number =
                bytes == NULL ? g_strdup("-")
                              : g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(bytes));

            g_string_append_printf(roms, "%s%s %s %s", j > 0 ? ", " : "",
                                   json_string_value(json_object_get(rom, "alias")),
                                   json_string_value(json_object_get(rom, "file")), number);
        }
        g_assert_cmpstr(roms->str, ==, lists[i].roms);
        json_decref(list);
    }
}

/* Its size as it is, unless the file is more than what the guest sees, or is not found. */
static void
test_firmware(void)
{
    static const struct {
        const char *loader, *list;
    } rows[] = {
        { "<loader type='pflash'>/srv/own.rom</loader>",
          "[{\"bytes\": 5000, \"file\": \"/srv/own.rom\"}]" },
        { "<loader type='rom' format='raw'>/srv/own.rom</loader>",
          "[{\"bytes\": 5000, \"file\": \"/srv/own.rom\"}]" },
        { "<loader type='pflash' format='qcow2'>/srv/own.rom</loader>", "[]" },
        { "<loader>/srv/none.fd</loader>", "[]" },
        { "<loader>own.rom</loader>", "[]" },
        { "", "[]" },
    };
    g_autoptr(Tree) tree = new_host();

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *xml = g_strconcat(
            "<domain type='kvm'><name>g</name><uuid>6f1d2c1e-7d3b-4a57-8a44-0000000000cc</uuid>"
            "<memory>1024</memory><os><type>hvm</type>",
            rows[i].loader, "</os></domain>", NULL);
        g_autoptr(FerryDomain) domain = NULL;
        g_autofree char *text = NULL;
        json_t *list = NULL;

        g_assert_true(ferry_domain_parse(xml, &domain, NULL));
        list = ferry_roms_list(tree->path, domain);
        text = json_dumps(list, JSON_SORT_KEYS);
        json_decref(list);
        g_assert_cmpstr(text, ==, rows[i].list);
    }
}

static void
test_check(void)
{
    g_autoptr(Tree) tree = new_host();

    for (size_t i = 0; i < G_N_ELEMENTS(checks); i++) {
        g_autofree char *text = g_strdup_printf("[%s]", checks[i].roms);
        json_t *roms = json_loads(text, 0, NULL);
        json_t *reasons = json_array();
        const json_t *first = NULL;

        g_test_message("%s", checks[i].name);
        g_assert_nonnull(roms);
        ferry_roms_check(tree->path, roms, "beta", reasons);
        g_assert_cmpuint(json_array_size(reasons), ==, checks[i].code == NULL ? 0 : 1);
        first = json_array_get(reasons, 0);
        g_assert_cmpstr(json_string_value(json_object_get(first, "code")), ==, checks[i].code);
        if (checks[i].code != NULL)
            g_assert_nonnull(
                strstr(json_string_value(json_object_get(first, "message")), checks[i].part));
        json_decref(reasons);
        json_decref(roms);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/roms/list", test_list);
    g_test_add_func("/roms/firmware", test_firmware);
    g_test_add_func("/roms/check", test_check);
    return g_test_run();
}
