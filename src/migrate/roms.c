#include "migrate/roms.h"

#include <string.h>
#include <sys/stat.h>

#include "migrate/objection.h"

/* What QEMU 10.0 loads for a NIC whose definition says nothing (hw/net, "romfile"). */
static const struct {
    const char *model, *file;
} defaults[] = {
    { "e1000", "efi-e1000.rom" },       { "e1000e", "efi-e1000e.rom" },
    { "ne2k_pci", "efi-ne2k_pci.rom" }, { "pcnet", "efi-pcnet.rom" },
    { "rtl8139", "efi-rtl8139.rom" },   { "virtio", "efi-virtio.rom" },
    { "vmxnet3", "efi-vmxnet3.rom" },
};

/* Where distributions put them: Debian, Fedora, QEMU's own. */
static const char *const folders[] = { "/usr/lib/ipxe/qemu/", "/usr/share/ipxe/qemu/",
                                       "/usr/share/qemu/" };

/* -1: there is none */
static int64_t
bytes_of(const char *root, const char *file)
{
    struct stat status;

    for (size_t i = 0; i < (file[0] == '/' ? 1 : G_N_ELEMENTS(folders)); i++) {
        g_autofree char *path = g_strconcat(root, file[0] == '/' ? "" : folders[i], file, NULL);

        if (stat(path, &status) == 0 && S_ISREG(status.st_mode))
            return status.st_size;
    }
    return -1;
}

static const char *
file_of(const FerryDevice *device)
{
    if (device->rom_file != NULL)
        return device->rom_file;
    for (size_t i = 0; i < G_N_ELEMENTS(defaults); i++)
        if (g_str_equal(device->kind, "interface") &&
            g_strcmp0(device->model, defaults[i].model) == 0)
            return defaults[i].file;
    return NULL;
}

/* One in another format than raw has the size of what is in it, which is not seen from outside. */
static void
list_firmware(const char *root, const FerryDomain *live, json_t *roms)
{
    const int64_t bytes = live->loader == NULL || live->loader[0] != '/' || !live->loader_is_raw
                              ? -1
                              : bytes_of(root, live->loader);

    if (bytes >= 0)
        json_array_append_new(
            roms, json_pack("{s:s, s:I}", "file", live->loader, "bytes", (json_int_t)bytes));
}

json_t *
ferry_roms_list(const char *root, const FerryDomain *live)
{
    json_t *roms = json_array();

    list_firmware(root, live, roms);
    for (guint i = 0; i < live->devices->len; i++) {
        const FerryDevice *device = g_ptr_array_index(live->devices, i);
        const char *file = device->alias == NULL || device->address == NULL /* not on PCI */
                               ? NULL
                               : file_of(device);
        const bool stays =
            device->alias != NULL && !ferry_metadata_is_ephemeral(live->metadata, device->alias);
        const int64_t bytes = file == NULL || !stays ? -1 : bytes_of(root, file);

        if (file == NULL || device->rom_off)
            continue;
        json_array_append_new(roms,
                              json_pack("{s:s, s:s, s:o*}", "alias", device->alias, "file", file,
                                        "bytes", bytes < 0 ? NULL : json_integer(bytes)));
    }
    return roms;
}

/* As QEMU makes the block. */
static uint64_t
block_of(int64_t bytes)
{
    uint64_t block = 1;

    while (block < (uint64_t)bytes)
        block *= 2;
    return block;
}

/* A file that is not there is objected to with the guest's definition. */
static void
check_firmware(const char *root,
               const char *file,
               int64_t there,
               const char *target,
               json_t *reasons)
{
    const int64_t here = bytes_of(root, file);

    if (here >= 0 && there >= 0 && here != there)
        ferry_object(reasons, "rom-size-differs",
                     "the guest's firmware %s has %" G_GINT64_FORMAT " bytes, and %" G_GINT64_FORMAT
                     " on %s, and QEMU gives up when it finds that out: install the same firmware "
                     "there",
                     file, (gint64)there, (gint64)here, target);
}

/* Of QEMU's own ROMs one that is not found may be in a folder that is not known here. */
static void
check_option_rom(const char *root,
                 const char *alias,
                 const char *file,
                 int64_t there,
                 const char *target,
                 json_t *reasons)
{
    const int64_t here = bytes_of(root, file);

    if (here < 0 && file[0] == '/')
        ferry_object_to(
            reasons, alias, "no-rom",
            "%s does not have %s, the option ROM of %s: put it there, or take the <rom file=…> "
            "out and start the guest anew",
            target, file, alias);
    else if (here >= 0 && there >= 0 && there < INT32_MAX && block_of(here) != block_of(there))
        ferry_object_to(reasons, alias, "rom-size-differs",
                        "the option ROM of %s, %s, takes %" G_GUINT64_FORMAT
                        " KiB of the guest and %" G_GUINT64_FORMAT
                        " KiB on %s, and QEMU gives up when it finds that out: install the "
                        "same ROMs there, or start the guest anew with <rom enabled='no'/>",
                        alias, file, (guint64)block_of(there) / 1024,
                        (guint64)block_of(here) / 1024, target);
}

static void
check_one(const char *root, const json_t *rom, const char *target, json_t *reasons)
{
    const char *alias = json_string_value(json_object_get(rom, "alias"));
    const char *file = json_string_value(json_object_get(rom, "file"));
    const json_t *size = json_object_get(rom, "bytes");
    const int64_t there = json_is_integer(size) ? json_integer_value(size) : -1;

    if (file == NULL || strstr(file, "..") != NULL)
        return;
    if (alias != NULL)
        check_option_rom(root, alias, file, there, target, reasons);
    else if (file[0] == '/')
        check_firmware(root, file, there, target, reasons);
}

void
ferry_roms_check(const char *root, const json_t *roms, const char *target, json_t *reasons)
{
    const json_t *rom = NULL;
    size_t i = 0;

    json_array_foreach(roms, i, rom) check_one(root, rom, target, reasons);
}
