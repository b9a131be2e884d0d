#include "store/evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "store/journal.h"

#define BLOCK_BYTES 65536
#define MOST_BYTES  (INT64_C(1) << 30) /* a journal is a few MiB; a mistaken file may be a disk */

static bool
is_plain_file(int fd, const char *path, GError **error)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return ferry_error_set_errno(error, errno, "read", path);
    if (S_ISREG(status.st_mode) && status.st_size <= MOST_BYTES)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "%s is not a host's ferry.db: give a copy of that file", path);
    return false;
}

static bool
copy(const char *from, const char *to, GError **error)
{
    FERRY_AUTOFD int in = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    FERRY_AUTOFD int out = -1;
    g_autofree char *block = g_malloc(BLOCK_BYTES);
    ssize_t n = 0;

    if (in < 0)
        return ferry_error_set_errno(error, errno, "open", from);
    if (!is_plain_file(in, from, error))
        return false;
    out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (out < 0)
        return ferry_error_set_errno(error, errno, "create", to);
    while ((n = read(in, block, BLOCK_BYTES)) > 0)
        if (write(out, block, (size_t)n) != n)
            return ferry_error_set_errno(error, errno, "write", to);
    return n == 0 || ferry_error_set_errno(error, errno, "read", from);
}

static bool
check_job(FerryStore *store, const char *path, const FerryEvidence *wanted, GError **error)
{
    g_autoptr(FerryJobRow) row = NULL;

    if (!ferry_journal_job(store, wanted->job, &row, error))
        return false;
    if (row != NULL && row->side == wanted->side &&
        g_strcmp0(row->guest_uuid, wanted->guest_uuid) == 0)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "%s proves nothing of job %s: %s. Give the ferry.db of the job's %s host", path,
                wanted->job, row == NULL ? "it knows no such job" : "it is not the other host's",
                ferry_side_name(wanted->side));
    return false;
}

static bool
read_copy(const char *copied,
          const char *path,
          const FerryEvidence *wanted,
          GPtrArray **ret,
          GError **error)
{
    g_autoptr(FerryStore) store = NULL;

    if (!ferry_store_open(copied, &store, error)) {
        g_prefix_error(error, "a copy of %s: ", path);
        return false;
    }
    return check_job(store, path, wanted, error) &&
           ferry_journal_read(store, wanted->job, ret, error);
}

bool
ferry_evidence_read(const char *path,
                    const char *work_dir,
                    const FerryEvidence *wanted,
                    GPtrArray **ret,
                    GError **error)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    g_autofree char *copied = g_strdup_printf("%s/evidence-%s.db", work_dir, wanted->job);
    g_autofree char *log = g_strconcat(path, "-wal", NULL);
    g_autofree char *copied_log = g_strconcat(copied, "-wal", NULL);
    bool ok = false;

    if (!g_path_is_absolute(path)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "%s is not an absolute path", path);
        return false;
    }
    ok = copy(path, copied, error);
    if (ok && !copy(log, copied_log, error)) {
        g_prefix_error(error, "the newest records of a host that went down are in its ferry.db-wal,"
                              " which must lie beside the ferry.db: ");
        ok = false;
    }
    ok = ok && read_copy(copied, path, wanted, ret, error);
    for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *left = g_strconcat(copied, suffixes[i], NULL);

        (void)unlink(left); /* a copy; the next one overwrites it */
    }
    return ok;
}
