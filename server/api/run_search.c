/* runs/search: MLflow's, with fields, counts, groups and distinct values beside it.

   DESIGN
   What belongs to a page is decided at once, in one snapshot; its documents follow in pieces of some MiB, so that
   memory does not grow with the page. A run that is removed for good while its page is on the way is left out. */
#include "api/run.h"

#include "api/gate.h"
#include "api/names.h"
#include "api/run_documents.h"
#include "base/clock.h"
#include "base/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* MLflow's default and cap of runs/search (SEARCH_MAX_RESULTS_DEFAULT and _THRESHOLD). */
#define DEFAULT_RESULTS 1000
#define MAX_RESULTS 50000
/* Groups, when max_results is not given: a screen full. */
#define DEFAULT_GROUPS 100
/* Bytes of a piece: large enough that the turns between threads cost nothing beside it. */
#define PIECE_BYTES ((size_t)4 * 1024 * 1024)
/* Documents that are read at once while nobody knows how large they are. */
#define FIRST_DOCUMENTS 100
/* Documents of a page that are taken out of memory with the search itself. */
#define ATTACHED_DOCUMENTS 4096

struct search_request
{
  struct slices experiment_ids;
  struct slice filter;
  struct optional_int64 max_results;
  struct slices order_by;
  struct optional_int64 run_view_type;
  struct slice page_token;
  struct slices fields;
  struct optional_int64 count;
  struct slices group_by;
  struct slices aggregates;
  struct slices distinct;
};

static const struct field search_fields[] = {
  { .name = "experiment_ids", .type = FIELD_STRINGS, .offset = offsetof (struct search_request, experiment_ids) },
  { .name = "filter", .type = FIELD_STRING, .offset = offsetof (struct search_request, filter) },
  { .name = "max_results", .type = FIELD_INT64, .offset = offsetof (struct search_request, max_results) },
  { .name = "order_by", .type = FIELD_STRINGS, .offset = offsetof (struct search_request, order_by) },
  { .name = "run_view_type",
    .type = FIELD_ENUM,
    .offset = offsetof (struct search_request, run_view_type),
    .names = search_view_names,
    .name_count = VIEW_COUNT },
  { .name = "page_token", .type = FIELD_STRING, .offset = offsetof (struct search_request, page_token) },
  { .name = "fields", .type = FIELD_STRINGS, .offset = offsetof (struct search_request, fields) },
  { .name = "count", .type = FIELD_BOOL, .offset = offsetof (struct search_request, count) },
  { .name = "group_by", .type = FIELD_STRINGS, .offset = offsetof (struct search_request, group_by) },
  { .name = "aggregates", .type = FIELD_STRINGS, .offset = offsetof (struct search_request, aggregates) },
  { .name = "distinct", .type = FIELD_STRINGS, .offset = offsetof (struct search_request, distinct) },
};

static const struct schema search_schema = SCHEMA (search_fields, struct search_request);

/* One answer on its way; in the arena. */
struct answer
{
  struct api_call *call;
  struct search_request request;
  struct run_search search;
  struct run_query *query;
  struct run_projection projection;
  struct run_page page;
  size_t next; /* the item that is written next */
  uint64_t document_bytes; /* of those written */
  bool open; /* the array of runs has an item */
};

/* Texts of the two failures differ because MLflow's do: one comes from its schema, one from its store. */
static enum err_code
check_max_results (const struct answer *answer, struct err *err)
{
  const struct api_call *call = answer->call;
  const json_t *given = json_object_get (call->arguments, "max_results");
  int64_t max_results = answer->search.max_results;

  /* Who only counts or describes needs no runs. */
  if (0 == max_results && (answer->search.counts || answer->request.distinct.count > 0))
    return ERR_OK;
  if (max_results <= 0)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %" PRId64 " for parameter 'max_results' supplied. It must be a positive integer",
                    max_results);
  if (max_results > MAX_RESULTS)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %s for parameter 'max_results' supplied:  Hint: Value was of type '%s'. See the API "
                    "docs for more information about request parameters.",
                    NULL == given ? "" : api_python_json (given, call->arena), json_is_string (given) ? "str" : "int");
  return ERR_OK;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

/* How many documents to read next, so that the piece is not passed by much. */
static size_t
next_count (const struct answer *answer)
{
  size_t left = answer->page.count - answer->next;
  size_t written = answer->call->reply.len;
  size_t count = FIRST_DOCUMENTS;

  if (answer->next > 0 && written < PIECE_BYTES)
    count = (size_t)((PIECE_BYTES - written) * answer->next / (answer->document_bytes + 1)) + 1;
  return count < left ? count : left;
}

/* Append documents until the piece is full or the page is done. */
static enum err_code
write_runs (struct answer *answer, struct err *err)
{
  struct api_call *call = answer->call;
  enum err_code code = ERR_OK;

  while (ERR_OK == code && answer->next < answer->page.count && call->reply.len < PIECE_BYTES)
  {
    struct run_item *items = answer->page.items + answer->next;
    size_t count = next_count (answer);
    struct run_documents documents;

    code = run_documents_load (&documents, call, items, count, &answer->projection, err);
    for (size_t i = 0; ERR_OK == code && i < count; i++)
    {
      if (NULL == documents.json[i].data)
        continue;
      if (answer->open)
        buffer_byte (&call->reply, ',');
      answer->open = true;
      buffer_append (&call->reply, documents.json[i].data, documents.json[i].len);
      answer->document_bytes += documents.json[i].len;
    }
    run_documents_free (&documents);
    run_items_release (items, count);
    answer->next += count;
  }
  return ERR_OK == code ? api_reply_check (call, err) : code;
}

static void
write_value (struct json_write *w, const struct run_value *value)
{
  if (RUN_VALUE_NAN == value->rank)
    json_write_text (w, "NaN");
  else if (SEARCH_INT64 == value->type)
    json_write_int64 (w, value->integer);
  else if (SEARCH_DOUBLE == value->type)
    json_write_double (w, value->number);
  else
    json_write_string (w, value->text);
}

static void
write_group (struct json_write *w, const struct answer *answer, const struct run_group *group, struct slice best)
{
  const struct search_request *request = &answer->request;

  json_write_object (w);
  json_write_key (w, "values");
  json_write_object (w);
  for (size_t i = 0; i < request->group_by.count; i++)
  {
    if (RUN_VALUE_MISSING == group->values[i].rank)
      continue;
    json_write_key_slice (w, request->group_by.items[i]);
    write_value (w, &group->values[i]);
  }
  json_write_object_end (w);
  json_write_member_int64 (w, "count", group->count);
  json_write_key (w, "aggregates");
  json_write_object (w);
  for (size_t i = 0; i < request->aggregates.count; i++)
  {
    if (isnan (group->aggregates[i]))
      continue;
    json_write_key_slice (w, request->aggregates.items[i]);
    if (RUN_AGGREGATE_COUNT == answer->page.groups.functions[i])
      json_write_int64 (w, (int64_t)group->aggregates[i]);
    else
      json_write_double (w, group->aggregates[i]);
  }
  json_write_object_end (w);
  if (NULL != best.data)
  {
    json_write_key (w, "best");
    json_write_raw (w, best);
  }
  json_write_object_end (w);
}

static enum err_code
write_groups (struct json_write *w, struct answer *answer, struct err *err)
{
  const struct run_group_result *groups = &answer->page.groups;
  struct run_documents documents;
  enum err_code code =
      run_documents_load (&documents, answer->call, answer->page.items, groups->group_count, &answer->projection, err);

  if (ERR_OK == code && groups->group_count > 0)
  {
    json_write_key (w, "groups");
    json_write_array (w);
    for (size_t i = 0; i < groups->group_count; i++)
      write_group (w, answer, &groups->groups[i], documents.json[i]);
    json_write_array_end (w);
  }
  if (ERR_OK == code)
    json_write_member_int64 (w, "total_groups", groups->total_groups);
  run_documents_free (&documents);
  return code;
}

static void
write_values (struct json_write *w, const struct run_distinct *distinct)
{
  if (0 == distinct->value_count)
    return;
  json_write_key (w, "values");
  json_write_array (w);
  for (size_t i = 0; i < distinct->value_count; i++)
  {
    json_write_object (w);
    json_write_member_string (w, "value", distinct->values[i].text);
    json_write_member_int64 (w, "count", distinct->values[i].count);
    json_write_object_end (w);
  }
  json_write_array_end (w);
}

static void
write_distinct (struct json_write *w, struct slice key, const struct run_distinct *distinct)
{
  json_write_object (w);
  json_write_member_string (w, "key", key);
  if (distinct->is_number)
  {
    if (! isnan (distinct->min))
    {
      json_write_member_double (w, "min", distinct->min);
      json_write_member_double (w, "max", distinct->max);
    }
    json_write_member_int64 (w, "nan", distinct->nan);
  }
  else
  {
    write_values (w, distinct);
    json_write_member_int64 (w, "total_values", distinct->total_values);
  }
  json_write_member_int64 (w, "count", distinct->count);
  json_write_member_int64 (w, "missing", distinct->missing);
  json_write_object_end (w);
}

/* What stands in front of the runs. */
static void
write_extensions (struct json_write *w, const struct answer *answer)
{
  const struct slices *distinct = &answer->request.distinct;

  if (answer->search.counts)
    json_write_member_int64 (w, "total_count", answer->page.total);
  if (0 == distinct->count)
    return;
  json_write_key (w, "distinct");
  json_write_array (w);
  for (size_t i = 0; i < distinct->count; i++)
    write_distinct (w, distinct->items[i], &answer->page.groups.distinct[i]);
  json_write_array_end (w);
}

/* The end of an answer whose runs are all written. */
static enum err_code
finish (struct answer *answer, struct err *err)
{
  struct api_call *call = answer->call;
  struct json_write w = { &call->reply, answer->page.count > 0 || call->reply.len > 1 };

  call->more = NULL;
  if (answer->page.count > 0 && 0 == answer->request.group_by.count)
    buffer_byte (&call->reply, ']');
  if (slice_filled (answer->page.next_token))
    json_write_member_string (&w, "next_page_token", answer->page.next_token);
  return api_reply_end (&w, call, err);
}

static enum err_code
piece_work (struct store_connection *connection, void *context, struct err *err)
{
  struct answer *answer = context;

  (void)connection;
  return write_runs (answer, err);
}

static enum err_code
next_piece (struct api_call *call, struct err *err)
{
  struct answer *answer = call->more_context;
  enum err_code code;

  run_items_fetch (answer->page.items + answer->next, next_count (answer), call->service->searcher.memory,
                   call->deadline_us, call->arena);
  code = store_transaction (call->connection, STORE_SNAPSHOT, piece_work, answer, err);
  run_items_release (answer->page.items, answer->page.count);
  if (ERR_OK == code && answer->next == answer->page.count)
    code = finish (answer, err);
  return code;
}

static enum err_code
search_work (struct store_connection *connection, void *context, struct err *err)
{
  struct answer *answer = context;
  struct api_call *call = answer->call;
  struct json_write w;
  enum err_code code;

  buffer_clear (&call->reply);
  answer->next = 0;
  answer->document_bytes = 0;
  answer->open = false;
  code = run_query_run (&answer->page, answer->query, &call->service->searcher, ATTACHED_DOCUMENTS, connection,
                        call->arena, err);
  if (ERR_OK == code)
  {
    api_reply_start (&w, call);
    write_extensions (&w, answer);
    if (answer->request.group_by.count > 0)
      code = write_groups (&w, answer, err);
    else if (answer->page.count > 0)
    {
      json_write_key (&w, "runs");
      json_write_array (&w);
      code = write_runs (answer, err);
    }
  }
  run_items_release (answer->page.items, answer->page.count);
  return code;
}

/* --- the request ------------------------------------------------------------------------------------------------- */

/* The experiments that are asked for, sorted and each once. */
static enum err_code
read_experiments (struct run_search *search, const struct slices *texts, struct arena *arena, struct err *err)
{
  int64_t *ids = arena_array (arena, texts->count, sizeof (int64_t));
  size_t count = 0;
  size_t distinct = 0;
  enum err_code code;

  if (NULL == ids)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Parameter 'experiment_ids' is too large.");
  code = names_experiment_ids (ids, &count, texts->items, texts->count, err);
  if (ERR_OK != code)
    return code;
  if (count > 1)
    qsort (ids, count, sizeof (ids[0]), number_compare_int64_items);
  for (size_t i = 0; i < count; i++)
    if (0 == distinct || ids[i] != ids[distinct - 1])
      ids[distinct++] = ids[i];
  search->experiment_ids = ids;
  search->experiment_count = distinct;
  return ERR_OK;
}

/* Those that the caller may read. The search is parsed by then, so that a page token belongs to what was asked for, and
   stays good when a grant comes or goes between two pages. */
static enum err_code
narrow_experiments (struct run_search *search, struct api_call *call, struct err *err)
{
  int64_t *ids = arena_array (call->arena, search->experiment_count, sizeof (ids[0]));

  if (NULL == ids)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  memcpy (ids, search->experiment_ids, search->experiment_count * sizeof (ids[0]));
  search->experiment_ids = ids;
  return gate_keep_readable (ids, &search->experiment_count, call, err);
}

static enum err_code
read_request (struct answer *answer, struct api_call *call, struct err *err)
{
  const struct search_request *request = &answer->request;
  struct run_search *search = &answer->search;
  int64_t default_results = request->group_by.count > 0 ? DEFAULT_GROUPS : DEFAULT_RESULTS;
  enum err_code code = read_experiments (search, &request->experiment_ids, call->arena, err);

  if (ERR_OK != code)
    return code;
  search->view = request->run_view_type.present ? (enum search_view)request->run_view_type.value : VIEW_ACTIVE_ONLY;
  search->filter = request->filter;
  search->now_ms = clock_wall_ms ();
  search->order_by = request->order_by.items;
  search->order_by_count = request->order_by.count;
  search->max_results = request->max_results.present ? request->max_results.value : default_results;
  search->page_token = request->page_token;
  search->counts = request->count.present && 0 != request->count.value;
  search->groups =
      (struct run_group_request){ request->group_by.items,   request->group_by.count, request->aggregates.items,
                                  request->aggregates.count, request->distinct.items, request->distinct.count };
  search->deadline_us = call->deadline_us;
  code = check_max_results (answer, err);
  if (ERR_OK == code)
    code = run_projection_parse (&answer->projection, request->fields.items, request->fields.count, call->arena, err);
  if (ERR_OK == code)
    code = run_query_parse (&answer->query, search, call->arena, err);
  return code;
}

enum err_code
api_run_search (struct api_call *call, struct err *err)
{
  struct answer *answer = arena_alloc (call->arena, sizeof (*answer));
  enum err_code code;

  if (NULL == answer)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  answer->call = call;
  code = api_decode (&answer->request, call, &search_schema, err);
  if (ERR_OK == code)
    code = read_request (answer, call, err);
  if (ERR_OK == code)
    code = narrow_experiments (&answer->search, call, err);
  if (ERR_OK == code)
    code = store_transaction (call->connection, STORE_SNAPSHOT, search_work, answer, err);
  if (ERR_OK != code)
    return code;
  if (answer->next == answer->page.count || answer->request.group_by.count > 0)
    return finish (answer, err);
  call->more = next_piece;
  call->more_context = answer;
  return ERR_OK;
}
