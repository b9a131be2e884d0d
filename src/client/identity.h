#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

/**
 * Who a certificate says its holder is: a host name in the subject alternative name (SAN), a role
 * in the subject's one organizational unit (OU).  Both come from our own certificate authority, so
 * a chain that verifies is believed.
 */
typedef enum {
    FERRY_ROLE_NONE,
    FERRY_ROLE_VIEW,    /* may look */
    FERRY_ROLE_OPERATE, /* may look and act, as a user of the Unix socket may */
    FERRY_ROLE_PEER,    /* another host's ferryd: may call what is for peers, and nothing else */
    FERRY_N_ROLES
} FerryRole;

/** Returns: (transfer none): "none", "view", "operate" or "peer" */
const char *ferry_role_name(FerryRole role);

/** Returns: the role of that name, or FERRY_ROLE_NONE when there is none */
FerryRole ferry_role_find(const char *name);

/**
 * May a caller of role @caller use what asks for role @needed?  The roles are not in an order: a
 * peer may not do what an operator may, nor an operator what a peer may.
 */
bool ferry_role_allows(FerryRole caller, FerryRole needed);

/** True for a host name as certificates, URLs and our store may hold it: 1 to 64 letters, digits,
 * dots and hyphens, a letter or digit first and last. */
bool ferry_host_name_is_valid(const char *name);

typedef struct {
    char *name;
    FerryRole role;
} FerryPeerName;

/** Frees @self; NULL is fine. */
void ferry_peer_name_free(FerryPeerName *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryPeerName, ferry_peer_name_free)

/**
 * Reads name and role from a certificate, and nothing else: whether to believe it is the caller's.
 *
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_DENIED when it has no host name in its SAN, or not one role
 */
bool
ferry_peer_name_of_certificate(gnutls_x509_crt_t certificate, FerryPeerName **ret, GError **error);

/** Which end of the connection the certificate was presented by. */
typedef enum { FERRY_END_CLIENT, FERRY_END_SERVER } FerryEnd;

/**
 * Judges the certificate that the other end of @session presented: chain to the authority that
 * @session's credentials trust, validity today, use as @end, name and role.  Safe in any thread;
 * also from within a handshake.
 *
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_DENIED when there is none or it is not to be believed
 */
bool ferry_peer_name_of_session(gnutls_session_t session,
                                FerryEnd end,
                                FerryPeerName **ret,
                                GError **error);

/** This host's own certificate, key and authority.  Immutable; may be shared by threads. */
typedef struct _FerryIdentity FerryIdentity;

/**
 * Loads them and checks that they fit together: the key is the certificate's, the authority signed
 * it, it is valid today, and it names a host and a role.
 *
 * @ca_path, @cert_path, @key_path: PEM files of at most 256 KiB
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND, FERRY_ERROR_DENIED, FERRY_ERROR_IO (reading) or
 *          FERRY_ERROR_INVALID (what they hold), naming the file
 */
bool ferry_identity_load(const char *ca_path,
                         const char *cert_path,
                         const char *key_path,
                         FerryIdentity **ret,
                         GError **error);

/** Frees @self; NULL is fine. */
void ferry_identity_free(FerryIdentity *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryIdentity, ferry_identity_free)

/** Returns: (transfer none): the host's name and role, from its certificate */
const FerryPeerName *ferry_identity_me(const FerryIdentity *self);

/** Returns: (transfer none): where they were loaded from, for libcurl, which reads files only */
const char *ferry_identity_ca_path(const FerryIdentity *self);
const char *ferry_identity_cert_path(const FerryIdentity *self);
const char *ferry_identity_key_path(const FerryIdentity *self);

/** Returns: (transfer none): the PEM texts that were checked */
const char *ferry_identity_ca_pem(const FerryIdentity *self);
const char *ferry_identity_cert_pem(const FerryIdentity *self);
const char *ferry_identity_key_pem(const FerryIdentity *self);
