/* Searches of the server beside what PostgreSQL says of them. */
#include "oracle.h"

#include <check.h>
#include <stdio.h>

/* Names of metrics in memory. */
#define DICTIONARY_BYTES ((size_t)1024 * 1024)

void
oracle_searcher_open (struct oracle_searcher *searcher, size_t max_bytes)
{
  searcher->searcher =
      (struct run_searcher){ run_memory_new (max_bytes, SIZE_MAX, 1), metric_keys_new (DICTIONARY_BYTES) };
  searcher->connection = database_connect ();
  ck_assert (NULL != searcher->searcher.memory && NULL != searcher->searcher.keys);
}

void
oracle_searcher_close (struct oracle_searcher *searcher)
{
  run_memory_free (searcher->searcher.memory);
  metric_keys_free (searcher->searcher.keys);
  store_connection_free (searcher->connection);
}

struct search_call
{
  const struct run_query *query;
  const struct run_searcher *searcher;
  struct arena *arena;
  struct run_page page;
};

static enum err_code
search_work (struct store_connection *connection, void *context, struct err *err)
{
  struct search_call *call = context;

  return run_query_run (&call->page, call->query, call->searcher, 0, connection, call->arena, err);
}

/* Parse a search as `one` says and run it in an arena. */
static enum err_code
search (struct run_page *page, const struct oracle_case *one, struct oracle_searcher *searcher,
        struct run_search *search, struct arena *arena, struct err *err)
{
  struct search_call call = { .searcher = &searcher->searcher, .arena = arena };
  struct slice items[ORACLE_ORDER_MAX];
  struct run_query *query;
  enum err_code code;

  for (size_t i = 0; i < one->order.count; i++)
    items[i] = slice_of (one->order.items[i]);
  search->experiment_ids = one->experiment_ids;
  search->experiment_count = one->experiment_count;
  search->view = one->view;
  search->filter = buffer_slice (&one->text);
  search->now_ms = oracle.now_ms;
  search->order_by = items;
  search->order_by_count = one->order.count;
  search->deadline_us = UINT64_MAX;
  if (ERR_OK != run_query_parse (&query, search, database.arena, err))
    oracle_case_fail (one, NULL, "refused: %s", err->message);
  call.query = query;
  store_start_request (searcher->connection, 0);
  code = store_transaction (searcher->connection, STORE_SNAPSHOT, search_work, &call, err);
  *page = call.page;
  return code;
}

struct run_page
oracle_case_search (const struct oracle_case *one, struct oracle_searcher *searcher, struct run_search *asked)
{
  struct run_page page;
  struct err err = { 0 };

  if (ERR_OK != search (&page, one, searcher, asked, database.arena, &err))
    oracle_case_fail (one, NULL, "failed: %s: %s", err.message, err.cause);
  return page;
}

void
oracle_case_disturb (const struct oracle_case *one, struct oracle_searcher *searcher)
{
  const struct arena_mark mark = arena_mark (database.arena);
  struct arena *arena = arena_new (oracle_below (oracle_once_in (2) ? 2000 : 40000));
  struct run_search asked = { .max_results = 1 + (int64_t)oracle_below (100) };
  struct run_page page;
  struct err err = { 0 };

  (void)search (&page, one, searcher, &asked, arena, &err);
  arena_free (arena);
  arena_rewind (database.arena, &mark);
}

static const char *
id_text (char text[UUID_TEXT_BYTES], const struct uuid *id)
{
  uuid_format (text, id);
  return text;
}

/* Tell what the whole list is to a searcher that has nothing in memory: then it is seen whether the fault is in what is
   remembered. */
static void
tell_anew (const struct oracle_case *one)
{
  struct run_search search = { .max_results = ORACLE_RUNS_MAX };
  struct oracle_searcher searcher;
  struct run_page page;
  size_t same = 0;

  oracle_searcher_open (&searcher, SIZE_MAX / 2);
  page = oracle_case_search (one, &searcher, &search);
  while (same < page.count && same < one->expected_count
         && 0 == memcmp (&page.items[same].run_id, &one->expected[same], sizeof (struct uuid)))
    same++;
  fprintf (stderr, "with nothing in memory: %zu runs, %zu expected, the first %zu the same\n", page.count,
           one->expected_count, same);
  oracle_searcher_close (&searcher);
}

/* Runs of a page, of which the first is to be number `seen` of all. */
static void
compare_page (const struct oracle_case *one, const struct run_page *page, size_t seen, size_t max_results)
{
  char got[UUID_TEXT_BYTES];
  char expected[UUID_TEXT_BYTES];
  size_t left = one->expected_count - seen;
  bool same = page->count == (left < max_results ? left : max_results);

  for (size_t i = 0; same && i < page->count; i++)
    same = 0 == memcmp (&page->items[i].run_id, &one->expected[seen + i], sizeof (struct uuid));
  if (! same)
    tell_anew (one);
  for (size_t i = 0; i < page->count; i++)
    if (i >= left)
      oracle_case_fail (one, NULL, "run %zu is %s, and there should be %zu only", seen + i,
                        id_text (got, &page->items[i].run_id), one->expected_count);
    else if (0 != memcmp (&page->items[i].run_id, &one->expected[seen + i], sizeof (struct uuid)))
      oracle_case_fail (one, NULL, "run %zu is %s, not %s", seen + i, id_text (got, &page->items[i].run_id),
                        id_text (expected, &one->expected[seen + i]));
  if (page->count != (left < max_results ? left : max_results))
    oracle_case_fail (one, NULL, "a page has %zu runs, not %zu, from run %zu of %zu on: %s is missing", page->count,
                      left < max_results ? left : max_results, seen, one->expected_count,
                      id_text (expected, &one->expected[seen + page->count]));
  if ((NULL != page->next_token.data) != (left > max_results))
    oracle_case_fail (one, NULL, "behind run %zu of %zu there is %s token", seen + page->count, one->expected_count,
                      NULL == page->next_token.data ? "no" : "a");
}

/* Sizes of pages that walk through all in a few steps, and such as leave nothing or one run. */
static size_t
some_size (size_t count)
{
  switch (oracle_below (8))
  {
  case 0:
    return count > 0 ? count : 1;
  case 1:
    return count + 1;
  case 2:
    return count > 1 ? count - 1 : 1;
  case 3:
    return 1 + count / (1 + oracle_below (5));
  default:
    return 1000;
  }
}

void
oracle_case_compare (const struct oracle_case *one, struct oracle_searcher *searchers, size_t count)
{
  struct run_search search = { .max_results = (int64_t)some_size (one->expected_count) };
  size_t turn = oracle_below (count);
  size_t seen = 0;

  do
  {
    const struct arena_mark mark = arena_mark (database.arena);
    struct run_page page;

    search.counts = oracle_once_in (2);
    page = oracle_case_search (one, &searchers[turn++ % count], &search);
    if (search.counts && (size_t)page.total != one->expected_count)
      oracle_case_fail (one, NULL, "the count is %lld, not %zu", (long long)page.total, one->expected_count);
    compare_page (one, &page, seen, (size_t)search.max_results);
    seen += page.count;
    search.page_token = page.next_token;
    /* The token lives in the arena. */
    if (NULL == page.next_token.data)
      arena_rewind (database.arena, &mark);
  } while (NULL != search.page_token.data);
}
