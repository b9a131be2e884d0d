#include "cli/pki-install.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#define PEM_MAX_BYTES (256 * 1024)

/* Who besides root reads a file. */
typedef enum { READ_ALL, READ_ROOT, READ_QEMU } Readers;

typedef struct {
    const char *name;
    size_t text; /* which part of FerryCredentials */
    Readers readers;
} Part;

/* clang-format off */
static const Part ferryd_parts[] = {
    { "key.pem",         G_STRUCT_OFFSET(FerryCredentials, key),  READ_ROOT },
    { "cert.pem",        G_STRUCT_OFFSET(FerryCredentials, cert), READ_ALL  },
    { "ca.pem",          G_STRUCT_OFFSET(FerryCredentials, ca),   READ_ALL  },
    { NULL, 0, READ_ALL },
};
/* Names and use: QEMU's docs/system/tls.rst.  A host is server as target and client as source. */
static const Part qemu_parts[] = {
    { "server-key.pem",  G_STRUCT_OFFSET(FerryCredentials, key),  READ_QEMU },
    { "server-cert.pem", G_STRUCT_OFFSET(FerryCredentials, cert), READ_ALL  },
    { "client-key.pem",  G_STRUCT_OFFSET(FerryCredentials, key),  READ_QEMU },
    { "client-cert.pem", G_STRUCT_OFFSET(FerryCredentials, cert), READ_ALL  },
    { "ca-cert.pem",     G_STRUCT_OFFSET(FerryCredentials, ca),   READ_ALL  },
    { NULL, 0, READ_ALL },
};
/* clang-format on */

static const char *
text_of(const FerryCredentials *credentials, const Part *part)
{
    return G_STRUCT_MEMBER(char *, credentials, part->text);
}

static bool
refuse(const char *path, const char *what, GError **error)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS,
                "%s is already there and %s. Nothing was installed: run again with --force to "
                "replace it%s",
                path, what,
                g_str_has_suffix(path, "-cert.pem") || g_str_has_suffix(path, "-key.pem")
                    ? ", or with --keep-qemu to leave QEMU's credentials alone"
                    : "");
    return false;
}

/* May @ours take the place of what lies at @path?  Issuers are told apart by their names, which
 * have random digits. */
static bool
check_certificate(const char *path, const char *ours, GError **error)
{
    g_autoptr(FerryCertificateFacts) theirs_facts = NULL;
    g_autoptr(FerryCertificateFacts) our_facts = NULL;
    g_autofree char *theirs = NULL;
    g_autofree char *what = NULL;

    if (!ferry_file_read(path, PEM_MAX_BYTES, &theirs, error))
        return false;
    if (!ferry_certificate_read(ours, &our_facts, error))
        return false;
    if (!ferry_certificate_read(theirs, &theirs_facts, NULL))
        return refuse(path, "holds no certificate", error);
    if (g_strcmp0(theirs_facts->name, our_facts->name) == 0 &&
        g_strcmp0(theirs_facts->issuer, our_facts->issuer) == 0)
        return true;
    what = g_strdup_printf("is of %s, issued by %s; this one is of %s, issued by %s",
                           theirs_facts->name, theirs_facts->issuer, our_facts->name,
                           our_facts->issuer);
    return refuse(path, what, error);
}

/* A folder is ours to write when it has no part yet, or the authority's and the host's names of
 * what is there are those of what comes. */
static bool
check_folder(const char *dir, const Part *parts, const FerryCredentials *ours, GError **error)
{
    bool has_certificate = false;
    const Part *key = NULL;
    g_autofree char *key_path = NULL;

    for (const Part *part = parts; part->name; part++) {
        g_autofree char *path = g_build_filename(dir, part->name, NULL);
        if (!g_file_test(path, G_FILE_TEST_EXISTS))
            continue;
        if (part->readers != READ_ALL) {
            key = part;
            continue;
        }
        has_certificate = true;
        if (!check_certificate(path, text_of(ours, part), error))
            return false;
    }
    if (key == NULL || has_certificate)
        return true;
    key_path = g_build_filename(dir, key->name, NULL);
    return refuse(key_path, "has no certificate beside it", error);
}

/* (gid_t)-1 where there is none. */
static gid_t
qemu_group(void)
{
    static const char *const names[] = { "libvirt-qemu", "qemu" };

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        const struct group *group = getgrnam(names[i]);
        if (group)
            return group->gr_gid;
    }
    return (gid_t)-1;
}

static bool
write_part(const char *path, const char *text, Readers readers, gid_t group, GError **error)
{
    if (!ferry_file_write(path, text, readers == READ_ALL ? 0644 : 0600, error))
        return false;
    if (readers != READ_QEMU || group == (gid_t)-1)
        return true;
    if (chown(path, (uid_t)-1, group) < 0 || chmod(path, 0640) < 0)
        return ferry_error_set_errno(error, errno, "give QEMU's group", path);
    return true;
}

static bool
write_folder(const char *dir,
             const Part *parts,
             const FerryCredentials *credentials,
             gid_t group,
             GError **error)
{
    if (g_mkdir_with_parents(dir, 0755) < 0)
        return ferry_error_set_errno(error, errno, "make folder", dir);
    for (const Part *part = parts; part->name; part++) {
        g_autofree char *path = g_build_filename(dir, part->name, NULL);
        if (!write_part(path, text_of(credentials, part), part->readers, group, error))
            return false;
    }
    return true;
}

static void
note_qemu(const char *dir, gid_t group, GString *notes)
{
    if (group == (gid_t)-1)
        g_string_append_printf(notes,
                               "There is no group libvirt-qemu or qemu: only a QEMU that runs as "
                               "root can read the keys in %s.\n",
                               dir);
    /* libvirt looks when libvirtd starts (qemu_conf.c); the folder then wins over the default. */
    if (strcmp(dir, FERRY_PKI_QEMU_DIR) == 0 &&
        g_file_test(FERRY_PKI_LIBVIRT_DIR, G_FILE_TEST_IS_DIR))
        g_string_append_printf(notes,
                               "libvirt takes its credentials for migration from %s, for that "
                               "folder exists: install with --qemu-dir %s too.\n",
                               FERRY_PKI_LIBVIRT_DIR, FERRY_PKI_LIBVIRT_DIR);
}

bool
ferry_install(const FerryBundle *bundle,
              const FerryInstallPlan *plan,
              char **ret_notes,
              GError **error)
{
    const char *qemu_dir = bundle->memory.cert ? plan->qemu_dir : NULL;
    gid_t group = geteuid() == 0 ? qemu_group() : (gid_t)-1; /* others may not give files away */
    g_autoptr(GString) notes = g_string_new(NULL);

    if (plan->foreign == FERRY_INSTALL_REFUSE &&
        (!check_folder(plan->tls_dir, ferryd_parts, &bundle->host, error) ||
         (qemu_dir && !check_folder(qemu_dir, qemu_parts, &bundle->memory, error))))
        return false;
    if (!write_folder(plan->tls_dir, ferryd_parts, &bundle->host, group, error) ||
        (qemu_dir && !write_folder(qemu_dir, qemu_parts, &bundle->memory, group, error)))
        return false;
    if (qemu_dir)
        note_qemu(qemu_dir, group, notes);
    *ret_notes = g_string_free(g_steal_pointer(&notes), FALSE);
    return true;
}
