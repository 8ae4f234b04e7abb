/* Tests of searches page by page: walking through small pages gives the rows of one large page, whatever the order. */
#include "database.h"

#include "ingest/keys.h"
#include "search/experiment_search.h"
#include "search/run_search.h"
#include "store/run.h"

#include <check.h>
#include <stdlib.h>

#define RUNS 60

static int64_t experiment;
static struct run_searcher searcher;

/* Runs whose members tie and are absent now and then. */
static void
set_up (void)
{
  static const char *const names[] = { "b", "a", "B", "\xC3\xA9", "a b", "" };

  database_open_migrated ();
  searcher = (struct run_searcher){ run_memory_new ((size_t)64 * 1024 * 1024, (size_t)64 * 1024 * 1024, 1),
                                    metric_keys_new (1 << 20) };
  experiment = database_experiment ("searched");
  for (unsigned i = 0; i < RUNS; i++)
  {
    char text[UUID_TEXT_BYTES];
    struct uuid id = database_make_run (experiment);
    uint64_t random = database_random () >> 16;

    uuid_format (text, &id);
    database_run ("UPDATE run SET name = '%s', started_at_ms = %lld, ended_at_ms = nullif(%d, 0), status = %d,"
                  " deleted_at_ms = nullif(%d, 0), params = '%s', tags = '%s' WHERE run_id = '%s'",
                  names[random % 6], (long long)(random >> 4 & 3) - 1, (int)(random >> 8 & 3),
                  1 + (int)(random >> 12 & 3), 0 == (random >> 20 & 7),
                  0 == (random >> 24 & 3) ? "{}"
                  : random >> 26 & 1      ? "{\"p 1\": \"10\"}"
                                          : "{\"p 1\": \"9\"}",
                  0 == (random >> 28 & 1) ? "{}" : "{\"t\": \"x\"}", text);
  }
}

static void
tear_down (void)
{
  run_memory_free (searcher.memory);
  metric_keys_free (searcher.keys);
  database_close ();
}

struct find_call
{
  const struct run_query *query;
  struct run_page page;
};

static enum err_code
find_work (struct store_connection *connection, void *context, struct err *err)
{
  struct find_call *find = context;

  return run_query_run (&find->page, find->query, &searcher, 0, connection, database.arena, err);
}

static struct run_page
find_runs (const struct run_search *search, struct slice token)
{
  struct run_search *one = arena_alloc (database.arena, sizeof (*one));
  struct find_call find = { .query = NULL };
  struct run_query *query;
  struct err err = { 0 };

  *one = *search;
  one->page_token = token;
  one->deadline_us = UINT64_MAX;
  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == run_query_parse (&query, one, database.arena, &err), "%s", err.message);
  find.query = query;
  ck_assert_msg (ERR_OK == store_transaction (database.connection, STORE_SNAPSHOT, find_work, &find, &err), "%s: %s",
                 err.message, err.cause);
  ck_assert_uint_le (find.page.count, (size_t)search->max_results);
  return find.page;
}

/* Bring the experiment into memory, so that the plain list comes from there too. */
static void
load (void)
{
  const struct run_search search = {
    .experiment_ids = &experiment, .experiment_count = 1, .view = VIEW_ALL, .counts = true, .max_results = 1
  };

  ck_assert (! run_memory_has (searcher.memory, &experiment, 1));
  ck_assert_int_eq (find_runs (&search, (struct slice){ NULL, 0 }).total, RUNS);
  ck_assert (run_memory_has (searcher.memory, &experiment, 1));
}

static int
compare_items (const struct run_item *a, const struct run_item *b)
{
  return memcmp (&a->run_id, &b->run_id, sizeof (a->run_id));
}

static const char *const orders[][4] = {
  { NULL },
  { "start_time" },
  { "start_time DESC" },
  { "end_time" },
  { "end_time DESC", "run_name" },
  { "status", "end_time", "start_time DESC" },
  { "run_id DESC" },
  { "attributes.`run name` DESC" },
  { "params.`p 1`" },
  { "params.`p 1` DESC", "tags.t", "end_time DESC" },
  { "tags.t DESC", "params.never" },
  { "user_id", "artifact_uri DESC" },
};

START_TEST (walks_through_pages)
{
  static const int64_t sizes[] = { 1, 7, 59, 60, 61 };

  for (enum search_view view = VIEW_ACTIVE_ONLY; view < VIEW_COUNT; view++)
  {
    struct slice clauses[4];
    struct run_search search = {
      .experiment_ids = &experiment, .experiment_count = 1, .view = view, .order_by = clauses, .max_results = 1000
    };
    struct run_page whole;

    for (; search.order_by_count < 4 && NULL != orders[_i][search.order_by_count]; search.order_by_count++)
      clauses[search.order_by_count] = slice_of (orders[_i][search.order_by_count]);
    whole = find_runs (&search, (struct slice){ NULL, 0 });
    ck_assert_ptr_null (whole.next_token.data);
    ck_assert_uint_gt (whole.count, 0);
    if (VIEW_ALL == view)
      ck_assert_uint_eq (whole.count, RUNS);
    for (size_t i = 0; i < sizeof (sizes) / sizeof (sizes[0]); i++)
    {
      struct slice token = { NULL, 0 };
      size_t seen = 0;

      search.max_results = sizes[i];
      do
      {
        struct run_page page = find_runs (&search, token);

        for (size_t k = 0; k < page.count; k++, seen++)
        {
          ck_assert_uint_lt (seen, whole.count);
          ck_assert_int_eq (compare_items (&page.items[k], &whole.items[seen]), 0);
        }
        /* A page that is not the last is full. */
        ck_assert (NULL == page.next_token.data || (size_t)sizes[i] == page.count);
        token = page.next_token;
      } while (NULL != token.data);
      ck_assert_uint_eq (seen, whole.count);
    }
  }
}
END_TEST

START_TEST (goes_on_where_it_was_although_rows_come_and_go)
{
  struct run_search search = {
    .experiment_ids = &experiment, .experiment_count = 1, .view = VIEW_ALL, .max_results = 10
  };
  struct run_page first;
  struct run_page expected;
  struct run_page second;
  char text[UUID_TEXT_BYTES];

  if (_i > 0)
    load ();
  first = find_runs (&search, (struct slice){ NULL, 0 });
  expected = find_runs (&search, first.next_token);
  /* Runs in front of the place: one more, one less, and the very last one of the page before. */
  database_run ("UPDATE run SET started_at_ms = 99, changed = pg_current_xact_id() WHERE run_id IN (SELECT run_id FROM "
                "run WHERE experiment_id = %lld"
                " ORDER BY started_at_ms DESC, run_id LIMIT 3)",
                (long long)experiment);
  uuid_format (text, &first.items[9].run_id);
  database_run (
      "BEGIN; DELETE FROM run WHERE run_id = '%s'; INSERT INTO run_purged (experiment_id) VALUES (%lld); COMMIT", text,
      (long long)experiment);
  second = find_runs (&search, first.next_token);
  ck_assert_uint_eq (second.count, 10);
  for (size_t i = 0; i < 10; i++)
    ck_assert_int_eq (compare_items (&second.items[i], &expected.items[i]), 0);
}
END_TEST

START_TEST (refuses_tokens_of_another_search)
{
  const struct slice by_name = SLICE ("run_name");
  const int64_t other = 0;
  const struct run_search search = {
    .experiment_ids = &experiment, .experiment_count = 1, .view = VIEW_ALL, .max_results = 5
  };
  struct run_page page = find_runs (&search, (struct slice){ NULL, 0 });
  struct run_search others[] = { search, search, search, search };

  ck_assert_ptr_nonnull (page.next_token.data);
  others[0].view = VIEW_ACTIVE_ONLY;
  others[1].order_by = &by_name;
  others[1].order_by_count = 1;
  others[2].experiment_ids = &other;
  others[3].filter = SLICE ("status = 'RUNNING'");
  for (size_t i = 0; i < 4; i++)
  {
    struct run_query *refused;
    struct err err = { 0 };

    others[i].page_token = page.next_token;
    ck_assert_int_eq (run_query_parse (&refused, &others[i], database.arena, &err), ERR_INVALID_PARAMETER_VALUE);
    ck_assert_str_eq (err.message, "Invalid page token, it belongs to another search; start again without one.");
  }
}
END_TEST

START_TEST (keeps_within_its_memory)
{
  const struct slice by_name = SLICE ("run_name");
  const struct run_search search = { .experiment_ids = &experiment,
                                     .experiment_count = 1,
                                     .view = VIEW_ALL,
                                     .order_by = &by_name,
                                     .order_by_count = 1,
                                     .max_results = 5,
                                     .deadline_us = UINT64_MAX };
  const size_t roomy = 3000; /* less than the runs take, and half of it more than they take with their names */
  struct run_memory *memory = searcher.memory;
  struct find_call find = { .query = NULL };
  struct run_query *query;
  struct err err = { 0 };

  /* A search takes up to twice what may stay. */
  searcher.memory = run_memory_new (roomy, 2 * roomy, 1);
  ck_assert_uint_eq (find_runs (&search, (struct slice){ NULL, 0 }).count, 5);
  ck_assert (! run_memory_has (searcher.memory, &experiment, 1));
  run_memory_free (searcher.memory);
  searcher.memory = run_memory_new (roomy, 1200, 1);
  ck_assert_int_eq (run_query_parse (&query, &search, database.arena, &err), ERR_OK);
  find.query = query;
  ck_assert_int_eq (store_transaction (database.connection, STORE_SNAPSHOT, find_work, &find, &err),
                    ERR_INVALID_PARAMETER_VALUE);
  ck_assert_msg (NULL != strstr (err.message, "more than 1200 bytes of memory"), "%s", err.message);
  ck_assert (! run_memory_has (searcher.memory, &experiment, 1));
  run_memory_free (searcher.memory);
  searcher.memory = memory;
  ck_assert_uint_eq (find_runs (&search, (struct slice){ NULL, 0 }).count, 5);
  ck_assert (run_memory_has (searcher.memory, &experiment, 1));
}
END_TEST

START_TEST (orders_as_asked)
{
  static const struct slice clauses[] = { { "end_time DESC", 13 }, { "run_name", 8 } };
  const struct run_search search = { .experiment_ids = &experiment,
                                     .experiment_count = 1,
                                     .view = VIEW_ALL,
                                     .order_by = clauses,
                                     .order_by_count = 2,
                                     .max_results = 1000 };
  struct run_page page = find_runs (&search, (struct slice){ NULL, 0 });
  struct uuid *run_ids = arena_array (database.arena, page.count, sizeof (struct uuid));
  struct result result = { NULL };
  struct store_run *runs;
  size_t count;

  for (size_t i = 0; i < page.count; i++)
    run_ids[i] = page.items[i].run_id;
  ck_assert_int_eq (
      store_run_read (&runs, &count, &result, database.connection, run_ids, page.count, database.arena, NULL), ERR_OK);
  ck_assert_uint_eq (count, RUNS);
  for (size_t i = 1; i < count; i++)
  {
    const struct store_run *a = &runs[i - 1];
    const struct store_run *b = &runs[i];
    int by_bytes = slice_compare (a->name, b->name);

    /* What has no end stands last in both directions. */
    ck_assert (a->ended_at_ms.present || ! b->ended_at_ms.present);
    if (a->ended_at_ms.present != b->ended_at_ms.present)
      continue;
    ck_assert (! a->ended_at_ms.present || a->ended_at_ms.value >= b->ended_at_ms.value);
    if (a->ended_at_ms.value == b->ended_at_ms.value)
      ck_assert_int_le (by_bytes, 0);
  }
  result_free (&result);
}
END_TEST

START_TEST (walks_through_experiments)
{
  static const char *const clauses[] = {
    NULL, "name", "name DESC", "creation_time DESC", "experiment_id", "last_update_time"
  };

  for (unsigned i = 0; i < 20; i++)
    (void)database_experiment (arena_printf (database.arena, "%c%u", i % 3 ? 'a' : 'B', i));
  for (size_t i = 0; i < sizeof (clauses) / sizeof (clauses[0]); i++)
  {
    const struct slice clause = slice_of (clauses[i]);
    struct experiment_search search = { .workspace_id = 1,
                                        .view = VIEW_ALL,
                                        .order_by = &clause,
                                        .order_by_count = NULL != clauses[i],
                                        .max_results = 1000 };
    struct experiment_page whole;
    struct experiment_page page;
    size_t seen = 0;

    ck_assert_int_eq (experiment_search (&whole, database.connection, &search, database.arena, NULL), ERR_OK);
    ck_assert_uint_eq (whole.count, 22);
    search.max_results = 3;
    do
    {
      ck_assert_int_eq (experiment_search (&page, database.connection, &search, database.arena, NULL), ERR_OK);
      for (size_t k = 0; k < page.count; k++)
        ck_assert_int_eq (page.experiments[k].experiment_id, whole.experiments[seen++].experiment_id);
      search.page_token = page.next_token;
      result_free (&page.result);
    } while (NULL != search.page_token.data);
    ck_assert_uint_eq (seen, whole.count);
    result_free (&whole.result);
  }
}
END_TEST

Suite *search_suite (void);

Suite *
search_suite (void)
{
  Suite *suite = suite_create ("search");
  TCase *runs = tcase_create ("runs");
  TCase *experiments = tcase_create ("experiments");

  tcase_add_checked_fixture (runs, set_up, tear_down);
  tcase_set_timeout (runs, 120);
  tcase_add_loop_test (runs, walks_through_pages, 0, sizeof (orders) / sizeof (orders[0]));
  tcase_add_loop_test (runs, goes_on_where_it_was_although_rows_come_and_go, 0, 2);
  tcase_add_test (runs, refuses_tokens_of_another_search);
  tcase_add_test (runs, keeps_within_its_memory);
  tcase_add_test (runs, orders_as_asked);
  suite_add_tcase (suite, runs);
  tcase_add_checked_fixture (experiments, set_up, tear_down);
  tcase_set_timeout (experiments, 120);
  tcase_add_test (experiments, walks_through_experiments);
  suite_add_tcase (suite, experiments);
  return suite;
}
