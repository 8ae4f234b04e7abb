/* Random searches, and what PostgreSQL says of them: many in one statement. */
#include "oracle.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
oracle_case_init (struct oracle_case *one)
{
  *one = (struct oracle_case){ .number = 0 };
  buffer_init (&one->text, ORACLE_FILTER_BYTES);
  buffer_init (&one->made_sql, ORACLE_FILTER_BYTES);
  buffer_init (&one->tree_sql, ORACLE_FILTER_BYTES);
  buffer_init (&one->order.sql, ORACLE_FILTER_BYTES);
}

void
oracle_case_free (struct oracle_case *one)
{
  buffer_free (&one->text);
  buffer_free (&one->made_sql);
  buffer_free (&one->tree_sql);
  buffer_free (&one->order.sql);
}

void
oracle_case_fail (const struct oracle_case *one, const char *sql, const char *format, ...)
{
  const char *seed = getenv ("TALLY_ORACLE_SEED");
  char why[1000];
  va_list arguments;

  va_start (arguments, format);
  vsnprintf (why, sizeof (why), format, arguments);
  va_end (arguments);
  fprintf (stderr, "search %zu of seed %s: %s\n  filter: %.*s\n", one->number, NULL == seed ? "1" : seed, why,
           SLICE_ARG (buffer_slice (&one->text)));
  for (size_t i = 0; i < one->order.count; i++)
    fprintf (stderr, "  order: %s\n", one->order.items[i]);
  fprintf (stderr, "  view %d, %s\n  means: %s\n  parsed: %s\n  statement: %s\n", (int)one->view, one->scope,
           one->made_sql.data, one->tree_sql.data, NULL == sql ? "" : sql);
  ck_abort_msg ("search %zu of seed %s: %s", one->number, NULL == seed ? "1" : seed, why);
}

/* --- making ------------------------------------------------------------------------------------------------------ */

static void
choose_experiments (struct oracle_case *one)
{
  size_t chosen = 1 + oracle_below ((1 << ORACLE_EXPERIMENTS) - 1);
  size_t len;

  one->experiment_count = 0;
  len = (size_t)snprintf (one->scope, sizeof (one->scope), "experiment_id IN (");
  for (size_t i = 0; i < ORACLE_EXPERIMENTS; i++)
    if (0 != (chosen >> i & 1))
    {
      len += (size_t)snprintf (one->scope + len, sizeof (one->scope) - len, "%s%lld",
                               0 == one->experiment_count ? "" : ", ", (long long)oracle.experiments[i]);
      one->experiment_ids[one->experiment_count++] = oracle.experiments[i];
    }
  snprintf (one->scope + len, sizeof (one->scope) - len, ")");
  memcpy (oracle_scope, one->scope, sizeof (oracle_scope));
}

/* The list that everybody opens, which may come from an index. */
static void
make_plain (struct oracle_case *one)
{
  buffer_text (&one->made_sql, "true");
  one->order.count = 0;
  buffer_clear (&one->order.sql);
  buffer_text (&one->order.sql, "started DESC, run_id");
}

void
oracle_case_make (struct oracle_case *one, size_t number)
{
  const struct arena_mark mark = arena_mark (database.arena);
  struct filter filter;
  struct err err = { 0 };

  one->number = number;
  buffer_clear (&one->text);
  buffer_clear (&one->made_sql);
  buffer_clear (&one->tree_sql);
  choose_experiments (one);
  one->view = (enum search_view) (VIEW_ACTIVE_ONLY + (oracle_once_in (2) ? 0 : (int)oracle_below (3)));
  if (oracle_once_in (20))
    make_plain (one);
  else
  {
    oracle_make_filter (&one->text, &one->made_sql);
    oracle_make_order (&one->order);
  }
  if (ERR_OK != filter_parse (&filter, buffer_slice (&one->text), &search_runs, oracle.now_ms, database.arena, &err))
    oracle_case_fail (one, NULL, "refused: %s", err.message);
  oracle_tree_sql (&one->tree_sql, &filter);
  arena_rewind (database.arena, &mark);
}

/* --- asking ------------------------------------------------------------------------------------------------------ */

static const char *
view_sql (enum search_view view)
{
  return VIEW_ALL == view ? "true" : VIEW_DELETED_ONLY == view ? "deleted" : "NOT deleted";
}

void
oracle_case_source (struct buffer *sql, const struct oracle_case *one, const char *columns)
{
  buffer_printf (sql, "(SELECT *, row_number() OVER (ORDER BY %s) AS place%s FROM oracle_run WHERE %s AND %s AND %s)",
                 one->order.sql.data, columns, one->scope, view_sql (one->view), one->made_sql.data);
}

struct answer
{
  int64_t number;
  struct slice ids;
  bool agree;
  struct slice differs;
};

static void
take_answer (struct oracle_case *cases, const struct answer *answer, const char *sql)
{
  struct oracle_case *one = &cases[answer->number];

  if (! answer->agree)
    oracle_case_fail (one, sql, "the filter was parsed wrongly, it differs for run %.*s", SLICE_ARG (answer->differs));
  one->expected_count = answer->ids.len / sizeof (struct uuid);
  one->expected = arena_array (database.arena, one->expected_count, sizeof (struct uuid));
  ck_assert_ptr_nonnull (one->expected);
  if (answer->ids.len > 0)
    memcpy ((void *)(uintptr_t)one->expected, answer->ids.data, answer->ids.len);
}

void
oracle_cases_ask (struct oracle_case *cases, size_t count)
{
  static const struct column columns[] = { { COLUMN_INT64, offsetof (struct answer, number) },
                                           { COLUMN_BYTES, offsetof (struct answer, ids) },
                                           { COLUMN_BOOL, offsetof (struct answer, agree) },
                                           { COLUMN_TEXT, offsetof (struct answer, differs) } };
  struct statement statement = { NULL, NULL, 0 };
  struct result result = { NULL };
  struct buffer sql;
  struct err err = { 0 };

  buffer_init (&sql, ORACLE_SQL_BYTES);
  for (size_t i = 0; i < count; i++)
    buffer_printf (&sql,
                   "%sSELECT %zu::int8, string_agg(uuid_send(run_id), ''::bytea ORDER BY %s) FILTER (WHERE made),"
                   " coalesce(bool_and(made = parsed), true), min(hex) FILTER (WHERE made <> parsed)"
                   " FROM (SELECT *, coalesce(%s, false) AS made, coalesce(%s, false) AS parsed FROM oracle_run"
                   "  WHERE %s AND %s OFFSET 0) AS s",
                   0 == i ? "" : " UNION ALL ", i, cases[i].order.sql.data, cases[i].made_sql.data,
                   cases[i].tree_sql.data, cases[i].scope, view_sql (cases[i].view));
  ck_assert (! sql.failed);
  statement.sql = sql.data;
  store_start_request (database.connection, 0);
  if (ERR_OK != store_query (&result, database.connection, &statement, NULL, &err))
    oracle_case_fail (&cases[0], sql.data, "%s: %s", err.message, err.cause);
  ck_assert_uint_eq (result_count (&result), count);
  for (size_t i = 0; i < count; i++)
  {
    struct answer answer;

    ck_assert_msg (ERR_OK == result_row (&answer, &result, i, columns, COLUMN_COUNT (columns), &err), "%s", err.cause);
    take_answer (cases, &answer, sql.data);
  }
  result_free (&result);
  buffer_free (&sql);
}
