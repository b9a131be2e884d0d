#include "store/schema.h"

#include "base/error.h"
#include "store/query.h"

/*
 * Row n leads from version n to n + 1; a row that was ever released is never changed.
 *
 * job.live: this job holds its guest on this host, so no second one may.  A job whose very first
 * record is ABORTED is a tombstone (docs/handover.md, T2): it reserved nothing and holds nothing.
 *
 * claim: its indexes are the invariants at the top of store/claims.c.
 */
static const char *const steps[] = {
    "CREATE TABLE host (name TEXT PRIMARY KEY, address TEXT NOT NULL, added_us INTEGER NOT NULL)"
    "  STRICT, WITHOUT ROWID;"
    "CREATE TABLE job (id TEXT PRIMARY KEY, side TEXT NOT NULL, guest_uuid TEXT NOT NULL,"
    "  guest_name TEXT NOT NULL, peer TEXT NOT NULL, record TEXT NOT NULL, live INTEGER NOT NULL,"
    "  created_us INTEGER NOT NULL, updated_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE UNIQUE INDEX job_live ON job (guest_uuid) WHERE live = 1;"
    "CREATE TABLE record (job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,"
    "  seq INTEGER NOT NULL, kind TEXT NOT NULL, wall_us INTEGER NOT NULL, data TEXT NOT NULL,"
    "  PRIMARY KEY (job, seq)) STRICT, WITHOUT ROWID;",

    "CREATE TABLE pool (name TEXT PRIMARY KEY, definition TEXT NOT NULL,"
    "  created_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE claim (generation INTEGER PRIMARY KEY AUTOINCREMENT, pool TEXT NOT NULL,"
    "  slot TEXT NOT NULL, device TEXT NOT NULL, guest_uuid TEXT NOT NULL,"
    "  guest_name TEXT NOT NULL, alias TEXT NOT NULL, job TEXT NOT NULL, state TEXT NOT NULL,"
    "  saved_settings TEXT NOT NULL, attrs TEXT NOT NULL, made_in TEXT NOT NULL,"
    "  since_us INTEGER NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX claim_vf ON claim (slot) WHERE device = '';"
    "CREATE UNIQUE INDEX claim_mdev ON claim (device) WHERE device <> '';"
    "CREATE UNIQUE INDEX claim_alias ON claim (guest_uuid, alias) WHERE state <> 'releasing';",

    ("CREATE TABLE probe (kind TEXT PRIMARY KEY, answer TEXT NOT NULL,"
     "  probed_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;"),

    "CREATE TABLE reservation (id TEXT PRIMARY KEY, side TEXT NOT NULL, guest_uuid TEXT NOT NULL,"
    "  guest_name TEXT NOT NULL, peer TEXT NOT NULL, terms TEXT NOT NULL, devices TEXT NOT NULL,"
    "  state TEXT NOT NULL, job TEXT NOT NULL, created_us INTEGER NOT NULL,"
    "  expires_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;",
    "CREATE TABLE history (job TEXT NOT NULL, alias TEXT NOT NULL, guest_uuid TEXT NOT NULL,"
    "  peer TEXT NOT NULL, source_print TEXT NOT NULL, target_print TEXT NOT NULL,"
    "  result TEXT NOT NULL, bytes INTEGER NOT NULL, blackout_ms INTEGER NOT NULL,"
    "  rate_bps INTEGER NOT NULL, wall_us INTEGER NOT NULL, PRIMARY KEY (job, alias))"
    "  STRICT, WITHOUT ROWID;"
    "CREATE INDEX history_print ON history (source_print, target_print);"
    "CREATE INDEX history_guest ON history (guest_uuid, wall_us);",
};

int
ferry_schema_newest(void)
{
    return (int)G_N_ELEMENTS(steps);
}

static bool
read_version(FerryStore *self, int *ret, GError **error)
{
    g_autoptr(sqlite3_stmt) query = ferry_store_query(self, error, "PRAGMA user_version", "");
    bool row = false;

    if (query == NULL || !ferry_store_next(self, query, &row, error))
        return false;
    *ret = sqlite3_column_int(query, 0);
    return true;
}

static bool
take_step(FerryStore *self, void *data, GError **error)
{
    const int *from = data;
    g_autofree char *mark = g_strdup_printf("PRAGMA application_id = %d; PRAGMA user_version = %d",
                                            FERRY_SCHEMA_APPLICATION_ID, *from + 1);

    if (sqlite3_exec(self->db, steps[*from], NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(self->db, mark, NULL, NULL, NULL) != SQLITE_OK)
        return ferry_store_failed(self, "bring up to date", error);
    return true;
}

bool
ferry_schema_upgrade(FerryStore *self, GError **error)
{
    int version = 0;

    if (!read_version(self, &version, error))
        return false;
    if (version < 0 || version > ferry_schema_newest()) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED,
                    "cannot use %s: it has version %d and this ferry knows only up to %d. It was "
                    "kept as it is: install the newer ferry again, or move the file aside.",
                    self->path, version, ferry_schema_newest());
        return false;
    }
    for (; version < ferry_schema_newest(); version++) {
        if (!ferry_store_transaction(self, take_step, &version, error))
            return false;
    }
    return true;
}
