#include "migrate/traps.h"

#include <stdio.h>

#include "migrate/objection.h"

/* Before 8.1 QEMU has no pre-copy of VFIO devices, and its v2 protocol is an experiment
 * ("x-enable-migration": QEMU, "ChangeLog/8.1", VFIO). */
#define QEMU_MAJOR 8U
#define QEMU_MINOR 1U

static bool
carries_state(const GPtrArray *needs)
{
    for (guint i = 0; i < needs->len; i++)
        if (((const FerryPlanNeed *)g_ptr_array_index(needs, i))->way == FERRY_WAY_STATE)
            return true;
    return false;
}

void
ferry_traps_of_host(const GPtrArray *needs,
                    const char *host,
                    const char *qemu_version,
                    json_t *reasons)
{
    unsigned major = 0;
    unsigned minor = 0;

    if (!carries_state(needs) || qemu_version == NULL ||
        sscanf(qemu_version, "%u.%u", &major, &minor) != 2 || major > QEMU_MAJOR ||
        (major == QEMU_MAJOR && minor >= QEMU_MINOR))
        return;
    ferry_object(
        reasons, "qemu-too-old",
        "%s has QEMU %s, and the state of VFIO devices is carried from %u.%u on: update it there",
        host, qemu_version, QEMU_MAJOR, QEMU_MINOR);
}

void
ferry_traps_of_guest(const FerryDomain *domain, const GPtrArray *needs, json_t *reasons)
{
    for (guint i = 0; i < domain->devices->len && carries_state(needs); i++) {
        const FerryDevice *device = g_ptr_array_index(domain->devices, i);

        if (g_str_equal(device->kind, "iommu")) /* QEMU, docs/devel/migration/vfio.rst */
            ferry_object(
                reasons, "viommu",
                "the guest has a virtual IOMMU, and QEMU does not migrate VFIO devices behind "
                "one: take the <iommu> out of its definition and start it anew");
    }
}
