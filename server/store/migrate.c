/* Schema of the database: what is embedded is compared with what is recorded, then applied in order. */
#include "store/migrate.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "store/connection.h"

#include <stdio.h>
#include <stdlib.h>

/* Key of the advisory lock: the bytes "tally" as a number, so that it is unlikely to be another program's. */
#define LOCK_KEY "499967781241"

enum
{
  EXISTS,
  LIST,
  RECORD,
  DEFAULT_EXPERIMENT
};

static const struct statement statements[] = {
  [EXISTS] = { "migrate_exists", "SELECT to_regclass('schema_migration') IS NOT NULL", 0 },
  [LIST] = { "migrate_list", "SELECT number::int8, checksum::text FROM schema_migration ORDER BY number", 0 },
  [RECORD] = { "migrate_record",
               "INSERT INTO schema_migration (number, name, checksum, applied_at_ms)"
               " VALUES ($1::int8, $2::text, $3::text, $4::int8)",
               4 },
  [DEFAULT_EXPERIMENT] = { "migrate_default_experiment",
                           "INSERT INTO experiment (experiment_id, name, artifact_location, created_at_ms, "
                           "updated_at_ms)"
                           " VALUES (0, 'Default', $1::text, $2::int8, $2::int8) ON CONFLICT DO NOTHING",
                           2 },
};

const struct statement_table store_migrate_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

static const char create_table[] =
    "CREATE TABLE IF NOT EXISTS schema_migration ("
    " number bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at_ms bigint NOT NULL);"
    "COMMENT ON TABLE schema_migration IS 'Migrations that were applied.';"
    "COMMENT ON COLUMN schema_migration.number IS 'Number, as in the name of its file.';"
    "COMMENT ON COLUMN schema_migration.name IS 'Name, as in the name of its file.';"
    "COMMENT ON COLUMN schema_migration.checksum IS 'SHA-256 of its text, in hexadecimal digits.';"
    "COMMENT ON COLUMN schema_migration.applied_at_ms IS 'Time it was applied, ms.'";

static enum err_code
checksum (char text[DIGEST_TEXT_BYTES], const char *sql, struct err *err)
{
  struct digest digest;

  if (! digest_of (&digest, slice_of (sql)))
    return err_set (err, ERR_INTERNAL_ERROR, "SHA-256 is not available");
  digest_format (text, &digest);
  return ERR_OK;
}

/* How many of the embedded migrations the database has; refuses one that is newer or was altered. */
static enum err_code
compare (size_t *present, struct store_connection *connection, struct err *err)
{
  static const struct column exists_columns[] = { { COLUMN_BOOL, 0 } };
  struct migration_row
  {
    int64_t number;
    struct slice checksum;
  } row;
  static const struct column row_columns[] = { { COLUMN_INT64, offsetof (struct migration_row, number) },
                                               { COLUMN_TEXT, offsetof (struct migration_row, checksum) } };
  struct result result = { NULL };
  bool exists = false;
  enum err_code code;

  *present = 0;
  code = store_query (&result, connection, &statements[EXISTS], NULL, err);
  if (ERR_OK == code)
    code = result_row (&exists, &result, 0, exists_columns, COLUMN_COUNT (exists_columns), err);
  if (ERR_OK != code || ! exists)
    goto out;
  code = store_query (&result, connection, &statements[LIST], NULL, err);
  for (size_t i = 0; ERR_OK == code && i < result_count (&result); i++)
  {
    char expected[DIGEST_TEXT_BYTES];

    code = result_row (&row, &result, i, row_columns, COLUMN_COUNT (row_columns), err);
    if (ERR_OK == code && i >= embedded_migrations_count)
      code = err_set (err, ERR_INTERNAL_ERROR,
                      "the database is newer than this program: it has migration %lld, the last known here is %u; "
                      "install a newer tallyd",
                      (long long)row.number, embedded_migrations[embedded_migrations_count - 1].number);
    if (ERR_OK == code)
      code = checksum (expected, embedded_migrations[i].sql, err);
    if (ERR_OK == code
        && ((unsigned)row.number != embedded_migrations[i].number || ! slice_is (row.checksum, expected)))
      code = err_set (err, ERR_INTERNAL_ERROR,
                      "migration %lld of the database is not the one of this program: it was made by another build; "
                      "restore a backup or install the tallyd that made it",
                      (long long)row.number);
    if (ERR_OK == code)
      (*present)++;
  }
out:
  result_free (&result);
  return code;
}

static enum err_code
apply (struct store_connection *connection, void *context, struct err *err)
{
  const struct embedded_migration *migration = context;
  struct parameters parameters;
  char digest[DIGEST_TEXT_BYTES];
  enum err_code code;

  code = store_script (connection, "SET LOCAL lock_timeout = '10s'; SET LOCAL statement_timeout = 0", err);
  if (ERR_OK == code)
    code = store_script (connection, create_table, err);
  if (ERR_OK == code)
    code = store_script (connection, migration->sql, err);
  if (ERR_OK == code)
    code = checksum (digest, migration->sql, err);
  if (ERR_OK != code)
    return code;
  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, migration->number);
  parameter_text (&parameters, slice_of (migration->name));
  parameter_text (&parameters, slice_of (digest));
  parameter_int64 (&parameters, clock_wall_ms ());
  return store_execute (NULL, connection, &statements[RECORD], &parameters, err);
}

struct migrate_call
{
  unsigned applied;
  enum migrate_mode mode;
  const char *default_artifact_root;
};

/* Runs inside one outer transaction that holds the lock; every migration of a release belongs together. */
static enum err_code
migrate_locked (struct store_connection *connection, void *context, struct err *err)
{
  struct migrate_call *call = context;
  struct parameters parameters;
  char location[2048];
  size_t present = 0;
  enum err_code code;

  call->applied = 0;
  code = store_script (connection, "SET LOCAL lock_timeout = '60s'; SELECT pg_advisory_xact_lock(" LOCK_KEY ")", err);
  if (ERR_OK == code)
    code = compare (&present, connection, err);
  if (ERR_OK == code && present > 0 && present < embedded_migrations_count && MIGRATE_ALL != call->mode)
    return err_set (err, ERR_INTERNAL_ERROR,
                    "the database is behind this program: it has migration %u of %u; make a backup, then run 'tallyd "
                    "migrate' with the same settings, or start with --migrate",
                    embedded_migrations[present - 1].number, embedded_migrations[embedded_migrations_count - 1].number);
  for (size_t i = present; ERR_OK == code && i < embedded_migrations_count; i++)
  {
    code = apply (connection, (void *)&embedded_migrations[i], err);
    if (ERR_OK == code)
      call->applied++;
  }
  if (ERR_OK != code)
    return code;
  snprintf (location, sizeof (location), "%s%s0", call->default_artifact_root,
            '\0' != call->default_artifact_root[0]
                    && '/' == call->default_artifact_root[strlen (call->default_artifact_root) - 1]
                ? ""
                : "/");
  parameters_init (&parameters, NULL);
  parameter_text (&parameters, slice_of (location));
  parameter_int64 (&parameters, clock_wall_ms ());
  return store_execute (NULL, connection, &statements[DEFAULT_EXPERIMENT], &parameters, err);
}

enum err_code
migrate (unsigned *applied, struct store_connection *connection, enum migrate_mode mode,
         const char *default_artifact_root, struct err *err)
{
  struct migrate_call call = { .mode = mode, .default_artifact_root = default_artifact_root };
  enum err_code code = store_transaction (connection, STORE_WRITE, migrate_locked, &call, err);

  *applied = ERR_OK == code ? call.applied : 0;
  return code;
}
