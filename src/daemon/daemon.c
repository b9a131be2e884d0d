#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "api/guest-life.h"
#include "api/migrations.h"
#include "api/probe.h"
#include "api/resources.h"
#include "api/server.h"
#include "base/error.h"
#include "base/file.h"
#include "daemon/keep.h"
#include "daemon/restore.h"
#include "migrate/hybrid.h"
#include "migrate/keeper.h"
#include "migrate/life-host.h"
#include "migrate/migrator.h"

/* What there is to connect to unless the configuration says otherwise. */
#define DEFAULT_LISTEN "*:8442"
/* One change is many events: making 7 VFs is some 30 within half a second. */
#define QUIET_MS 100
/* For another start or stop of a guest, by a hook: libvirt waits longer for that. */
#define HOOK_TURN_MS 20000
/* Where ferry-hook looks, which reads no configuration. */
#define MARKER_DIR "/var/lib/ferry"

struct _FerryDaemon {
    const FerryConfig *config;
    int lock_fd;
    char *name;
    FerryIdentity *identity; /* NULL: no TCP */
    FerryStore *store;
    int root_fd;        /* of the machine's files: /sys, /proc, /etc/mdevctl.d */
    FerryKernel kernel; /* below it */
    FerryUdev *udev;    /* NULL: nothing tells of changes here */
    FerryWatch *watch;
    FerryPools *pools;
    FerryRestore *restore; /* NULL: the configuration names no PF */
    FerryKeep *keep;
    FerryGuests *guests;
    char *run_dir;
    FerryMigrator *migrator;
    FerryLifeHost life_host;
    FerryLife life;
    FerryHybrids *hybrids;
    FerryKeeper *keeper;
    FerryApi api;
    FerryServer *server;
};

/* Two ferryds with one journal would each be half of a protocol.  The lock ends with the process.
 */
static bool
lock_state(FerryDaemon *self, GError **error)
{
    const char *folder = self->config->state_dir;
    g_autofree char *path = g_build_filename(folder, "lock", NULL);

    if (g_mkdir_with_parents(folder, 0755) < 0)
        return ferry_error_set_errno(error, errno, "make folder", folder);
    self->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (self->lock_fd < 0)
        return ferry_error_set_errno(error, errno, "open", path);
    if (flock(self->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno != EWOULDBLOCK)
        return ferry_error_set_errno(error, errno, "lock", path);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS,
                "another ferryd uses %s: stop it, or give this one another state_dir", folder);
    return false;
}

static bool
open_store(FerryDaemon *self, GError **error)
{
    g_autofree char *path = g_build_filename(self->config->state_dir, "ferry.db", NULL);

    return ferry_store_open(path, &self->store, error) && ferry_probe_clean_up(self->store, error);
}

/* What a host has not got, udev or even /sys, is no reason not to serve it. */
static bool
start_watch(FerryDaemon *self, GError **error)
{
    g_autoptr(GError) failure = NULL;

    self->root_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->root_fd < 0)
        return ferry_error_set_errno(error, errno, "open", "/");
    self->kernel = ferry_kernel_real(&self->root_fd);
    self->udev = ferry_udev_new(&failure);
    if (self->udev == NULL)
        g_message("%s: going on with a look at the devices every few seconds", failure->message);
    self->watch = ferry_watch_new(self->root_fd, self->udev != NULL ? ferry_udev_ops() : NULL,
                                  self->udev, QUIET_MS, error);
    if (self->watch == NULL)
        return false;
    if (self->config->pfs->len > 0)
        self->restore = ferry_restore_new(self->config->pfs, self->watch, &self->kernel, error);
    return self->config->pfs->len == 0 || self->restore != NULL;
}

static FerryInventory *
newest_inventory(void *data)
{
    return ferry_watch_inventory(data, NULL);
}

static void
open_pools(FerryDaemon *self)
{
    const FerryPoolsConfig config = { .store = self->store,
                                      .inventory = newest_inventory,
                                      .inventory_data = self->watch,
                                      .kernel = &self->kernel,
                                      .vf_ops = ferry_vf_netlink(),
                                      .clock = ferry_clock_system() };

    self->pools = ferry_pools_new(&config);
}

/* A host that was just set up has no certificate yet, and is of use to itself. */
static bool
wants_tcp(const FerryConfig *config)
{
    if (config->listen != NULL)
        return config->listen[0] != '\0';
    if (access(config->cert, F_OK) == 0)
        return true;
    g_message("no certificate at %s: going on without other hosts. Run \"ferry pki install\"",
              config->cert);
    return false;
}

static bool
load_identity(FerryDaemon *self, GError **error)
{
    const FerryConfig *config = self->config;
    const FerryPeerName *me = NULL;

    if (!wants_tcp(config)) {
        self->name = g_strdup(config->name != NULL ? config->name : g_get_host_name());
        return true;
    }
    if (!ferry_identity_load(config->ca, config->cert, config->key, &self->identity, error))
        return false;
    me = ferry_identity_me(self->identity);
    if (me->role != FERRY_ROLE_PEER) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "%s has the role %s, but a host's has peer: issue one with \"ferry pki issue\"",
                    config->cert, ferry_role_name(me->role));
        return false;
    }
    if (config->name != NULL && strcmp(config->name, me->name) != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "[daemon] name is %s, but the certificate %s is of %s: leave name out",
                    config->name, config->cert, me->name);
        return false;
    }
    self->name = g_strdup(me->name);
    return true;
}

static FerryTimers
timers_of(const FerryConfig *config)
{
    return (FerryTimers){ .lease_ms = config->lease_s * 1000,
                          .prepare_ms = config->prepare_timeout_s * 1000,
                          .no_progress_ms = config->no_progress_s * 1000,
                          .transfer_ms = config->transfer_timeout_s * 1000,
                          .loaded_ms = config->loaded_timeout_ms,
                          .detach_ms = config->detach_timeout_s * 1000,
                          .attach_ms = config->attach_timeout_s * 1000,
                          .in_doubt_ms = config->in_doubt_s * 1000,
                          .go_retry_ms = config->go_retry_ms,
                          .libvirt_retry_ms = config->libvirt_retry_ms,
                          .peer_keepalive_ms = config->peer_keepalive_s * 1000 };
}

/* Before the server: whoever asks about a job must find it. */
static bool
start_migrator(FerryDaemon *self, GError **error)
{
    const FerryConfig *config = self->config;
    FerryMigratorConfig migrator = {
        .store = self->store,
        .guests = self->guests,
        .identity = self->identity,
        .clock = ferry_clock_system(),
        .name = self->name,
        .marker_dir = MARKER_DIR,
        .libvirt_socket = config->libvirt_socket,
        .memory_tls_dir = config->memory_tls_dir,
        .pools = self->pools,
        .hybrids = self->hybrids,
        .watch = self->watch,
        .root = self->root_fd,
        .timers = timers_of(config),
        .tombstone_ms = config->tombstone_days * 24 * 3600 * 1000,
        .link_bps = (uint64_t)config->link_mib_s << 20,
        .max_in = (unsigned)config->max_in,
        .max_out = (unsigned)config->max_out,
        .tls = config->tls != 0,
    };

    self->run_dir = g_path_get_dirname(config->socket); /* relays are beside the socket */
    migrator.run_dir = self->run_dir;
    self->migrator = ferry_migrator_new(&migrator);
    return ferry_migrator_recover(self->migrator, error);
}

static bool
find_pool(void *data, const char *name, FerryPool **ret, GError **error)
{
    return ferry_pools_find(data, name, ret, error);
}

static void
open_hybrids(FerryDaemon *self)
{
    const FerryHybridsConfig config = { .guest = ferry_hybrid_guest_ops(),
                                        .guest_data = self->guests,
                                        .claims = &ferry_claim_ops,
                                        .claims_data = self->pools,
                                        .find_pool = find_pool,
                                        .pools_data = self->pools,
                                        .inventory = newest_inventory,
                                        .inventory_data = self->watch,
                                        .netdevs = ferry_netdev_kernel(),
                                        .root = self->root_fd,
                                        .settle_ms = (unsigned)self->config->vf_settle_ms,
                                        .clock = ferry_clock_system() };

    self->hybrids = ferry_hybrids_new(&config);
}

/* After the migrator has found its jobs again: a job's guest and claims are not the keeper's. */
static bool
start_keeper(FerryDaemon *self, GError **error)
{
    self->life_host = (FerryLifeHost){ .guests = self->guests,
                                       .migrator = self->migrator,
                                       .watch = self->watch,
                                       .marker_dir = MARKER_DIR };
    self->life = (FerryLife){ .guests = &ferry_life_host_ops,
                              .guests_data = &self->life_host,
                              .claims = &ferry_claim_ops,
                              .claims_data = self->pools,
                              .hybrids = &ferry_hybrid_ops,
                              .hybrids_data = self->hybrids,
                              .turns = ferry_guest_turns_new(),
                              .hook_turn_ms = HOOK_TURN_MS,
                              .clock = ferry_clock_system() };
    self->keeper = ferry_keeper_new(&self->life);
    return ferry_keeper_start(self->keeper, error);
}

static bool
start_server(FerryDaemon *self, GError **error)
{
    FerryServerConfig config = ferry_server_defaults;

    config.socket_path = self->config->socket;
    config.identity = self->identity;
    if (self->identity != NULL)
        config.listen = self->config->listen != NULL ? self->config->listen : DEFAULT_LISTEN;
    self->api = (FerryApi){ .name = self->name,
                            .identity = self->identity,
                            .clock = ferry_clock_system(),
                            .store = self->store,
                            .guests = self->guests,
                            .memory_tls_dir = self->config->memory_tls_dir,
                            .migrator = self->migrator,
                            .watch = self->watch,
                            .kernel = &self->kernel,
                            .pools = self->pools,
                            .hybrids = self->hybrids,
                            .keep = ferry_keep_ops(),
                            .keep_data = self->keep,
                            .vfio = ferry_probe_vfio() };
    self->server = ferry_server_new(&config);
    ferry_server_add(self->server, ferry_version_routes, &self->api);
    ferry_server_add(self->server, ferry_host_routes, &self->api);
    ferry_server_add(self->server, ferry_migration_routes, self->migrator);
    ferry_server_add(self->server, ferry_saved_routes, self->migrator);
    ferry_server_add(self->server, ferry_restore_routes, self->migrator);
    ferry_server_add(self->server, ferry_job_routes, self->migrator);
    ferry_server_add(self->server, ferry_peer_job_routes, self->migrator);
    ferry_server_add(self->server, ferry_reservation_routes, self->migrator);
    ferry_server_add(self->server, ferry_guest_routes, &self->api);
    ferry_server_add(self->server, ferry_guest_start_routes, &self->life);
    ferry_server_add(self->server, ferry_hook_routes, &self->life);
    ferry_server_add(self->server, ferry_guest_define_routes, &self->api);
    ferry_server_add(self->server, ferry_pool_routes, &self->api);
    ferry_server_add(self->server, ferry_claim_routes, &self->api);
    ferry_server_add(self->server, ferry_device_routes, &self->api);
    ferry_server_add(self->server, ferry_mdev_routes, &self->api);
    ferry_server_add(self->server, ferry_pf_routes, &self->api);
    return ferry_server_start(self->server, error);
}

static void
daemon_free(FerryDaemon *self)
{
    ferry_server_free(self->server);
    ferry_keeper_free(self->keeper);
    ferry_guest_turns_free(self->life.turns);
    ferry_migrator_free(self->migrator);
    ferry_hybrids_free(self->hybrids);
    ferry_guests_free(self->guests);
    ferry_pools_free(self->pools);
    ferry_restore_free(self->restore);
    ferry_watch_free(self->watch);
    ferry_keep_free(self->keep);
    ferry_udev_free(self->udev);
    ferry_fd_clear(&self->root_fd);
    ferry_store_close(self->store);
    ferry_identity_free(self->identity);
    g_free(self->name);
    g_free(self->run_dir);
    ferry_fd_clear(&self->lock_fd);
    g_free(self);
}

static bool
bring_up(FerryDaemon *self, GError **error)
{
    if (!lock_state(self, error) || !load_identity(self, error) || !open_store(self, error) ||
        !start_watch(self, error))
        return false;
    open_pools(self);
    self->guests = ferry_guests_new(self->config->uri);
    open_hybrids(self);
    return start_migrator(self, error) && start_keeper(self, error) && start_server(self, error);
}

bool
ferry_daemon_start(const FerryConfig *config, FerryDaemon **ret, GError **error)
{
    FerryDaemon *self = g_new0(FerryDaemon, 1);

    self->config = config;
    self->keep = ferry_keep_new(config->path);
    self->lock_fd = self->root_fd = -1;
    if (!bring_up(self, error)) {
        /* Jobs that were taken up already may not be ended by closing their relays: the process,
         * which ends now, takes them along as a crash would. */
        if (self->migrator == NULL || ferry_migrator_stop(self->migrator, 0))
            daemon_free(self);
        return false;
    }
    *ret = self;
    return true;
}

bool
ferry_daemon_await_devices(FerryDaemon *self, int64_t limit_ms)
{
    return self->restore == NULL || ferry_restore_wait(self->restore, limit_ms);
}

uint16_t
ferry_daemon_port(const FerryDaemon *self)
{
    return ferry_server_port(self->server);
}

bool
ferry_daemon_stop(FerryDaemon *self, int64_t timeout_ms)
{
    if (!ferry_migrator_stop(self->migrator, timeout_ms / 2) ||
        !ferry_server_stop(self->server, timeout_ms / 4) ||
        !ferry_keeper_stop(self->keeper, timeout_ms / 4))
        return false;
    daemon_free(self);
    return true;
}
