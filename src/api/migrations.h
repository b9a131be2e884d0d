#pragma once

#include "api/handler.h"

/** Rows for migrations, checks, jobs and reservations, and for what peers ask about them; data:
 * FerryMigrator. */
extern const FerryRoute ferry_migration_routes[];
extern const FerryRoute ferry_job_routes[];
extern const FerryRoute ferry_peer_job_routes[];
extern const FerryRoute ferry_reservation_routes[];

/** Rows for guests that are saved in files, and for those that one host restores for another; data:
 * FerryMigrator. */
extern const FerryRoute ferry_saved_routes[];
extern const FerryRoute ferry_restore_routes[];
