#include "migrate/begin.h"

#include <string.h>

#define HEAD                                                                                       \
    "<domain type='kvm'><name>web</name><uuid>0f0e1d2c-3b4a-4958-8776-695a4b3c2d1e</uuid>"         \
    "<memory>1024</memory><os><type arch='x86_64' machine='pc-q35-10.0'>hvm</type></os>"
#define EPHEMERAL(alias)                                                                           \
    "<metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'><ferry:ephemeral alias='" alias        \
    "'/></ferry:guest></metadata>"
#define DISK(type, source, more)                                                                   \
    "<devices><disk type='" type "' device='disk'><source " source                                 \
    "/><target dev='vda' bus='virtio'/>" more "</disk></devices>"
#define VF                                                                                         \
    "<interface type='hostdev' managed='yes'><source><address type='pci' domain='0' bus='5' "      \
    "slot='0x10' function='2'/></source><alias name='ua-vf'/></interface>"

/* What of a guest keeps it from travelling, whatever the target is. */
typedef struct {
    const char *name;
    const char *xml;
    const char *code; /* NULL: nothing */
    const char *part; /* of the sentence: what the operator must read there */
} TravelRow;

/* /proc is on no disk that another host shares; a path that is not there is not shared either. */
static const TravelRow rows[] = {
    { "nothing", HEAD "<devices/></domain>", NULL, NULL },
    { "local-disk", HEAD DISK("file", "file='/proc/version'", "") "</domain>", "disk-not-shared",
      "disk vda is the local file /proc/version" },
    { "missing-disk", HEAD DISK("file", "file='/no/such/disk'", "") "</domain>", "disk-not-shared",
      "/no/such/disk" },
    { "readonly-disk", HEAD DISK("file", "file='/proc/version'", "<readonly/>") "</domain>", NULL,
      NULL },
    { "shareable-disk", HEAD DISK("file", "file='/proc/version'", "<shareable/>") "</domain>", NULL,
      NULL },
    { "network-disk",
      HEAD "<devices><disk type='network' device='disk'><source protocol='rbd' name='pool/image'/>"
           "<target dev='vda'/></disk></devices></domain>",
      NULL, NULL },
    { "block-disk", HEAD DISK("block", "dev='/dev/vg/web'", "") "</domain>", NULL, NULL },
    { "transient-disk",
      HEAD
      "<devices><disk type='block' device='disk'><source dev='/dev/vg/web'/><target dev='vda'/>"
      "<transient/><alias name='virtio-disk0'/></disk></devices></domain>",
      "not-migratable", "the guest has a transient disk, virtio-disk0, and neither moves nor" },
    { "block-job",
      HEAD
      "<devices><disk type='block' device='disk'><source dev='/dev/vg/web'/><target dev='vda'/>"
      "<mirror type='file' job='copy'/></disk></devices></domain>",
      "not-migratable", "a disk that a block job works on, and" },
    { "shared-memory", HEAD "<devices><shmem name='a'/></devices></domain>", "not-migratable",
      "give it role='master'" },
    { "shared-memory-peer", HEAD "<devices><shmem name='a' role='peer'/></devices></domain>",
      "not-migratable", "give it role='master'" },
    { "shared-memory-master", HEAD "<devices><shmem name='a' role='master'/></devices></domain>",
      NULL, NULL },
    { "ephemeral-shared-memory",
      HEAD EPHEMERAL("ua-shm") "<devices><shmem name='a'><alias name='ua-shm'/></shmem></devices>"
                               "</domain>",
      NULL, NULL },
    { "vdpa",
      HEAD "<devices><interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/><alias name='net0'/>"
           "</interface></devices></domain>",
      "not-migratable", "a vDPA device, net0" },
    { "sound-of-usb", HEAD "<devices><sound model='usb'/></devices></domain>", "not-migratable",
      "ich9" },
    { "sound-of-virtio", HEAD "<devices><sound model='virtio'/></devices></domain>",
      "not-migratable", "ich9" },
    { "sound", HEAD "<devices><sound model='ich9'/></devices></domain>", NULL, NULL },
    { "crypto", HEAD "<devices><crypto model='virtio' type='qemu'/></devices></domain>",
      "not-migratable", "virtio crypto" },
    { "3d",
      HEAD "<devices><video><model type='virtio'><acceleration accel3d='yes'/></model></video>"
           "</devices></domain>",
      "not-migratable", "accel3d" },
    { "no-3d",
      HEAD "<devices><video><model type='virtio'><acceleration accel3d='no'/></model></video>"
           "</devices></domain>",
      NULL, NULL },
    { "invtsc",
      HEAD "<cpu mode='custom'><feature policy='require' name='invtsc'/></cpu><devices/></domain>",
      "not-migratable", "invtsc" },
    { "invtsc-fixed",
      HEAD "<cpu mode='custom'><feature policy='require' name='invtsc'/></cpu>"
           "<clock offset='utc'><timer name='tsc' frequency='2500000000'/></clock><devices/>"
           "</domain>",
      NULL, NULL },
    { "invtsc-off",
      HEAD "<cpu mode='custom'><feature policy='disable' name='invtsc'/></cpu><devices/></domain>",
      NULL, NULL },
    { "vf", HEAD "<devices>" VF "</devices></domain>", "device-cannot-travel", "device ua-vf" },
    { "ephemeral-vf", HEAD EPHEMERAL("ua-vf") "<devices>" VF "</devices></domain>",
      "device-needs-pool", "0000:05:10.2" },
    { "hostdev",
      HEAD "<devices><hostdev mode='subsystem' type='pci'><source><address domain='0' bus='1' "
           "slot='0' function='0'/></source><alias name='hostdev0'/></hostdev></devices></domain>",
      "device-cannot-travel", "Mark it ephemeral" },
    { "ephemeral-not-hot-pluggable",
      HEAD EPHEMERAL("ua-balloon") "<devices><memballoon model='virtio'><alias name='ua-balloon'/>"
                                   "</memballoon></devices></domain>",
      "not-hot-pluggable", "ua-balloon" },
};

static void
test_travel(gconstpointer data)
{
    const TravelRow *row = data;
    g_autoptr(FerryDomain) domain = NULL;
    g_autoptr(GError) error = NULL;
    const FerrySurveyHost nowhere = { .root = -1 }; /* tests/migrate/test-survey.c has a host */
    g_autoptr(GPtrArray) needs =
        g_ptr_array_new_with_free_func((GDestroyNotify)ferry_plan_need_free);
    json_t *reasons = json_array();
    const json_t *first = NULL;

    g_assert_true(ferry_domain_parse(row->xml, &domain, &error));
    g_assert_no_error(error);
    ferry_begin_check_travel(domain, row->xml, &nowhere, needs, reasons);
    g_assert_cmpuint(json_array_size(reasons), ==, row->code == NULL ? 0 : 1);
    if (row->code != NULL) {
        first = json_array_get(reasons, 0);
        g_assert_cmpstr(json_string_value(json_object_get(first, "code")), ==, row->code);
        g_assert_nonnull(strstr(json_string_value(json_object_get(first, "message")), row->part));
    }
    json_decref(reasons);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/begin/travel/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_travel);
    }
    return g_test_run();
}
