/* Searching runs. */
#include "search/run_search.h"

static const struct search_attribute by_start = { NULL, "started_at_ms",     SEARCH_INT64, false,
                                                  true, RUN_ATTRIBUTE_START, false };
static const struct search_attribute by_id = { NULL, "run_id", SEARCH_UUID, false, false, RUN_ATTRIBUTE_ID, false };

struct search_row
{
  struct store_run run;
  struct slice position;
};

static uint64_t
hash_search (const struct run_search *search)
{
  uint64_t hash = SEARCH_HASH_START;

  hash = search_hash (hash, slice_of ("runs"));
  hash = search_hash (hash, slice_of (search_view_names[search->view]));
  hash = search_hash (
      hash, (struct slice){ (const char *)search->experiment_ids, search->experiment_count * sizeof (int64_t) });
  for (size_t i = 0; i < search->order_by_count; i++)
    hash = search_hash (hash, search->order_by[i]);
  return hash;
}

static enum err_code
read_page (struct run_page *page, const struct run_search *search, uint64_t hash, struct arena *arena, struct err *err)
{
  struct column columns[STORE_RUN_COLUMNS + 1];
  size_t rows = result_count (&page->result);
  struct search_row row;
  enum err_code code = ERR_OK;

  memcpy (columns, store_run_columns, sizeof (store_run_columns));
  columns[STORE_RUN_COLUMNS] = (struct column){ COLUMN_TEXT, offsetof (struct search_row, position) };
  page->count = rows > (size_t)search->max_results ? (size_t)search->max_results : rows;
  page->runs = arena_array (arena, page->count, sizeof (struct store_run));
  if (NULL == page->runs)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "max_results is too large for one answer; ask for fewer.");
  for (size_t i = 0; ERR_OK == code && i < page->count; i++)
  {
    code = result_row (&row, &page->result, i, columns, COLUMN_COUNT (columns), err);
    page->runs[i] = row.run;
  }
  if (ERR_OK == code && rows > page->count && page->count > 0)
    page->next_token = search_token_make (row.position, hash, arena);
  return code;
}

enum err_code
run_search (struct run_page *page, struct store_connection *connection, const struct run_search *search,
            struct arena *arena, struct err *err)
{
  const struct search_source source = { .columns = STORE_RUN_SELECT,
                                        .table = "run",
                                        .condition = "experiment_id = ",
                                        .owners = search->experiment_ids,
                                        .owner_count = search->experiment_count };
  uint64_t hash = hash_search (search);
  struct search_order order;
  struct search_position position;
  enum err_code code;

  *page = (struct run_page){ .count = 0 };
  code = search_order_parse (&order, search->order_by, search->order_by_count, &search_runs, arena, err);
  if (ERR_OK != code)
    return code;
  if (! search_order_in_sql (&order))
    return err_set (err, ERR_NOT_IMPLEMENTED,
                    "Sorting by metrics is not available yet; sort by attributes, params or tags.");
  search_order_add (&order, &by_start, true);
  search_order_add (&order, &by_id, false);
  code = search_token_parse (&position, search->page_token, &order, hash, arena, err);
  if (ERR_OK == code && search->experiment_count > 0)
    code = search_page (&page->result, connection, &source, search->view, &order, &position, search->max_results, arena,
                        err);
  if (ERR_OK == code)
    code = read_page (page, search, hash, arena, err);
  return code;
}
