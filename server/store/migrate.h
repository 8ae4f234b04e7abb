/* Schema of the database: numbered forward-only migrations embedded into the program. */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "base/config.h"
#include "base/err.h"
#include "store/connection.h"

#include <stddef.h>

/* One migration; made from migrations/NNNN_name.sql at build. */
struct embedded_migration
{
  unsigned number;
  const char *name;
  const char *sql;
};

extern const struct embedded_migration embedded_migrations[];
extern const size_t embedded_migrations_count;

extern const struct statement_table store_migrate_statements;

enum migrate_mode
{
  MIGRATE_EMPTY_ONLY, /* set up an empty database, refuse one that is behind */
  MIGRATE_ALL /* bring the database up to date */
};

/* Bring the database to the version of this program, all that is missing in one transaction under an advisory lock, and
   make the experiment Default. Refuses a database that is newer or was altered, and says which command mends one that
   is behind. `applied` receives the number of migrations run. Errors: INTERNAL_ERROR, TEMPORARILY_UNAVAILABLE. */
enum err_code migrate (unsigned *applied, struct store_connection *connection, enum migrate_mode mode,
                       const char *default_artifact_root, struct err *err);

#endif
