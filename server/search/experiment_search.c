/* Searching experiments. */
#include "search/experiment_search.h"

#include "base/hash.h"

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

/* The pieces of a page's query that do not depend on the search. */
#define TABLE "experiment"
#define CONDITION "workspace_id = 1"

static uint64_t
hash_search (const struct experiment_search *search)
{
  uint64_t hash = HASH_START;

  hash = search_hash (hash, slice_of ("experiments"));
  hash = search_hash (hash, slice_of (search_view_names[search->view]));
  hash = search_hash (hash, search->filter);
  for (size_t i = 0; i < search->order_by_count; i++)
    hash = search_hash (hash, search->order_by[i]);
  return hash;
}

static enum err_code
make_filter (struct filter_sql *sql, struct store_connection *connection, const struct experiment_search *search,
             struct arena *arena, struct err *err)
{
  static const struct filter_table table = { .name = TABLE, .condition = CONDITION };
  struct filter filter;
  enum err_code code = filter_parse (&filter, search->filter, &search_experiments, search->now_ms, arena, err);

  return ERR_OK == code ? filter_sql_make (sql, &filter, &table, 1, connection, arena, err) : code;
}

enum err_code
experiment_search (struct experiment_page *page, struct store_connection *connection,
                   const struct experiment_search *search, struct arena *arena, struct err *err)
{
  uint64_t hash = hash_search (search);
  struct filter_sql filter;
  const struct search_source source = {
    .columns = STORE_EXPERIMENT_SELECT, .table = TABLE, .condition = CONDITION, .filter = &filter
  };
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
    code = make_filter (&filter, connection, search, arena, err);
  if (ERR_OK == code)
    code = search_page (&page->result, connection, &source, search->view, &order, &position, search->max_results, arena,
                        err);
  if (ERR_OK == code)
    code = read_page (page, (size_t)search->max_results, hash, arena, err);
  return code;
}
