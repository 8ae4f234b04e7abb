/* Tests of searches of experiments by who may read what: the query gives what the rules say of each experiment, also
   page by page and with filters whose values are read before. */
#include "accounts.h"

#include "search/experiment_search.h"
#include "store/access.h"

#include <check.h>

#define EXPERIMENTS 40
#define ACCOUNTS 4
#define GROUPS 3
/* Random worlds; each is asked by every account, in both workspaces, with every default permission that differs. */
#define WORLDS 12

static struct statement oracle = { "test_visible_oracle",
                                   "SELECT e.experiment_id FROM experiment AS e WHERE e.workspace_id = $1::int8"
                                   " AND " STORE_ACCESS_MAY_READ_EXPERIMENT (
                                       "$2", "$3::int8") " AND (NOT $4::bool OR e.name ILIKE '%A%')"
                                                         " ORDER BY e.created_at_ms DESC, e.experiment_id",
                                   4 };

static void
open (void)
{
  database_open_migrated ();
  for (int i = 1; i <= ACCOUNTS; i++)
    accounts_make (arena_printf (database.arena, "user%d", i), false);
  for (int i = 1; i <= GROUPS; i++)
    accounts_make_group (arena_printf (database.arena, "group%d", i));
  database_run ("INSERT INTO workspace (name) VALUES ('team')");
  /* Two that were made at the same time, names with and without an a. */
  database_run (
      "DELETE FROM experiment; INSERT INTO experiment (experiment_id, workspace_id, name, artifact_location,"
      " created_at_ms, updated_at_ms, tags) SELECT i, 1 + i %% 2, chr(64 + i %% 5) || i, 'r:/' || i, i / 4, 1,"
      " '{}' FROM generate_series(1, %d) AS i",
      EXPERIMENTS);
}

/* Members and grants of all kinds, several of which concern the same experiment. */
static void
make_world (void)
{
  database_run ("DELETE FROM access_grant; DELETE FROM account_group_member");
  for (int i = 0; i < 4; i++)
    database_run ("INSERT INTO account_group_member (group_id, account_id) VALUES (%d, %d) ON CONFLICT DO NOTHING",
                  1 + (int)(database_random () % GROUPS), 1 + (int)(database_random () % ACCOUNTS));
  for (int i = 0; i < 60; i++)
  {
    int experiment_id = 1 + (int)(database_random () % EXPERIMENTS);
    bool is_group = 0 == database_random () % 2;
    int holder = 1 + (int)(database_random () % (is_group ? GROUPS : ACCOUNTS));
    int level = (int)(database_random () % 3);
    int kind = (int)(database_random () % 12);

    if (0 == kind)
      database_run ("INSERT INTO access_grant (workspace_id, %s, level) VALUES (%d, %d, %d) ON CONFLICT DO NOTHING",
                    is_group ? "group_id" : "account_id", 1 + experiment_id % 2, holder, level);
    else if (1 == kind)
      database_run ("INSERT INTO access_grant (workspace_id, model_name, %s, level) VALUES (%d, 'm', %d, 4)"
                    " ON CONFLICT DO NOTHING",
                    is_group ? "group_id" : "account_id", 1 + experiment_id % 2, holder);
    else
      database_run ("INSERT INTO access_grant (workspace_id, experiment_id, %s, level) VALUES (%d, %d, %d, %d)"
                    " ON CONFLICT DO NOTHING",
                    is_group ? "group_id" : "account_id", 1 + experiment_id % 2, experiment_id, holder, level);
  }
}

struct ids
{
  int64_t items[EXPERIMENTS];
  size_t count;
};

static struct ids
expected (const struct experiment_search *search)
{
  static const struct column columns[] = { { COLUMN_INT64, 0 } };
  struct result result = { NULL };
  struct parameters parameters;
  struct ids ids = { .count = 0 };
  struct err err = { 0 };

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, search->workspace_id);
  parameter_int64 (&parameters, search->account_id);
  parameter_int64 (&parameters, search->fallback);
  parameter_bool (&parameters, search->filter.len > 0);
  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == store_query (&result, database.connection, &oracle, &parameters, &err), "%s %s", err.message,
                 err.cause);
  for (; ids.count < result_count (&result); ids.count++)
    ck_assert_int_eq (result_row (&ids.items[ids.count], &result, ids.count, columns, COLUMN_COUNT (columns), NULL),
                      ERR_OK);
  result_free (&result);
  return ids;
}

/* All pages of a search. */
static struct ids
found (const struct experiment_search *asked, int64_t max_results)
{
  struct experiment_search search = *asked;
  struct ids ids = { .count = 0 };
  struct err err = { 0 };

  search.max_results = max_results;
  do
  {
    struct experiment_page page = { .count = 0 };

    store_start_request (database.connection, 0);
    ck_assert_msg (ERR_OK == experiment_search (&page, database.connection, &search, database.arena, &err), "%s %s",
                   err.message, err.cause);
    /* Full pages, and none behind the last. */
    ck_assert (! slice_filled (page.next_token) || (size_t)max_results == page.count);
    ck_assert (! slice_filled (search.page_token) || page.count > 0);
    for (size_t i = 0; i < page.count; i++)
      ids.items[ids.count++] = page.experiments[i].experiment_id;
    search.page_token = page.next_token;
    result_free (&page.result);
  } while (slice_filled (search.page_token));
  return ids;
}

START_TEST (finds_what_may_be_read)
{
  size_t some = 0;
  size_t all = 0;

  /* Each world is made in a process of its own, which begins with the same numbers. */
  for (int i = 0; i < 1000 * _i; i++)
    (void)database_random ();
  make_world ();
  for (int asked = 0; asked < 2 * (ACCOUNTS + 1) * 3 * 2; asked++)
  {
    const struct experiment_search search = {
      .workspace_id = 1 + asked % 2,
      .account_id = asked / 2 % (ACCOUNTS + 1),
      .fallback = (int16_t)(asked / (2 * (ACCOUNTS + 1)) % 3),
      .filter = asked % 4 < 2 ? SLICE ("name ILIKE '%A%'") : SLICE (""),
    };
    struct ids wanted = expected (&search);
    struct ids one = found (&search, 1000);
    struct ids many = found (&search, 1 + asked % 3);

    ck_assert_uint_eq (one.count, wanted.count);
    ck_assert_uint_eq (many.count, wanted.count);
    for (size_t i = 0; i < wanted.count; i++)
      ck_assert (one.items[i] == wanted.items[i] && many.items[i] == wanted.items[i]);
    some += wanted.count;
    all += EXPERIMENTS / 2;
  }
  /* Neither everything nor nothing, or it would prove little. */
  ck_assert (some > all / 10 && some < all * 9 / 10);
}
END_TEST

START_TEST (takes_tokens_of_the_workspace_only)
{
  struct experiment_search search = { .workspace_id = 1, .max_results = 2 };
  struct experiment_page page;
  struct err err = { 0 };

  store_start_request (database.connection, 0);
  ck_assert_int_eq (experiment_search (&page, database.connection, &search, database.arena, &err), ERR_OK);
  ck_assert (slice_filled (page.next_token));
  search.page_token = page.next_token;
  result_free (&page.result);
  search.workspace_id = 2;
  ck_assert_int_eq (experiment_search (&page, database.connection, &search, database.arena, &err),
                    ERR_INVALID_PARAMETER_VALUE);
  ck_assert_ptr_nonnull (strstr (err.message, "it belongs to another search"));
  result_free (&page.result);
  /* Somebody else's token opens nothing. */
  search.workspace_id = 1;
  search.account_id = 1;
  err_clear (&err);
  ck_assert_int_eq (experiment_search (&page, database.connection, &search, database.arena, &err), ERR_OK);
  ck_assert_uint_eq (page.count, 0);
  result_free (&page.result);
}
END_TEST

Suite *search_visible_suite (void);

Suite *
search_visible_suite (void)
{
  Suite *suite = suite_create ("search visible");
  TCase *searches = tcase_create ("searches");

  tcase_add_checked_fixture (searches, open, database_close);
  tcase_set_timeout (searches, 120);
  tcase_add_loop_test (searches, finds_what_may_be_read, 0, WORLDS);
  tcase_add_test (searches, takes_tokens_of_the_workspace_only);
  suite_add_tcase (suite, searches);
  return suite;
}
