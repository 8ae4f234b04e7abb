/* Searching registered models. */
#include "search/registered_model_search.h"

#include "base/hash.h"

#define TABLE "registered_model"

static const struct search_attribute by_name = { NULL,  "name", SEARCH_TEXT,
                                                 false, false,  REGISTERED_MODEL_ATTRIBUTE_NAME,
                                                 false };

static const struct search_attribute prompt_tag = {
  NULL, "coalesce(tags ->> 'mlflow.prompt.is_prompt', 'false')", SEARCH_TEXT, false, false, -1, false
};

static enum err_code
read_page (struct registered_model_page *page, size_t max_results, uint64_t hash, struct arena *arena, struct err *err)
{
  struct column columns[STORE_REGISTERED_MODEL_COLUMNS + 2];
  size_t rows = result_count (&page->result);
  enum err_code code = ERR_OK;

  memcpy (columns, store_registered_model_columns, sizeof (store_registered_model_columns));
  columns[STORE_REGISTERED_MODEL_COLUMNS] =
      (struct column){ COLUMN_JSON, offsetof (struct registered_model_found, aliases) };
  columns[STORE_REGISTERED_MODEL_COLUMNS + 1] =
      (struct column){ COLUMN_TEXT, offsetof (struct registered_model_found, position) };
  page->count = rows > max_results ? max_results : rows;
  page->models = arena_array (arena, page->count, sizeof (*page->models));
  if (NULL == page->models)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "max_results is too large for one answer; ask for fewer.");
  for (size_t i = 0; ERR_OK == code && i < page->count; i++)
    code = result_row (&page->models[i], &page->result, i, columns, COLUMN_COUNT (columns), err);
  if (ERR_OK == code && rows > page->count && page->count > 0)
    page->next_token = search_token_make (page->models[page->count - 1].position, hash, arena);
  return code;
}

static uint64_t
hash_search (const struct registered_model_search *search)
{
  uint64_t hash = search_hash (HASH_START, slice_of ("registered models"));

  hash = hash_bytes (hash, &search->scope.workspace_id, sizeof (search->scope.workspace_id));
  hash = search_hash (hash, search->filter);
  for (size_t i = 0; i < search->order_by_count; i++)
    hash = search_hash (hash, search->order_by[i]);
  return hash;
}

enum err_code
registered_model_search (struct registered_model_page *page, struct store_connection *connection,
                         const struct registered_model_search *search, struct arena *arena, struct err *err)
{
  const int64_t numbers[REGISTRY_SCOPE_NUMBERS] = { search->scope.workspace_id, search->scope.account_id };
  struct filter_table table = { .name = TABLE, .numbers = numbers, .number_count = REGISTRY_SCOPE_NUMBERS };
  struct filter_sql sql;
  struct search_source source = { .columns = STORE_REGISTERED_MODEL_SELECT ", " STORE_REGISTERED_MODEL_ALIASES,
                                  .table = TABLE,
                                  .numbers = numbers,
                                  .number_count = REGISTRY_SCOPE_NUMBERS,
                                  .filter = &sql };
  uint64_t hash = hash_search (search);
  struct filter filter;
  struct search_order order;
  struct search_position position;
  enum err_code code;

  *page = (struct registered_model_page){ .count = 0 };
  code = search_order_parse (&order, search->order_by, search->order_by_count, &search_registered_models, arena, err);
  if (ERR_OK != code)
    return code;
  search_order_add (&order, &by_name, false);
  code = search_token_parse (&position, search->page_token, &order, hash, arena, err);
  if (ERR_OK == code)
    code = filter_parse (&filter, search->filter, &search_registered_models, search->now_ms, arena, err);
  if (ERR_OK == code)
    code = registry_scope_condition (&source.condition, &search->scope, registry_scope_prompts (&filter, &prompt_tag),
                                     connection, arena, err);
  table.condition = source.condition;
  if (ERR_OK == code)
    code = filter_sql_make (&sql, &filter, &table, REGISTRY_SCOPE_NUMBERS + 1, connection, arena, err);
  if (ERR_OK == code)
    code =
        search_page (&page->result, connection, &source, VIEW_ALL, &order, &position, search->max_results, arena, err);
  if (ERR_OK == code)
    code = read_page (page, (size_t)search->max_results, hash, arena, err);
  return code;
}
