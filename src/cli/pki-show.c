#include "cli/pki-show.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/pki-certificate.h"

#define BUNDLE_MAX (1024 * 1024)
#define BEGIN      "-----BEGIN CERTIFICATE-----"

static const FerryColumn columns[] = {
    { "file", "FILE", FERRY_CELL_TEXT },           { "name", "NAME", FERRY_CELL_TEXT },
    { "role", "ROLE", FERRY_CELL_TEXT },           { "issuer", "ISSUER", FERRY_CELL_TEXT },
    { "not_after", "EXPIRES", FERRY_CELL_TEXT },   { "state", "STATE", FERRY_CELL_TEXT },
    { "fingerprint", "SHA-256", FERRY_CELL_TEXT }, { NULL, NULL, FERRY_CELL_TEXT },
};

static json_t *
describe(const char *path, const FerryCertificateFacts *facts, int64_t now_s)
{
    g_autofree char *from = ferry_clock_format(facts->not_before_s * G_USEC_PER_SEC);
    g_autofree char *to = ferry_clock_format(facts->not_after_s * G_USEC_PER_SEC);
    const char *state = now_s < facts->not_before_s  ? "early"
                        : now_s > facts->not_after_s ? "expired"
                                                     : "valid";

    return json_pack("{ss, ss*, ss?, ss*, ss, ss, ss, ss}", "file", path, "name", facts->name,
                     "role", facts->unit, "issuer", facts->issuer, "not_before", from, "not_after",
                     to, "state", state, "fingerprint", facts->fingerprint);
}

/* Adds every certificate of one file; keys between them are passed over. */
static bool
add_file(const char *path, int64_t now_s, json_t *rows, GError **error)
{
    g_autofree char *text = NULL;
    const char *at = NULL;

    if (!ferry_file_read(path, BUNDLE_MAX, &text, error))
        return false;
    at = strstr(text, BEGIN);
    if (at == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "%s holds no PEM certificate", path);
        return false;
    }
    for (; at; at = strstr(at + strlen(BEGIN), BEGIN)) {
        g_autoptr(FerryCertificateFacts) facts = NULL;
        if (!ferry_certificate_read(at, &facts, error)) {
            g_prefix_error(error, "%s: ", path);
            return false;
        }
        (void)json_array_append_new(rows, describe(path, facts, now_s)); /* fails without memory */
    }
    return true;
}

static bool
add_folders(const FerryPkiFolders *folders, int64_t now_s, json_t *rows, GError **error)
{
    const struct {
        const char *dir, *file;
    } places[] = {
        { folders->pki_dir, "ca.pem" },           { folders->pki_dir, "memory-ca.pem" },
        { folders->tls_dir, "ca.pem" },           { folders->tls_dir, "cert.pem" },
        { folders->qemu_dir, "ca-cert.pem" },     { folders->qemu_dir, "server-cert.pem" },
        { folders->qemu_dir, "client-cert.pem" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *path = g_build_filename(places[i].dir, places[i].file, NULL);
        g_autoptr(GError) found = NULL;
        if (add_file(path, now_s, rows, &found) ||
            g_error_matches(found, FERRY_ERROR, FERRY_ERROR_NOT_FOUND))
            continue;
        g_propagate_error(error, g_steal_pointer(&found));
        return false;
    }
    if (json_array_size(rows) > 0)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                "no certificate in %s, %s or %s: make an authority with \"ferry pki init\" on one "
                "host, or install what it issued with \"ferry pki install\"",
                folders->pki_dir, folders->tls_dir, folders->qemu_dir);
    return false;
}

bool
ferry_pki_show(const FerryPkiFolders *folders,
               const char *file,
               int64_t now_s,
               json_t **ret,
               GError **error)
{
    json_t *rows = json_array();

    if (file ? !add_file(file, now_s, rows, error) : !add_folders(folders, now_s, rows, error)) {
        json_decref(rows);
        return false;
    }
    *ret = json_pack("{so}", "certificates", rows);
    return true;
}

void
ferry_pki_print(FerryPrint print, const json_t *document)
{
    ferry_table_print(print, columns, "certificates", document);
}
