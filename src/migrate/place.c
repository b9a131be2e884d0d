/* The target's half of the check: what changes nothing. */
#include "migrate/begin.h"

#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "guest/capabilities.h"
#include "guest/network.h"
#include "migrate/objection.h"
#include "migrate/roms.h"

static bool
check_guest_is_elsewhere(FerryMigrator *migrator,
                         const FerryPlan *plan,
                         json_t *reasons,
                         GError **error)
{
    FerryGuests *guests = migrator->config.guests;
    g_autoptr(FerryGuest) by_uuid = NULL;
    g_autoptr(FerryGuest) by_name = NULL;

    if (!ferry_guests_find(guests, plan->guest_uuid, &by_uuid, error) ||
        !ferry_guests_find(guests, plan->guest_name, &by_name, error))
        return false;
    if (by_uuid != NULL)
        ferry_object(
            reasons, "guest-exists",
            "%s has a guest of this UUID already (%s): remove its definition there, or look which "
            "of the two is right",
            plan->target, by_uuid->name);
    else if (by_name != NULL)
        ferry_object(reasons, "name-taken", "%s has another guest named %s", plan->target,
                     plan->guest_name);
    return true;
}

/* Firmware of cheap or copied machines; libvirt would find it out when the devices are off. */
static bool
check_host_uuid(FerryMigrator *migrator, const FerryPlan *plan, json_t *reasons, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autofree char *uuid = ferry_guests_host_uuid(migrator->config.guests, &local);

    if (local != NULL) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    if (uuid != NULL && g_strcmp0(uuid, plan->host_uuid) == 0)
        ferry_object(reasons, "same-host-uuid",
                     "%s and %s have one host UUID (%s), so that libvirt takes them for one host: "
                     "set another on one of them (host_uuid in /etc/libvirt/libvirtd.conf or "
                     "virtqemud.conf), and restart its libvirt",
                     plan->source, plan->target, uuid);
    return true;
}

static bool
check_machine(FerryMigrator *migrator,
              const FerryPlan *plan,
              const FerryDomain *domain,
              json_t *reasons,
              GError **error)
{
    g_autoptr(GPtrArray) lacks = NULL;

    if (!ferry_guests_lacks(migrator->config.guests, domain, &lacks, error))
        return false;
    for (guint i = 0; i < lacks->len; i++) {
        const FerryLack *lack = g_ptr_array_index(lacks, i);

        ferry_object(reasons, ferry_lack_code(lack->kind), "%s lacks %s, which the guest uses",
                     plan->target, lack->what);
    }
    return true;
}

static bool
is_plan_ephemeral(const FerryPlan *plan, const char *alias)
{
    for (guint i = 0; i < plan->ephemerals->len; i++) {
        const FerryPlanDevice *device = g_ptr_array_index(plan->ephemerals, i);

        if (g_strcmp0(device->alias, alias) == 0)
            return true;
    }
    return false;
}

static void
check_boot_file(const FerryPlan *plan, const char *path, json_t *reasons)
{
    if (path != NULL && path[0] == '/' && access(path, F_OK) < 0)
        ferry_object(reasons, "no-boot-file",
                     "%s does not have %s, which the guest starts from: install it there, or copy "
                     "it",
                     plan->target, path);
}

/* QEMU reads these also for a guest that runs elsewhere. */
static void
check_boot_files(const FerryPlan *plan, const FerryDomain *domain, json_t *reasons)
{
    check_boot_file(plan, domain->loader, reasons);
    if (domain->nvram != NULL && access(domain->nvram, F_OK) < 0)
        check_boot_file(plan, domain->nvram_template, reasons);
    for (guint i = 0; i < domain->kernel_files->len; i++)
        check_boot_file(plan, g_ptr_array_index(domain->kernel_files, i), reasons);
}

/* What the guest's devices are backed by must be here under the same name. */
static void
check_backing(const FerryPlan *plan, const FerryDomain *domain, json_t *reasons)
{
    for (guint i = 0; i < domain->devices->len; i++) {
        const FerryDevice *device = g_ptr_array_index(domain->devices, i);
        bool netdev =
            g_str_equal(device->kind, "interface") && device->network == NULL &&
            (g_strcmp0(device->type, "direct") == 0 || g_strcmp0(device->type, "bridge") == 0);

        if (netdev && ferry_needs_of(plan->needs, device->alias) == NULL &&
            device->source != NULL && if_nametoindex(device->source) == 0)
            ferry_object(reasons, "no-network-device",
                         "%s has no network device %s, which the guest's %s %s sits on",
                         plan->target, device->source,
                         is_plan_ephemeral(plan, device->alias) ? "ephemeral interface"
                                                                : "interface",
                         device->alias != NULL ? device->alias : "");
    }
    for (guint i = 0; i < domain->disks->len; i++) {
        const FerryDisk *disk = g_ptr_array_index(domain->disks, i);
        bool path = g_strcmp0(disk->type, "file") == 0 || g_strcmp0(disk->type, "block") == 0;

        if (path && disk->source != NULL && access(disk->source, F_OK) < 0)
            ferry_object(reasons, "no-disk", "%s does not have %s, the guest's disk %s",
                         plan->target, disk->source, disk->target);
    }
}

static void
refuse_network(const FerryPlan *plan,
               const FerryDevice *nic,
               FerryNetworkState state,
               json_t *reasons)
{
    const char *alias = nic->alias != NULL ? nic->alias : "";

    if (state == FERRY_NETWORK_ABSENT)
        ferry_object(reasons, "no-network",
                     "%s has no libvirt network %s, which the guest's interface %s is on: define "
                     "it there (\"virsh net-define\")",
                     plan->target, nic->network, alias);
    else if (state == FERRY_NETWORK_INACTIVE)
        ferry_object(reasons, "no-network",
                     "libvirt network %s of %s, which the guest's interface %s is on, is not "
                     "active: run \"virsh net-start %s\" there",
                     nic->network, plan->target, alias, nic->network);
}

static bool
can_bind(const struct addrinfo *address)
{
    FERRY_AUTOFD int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return (fd >= 0 && bind(fd, address->ai_addr, address->ai_addrlen) == 0) ||
           (errno != EADDRNOTAVAIL && errno != EAFNOSUPPORT);
}

/* Whether this host has the address; what is none (a name) is libvirt's to judge. */
static bool
can_listen(const char *address)
{
    const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    bool can = true;

    if (getaddrinfo(address, NULL, &hints, &found) != 0)
        return true;
    can = can_bind(found);
    freeaddrinfo(found);
    return can;
}

static void
check_graphics(const FerryPlan *plan, const FerryDomain *domain, json_t *reasons)
{
    for (guint i = 0; i < domain->devices->len; i++) {
        const FerryDevice *device = g_ptr_array_index(domain->devices, i);

        if (device->listen != NULL && !can_listen(device->listen))
            ferry_object(reasons, "no-listen-address",
                         "%s does not have the address %s, on which the guest's %s graphics are to "
                         "listen: give them one that both hosts have, as 0.0.0.0 or 127.0.0.1",
                         plan->target, device->listen, device->type != NULL ? device->type : "");
    }
}

/* In its live XML such a NIC is what its network makes of it, "bridge" or "direct".  A hybrid's
 * network is that of the pool that it gets its VF from. */
static bool
check_networks(FerryMigrator *migrator,
               const FerryPlan *plan,
               const FerryDomain *domain,
               json_t *reasons,
               GError **error)
{
    for (guint i = 0; i < domain->devices->len; i++) {
        const FerryDevice *device = g_ptr_array_index(domain->devices, i);
        FerryNetworkState state = FERRY_NETWORK_ABSENT;

        if (!g_str_equal(device->kind, "interface") || device->network == NULL ||
            ferry_needs_of(plan->needs, device->alias) != NULL)
            continue;
        if (!ferry_guests_network_state(migrator->config.guests, device->network, &state, error))
            return false;
        refuse_network(plan, device, state, reasons);
    }
    return true;
}

static void
check_tls(const FerryMigrator *migrator, const FerryPlan *plan, json_t *reasons)
{
    g_autofree char *cert =
        g_build_filename(migrator->config.memory_tls_dir, "server-cert.pem", NULL);

    if (plan->tls && access(cert, F_OK) < 0)
        ferry_object(
            reasons, "no-memory-tls",
            "%s has no credentials for encrypted guest memory (%s): run \"ferry pki install\" "
            "there, or set tls=no in the [migrate] section of both hosts",
            plan->target, cert);
}

/* A target that knows of no devices has none to give. */
static bool
check_devices(FerryMigrator *migrator,
              const FerryPlan *plan,
              json_t **ret,
              json_t *reasons,
              GError **error)
{
    const FerryReservations held = ferry_run_reservations(migrator);
    const size_t before = json_array_size(reasons);

    if (!ferry_reservations_check(&held, plan, reasons, error))
        return false;
    if (ret == NULL)
        return true;
    if (json_array_size(reasons) > before) { /* no slots, then, that could be judged */
        *ret = json_array();
        return true;
    }
    if (migrator->offers != NULL)
        return ferry_offers_answer(migrator->offers, plan, ret, reasons, error);
    if (plan->needs->len > 0)
        ferry_object(reasons, "no-devices", "ferryd of %s knows of no devices", plan->target);
    *ret = json_array();
    return true;
}

bool
ferry_begin_check_place(FerryMigrator *migrator,
                        const FerryPlan *plan,
                        const FerryDomain *domain,
                        json_t **ret_devices,
                        json_t *reasons,
                        GError **error)
{
    check_boot_files(plan, domain, reasons);
    check_backing(plan, domain, reasons);
    check_graphics(plan, domain, reasons);
    ferry_roms_check("", plan->roms, plan->target, reasons);
    return check_networks(migrator, plan, domain, reasons, error) &&
           check_machine(migrator, plan, domain, reasons, error) &&
           check_devices(migrator, plan, ret_devices, reasons, error);
}

bool
ferry_begin_check(FerryMigrator *migrator,
                  const FerryPlan *plan,
                  json_t **ret_devices,
                  json_t *reasons,
                  GError **error)
{
    g_autoptr(FerryDomain) domain = NULL;

    if (!ferry_domain_parse(plan->live_xml, &domain, error)) {
        g_prefix_error(error, "the plan's domain XML: ");
        return false;
    }
    if (g_strcmp0(domain->uuid, plan->guest_uuid) != 0 ||
        g_strcmp0(domain->name, plan->guest_name) != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "the plan's guest is not the one of its domain XML");
        return false;
    }
    if (plan->tls != migrator->config.tls)
        ferry_object(
            reasons, "memory-tls-differs",
            "tls= in the [migrate] section is %s on %s and %s on %s: it must be the same on both",
            plan->tls ? "yes" : "no", plan->source, migrator->config.tls ? "yes" : "no",
            plan->target);
    if (ferry_run_count(migrator, FERRY_SIDE_TARGET) >= migrator->config.max_in)
        ferry_object(
            reasons, "target-busy",
            "%s takes no more than %u migrations at a time (max_in): try again when one has ended",
            plan->target, migrator->config.max_in);
    check_tls(migrator, plan, reasons);
    ferry_begin_check_qemu(migrator, plan->needs, reasons);
    return check_host_uuid(migrator, plan, reasons, error) &&
           check_guest_is_elsewhere(migrator, plan, reasons, error) &&
           ferry_begin_check_place(migrator, plan, domain, ret_devices, reasons, error);
}
