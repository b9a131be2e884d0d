#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/** Where ferryd looks unless --config says otherwise. */
#define FERRY_CONFIG_PATH "/etc/ferry/ferryd.conf"

/** What a PF gets at boot: [pf NAME]. */
typedef struct {
    char *name; /* its netdev's, or its PCI address */
    unsigned n_vfs;
} FerryPfConfig;

/** ferryd's configuration, a key file (docs/man/ferryd.conf.5).  Paths are absolute. */
typedef struct {
    char *path;     /* where it stands, or would */
    GPtrArray *pfs; /* of FerryPfConfig, in their order */
    /* [daemon] */
    char *socket;
    char *listen; /* "HOST:PORT"; "": no TCP; NULL: not set, so it depends on there being a
                     certificate */
    char *state_dir;
    char *name; /* NULL: not set, so the certificate's or the machine's */
    /* [tls] */
    char *ca, *cert, *key;
    /* [libvirt] */
    char *uri;
    char *libvirt_socket;
    char *memory_tls_dir;
    /* [migrate]; docs/handover.md, section 7 */
    int64_t lease_s, prepare_timeout_s, no_progress_s, link_mib_s;
    int64_t transfer_timeout_s; /* 0: four times the forecast */
    int64_t loaded_timeout_ms;  /* 0: three times the downtime limit */
    int64_t detach_timeout_s, attach_timeout_s;
    int64_t vf_settle_ms; /* docs/hybrid.md */
    int64_t in_doubt_s, go_retry_ms, libvirt_retry_ms, peer_keepalive_s;
    int64_t tombstone_days;
    int64_t max_out, max_in;
    int64_t tls; /* guest memory under TLS: 0 or 1 */
} FerryConfig;

/**
 * Reads a configuration; what it does not set has its default.
 *
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_INVALID, naming file and line, for an unknown section or key, a
 *          key that is there twice or a value out of range; otherwise as ferry_file_read()
 */
bool ferry_config_load(const char *path, FerryConfig **ret, GError **error);

/** The same from text; @path: what messages call it. */
bool ferry_config_parse(const char *path, const char *text, FerryConfig **ret, GError **error);

/** Frees @self; NULL is fine. */
void ferry_config_free(FerryConfig *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryConfig, ferry_config_free)
