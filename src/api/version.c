#include <sys/stat.h>

#include "api/resources.h"
#include "guest/capabilities.h"

/* The files that QEMU reads, by its own names, for one side of a migration and the other. */
static const char *const memory_tls_files[] = { "ca-cert.pem", "server-cert.pem", "server-key.pem",
                                                "client-cert.pem", "client-key.pem" };

bool
ferry_memory_tls_is_installed(const char *folder)
{
    for (size_t i = 0; i < G_N_ELEMENTS(memory_tls_files); i++) {
        g_autofree char *path = g_build_filename(folder, memory_tls_files[i], NULL);
        struct stat info;

        if (stat(path, &info) < 0 || !S_ISREG(info.st_mode))
            return false;
    }
    return true;
}

/* libvirt being away is a fact to be told, not a failure to tell. */
static json_t *
describe_libvirt(FerryGuests *guests)
{
    g_autoptr(FerryHostInfo) info = NULL;
    g_autoptr(GError) error = NULL;

    if (!ferry_guests_host(guests, &info, &error))
        return json_pack("{s:b, s:s, s:n, s:n}", "connected", 0, "error", error->message, "version",
                         "qemu");
    return json_pack("{s:b, s:s?, s:s?}", "connected", 1, "version", info->libvirt_version, "qemu",
                     info->qemu_version);
}

static bool
get_version(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *self = data;

    (void)request;
    (void)error;
    ferry_response_json(response, 200,
                        json_pack("{s:s, s:i, s:i, s:[], s:s, s:o, s:b}", "ferry", FERRY_VERSION,
                                  "protocol", FERRY_PROTOCOL, "min", FERRY_PROTOCOL_MIN, "features",
                                  "name", self->name, "libvirt", describe_libvirt(self->guests),
                                  "memory_tls",
                                  ferry_memory_tls_is_installed(self->memory_tls_dir) ? 1 : 0));
    return true;
}

const FerryRoute ferry_version_routes[] = {
    { "GET", "/v1/version", FERRY_ROLE_VIEW, get_version },
    { "GET", "/v1/peer/version", FERRY_ROLE_PEER, get_version },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};
