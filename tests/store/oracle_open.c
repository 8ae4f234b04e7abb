/* Transactions that change something and stay open while searches run: what they did shows when they end. */
#include "oracle.h"

#include "ingest/metric_flush.h"
#include "store/run_columns.h"

#include <check.h>
#include <stdio.h>

/* At one time. */
#define OPEN_MAX 3
/* Runs that one changes. */
#define CHANGES_MAX 3
#define POINTS_MAX 12

static struct open
{
  struct store_connection *connection; /* NULL: none */
  struct uuid run_ids[CHANGES_MAX];
  size_t run_count;
  bool purges;
} opened[OPEN_MAX];

bool
oracle_is_locked (const struct uuid *run_id)
{
  for (size_t i = 0; i < OPEN_MAX; i++)
    for (size_t j = 0; NULL != opened[i].connection && j < opened[i].run_count; j++)
      if (0 == memcmp (&opened[i].run_ids[j], run_id, sizeof (*run_id)))
        return true;
  return false;
}

bool
oracle_is_purging (void)
{
  for (size_t i = 0; i < OPEN_MAX; i++)
    if (NULL != opened[i].connection && opened[i].purges)
      return true;
  return false;
}

static void
end (struct open *open, bool commit)
{
  oracle_run_sql (open->connection, commit ? "COMMIT" : "ROLLBACK");
  store_connection_free (open->connection);
  open->connection = NULL;
  oracle_read_runs ();
}

void
oracle_end_transactions (void)
{
  for (size_t i = 0; i < OPEN_MAX; i++)
    if (NULL != opened[i].connection)
      end (&opened[i], true);
}

/* --- changes ----------------------------------------------------------------------------------------------------- */

/* Points of one run, in as many equal rows as wanted: again and again the same. */
static void
put_points (struct buffer *sql, const struct oracle_run *run, size_t rows)
{
  struct oracle_point points[POINTS_MAX];
  struct metric_entry entries[POINTS_MAX];
  struct metric_entry *resolved[POINTS_MAX];
  struct metric_write write = { run->id, entries, 1 + oracle_below (POINTS_MAX) };
  struct buffer packed;
  struct err err = { 0 };

  oracle_make_points (points, write.count);
  for (size_t i = 0; i < write.count; i++)
  {
    entries[i] = (struct metric_entry){ .point = points[i].point, .key = slice_of (oracle_metrics[points[i].metric]) };
    resolved[i] = &entries[i];
  }
  store_start_request (database.connection, 0);
  ck_assert_msg (
      ERR_OK == metric_keys_resolve (oracle.keys, database.connection, resolved, write.count, database.arena, &err),
      "%s: %s", err.message, err.cause);
  buffer_init (&packed, ORACLE_SQL_BYTES);
  ck_assert (metric_write_pack (&packed, &write));
  buffer_text (sql, "INSERT INTO metric_tail (run_id, experiment_id, points) SELECT ");
  oracle_put_uuid (sql, &run->id);
  buffer_printf (sql, ", %lld, '\\x", (long long)oracle.experiments[run->experiment]);
  for (size_t i = 0; i < packed.len; i++)
    buffer_printf (sql, "%02x", (unsigned)(unsigned char)packed.data[i]);
  buffer_printf (sql, "'::bytea FROM generate_series(1, %zu); INSERT INTO oracle_point VALUES ", rows);
  for (size_t i = 0; i < write.count; i++)
  {
    buffer_text (sql, i > 0 ? ", (" : "(");
    oracle_put_uuid (sql, &run->id);
    buffer_printf (sql, ", %zu, '%lld', '%lld', ", points[i].metric, (long long)points[i].point.step,
                   (long long)points[i].point.timestamp_ms);
    oracle_put_double (sql, points[i].point.value);
    buffer_byte (sql, ')');
  }
  buffer_text (sql, "; ");
  buffer_free (&packed);
}

static void
put_update (struct buffer *sql, const struct oracle_run *run)
{
  buffer_text (sql, "UPDATE run SET name = ");
  oracle_put_text (sql, oracle_stored_text ());
  buffer_printf (sql, ", status = %zu, ended_at_ms = '%lld', tags = tags || jsonb_build_object('t', ",
                 1 + oracle_below (5), (long long)oracle_time_ms ());
  oracle_put_text (sql, oracle_stored_text ());
  buffer_printf (sql, "::text), deleted_at_ms = %s, changed = pg_current_xact_id() WHERE run_id = ",
                 oracle_once_in (4) ? "5" : "deleted_at_ms");
  oracle_put_uuid (sql, &run->id);
  buffer_text (sql, "; ");
}

static void
put_new_run (struct buffer *sql)
{
  buffer_text (sql, "INSERT INTO run (run_id, experiment_id, name, user_id, status, started_at_ms, artifact_uri)"
                    " VALUES ('");
  for (size_t i = 0; i < 32; i++)
    buffer_printf (sql, "%x", (unsigned)oracle_below (16));
  buffer_printf (sql, "', %lld, ", (long long)oracle.experiments[oracle_below (ORACLE_EXPERIMENTS)]);
  oracle_put_text (sql, oracle_stored_text ());
  buffer_text (sql, ", ");
  oracle_put_text (sql, oracle_stored_text ());
  buffer_printf (sql, ", 1, '%lld', 'file:/x'); ", (long long)oracle_time_ms ());
}

/* What the removal of a deleted run begins with. */
static void
put_purge (struct buffer *sql, const struct oracle_run *run)
{
  static const char *const tables[] = { "run_dataset", "run_model", "run" };

  for (size_t i = 0; i < sizeof (tables) / sizeof (tables[0]); i++)
  {
    buffer_printf (sql, "DELETE FROM %s WHERE run_id = ", tables[i]);
    oracle_put_uuid (sql, &run->id);
    buffer_text (sql, "; ");
  }
  buffer_printf (
      sql,
      "INSERT INTO run_purged (experiment_id) VALUES (%lld)"
      " ON CONFLICT (experiment_id) DO UPDATE SET changed = excluded.changed; INSERT INTO run_purge VALUES (",
      (long long)oracle.experiments[run->experiment]);
  oracle_put_uuid (sql, &run->id);
  buffer_text (sql, ", 5); ");
}

static void
put_change (struct buffer *sql, struct open *open)
{
  struct oracle_run *run = 0 == oracle.run_count ? NULL : &oracle.runs[oracle_below (oracle.run_count)];

  if (NULL == run || oracle_once_in (5))
  {
    put_new_run (sql);
    return;
  }
  if (run->locked)
    return;
  run->locked = true;
  open->run_ids[open->run_count++] = run->id;
  if (run->deleted)
  {
    if (oracle_is_purging ())
      return;
    open->purges = true;
    put_purge (sql, run);
  }
  else if (oracle_once_in (2))
    put_points (sql, run, 1);
  else
    put_update (sql, run);
}

void
oracle_turn_transaction (void)
{
  struct open *open = &opened[oracle_below (OPEN_MAX)];
  struct buffer sql;

  if (NULL != open->connection)
  {
    end (open, ! oracle_once_in (4));
    return;
  }
  if (oracle.run_count + 8 > ORACLE_RUNS_USUAL)
    return;
  open->run_count = 0;
  open->purges = false;
  open->connection = database_connect ();
  buffer_init (&sql, ORACLE_SQL_BYTES);
  buffer_text (&sql, "BEGIN; SELECT pg_current_xact_id(); ");
  for (size_t i = 0, count = 1 + oracle_below (CHANGES_MAX); i < count; i++)
    put_change (&sql, open);
  ck_assert (! sql.failed);
  oracle_run_sql (open->connection, sql.data);
  buffer_free (&sql);
}

void
oracle_burst (void)
{
  size_t start = oracle_below (oracle.run_count + 1);
  size_t experiment = oracle_below (ORACLE_EXPERIMENTS);
  size_t rows = STORE_CHANGED_POINTS_MAX;
  struct buffer sql;

  buffer_init (&sql, ORACLE_SQL_BYTES);
  /* Many rows of the first run, so that those of some others come behind what is handed over. */
  for (size_t i = 0; i < oracle.run_count; i++)
  {
    const struct oracle_run *run = &oracle.runs[(start + i) % oracle.run_count];

    if (run->locked || run->deleted || experiment != run->experiment || (1 == rows && oracle_once_in (8)))
      continue;
    put_points (&sql, run, rows);
    rows = 1;
  }
  ck_assert (! sql.failed);
  if (sql.len > 0)
    oracle_run_sql (database.connection, sql.data);
  buffer_free (&sql);
}
