#include "xml/ports.h"

#include "xml/document.h"

#define PCIE    "<domain><os><type arch='x86_64' machine='pc-q35-10.0'/></os><devices>"
#define PC      "<domain><os><type arch='x86_64' machine='pc-i440fx-10.0'/></os><devices>"
#define END     "</devices></domain>"
#define NO_MORE "<memballoon model='none'/><controller type='usb' model='none'/>"
#define PORT(n) "<controller type='pci' index='" #n "' model='pcie-root-port'/>"
#define AT(bus, slot)                                                                              \
    "<address type='pci' domain='0' bus='" #bus "' slot='" #slot "' function='0'/>"
#define NIC "<interface type='user'/>"

typedef struct {
    const char *name;
    const char *xml;
    const char *lowest;  /* for one of the devices without address */
    const char *highest; /* after it */
    unsigned n_made;
} Row;

/* clang-format off */
static const Row rows[] = {
    { "three-free",      PCIE PORT(1) PORT(2) PORT(3) NIC NO_MORE END, "0000:01:00.0", "0000:03:00.0", 0 },
    { "usb-is-implied",  PCIE PORT(1) PORT(2) PORT(3) NIC "<memballoon model='none'/>" END, "0000:01:00.0", "0000:03:00.0", 0 },
    { "balloon-is-implied", PCIE PORT(1) PORT(2) PORT(3) NIC END, "0000:01:00.0", "0000:04:00.0", 1 },
    { "channel-needs-a-controller", PCIE PORT(1) PORT(2) NIC "<channel type='unix'/>" NO_MORE END, "0000:01:00.0", "0000:03:00.0", 1 },
    { "disk-needs-a-controller", PCIE PORT(1) PORT(2) PORT(3) NIC "<disk><target bus='scsi'/><address type='drive'/></disk>" NO_MORE END, "0000:01:00.0", "0000:03:00.0", 0 },
    { "no-port",         PCIE NIC NO_MORE END, "0000:01:00.0", "0000:02:00.0", 2 },
    { "others-come-first", PCIE NIC NIC NIC NO_MORE END, "0000:01:00.0", "0000:04:00.0", 4 },
    { "taken",           PCIE PORT(1) PORT(2) PORT(0x3) NIC "<rng>" AT(0x01, 0) "</rng><rng>" AT(3, 0) "</rng>" NO_MORE END, "0000:02:00.0", "0000:04:00.0", 1 },
    { "no-hotplug-port", PCIE "<controller type='pci' index='1' model='pcie-root-port'><target hotplug='off'/></controller>" NIC NO_MORE END, "0000:02:00.0", "0000:03:00.0", 2 },
    { "bus-not-spoken-of", PCIE NIC "<rng>" AT(0x20, 0) "</rng>" NO_MORE END, "0000:21:00.0", "0000:22:00.0", 2 },
    { "pcie-root-tells", "<domain><devices><controller type='pci' index='0' model='pcie-root'/>" NIC NO_MORE END, "0000:01:00.0", "0000:02:00.0", 2 },
    { "aarch64",         "<domain><os><type arch='aarch64' machine='virt'/></os><devices>" NIC NO_MORE END, "0000:01:00.0", "0000:02:00.0", 2 },
    { "pc",              PC NIC NO_MORE END, "0000:00:03.0", "0000:00:1f.0", 0 },
    { "pc-taken",        PC NIC "<rng>" AT(0, 037) "</rng><rng>" AT(0, 3) "</rng><rng>" AT(1, 0x1e) "</rng>" NO_MORE END, "0000:00:04.0", "0000:00:1e.0", 0 },
    { "no-machine",      "<domain><devices>" NIC NO_MORE END, "0000:00:03.0", "0000:00:1f.0", 0 },
    { "pseries",         "<domain><os><type arch='ppc64le' machine='pseries'/></os><devices>" NIC NO_MORE END, "0000:00:03.0", "0000:00:1f.0", 0 },
    { "no-devices",      "<domain/>", "0000:00:03.0", "0000:00:1f.0", 0 },
    { "s390x",           "<domain><os><type arch='s390x' machine='s390-ccw-virtio'/></os><devices>" NIC END, NULL, NULL, 0 },
    { "nonsense-numbers", PCIE "<controller type='pci' index='300' model='pcie-root-port'/><controller type='pci' index='x' model='pcie-root-port'/>"
      "<rng><address type='pci' bus='-1' slot='99'/></rng>" NIC NO_MORE END, "0000:01:00.0", "0000:03:00.0", 3 },
};
/* clang-format on */

static FerryPorts *
read_ports(const char *xml)
{
    g_autoptr(xmlDoc) document = NULL;

    g_assert_true(ferry_document_parse(xml, 10000, "text", "domain", &document, NULL));
    return ferry_ports_new(xmlDocGetRootElement(document));
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(FerryPorts) ports = read_ports(row->xml);
    g_autofree char *lowest = ferry_ports_take_lowest(ports);
    g_autofree char *highest = ferry_ports_take_highest(ports);

    g_assert_cmpstr(lowest, ==, row->lowest);
    g_assert_cmpstr(highest, ==, row->highest);
    g_assert_cmpuint(ferry_ports_made(ports)->len, ==, row->n_made);
    if (highest != NULL)
        g_assert_false(ferry_ports_is_free(ports, highest));
}

static void
test_is_free(void)
{
    g_autoptr(FerryPorts) ports = read_ports(PCIE PORT(1) PORT(2) NO_MORE END);
    static const char *const no_places[] = { "0000:00:01.0",
                                             "0000:03:00.0",
                                             "0000:01:01.0",
                                             "0000:01:00.1",
                                             "0001:01:00.0",
                                             "nonsense",
                                             "",
                                             "0000:01:00.00" };

    g_assert_true(ferry_ports_is_free(ports, "0000:02:00.0"));
    ferry_ports_take(ports, "0000:02:00.0");
    ferry_ports_take(ports, "nonsense");
    g_assert_false(ferry_ports_is_free(ports, "0000:02:00.0"));
    g_assert_true(ferry_ports_is_free(ports, "0000:01:00.0"));
    for (size_t i = 0; i < G_N_ELEMENTS(no_places); i++)
        g_assert_false(ferry_ports_is_free(ports, no_places[i]));
}

/* As many as there are, and not one more. */
static void
test_full(void)
{
    static const struct {
        const char *xml;
        unsigned n_places;
    } guests[] = { { PC NO_MORE END, 29 }, { PCIE NO_MORE END, 255 } };

    for (size_t i = 0; i < G_N_ELEMENTS(guests); i++) {
        g_autoptr(FerryPorts) ports = read_ports(guests[i].xml);

        for (unsigned n = 0; n < guests[i].n_places; n++) {
            g_autofree char *address = ferry_ports_take_highest(ports);

            g_assert_nonnull(address);
        }
        g_assert_null(ferry_ports_take_highest(ports));
        g_assert_null(ferry_ports_take_lowest(ports));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/ports/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/ports/is-free", test_is_free);
    g_test_add_func("/ports/full", test_full);
    return g_test_run();
}
