/* Searching runs.

   DESIGN
   What a search names is looked up in columns in memory (search/run_table.h), which are brought up to date first. Only
   the list that everybody opens, without a filter and the newest first, comes straight from an index while the
   experiment is not in memory: looking through a list is no reason to load it. */
#include "search/run_search.h"

#include "base/hash.h"
#include "base/json_write.h"
#include "base/number.h"
#include "store/run.h"

#include <stdlib.h>

/* Bytes of a token's place: the largest values of some order keys, escaped. */
#define POSITION_MAX_BYTES ((size_t)1024 * 1024)

struct run_query
{
  const struct run_search *search;
  struct filter filter;
  struct search_order order;
  struct search_position position;
  uint64_t hash;
  struct run_fields fields;
  size_t *filter_fields; /* of each field of the filter, its place in `fields` */
  size_t order_fields[SEARCH_ORDER_MAX];
  struct run_group_query groups;
};

static enum err_code
out_of_memory (struct err *err)
{
  return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
}

/* --- the question ------------------------------------------------------------------------------------------------ */

static uint64_t
hash_search (const struct run_search *search)
{
  uint64_t hash = HASH_START;

  hash = search_hash (hash, slice_of ("runs"));
  hash = search_hash (hash, slice_of (search_view_names[search->view]));
  hash = search_hash (
      hash, (struct slice){ (const char *)search->experiment_ids, search->experiment_count * sizeof (int64_t) });
  hash = search_hash (hash, search->filter);
  for (size_t i = 0; i < search->order_by_count; i++)
    hash = search_hash (hash, search->order_by[i]);
  return hash;
}

static enum err_code
collect_fields (struct run_query *query, struct arena *arena, struct err *err)
{
  enum err_code code = ERR_OK;

  query->filter_fields = arena_array (arena, query->filter.field_count, sizeof (size_t));
  if (NULL == query->filter_fields)
    return out_of_memory (err);
  for (size_t i = 0; ERR_OK == code && i < query->filter.field_count; i++)
    code = run_fields_add (&query->filter_fields[i], &query->fields, &query->filter.fields[i], err);
  for (size_t i = 0; ERR_OK == code && i < query->order.count; i++)
    code = run_fields_add (&query->order_fields[i], &query->fields, &query->order.keys[i].field, err);
  return code;
}

enum err_code
run_query_parse (struct run_query **parsed, const struct run_search *search, struct arena *arena, struct err *err)
{
  struct run_query *query = arena_alloc (arena, sizeof (*query));
  enum err_code code;

  *parsed = query;
  if (NULL == query)
    return out_of_memory (err);
  query->search = search;
  query->hash = hash_search (search);
  run_fields_init (&query->fields, arena);
  code = filter_parse (&query->filter, search->filter, &search_runs, search->now_ms, arena, err);
  if (ERR_OK == code)
    code = search_order_parse (&query->order, search->order_by, search->order_by_count, &search_runs, arena, err);
  if (ERR_OK != code)
    return code;
  search_order_add (&query->order, search_attribute_find (&search_runs, SLICE ("start_time")), true);
  search_order_add (&query->order, search_attribute_find (&search_runs, SLICE ("run_id")), false);
  code = search_token_parse (&query->position, search->page_token, &query->order, query->hash, arena, err);
  if (ERR_OK == code)
    code = collect_fields (query, arena, err);
  if (ERR_OK == code)
    code = run_group_parse (&query->groups, &search->groups, &query->fields, arena, err);
  if (ERR_OK == code && query->groups.group_by_count > 0 && query->position.present)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "Groups have no pages: leave 'page_token' out with 'group_by'.");
  return code;
}

/* --- places ------------------------------------------------------------------------------------------------------ */

/* The form in which PostgreSQL prints it, which is that of tokens. */
static struct slice
uuid_text (const struct uuid *id, struct arena *arena)
{
  char digits[UUID_TEXT_BYTES];

  uuid_format (digits, id);
  return slice_of (
      arena_printf (arena, "%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8, digits + 12, digits + 16, digits + 20));
}

static bool
uuid_read (struct uuid *id, struct slice text)
{
  char digits[UUID_TEXT_BYTES];
  size_t len = 0;

  for (size_t i = 0; i < text.len && len < sizeof (digits) - 1; i++)
    if ('-' != text.data[i])
      digits[len++] = text.data[i];
  return uuid_parse (id, (struct slice){ digits, len });
}

static void
write_place_value (struct json_write *w, const struct run_value *value, struct arena *arena)
{
  char number[NUMBER_DOUBLE_BYTES > NUMBER_INT64_BYTES ? NUMBER_DOUBLE_BYTES : NUMBER_INT64_BYTES];

  if (RUN_VALUE_MISSING == value->rank)
    json_write_null (w);
  else if (RUN_VALUE_NAN == value->rank)
    json_write_text (w, "NaN");
  else if (SEARCH_INT64 == value->type)
  {
    number_format_int64 (number, value->integer);
    json_write_text (w, number);
  }
  else if (SEARCH_DOUBLE == value->type)
  {
    number_format_double (number, value->number);
    json_write_text (w, number);
  }
  else if (SEARCH_UUID == value->type)
    json_write_string (w, uuid_text (&value->id, arena));
  else
    json_write_string (w, value->text);
}

/* The token of the page behind a hit. */
static struct slice
token_behind (const struct run_query *query, const struct rank *rank, const struct run_hit *hit, struct arena *arena)
{
  struct run_value values[SEARCH_ORDER_MAX];
  struct slice token = { NULL, 0 };
  struct json_write w;
  struct buffer place;

  rank_values (values, rank, hit);
  buffer_init (&place, POSITION_MAX_BYTES);
  json_write_init (&w, &place);
  json_write_array (&w);
  for (size_t i = 0; i < query->order.count; i++)
    write_place_value (&w, &values[i], arena);
  json_write_array_end (&w);
  if (! place.failed)
    token = search_token_make (buffer_slice (&place), query->hash, arena);
  buffer_free (&place);
  return token;
}

/* The values of a token, which were checked against the types of the order's keys. */
static void
read_place (struct run_value *values, const struct run_query *query)
{
  for (size_t i = 0; i < query->order.count; i++)
  {
    struct slice text = query->position.values[i];
    struct run_value *value = &values[i];

    *value = (struct run_value){ .rank = NULL == text.data ? RUN_VALUE_MISSING : RUN_VALUE_PRESENT,
                                 .type = query->order.keys[i].field.type,
                                 .text = text };
    if (NULL == text.data)
      continue;
    if (SEARCH_INT64 == value->type)
      (void)number_parse_int64 (text, &value->integer);
    else if (SEARCH_UUID == value->type)
      (void)uuid_read (&value->id, text);
    else if (SEARCH_DOUBLE == value->type && slice_is (text, "NaN"))
      value->rank = RUN_VALUE_NAN;
    else if (SEARCH_DOUBLE == value->type)
      (void)search_number (&value->number, text);
  }
}

/* --- in memory --------------------------------------------------------------------------------------------------- */

/* One search while its tables are taken. */
struct hunt
{
  struct run_page *page;
  const struct run_query *query;
  const struct run_searcher *searcher;
  struct store_connection *connection;
  struct arena *arena;
  struct run_table **tables;
  size_t table_count;
  struct run_cells **cells; /* of each table */
  struct row_set *rows; /* of each table */
  struct rank rank;
};

/* Find the rows that match in every table. */
static enum err_code
match_rows (struct hunt *hunt, struct err *err)
{
  const struct run_query *query = hunt->query;
  enum err_code code = ERR_OK;

  hunt->cells = arena_array (hunt->arena, hunt->table_count, sizeof (hunt->cells[0]));
  hunt->rows = arena_array (hunt->arena, hunt->table_count, sizeof (hunt->rows[0]));
  if (NULL == hunt->cells || NULL == hunt->rows)
    return out_of_memory (err);
  for (size_t i = 0; ERR_OK == code && i < hunt->table_count; i++)
  {
    hunt->cells[i] = run_fields_bind (&query->fields, hunt->tables[i]);
    if (NULL == hunt->cells[i])
      return out_of_memory (err);
    code = evaluate (&hunt->rows[i], &query->filter, query->filter_fields, hunt->cells[i], hunt->tables[i],
                     query->search->view, hunt->arena, err);
    hunt->page->total += (int64_t)row_set_count (&hunt->rows[i]);
  }
  return code;
}

static void
add_item (struct hunt *hunt, const struct run_hit *hit)
{
  struct run_table *table = hunt->tables[hit->table];

  hunt->page->items[hunt->page->count++] = (struct run_item){ .run_id = table->ids[hit->row],
                                                              .experiment_id = table->experiment_id,
                                                              .is_known = true,
                                                              .version = table->versions[hit->row] };
}

/* Rank the rows that match, and make the page of the first. */
static enum err_code
make_page (struct hunt *hunt, struct err *err)
{
  const struct run_query *query = hunt->query;
  struct run_page *page = hunt->page;
  size_t most = (size_t)query->search->max_results;
  size_t total = (size_t)page->total;
  size_t skipped = query->position.offset < (int64_t)total ? (size_t)query->position.offset : total;
  struct run_value position[SEARCH_ORDER_MAX];
  const struct run_hit *hits;
  size_t count;
  enum err_code code;

  if (query->position.has_values)
    read_place (position, query);
  code = rank_init (&hunt->rank, &query->order, query->order_fields, hunt->cells,
                    query->position.has_values ? position : NULL, (most < total ? most + 1 : total) + skipped,
                    hunt->arena, err);
  if (ERR_OK != code || 0 == most || 0 == total)
    return code;
  for (size_t i = 0; i < hunt->table_count; i++)
    rank_offer (&hunt->rank, i, &hunt->rows[i]);
  count = rank_finish (&hits, &hunt->rank);
  count = count > skipped ? count - skipped : 0;
  hits += count > 0 ? skipped : 0;
  page->items = arena_array (hunt->arena, count < most ? count : most, sizeof (page->items[0]));
  if (NULL == page->items)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "max_results is too large for one answer; ask for fewer.");
  for (size_t i = 0; i < count && i < most; i++)
    add_item (hunt, &hits[i]);
  if (count > most)
  {
    page->next_token = token_behind (query, &hunt->rank, &hits[most - 1], hunt->arena);
    if (NULL == page->next_token.data)
      return out_of_memory (err);
  }
  return ERR_OK;
}

static enum err_code
make_groups (struct hunt *hunt, struct err *err)
{
  const struct run_query *query = hunt->query;
  const struct run_matches matches = { hunt->tables, hunt->cells, hunt->rows, hunt->table_count };
  struct run_group_result *groups = &hunt->page->groups;
  enum err_code code =
      rank_init (&hunt->rank, &query->order, query->order_fields, hunt->cells, NULL, 0, hunt->arena, err);

  if (ERR_OK == code)
    code =
        run_group (groups, &query->groups, &matches, &hunt->rank, (size_t)query->search->max_results, hunt->arena, err);
  if (ERR_OK != code)
    return code;
  hunt->page->items = arena_array (hunt->arena, groups->group_count, sizeof (hunt->page->items[0]));
  if (NULL == hunt->page->items)
    return out_of_memory (err);
  for (size_t i = 0; i < groups->group_count; i++)
    add_item (hunt, &groups->groups[i].best);
  return ERR_OK;
}

/* Give items the documents that their tables have. */
static void
attach_documents (struct run_item *items, size_t count, struct run_table *const *tables, size_t table_count)
{
  size_t table = 0;

  for (size_t i = 0; i < count; i++)
  {
    size_t row;

    /* Pages of many experiments are rare, and then each item mostly belongs to another one. */
    for (size_t tried = 0; tried < table_count && items[i].experiment_id != tables[table]->experiment_id; tried++)
      table = (table + 1) % table_count;
    row = items[i].experiment_id == tables[table]->experiment_id ? run_table_find (tables[table], &items[i].run_id)
                                                                 : RUN_NO_ROW;
    items[i].is_known = RUN_NO_ROW != row;
    if (! items[i].is_known)
      continue;
    items[i].version = tables[table]->versions[row];
    items[i].document = run_table_document (tables[table], row);
  }
}

static enum err_code
hunt_taken (struct hunt *hunt, size_t document_count, struct err *err)
{
  struct run_query *query = (struct run_query *)(uintptr_t)hunt->query;
  struct run_matches matches = { .tables = hunt->tables, .count = hunt->table_count };
  struct run_needs needs;
  enum err_code code = run_fields_resolve (&needs, &query->fields, hunt->searcher->keys, hunt->connection, err);

  if (ERR_OK == code)
    code = run_load (hunt->tables, hunt->table_count, &needs, run_memory_limit (hunt->searcher->memory),
                     hunt->connection, hunt->arena, err);
  if (ERR_OK != code)
    return code;
  run_fields_settle (&query->fields, hunt->tables, hunt->table_count);
  code = match_rows (hunt, err);
  matches.cells = hunt->cells;
  matches.rows = hunt->rows;
  if (ERR_OK == code && query->groups.distinct_count > 0)
    code = run_distinct (&hunt->page->groups, &query->groups, &matches, &query->fields, hunt->arena, err);
  if (ERR_OK == code)
    code = query->groups.group_by_count > 0 ? make_groups (hunt, err) : make_page (hunt, err);
  if (ERR_OK == code)
    attach_documents (hunt->page->items, hunt->page->count < document_count ? hunt->page->count : document_count,
                      hunt->tables, hunt->table_count);
  return code;
}

static enum err_code
search_memory (struct hunt *hunt, size_t document_count, struct err *err)
{
  const struct run_search *search = hunt->query->search;
  enum err_code code;

  hunt->table_count = search->experiment_count;
  hunt->tables = arena_array (hunt->arena, hunt->table_count, sizeof (hunt->tables[0]));
  if (NULL == hunt->tables)
    return out_of_memory (err);
  code = run_memory_take (hunt->tables, hunt->searcher->memory, search->experiment_ids, search->experiment_count,
                          search->deadline_us, err);
  if (ERR_OK != code)
    return code;
  code = hunt_taken (hunt, document_count, err);
  run_memory_give_back (hunt->searcher->memory, hunt->tables, hunt->table_count);
  return code;
}

/* --- from the index ---------------------------------------------------------------------------------------------- */

struct list_row
{
  struct uuid run_id;
  int64_t experiment_id;
  struct slice position;
};

static enum err_code
search_index (struct hunt *hunt, struct err *err)
{
  static const struct column columns[] = { { COLUMN_UUID, offsetof (struct list_row, run_id) },
                                           { COLUMN_INT64, offsetof (struct list_row, experiment_id) },
                                           { COLUMN_TEXT, offsetof (struct list_row, position) } };
  const struct run_query *query = hunt->query;
  const struct run_search *search = query->search;
  const struct search_source source = { .columns = "run_id, experiment_id",
                                        .table = "run",
                                        .condition = "experiment_id = ",
                                        .owners = search->experiment_ids,
                                        .owner_count = search->experiment_count };
  struct run_page *page = hunt->page;
  struct result result = { NULL };
  struct list_row row = { .experiment_id = 0 };
  size_t rows;
  enum err_code code = search_page (&result, hunt->connection, &source, search->view, &query->order, &query->position,
                                    search->max_results, hunt->arena, err);

  rows = result_count (&result);
  page->items = arena_array (hunt->arena, rows, sizeof (page->items[0]));
  if (ERR_OK == code && NULL == page->items)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "max_results is too large for one answer; ask for fewer.");
  for (; ERR_OK == code && page->count < rows && page->count < (size_t)search->max_results; page->count++)
  {
    code = result_row (&row, &result, page->count, columns, COLUMN_COUNT (columns), err);
    page->items[page->count] = (struct run_item){ .run_id = row.run_id, .experiment_id = row.experiment_id };
  }
  if (ERR_OK == code && rows > page->count && page->count > 0)
    page->next_token = search_token_make (row.position, query->hash, hunt->arena);
  result_free (&result);
  return code;
}

/* Whether a search is the plain list: no filter, the newest first. */
static bool
is_plain (const struct run_query *query)
{
  const struct search_key *first = &query->order.keys[0];

  return NULL == query->filter.root && ! query->search->counts && 0 == query->groups.group_by_count
         && 0 == query->groups.distinct_count && query->search->max_results > 0
         && SEARCH_ATTRIBUTE == first->field.entity && RUN_ATTRIBUTE_START == first->field.attribute->number
         && first->descending && 2 == query->order.count;
}

enum err_code
run_query_run (struct run_page *page, const struct run_query *query, const struct run_searcher *searcher,
               size_t document_count, struct store_connection *connection, struct arena *arena, struct err *err)
{
  const struct run_search *search = query->search;
  struct hunt hunt = { .page = page, .query = query, .searcher = searcher, .connection = connection, .arena = arena };

  *page = (struct run_page){ .count = 0 };
  if (0 == search->experiment_count && 0 == query->groups.distinct_count)
    return ERR_OK;
  if (is_plain (query) && ! run_memory_has (searcher->memory, search->experiment_ids, search->experiment_count))
    return search_index (&hunt, err);
  return search_memory (&hunt, document_count, err);
}

/* --- documents --------------------------------------------------------------------------------------------------- */

/* Take the tables of some items; false when that is not worth it, because they are not in memory or not to be had. */
static bool
take_tables (struct run_table ***tables, size_t *table_count, const struct run_item *items, size_t count,
             struct run_memory *memory, uint64_t deadline_us, struct arena *arena)
{
  int64_t *experiment_ids = arena_array (arena, count, sizeof (int64_t));
  size_t distinct = 0;

  *tables = arena_array (arena, count, sizeof ((*tables)[0]));
  if (0 == count || NULL == experiment_ids || NULL == *tables)
    return false;
  for (size_t i = 0; i < count; i++)
    experiment_ids[i] = items[i].experiment_id;
  qsort (experiment_ids, count, sizeof (experiment_ids[0]), number_compare_int64_items);
  for (size_t i = 0; i < count; i++)
    if (0 == distinct || experiment_ids[i] != experiment_ids[distinct - 1])
      experiment_ids[distinct++] = experiment_ids[i];
  *table_count = distinct;
  return run_memory_has (memory, experiment_ids, distinct)
         && ERR_OK == run_memory_take (*tables, memory, experiment_ids, distinct, deadline_us, NULL);
}

void
run_items_fetch (struct run_item *items, size_t count, struct run_memory *memory, uint64_t deadline_us,
                 struct arena *arena)
{
  struct run_table **tables;
  size_t table_count;

  if (! take_tables (&tables, &table_count, items, count, memory, deadline_us, arena))
    return;
  attach_documents (items, count, tables, table_count);
  run_memory_give_back (memory, tables, table_count);
}

void
run_items_keep (const struct run_item *items, const struct slice *documents, size_t count, struct run_memory *memory,
                uint64_t deadline_us, struct arena *arena)
{
  struct run_table **tables;
  size_t table_count;
  size_t table = 0;
  bool any = false;

  for (size_t i = 0; i < count; i++)
    any = any || (items[i].is_known && NULL != documents[i].data);
  if (! any || ! take_tables (&tables, &table_count, items, count, memory, deadline_us, arena))
    return;
  for (size_t i = 0; i < count; i++)
  {
    size_t row;

    while (items[i].experiment_id != tables[table]->experiment_id)
      table = (table + 1) % table_count;
    row =
        items[i].is_known && NULL != documents[i].data ? run_table_find (tables[table], &items[i].run_id) : RUN_NO_ROW;
    if (RUN_NO_ROW != row)
      run_table_keep_document (tables[table], row, items[i].version, documents[i]);
  }
  run_memory_give_back (memory, tables, table_count);
}

void
run_items_release (struct run_item *items, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (NULL != items[i].document)
    {
      run_document_release (items[i].document);
      items[i].document = NULL;
    }
}
