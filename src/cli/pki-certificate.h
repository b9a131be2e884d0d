#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/**
 * Certificates of our own authority.  Keys are ECDSA on P-256, which GnuTLS, OpenSSL, curl and QEMU
 * all take for TLS 1.3, whatever the machine's crypto policy.
 */

/** A certificate, its key and the authority's certificate, as PEM texts. */
typedef struct {
    char *ca; /* NULL for the authority itself */
    char *cert;
    char *key;
} FerryCredentials;

/** Overwrites the key and frees the texts. */
void ferry_credentials_clear(FerryCredentials *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FerryCredentials, ferry_credentials_clear)

/** What a certificate is asked for. */
typedef struct {
    const char *name;             /* the host's, into SAN and CN; ferry_host_name_is_valid() */
    const char *unit;             /* into OU: a role's name, or another word for no role */
    const char *const *addresses; /* (nullable) IP addresses, into SAN; NULL-terminated */
    unsigned days;                /* from now; ends with the authority's end at the latest */
} FerryCertificateRequest;

/**
 * Makes an authority with a new key, valid for ten years.
 *
 * @name: into CN; a few random digits are added, so that two authorities can be told apart
 * @now_s: seconds since 1970
 * @ret: (out): certificate and key
 */
bool ferry_certificate_new_authority(const char *name,
                                     int64_t now_s,
                                     FerryCredentials *ret,
                                     GError **error);

/**
 * Makes a certificate with a new key, for both ends of TLS.  It is valid from an hour ago on, for
 * hosts whose clocks differ.
 *
 * @ret: (out): @authority's certificate, the new one, its key
 *
 * Returns: false with FERRY_ERROR_INVALID: an address that is none, an authority that does not fit
 *          its key or has ended
 */
bool ferry_certificate_issue(const FerryCredentials *authority,
                             const FerryCertificateRequest *request,
                             int64_t now_s,
                             FerryCredentials *ret,
                             GError **error);

/** Checks that the parts fit together and are valid today.  Returns: false with
 * FERRY_ERROR_INVALID, saying which does not */
bool ferry_credentials_check(const FerryCredentials *self, GError **error);

/** What there is to show of a certificate. */
typedef struct {
    char *name;        /* first DNS name in SAN, else CN */
    char *unit;        /* (nullable) */
    char *issuer;      /* CN */
    char *fingerprint; /* SHA-256, lower-case hexadecimal */
    int64_t not_before_s, not_after_s;
} FerryCertificateFacts;

void ferry_certificate_facts_free(FerryCertificateFacts *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryCertificateFacts, ferry_certificate_facts_free)

/**
 * Reads the first certificate in @pem.
 *
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_INVALID when there is none
 */
bool ferry_certificate_read(const char *pem, FerryCertificateFacts **ret, GError **error);
