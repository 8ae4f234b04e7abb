/* Searching experiments.

   DESIGN
   Who may read what is part of the query, so that pages are full and their tokens name only what was shown. The rules
   of access (store/access.h) ask four questions of each experiment; in a workspace of a hundred thousand that an
   account may read fifty of, that took 1.2 s, and this takes 0.4 ms. What the workspace itself gives is the same for
   all of them and is asked first; then only the grants that say otherwise are left. Without it the experiments are
   found by those grants, with it they are all but those. */
#include "search/experiment_search.h"

#include "base/hash.h"
#include "store/access.h"

static const struct search_attribute by_creation = {
  NULL, "created_at_ms", SEARCH_INT64, false, true, EXPERIMENT_ATTRIBUTE_CREATED, false
};
static const struct search_attribute by_id = { NULL,  "experiment_id",         SEARCH_INT64, false,
                                               false, EXPERIMENT_ATTRIBUTE_ID, false };

struct search_row
{
  struct store_experiment experiment;
  struct slice position;
};

static enum err_code
read_page (struct experiment_page *page, size_t max_results, uint64_t hash, struct arena *arena, struct err *err)
{
  struct column columns[STORE_EXPERIMENT_COLUMNS + 1];
  size_t rows = result_count (&page->result);
  struct search_row row;
  enum err_code code = ERR_OK;

  memcpy (columns, store_experiment_columns, sizeof (store_experiment_columns));
  columns[STORE_EXPERIMENT_COLUMNS] = (struct column){ COLUMN_TEXT, offsetof (struct search_row, position) };
  page->count = rows > max_results ? max_results : rows;
  page->experiments = arena_array (arena, page->count, sizeof (struct store_experiment));
  if (NULL == page->experiments)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "max_results is too large for one answer; ask for fewer.");
  for (size_t i = 0; ERR_OK == code && i < page->count; i++)
  {
    code = result_row (&row, &page->result, i, columns, COLUMN_COUNT (columns), err);
    page->experiments[i] = row.experiment;
  }
  if (ERR_OK == code && rows > page->count && page->count > 0)
    page->next_token = search_token_make (row.position, hash, arena);
  return code;
}

#define TABLE "experiment"

/* The experiments of workspace $1 that grants of account $2 or of its groups are about, and what they say: an own one
   before the highest of groups. */
#define GRANTED                                                                                                        \
  "SELECT x.experiment_id FROM (SELECT y.experiment_id, coalesce(max(y.own), max(y.of_groups)) AS level FROM"          \
  "  (SELECT g.experiment_id, g.level AS own, NULL::int2 AS of_groups FROM access_grant AS g"                          \
  "   WHERE g.account_id = $2::int8 AND g.experiment_id IS NOT NULL AND g.workspace_id = $1::int8"                     \
  "   UNION ALL SELECT g.experiment_id, NULL, g.level FROM account_group_member AS m JOIN access_grant AS g"           \
  "    ON g.group_id = m.group_id AND g.experiment_id IS NOT NULL AND g.workspace_id = $1::int8"                       \
  "   WHERE m.account_id = $2::int8) AS y GROUP BY y.experiment_id) AS x WHERE x.level "

/* Which experiments may be found. */
static const char *const conditions[] = {
  "workspace_id = $1::int8 AND $2::int8 = 0",
  /* As an array it is a key of the index, however many the planner takes them for. */
  "workspace_id = $1::int8 AND experiment_id = ANY (ARRAY (" GRANTED ">= 1))",
  "workspace_id = $1::int8 AND experiment_id NOT IN (" GRANTED "< 1)",
};

enum
{
  ALL,
  GRANTED_ONLY,
  ALL_BUT_DENIED
};

static enum err_code
choose_condition (const char **condition, const struct experiment_search *search, struct store_connection *connection,
                  struct err *err)
{
  struct store_access_rights rights = { .level = 0 };
  enum err_code code = ERR_OK;

  if (0 != search->account_id)
    code = store_access_of_workspace (&rights, connection, search->account_id, search->fallback, search->workspace_id,
                                      err);
  *condition = conditions[0 == search->account_id ? ALL : rights.level >= 1 ? ALL_BUT_DENIED : GRANTED_ONLY];
  return code;
}

static uint64_t
hash_search (const struct experiment_search *search)
{
  uint64_t hash = HASH_START;

  hash = search_hash (hash, slice_of ("experiments"));
  hash = hash_bytes (hash, &search->workspace_id, sizeof (search->workspace_id));
  hash = search_hash (hash, slice_of (search_view_names[search->view]));
  hash = search_hash (hash, search->filter);
  for (size_t i = 0; i < search->order_by_count; i++)
    hash = search_hash (hash, search->order_by[i]);
  return hash;
}

enum err_code
experiment_search (struct experiment_page *page, struct store_connection *connection,
                   const struct experiment_search *search, struct arena *arena, struct err *err)
{
  const int64_t numbers[] = { search->workspace_id, search->account_id };
  const size_t number_count = sizeof (numbers) / sizeof (numbers[0]);
  struct filter_table table = { .name = TABLE, .numbers = numbers, .number_count = number_count };
  struct filter_sql sql;
  struct search_source source = {
    .columns = STORE_EXPERIMENT_SELECT, .table = TABLE, .numbers = numbers, .number_count = number_count, .filter = &sql
  };
  uint64_t hash = hash_search (search);
  struct filter filter;
  struct search_order order;
  struct search_position position;
  enum err_code code;

  *page = (struct experiment_page){ .count = 0 };
  code = search_order_parse (&order, search->order_by, search->order_by_count, &search_experiments, arena, err);
  if (ERR_OK != code)
    return code;
  /* Without any order the newest come first; behind a given order the newest identifier does. */
  if (0 == order.count)
    search_order_add (&order, &by_creation, true);
  search_order_add (&order, &by_id, search->order_by_count > 0);
  code = search_token_parse (&position, search->page_token, &order, hash, arena, err);
  if (ERR_OK == code)
    code = filter_parse (&filter, search->filter, &search_experiments, search->now_ms, arena, err);
  if (ERR_OK == code)
    code = choose_condition (&source.condition, search, connection, err);
  table.condition = source.condition;
  if (ERR_OK == code)
    code = filter_sql_make (&sql, &filter, &table, (unsigned)number_count + 1, connection, arena, err);
  if (ERR_OK == code)
    code = search_page (&page->result, connection, &source, search->view, &order, &position, search->max_results, arena,
                        err);
  if (ERR_OK == code)
    code = read_page (page, (size_t)search->max_results, hash, arena, err);
  return code;
}
