#include "xml/device.h"

#include "base/error.h"
#include "xml/document.h"

static FerryDevice *
parse(const char *xml, GError **error)
{
    g_autofree char *wrapped = g_strconcat("<devices>", xml, "</devices>", NULL);
    g_autoptr(xmlDoc) document = NULL;
    FerryDevice *device = NULL;

    g_assert_true(ferry_document_parse(wrapped, 1 << 16, "devices", "devices", &document, NULL));
    g_assert_cmpint(
        ferry_device_parse(ferry_document_first(xmlDocGetRootElement(document)), &device, error),
        ==, device != NULL);
    return device;
}

typedef struct {
    const char *name;
    const char *xml;
    FerryPlug plug;
    const char *source;
} Row;

/* clang-format off */
static const Row rows[] = {
    { "nic-on-network", "<interface type='network'><source network='default' portid='x' bridge='virbr0'/></interface>", FERRY_PLUG_YES, "default" },
    { "nic-on-netdev", "<interface type='direct'><source dev='eth3' mode='bridge'/></interface>", FERRY_PLUG_YES, "eth3" },
    { "nic-on-bridge", "<interface type='bridge'><source bridge='br0'/></interface>", FERRY_PLUG_YES, "br0" },
    { "nic-user", "<interface type='user'/>", FERRY_PLUG_YES, NULL },
    { "vf-nic", "<interface type='hostdev'><source><address type='pci' domain='0x0000' bus='0x03' slot='0x10' function='0x4'/></source></interface>", FERRY_PLUG_YES, "0000:03:10.4" },
    { "pci", "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='222' slot='31' function='7'/></source></hostdev>", FERRY_PLUG_YES, "0000:de:1f.7" },
    { "mdev", "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='0D9F7F5C-2F0E-4A55-9C4D-6A1F54A1C005'/></source></hostdev>", FERRY_PLUG_YES, "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c005" },
    { "usb-hostdev", "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/></source></hostdev>", FERRY_PLUG_YES, NULL },
    { "disk-virtio", "<disk type='file'><source file='/d'/><target dev='vda' bus='virtio'/></disk>", FERRY_PLUG_YES, "/d" },
    { "disk-scsi", "<disk type='block'><source dev='/dev/sdz'/><target dev='sda' bus='scsi'/></disk>", FERRY_PLUG_YES, "/dev/sdz" },
    { "disk-sata", "<disk type='file'><target dev='sda' bus='sata'/></disk>", FERRY_PLUG_NO, NULL },
    { "disk-no-bus", "<disk type='file'><target dev='sda'/></disk>", FERRY_PLUG_NO, NULL },
    { "input-usb", "<input type='tablet' bus='usb'/>", FERRY_PLUG_YES, NULL },
    { "input-ps2", "<input type='mouse' bus='ps2'/>", FERRY_PLUG_NO, NULL },
    { "rng", "<rng model='virtio'/>", FERRY_PLUG_YES, NULL },
    { "controller", "<controller type='pci' index='1' model='pcie-root-port'/>", FERRY_PLUG_NO, NULL },
    { "video", "<video><model type='vga'/></video>", FERRY_PLUG_NO, NULL },
    { "memballoon", "<memballoon model='virtio'/>", FERRY_PLUG_NO, NULL },
    { "unknown", "<flux-capacitor/>", FERRY_PLUG_NO, NULL },
    { "other-namespace", "<x:interface xmlns:x='urn:x'/>", FERRY_PLUG_NO, NULL },
};
/* clang-format on */

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(FerryDevice) device = parse(row->xml, NULL);

    g_assert_cmpint(device->plug, ==, row->plug);
    g_assert_cmpstr(device->source, ==, row->source);
}

static void
test_whole(void)
{
    static const char xml[] =
        "<interface type=\"hostdev\" managed=\"yes\">\n"
        "  <mac address=\"52:54:00:5E:00:10\"/>\n"
        "  <model type=\"virtio\"/>\n"
        "  <teaming type=\"transient\" persistent=\"ua-net0\"/>\n"
        "  <alias name=\"ua-net0-vf\"/>\n"
        "  <address type=\"pci\" domain=\"0x0000\" bus=\"0x02\" slot=\"0x00\" function=\"0x0\"/>\n"
        "</interface>";
    g_autoptr(FerryDevice) device = parse(xml, NULL);

    g_assert_cmpstr(device->kind, ==, "interface");
    g_assert_cmpstr(device->type, ==, "hostdev");
    g_assert_cmpstr(device->model, ==, "virtio");
    g_assert_cmpstr(device->alias, ==, "ua-net0-vf");
    g_assert_cmpstr(device->address, ==, "0000:02:00.0");
    g_assert_cmpstr(device->mac, ==, "52:54:00:5e:00:10");
    g_assert_cmpstr(device->teaming_partner, ==, "ua-net0");
    g_assert_cmpint(device->line, ==, 1);
    g_assert_cmpstr(device->xml, ==, xml); /* word for word: it is plugged in again from this */
}

static void
test_bare(void)
{
    g_autoptr(FerryDevice) device = parse("<hostdev mode='subsystem' type='usb' model='m'><address "
                                          "type='usb' bus='9' port='1'/></hostdev>",
                                          NULL);
    g_autoptr(FerryDevice) open =
        parse("<interface type='user'><address type='pci'/></interface>", NULL);

    g_assert_cmpstr(device->model, ==, "m");
    g_assert_null(device->alias);
    g_assert_null(device->address); /* not on PCI */
    g_assert_null(device->mac);
    g_assert_null(device->teaming_partner);
    g_assert_null(open->address); /* libvirt will choose */
}

typedef struct {
    const char *name;
    const char *xml;
    const char *message;
} RefusedRow;

/* clang-format off */
static const RefusedRow refused[] = {
    { "slot", "<interface type='user'>\n<address type='pci' domain='0' bus='1' slot='0x20' function='0'/></interface>", "line 2, <address>: slot=\"0x20\" is not a number up to 0x1f, in decimal or as 0x…" },
    { "octal", "<hostdev mode='subsystem' type='pci'><source><address bus='0' slot='08' function='0'/></source></hostdev>", "line 1, <address>: slot=\"08\" could be octal or decimal: write 0x… or no 0 first" },
    { "mdev-none", "<hostdev mode='subsystem' type='mdev'/>", "line 1, <hostdev>: an mdev is named by its UUID, <source><address uuid='…'/></source>" },
    { "mdev-odd", "<hostdev mode='subsystem' type='mdev'><source><address uuid='../x'/></source></hostdev>", "line 1, <hostdev>: an mdev is named by its UUID, <source><address uuid='…'/></source>" },
};
/* clang-format on */

static void
test_refused(gconstpointer data)
{
    const RefusedRow *row = data;
    g_autoptr(GError) error = NULL;

    g_assert_null(parse(row->xml, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, row->message);
}

static FerryDisk *
parse_disk(const char *xml)
{
    g_autoptr(xmlDoc) document = NULL;

    g_assert_true(ferry_document_parse(xml, 1 << 16, "disk", "disk", &document, NULL));
    return ferry_disk_parse(xmlDocGetRootElement(document));
}

static void
test_disk(void)
{
    g_autoptr(FerryDisk) cdrom = parse_disk(
        "<disk type='block' device='cdrom'><target dev='sdb' bus='sata'/><readonly/></disk>");
    g_autoptr(FerryDisk) shared =
        parse_disk("<disk><source file='/srv/a.qcow2'/><target dev='vda'/><shareable/></disk>");
    g_autoptr(FerryDisk) network =
        parse_disk("<disk type='network'><source protocol='rbd' name='pool/image'/></disk>");

    g_assert_cmpstr(cdrom->device, ==, "cdrom");
    g_assert_cmpstr(cdrom->type, ==, "block");
    g_assert_cmpstr(cdrom->target, ==, "sdb");
    g_assert_null(cdrom->source);
    g_assert_true(cdrom->readonly);
    g_assert_false(cdrom->shareable);
    g_assert_cmpstr(shared->device, ==, "disk"); /* libvirt's defaults */
    g_assert_cmpstr(shared->type, ==, "file");
    g_assert_cmpstr(shared->source, ==, "/srv/a.qcow2");
    g_assert_true(shared->shareable);
    g_assert_cmpstr(network->source, ==, "pool/image");
    g_assert_null(network->target);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/device/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/device/whole", test_whole);
    g_test_add_func("/device/bare", test_bare);
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autofree char *path = g_strconcat("/device/refused/", refused[i].name, NULL);
        g_test_add_data_func(path, &refused[i], test_refused);
    }
    g_test_add_func("/device/disk", test_disk);
    return g_test_run();
}
