#include "xml/ports.h"

#include <stdio.h>
#include <string.h>

#include "xml/document.h"

/* A bus has a number of eight bits; pci.0 has 32 slots, of which libvirt gives the lowest three to
 * the host bridge, the ISA bridge and the first video card. */
#define N_BUSES    256
#define N_SLOTS    32
#define FIRST_SLOT 3

typedef enum { NO_PLACE, FREE, TAKEN } Place;

struct _FerryPorts {
    bool is_pcie;
    Place places[N_BUSES]; /* by bus, or by slot of pci.0 */
    unsigned n_next;       /* the first bus that nothing speaks of */
    unsigned n_homeless;   /* devices without address, for libvirt to place: rather too many */
    GPtrArray *made;
};

/* What never has a PCI address of its own. */
static const char *const elsewhere[] = { "emulator", "serial",   "parallel",    "console",
                                         "channel",  "graphics", "smartcard",   "redirdev",
                                         "hub",      "audio",    "redirfilter", "tpm",
                                         "lease",    "panic",    "nvram" };

static bool
attribute_is(const xmlNode *node, const char *name, const char *value)
{
    g_autofree char *found = ferry_document_attribute(node, name);

    return g_strcmp0(found, value) == 0;
}

/* libvirt reads numbers as C does: 0x1f, 31, 037. */
static bool
read_number(const xmlNode *node, const char *name, unsigned limit, unsigned *ret)
{
    g_autofree char *text = ferry_document_attribute(node, name);
    char *end = NULL;
    const guint64 number = text != NULL ? g_ascii_strtoull(text, &end, 0) : limit;

    if (number >= limit || *end != '\0' || end == text)
        return false;
    *ret = (unsigned)number;
    return true;
}

static bool
is_pcie(const xmlNode *domain, const xmlNode *devices)
{
    const xmlNode *type = ferry_document_child(ferry_document_child(domain, "os"), "type");
    g_autofree char *machine = ferry_document_attribute(type, "machine");

    for (const xmlNode *node = ferry_document_first(devices); node != NULL;
         node = ferry_document_next(node))
        if (ferry_document_is(node, "controller") && attribute_is(node, "model", "pcie-root"))
            return true;
    return (machine != NULL && strstr(machine, "q35") != NULL) ||
           attribute_is(type, "arch", "aarch64") || attribute_is(type, "arch", "riscv64") ||
           attribute_is(type, "arch", "loongarch64");
}

static void
add_controller(FerryPorts *self, const xmlNode *node)
{
    const bool is_port = attribute_is(node, "model", "pcie-root-port") &&
                         !attribute_is(ferry_document_child(node, "target"), "hotplug", "off");
    unsigned bus = 0;

    if (!attribute_is(node, "type", "pci") || !read_number(node, "index", N_BUSES, &bus))
        return;
    self->n_next = MAX(self->n_next, bus + 1);
    if (self->is_pcie && is_port && self->places[bus] == NO_PLACE)
        self->places[bus] = FREE;
}

/* Whoever has an address, and whoever will be given one. */
static void
add_device(FerryPorts *self, const xmlNode *node)
{
    const xmlNode *address = ferry_document_child(node, "address");
    const bool is_root = ferry_document_is(node, "controller") && attribute_is(node, "type", "pci");
    unsigned bus = 0, slot = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(elsewhere); i++)
        if (ferry_document_is(node, elsewhere[i]))
            return;
    if (address != NULL && !attribute_is(address, "type", "pci"))
        return;
    if (!read_number(address, "slot", N_SLOTS, &slot)) {
        if (!is_root && !attribute_is(node, "model", "none"))
            self->n_homeless++;
        return;
    }
    if (!read_number(address, "bus", N_BUSES, &bus))
        bus = 0;
    self->n_next = MAX(self->n_next, bus + 1);
    if (self->is_pcie)
        self->places[bus] = TAKEN;
    else if (bus == 0)
        self->places[slot] = TAKEN;
}

/* What libvirt adds unasked, unless the guest has it: always, or for what hangs on it. */
/* clang-format off */
static const struct {
    const char *kind;
    const char *type; /* (nullable) */
    const char *user; /* (nullable) only when there is such a device … */
    const char *bus;  /* (nullable) … whose <target> is on this bus */
} implied[] = {
    { "memballoon", NULL,            NULL,      NULL   },
    { "controller", "usb",           NULL,      NULL   },
    { "controller", "virtio-serial", "channel", NULL   },
    { "controller", "scsi",          "disk",    "scsi" },
};
/* clang-format on */

static bool
has_device(const xmlNode *devices, const char *kind, const char *type)
{
    for (const xmlNode *node = ferry_document_first(devices); node != NULL;
         node = ferry_document_next(node))
        if (ferry_document_is(node, kind) && (type == NULL || attribute_is(node, "type", type)))
            return true;
    return false;
}

static bool
has_user(const xmlNode *devices, const char *kind, const char *bus)
{
    for (const xmlNode *node = ferry_document_first(devices); node != NULL;
         node = ferry_document_next(node))
        if (ferry_document_is(node, kind) &&
            (bus == NULL || attribute_is(ferry_document_child(node, "target"), "bus", bus)))
            return true;
    return false;
}

static unsigned
count_implied(const xmlNode *devices)
{
    unsigned n_implied = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(implied); i++)
        n_implied +=
            !has_device(devices, implied[i].kind, implied[i].type) &&
            (implied[i].user == NULL || has_user(devices, implied[i].user, implied[i].bus));
    return n_implied;
}

static bool
has_no_pci(const xmlNode *domain)
{
    const xmlNode *type = ferry_document_child(ferry_document_child(domain, "os"), "type");
    g_autofree char *machine = ferry_document_attribute(type, "machine");

    return attribute_is(type, "arch", "s390x") ||
           (machine != NULL && g_str_has_prefix(machine, "s390")) ||
           g_strcmp0(machine, "microvm") == 0;
}

FerryPorts *
ferry_ports_new(const xmlNode *domain)
{
    FerryPorts *self = g_new0(FerryPorts, 1);
    const xmlNode *devices = ferry_document_child(domain, "devices");

    self->made = g_ptr_array_new_with_free_func(g_free);
    self->n_next = N_BUSES;
    if (has_no_pci(domain))
        return self;
    self->is_pcie = is_pcie(domain, devices);
    self->n_next = 1;
    if (!self->is_pcie)
        for (unsigned slot = FIRST_SLOT; slot < N_SLOTS; slot++)
            self->places[slot] = FREE;
    for (const xmlNode *node = ferry_document_first(devices); node != NULL;
         node = ferry_document_next(node)) {
        if (ferry_document_is(node, "controller"))
            add_controller(self, node);
        add_device(self, node);
    }
    self->n_homeless += count_implied(devices);
    return self;
}

void
ferry_ports_free(FerryPorts *self)
{
    if (self == NULL)
        return;
    g_ptr_array_unref(self->made);
    g_free(self);
}

/* Returns: the place of "0000:07:00.0", or N_BUSES when it is none */
static unsigned
place_of(const FerryPorts *self, const char *address)
{
    unsigned bus = 0, slot = 0, function = 0;
    char more = '\0';

    if (sscanf(address, "0000:%2x:%2x.%1x%c", &bus, &slot, &function, &more) != 3 ||
        function != 0 || slot >= N_SLOTS || (self->is_pcie ? slot : bus) != 0)
        return N_BUSES;
    return self->is_pcie ? bus : slot;
}

void
ferry_ports_take(FerryPorts *self, const char *address)
{
    const unsigned place = place_of(self, address);

    if (place < N_BUSES)
        self->places[place] = TAKEN;
}

bool
ferry_ports_is_free(const FerryPorts *self, const char *address)
{
    const unsigned place = place_of(self, address);

    return place < N_BUSES && self->places[place] == FREE;
}

static unsigned
count_free(const FerryPorts *self)
{
    unsigned n_free = 0;

    for (unsigned i = 0; i < N_BUSES; i++)
        n_free += self->places[i] == FREE;
    return n_free;
}

static bool
make_port(FerryPorts *self)
{
    if (!self->is_pcie || self->n_next >= N_BUSES)
        return false;
    g_ptr_array_add(self->made,
                    g_strdup_printf("<controller type='pci' index='%u' model='pcie-root-port'/>",
                                    self->n_next));
    self->places[self->n_next++] = FREE;
    return true;
}

static char *
take_at(FerryPorts *self, unsigned place)
{
    self->places[place] = TAKEN;
    return self->is_pcie ? g_strdup_printf("0000:%02x:00.0", place)
                         : g_strdup_printf("0000:00:%02x.0", place);
}

char *
ferry_ports_take_lowest(FerryPorts *self)
{
    if (count_free(self) == 0 && !make_port(self))
        return NULL;
    self->n_homeless -= self->n_homeless > 0;
    for (unsigned i = 0; i < N_BUSES; i++)
        if (self->places[i] == FREE)
            return take_at(self, i);
    g_assert_not_reached();
}

char *
ferry_ports_take_highest(FerryPorts *self)
{
    while (count_free(self) <= self->n_homeless)
        if (!make_port(self))
            break;
    for (unsigned i = N_BUSES; i-- > 0;)
        if (self->places[i] == FREE)
            return take_at(self, i);
    return NULL;
}

const GPtrArray *
ferry_ports_made(const FerryPorts *self)
{
    return self->made;
}
