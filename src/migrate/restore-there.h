#pragma once

#include "client/client.h"
#include "migrate/migrator.h"

/*
 * A guest restored by another host, which finds the file under the same path: on storage that both
 * have, or copied there.  That host checks and restores as if it had been asked itself; the one
 * that was asked first looks whether the guest runs on it, and tells what it sees of the file.
 */

/** Whether there is more than the check. */
typedef enum { FERRY_RESTORE_CHECK, FERRY_RESTORE_BEGIN } FerryRestoreHow;

/**
 * Asks a host to restore a guest there.
 *
 * @host: a known one, not this one
 * @ret: (out) (nullable) (transfer full): its verdict, or its job; NULL when refused
 * @ret_reasons: (out) (nullable) (transfer full): why it is refused, here or there
 *
 * Returns: false as ferry_migrator_restore(), or with FERRY_ERROR_NOT_FOUND for the host and what
 *          ferry_client_call() says
 */
bool ferry_migrator_restore_there(FerryMigrator *self,
                                  const char *host,
                                  const FerryRestoreRequest *request,
                                  FerryRestoreHow how,
                                  json_t **ret,
                                  json_t **ret_reasons,
                                  GError **error);

/**
 * The other half: what ferry_migrator_restore_check() or ferry_migrator_restore() answers, but a
 * file that is not there is refused.
 *
 * @ret_job: (out) (nullable) (transfer full): of FERRY_RESTORE_BEGIN
 * @ret_verdict: (out) (nullable) (transfer full): of FERRY_RESTORE_CHECK
 */
bool ferry_migrator_peer_restore(FerryMigrator *self,
                                 const FerryRestoreRequest *request,
                                 FerryRestoreHow how,
                                 FerryJob **ret_job,
                                 json_t **ret_verdict,
                                 json_t **ret_reasons,
                                 GError **error);

/** Whether that is this host's name. */
bool ferry_migrator_is_named(const FerryMigrator *self, const char *host);

/** What ferry_migrator_restore_there() sends.  Returns: (transfer full) */
json_t *ferry_restore_there_format(const FerryRestoreRequest *request, FerryRestoreHow how);

/** @ret: (out) (transfer full): a connection to a known host. */
bool ferry_migrator_reach(FerryMigrator *self, const char *host, FerryClient **ret, GError **error);
