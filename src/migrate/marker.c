#include "migrate/marker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"

/* A job's id is a UUID; more than this was not written by ferry. */
#define MAX_MARKER_BYTES 256

/* A peer names the guest: nothing but a UUID may become part of a path. */
static bool
path_of(const char *state_dir, const char *guest_uuid, char **ret, GError **error)
{
    if (!g_uuid_string_is_valid(guest_uuid)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "cannot hold guest \"%s\": that is not a UUID as libvirt prints it",
                    guest_uuid);
        return false;
    }
    *ret = g_build_filename(state_dir, "hold", guest_uuid, NULL);
    return true;
}

bool
ferry_marker_read(const char *state_dir, const char *guest_uuid, char **ret_job_id, GError **error)
{
    g_autofree char *path = NULL;
    g_autofree char *text = NULL;
    g_autoptr(GError) failure = NULL;

    if (!path_of(state_dir, guest_uuid, &path, error))
        return false;
    if (ferry_file_read(path, MAX_MARKER_BYTES, &text, &failure)) {
        *ret_job_id = g_strdup(g_strchomp(text));
        return true;
    }
    if (!g_error_matches(failure, FERRY_ERROR, FERRY_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    *ret_job_id = NULL;
    return true;
}

/* The first marker of a host makes the folder, which must outlive a power cut like the marker. */
static bool
make_folder(const char *state_dir, GError **error)
{
    g_autofree char *folder = g_build_filename(state_dir, "hold", NULL);
    FERRY_AUTOFD int fd = -1;

    if (g_mkdir_with_parents(state_dir, 0755) < 0)
        return ferry_error_set_errno(error, errno, "make folder", state_dir);
    if (mkdir(folder, 0755) < 0) {
        if (errno == EEXIST)
            return true;
        return ferry_error_set_errno(error, errno, "make folder", folder);
    }
    fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return ferry_error_set_errno(error, errno, "write folder", state_dir);
    return true;
}

bool
ferry_marker_set(const char *state_dir, const char *guest_uuid, const char *job_id, GError **error)
{
    g_autofree char *line = g_strconcat(job_id, "\n", NULL);
    g_autofree char *path = NULL;
    g_autofree char *holder = NULL;

    if (!path_of(state_dir, guest_uuid, &path, error) ||
        !ferry_marker_read(state_dir, guest_uuid, &holder, error))
        return false;
    if (holder != NULL && !g_str_equal(holder, job_id)) {
        g_set_error(
            error, FERRY_ERROR, FERRY_ERROR_BUSY,
            "cannot set %s for job %s: it is held for job %s. Look at that job with \"ferry job "
            "show %s\".",
            path, job_id, holder, holder);
        return false;
    }
    return make_folder(state_dir, error) && ferry_file_write(path, line, 0644, error);
}

bool
ferry_marker_clear(const char *state_dir,
                   const char *guest_uuid,
                   const char *job_id,
                   GError **error)
{
    g_autofree char *path = NULL;
    g_autofree char *holder = NULL;

    if (!path_of(state_dir, guest_uuid, &path, error) ||
        !ferry_marker_read(state_dir, guest_uuid, &holder, error))
        return false;
    if (holder == NULL || !g_str_equal(holder, job_id))
        return true;
    return ferry_file_remove(path, error);
}
