/* Tests of run searches against an oracle: random filters, orders and pages over random runs that change all the time,
   beside what plain SQL says (oracle.h).

   TALLY_ORACLE_FILTERS says how many searches there are, TALLY_ORACLE_SEED where the random numbers begin; one seed
   always gives the same. */
#include "oracle.h"

#include <check.h>
#include <stdlib.h>

/* As many as take some seconds. */
#define USUAL_FILTERS 1500
/* Searches between two rounds of changes, which go into one statement. */
#define BATCH 75
/* Runs to begin with. */
#define FIRST_RUNS 160
/* Of the test with many: more than twice what is collected before a ranking is cut. */
#define MANY_RUNS 2000
#define MANY_FILTERS 45
/* Times the runs, half as much again as a dictionary holds of values that are gone. */
#define PROGRESS_STEPS 45
#define SEARCHERS 3
/* Far above all tables here. */
#define ENOUGH_BYTES ((size_t)64 * 1024 * 1024)

static struct oracle_case cases[BATCH];
static struct oracle_searcher searchers[SEARCHERS];

static size_t
setting (const char *name, size_t usual)
{
  const char *text = getenv (name);

  return NULL == text || '\0' == *text ? usual : (size_t)strtoull (text, NULL, 10);
}

static void
set_up (void)
{
  database_open_migrated ();
  oracle_open (setting ("TALLY_ORACLE_SEED", 1));
}

static void
tear_down (void)
{
  oracle_close ();
  database_close ();
}

/* So little that tables go again after each search, some columns of them, or only some tables. */
static size_t
some_budget (void)
{
  static const size_t budgets[] = { 1, 8192, 20000, 40000, 100000 };

  return budgets[oracle_below (sizeof (budgets) / sizeof (budgets[0]))];
}

/* The second one has to read much anew; the others follow what changes. */
static void
open_searcher (size_t which)
{
  oracle_searcher_open (&searchers[which], 1 == which ? some_budget () : ENOUGH_BYTES);
}

static void
check_batch (size_t count)
{
  oracle_cases_ask (cases, count);
  for (size_t i = 0; i < count; i++)
  {
    const struct arena_mark mark = arena_mark (database.arena);

    if (oracle_once_in (10))
      oracle_case_disturb (&cases[i], &searchers[oracle_below (SEARCHERS)]);
    oracle_case_compare (&cases[i], searchers, SEARCHERS);
    if (oracle_once_in (12))
      oracle_case_compare_groups (&cases[i], &searchers[oracle_below (SEARCHERS)]);
    if (oracle_once_in (12))
      oracle_case_compare_distinct (&cases[i], &searchers[oracle_below (SEARCHERS)]);
    arena_rewind (database.arena, &mark);
  }
}

static void
open_searchers (void)
{
  for (size_t i = 0; i < BATCH; i++)
    oracle_case_init (&cases[i]);
  for (size_t i = 0; i < SEARCHERS; i++)
    open_searcher (i);
}

static void
close_searchers (void)
{
  for (size_t i = 0; i < SEARCHERS; i++)
    oracle_searcher_close (&searchers[i]);
  for (size_t i = 0; i < BATCH; i++)
    oracle_case_free (&cases[i]);
}

/* Change something, then search; `count` at most BATCH. */
static void
check_round (size_t first, size_t count, size_t changes)
{
  const struct arena_mark mark = arena_mark (database.arena);

  for (size_t i = 0; i < changes; i++)
    oracle_change ();
  oracle_read_runs ();
  oracle_fill_flat ();
  /* Now and then one begins with nothing in memory. */
  if (oracle_once_in (10))
  {
    size_t which = oracle_below (SEARCHERS);

    oracle_searcher_close (&searchers[which]);
    open_searcher (which);
  }
  for (size_t i = 0; i < count; i++)
    oracle_case_make (&cases[i], first + i);
  check_batch (count);
  arena_rewind (database.arena, &mark);
}

START_TEST (searches_as_sql_does)
{
  size_t filters = setting ("TALLY_ORACLE_FILTERS", USUAL_FILTERS);

  open_searchers ();
  oracle_fill (FIRST_RUNS, true);
  for (size_t done = 0; done < filters; done += BATCH)
    check_round (done, filters - done < BATCH ? filters - done : BATCH, oracle_below (12));
  close_searchers ();
}
END_TEST

/* More runs than are ranked at once, most of them with equals. */
START_TEST (ranks_many_runs)
{
  open_searchers ();
  oracle_fill (40, false);
  oracle_multiply (MANY_RUNS);
  for (size_t done = 0; done < MANY_FILTERS; done += MANY_FILTERS / 3)
    check_round (done, MANY_FILTERS / 3, done > 0 ? 6 : 0);
  close_searchers ();
}
END_TEST

/* A tag of every run changes all the time, so that far more values were seen than there are. */
START_TEST (follows_tags_that_show_progress)
{
  struct oracle_case *one = &cases[0];
  struct run_search search = { .max_results = 1, .counts = true };

  open_searchers ();
  oracle_fill (FIRST_RUNS, true);
  oracle_case_make (one, 0);
  one->order.count = 0;
  one->view = VIEW_ALL;
  one->experiment_count = ORACLE_EXPERIMENTS;
  memcpy (one->experiment_ids, oracle.experiments, sizeof (one->experiment_ids));
  buffer_clear (&one->text);
  buffer_text (&one->text, "tags.t LIKE '% of 100'");
  for (int i = 0; i < PROGRESS_STEPS; i++)
  {
    const struct arena_mark mark = arena_mark (database.arena);

    database_run ("UPDATE run SET changed = pg_current_xact_id(),"
                  " tags = tags || jsonb_build_object('t', run_id::text || ', %d of 100')",
                  i);
    ck_assert_int_eq (oracle_case_search (one, &searchers[0], &search).total, (int64_t)oracle.run_count);
    arena_rewind (database.arena, &mark);
  }
  close_searchers ();
}
END_TEST

Suite *oracle_suite (void);

Suite *
oracle_suite (void)
{
  Suite *suite = suite_create ("oracle");
  TCase *searches = tcase_create ("searches");

  tcase_add_checked_fixture (searches, set_up, tear_down);
  /* A second for a few searches, however slow the machine. */
  tcase_set_timeout (searches, 120 + (double)setting ("TALLY_ORACLE_FILTERS", USUAL_FILTERS) / 10);
  tcase_add_test (searches, searches_as_sql_does);
  tcase_add_test (searches, ranks_many_runs);
  tcase_add_test (searches, follows_tags_that_show_progress);
  suite_add_tcase (suite, searches);
  return suite;
}
