/* Searches: pages are fetched as they are walked, and items decoded one at a time.

   DESIGN: the JSON of one page is kept, and one item of it decoded into an arena that the next one reuses: memory
   follows the size of a page, not of the result. A page that could not be fetched changes nothing, so that the next
   call asks for it again. */
#include "search.h"

#include "error.h"
#include "text.h"

#include "base/url.h"

#include <stdlib.h>
#include <string.h>

struct tally_search
{
  struct tally_client *client; /* borrowed */
  const struct search_kind *kind;
  json_t *request; /* owned */
  json_t *page; /* the answer; NULL: none yet */
  char *token; /* of the page that comes next; NULL: the first, or none when `last` */
  size_t index; /* in the page's list */
  size_t left; /* items that may still be given */
  bool last; /* no page behind this one */
  bool all_experiments; /* they are to be asked for first */
  struct arena *arena; /* of the item */
};

/* A server that gives page after page without items is wrong; MLflow skips at most what a caller may not see. */
#define EMPTY_PAGES_MAX 1000

/* Experiments that a search over all of them names: tallyd's and MLflow's bodies take as many. */
#define EXPERIMENTS_MAX 50000

/* Longest query made of a request, in bytes. */
#define QUERY_MAX_BYTES 65536

enum tally_code
search_new (struct tally_search **search, struct tally_client *client, const struct search_kind *kind, json_t *request,
            size_t max_results, struct tally_error *err)
{
  enum tally_code code = client_check (client, err);
  struct tally_search *made = NULL;

  *search = NULL;
  if (TALLY_OK != code)
    goto out;
  code = TALLY_ERROR_MEMORY;
  made = calloc (1, sizeof (*made));
  if (NULL == made || NULL == request)
    goto out;
  made->arena = arena_new (ANSWER_ARENA_BYTES);
  if (NULL == made->arena)
    goto out;
  made->client = client;
  made->kind = kind;
  made->left = 0 == max_results ? SIZE_MAX : max_results;
  made->request = request;
  *search = made;
  return TALLY_OK;
out:
  free (made);
  json_decref (request);
  return TALLY_ERROR_MEMORY == code ? error_memory (err) : code;
}

void
tally_search_free (struct tally_search *search)
{
  if (NULL == search)
    return;
  json_decref (search->request);
  json_decref (search->page);
  arena_free (search->arena);
  free (search->token);
  free (search);
}

void
search_all_experiments (struct tally_search *search)
{
  search->all_experiments = true;
}

static void
add_to_query (struct buffer *query, const char *name, const json_t *value)
{
  buffer_printf (query, "%c%s=", NULL == query->data || 0 == query->len ? '?' : '&', name);
  if (json_is_integer (value))
    buffer_printf (query, "%" JSON_INTEGER_FORMAT, json_integer_value (value));
  else
    url_encode (query, (struct slice){ json_string_value (value), json_string_length (value) });
}

/* The request as "?name=value&…"; a list gives its name several times. */
static void
write_query (struct buffer *query, const json_t *request)
{
  const char *name;
  json_t *value;

  json_object_foreach ((json_t *)(uintptr_t)request, name, value)
  {
    if (! json_is_array (value))
      add_to_query (query, name, value);
    for (size_t i = 0; i < json_array_size (value); i++)
      add_to_query (query, name, json_array_get (value, i));
  }
}

static enum tally_code
get (json_t **page, const struct tally_search *search, const json_t *request, struct tally_error *err)
{
  struct buffer query;
  struct buffer path;
  enum tally_code code;

  buffer_init (&query, QUERY_MAX_BYTES);
  buffer_init (&path, QUERY_MAX_BYTES + 256);
  write_query (&query, request);
  buffer_printf (&path, "%s%s", search->kind->path, NULL == query.data ? "" : query.data);
  if (query.out_of_memory || path.out_of_memory)
    code = error_memory (err);
  else if (query.failed || path.failed)
    code = error_set (err, TALLY_ERROR_ARGUMENT, "The search is longer than %d bytes.", QUERY_MAX_BYTES);
  else
    code = answer_call (page, search->client, "GET", path.data, NULL, err);
  buffer_free (&query);
  buffer_free (&path);
  return code;
}

/* Ask for the page behind the one that is there. */
static enum tally_code
ask (json_t **page, const struct tally_search *search, struct tally_error *err)
{
  json_t *request = json_copy (search->request);
  size_t size = (size_t)search->kind->page_size;
  enum tally_code code;

  *page = NULL;
  if (search->left < size)
    size = search->left;
  if (NULL == request || 0 != json_object_set_new (request, "max_results", json_integer ((json_int_t)size))
      || (NULL != search->token && 0 != json_object_set_new (request, "page_token", json_string (search->token))))
    code = error_memory (err);
  else if (0 == strcmp (search->kind->method, "GET"))
    code = get (page, search, request, err);
  else
    code = answer_call (page, search->client, search->kind->method, search->kind->path, request, err);
  json_decref (request);
  return code;
}

/* Make `page` the one that is walked; the reference is stolen. */
static enum tally_code
take_page (struct tally_search *search, json_t *page, struct tally_error *err)
{
  const char *token = json_string_value (json_object_get (page, "next_page_token"));
  const json_t *list = json_object_get (page, search->kind->list);
  char *copy = NULL;
  enum tally_code code = TALLY_OK;

  if (NULL != list && ! json_is_array (list))
    code = error_set (err, TALLY_ERROR_PROTOCOL, "'%s' in the answer of the server is no list.", search->kind->list);
  else if (NULL != token && NULL != search->token && 0 == strcmp (token, search->token))
    code = error_set (err, TALLY_ERROR_PROTOCOL, "The server gives the same page again and again.");
  else if (NULL != token && '\0' != token[0] && NULL == (copy = strdup (token)))
    code = error_memory (err);
  if (TALLY_OK != code)
  {
    json_decref (page);
    return code;
  }
  json_decref (search->page);
  free (search->token);
  search->page = page;
  search->token = copy;
  search->last = NULL == copy;
  search->index = 0;
  return TALLY_OK;
}

static const struct search_kind experiment_kind = {
  .method = "POST",
  .path = "/api/2.0/mlflow/experiments/search",
  .list = "experiments",
  .page_size = 1000,
  .item_bytes = sizeof (struct tally_experiment),
  .decode = decode_experiment,
};

/* Name all active experiments in the request. */
static enum tally_code
find_experiments (struct tally_search *search, struct tally_error *err)
{
  struct tally_search *experiments = NULL;
  json_t *ids = json_array ();
  const void *item;
  enum tally_code code =
      search_new (&experiments, search->client, &experiment_kind, json_object (), EXPERIMENTS_MAX, err);

  while (TALLY_OK == code && NULL != ids)
  {
    code = search_next (&item, experiments, &experiment_kind, err);
    if (TALLY_OK != code || NULL == item)
      break;
    if (0 != json_array_append_new (ids, json_string (((const struct tally_experiment *)item)->id)))
      code = error_memory (err);
  }
  if (TALLY_OK == code && json_array_size (ids) > EXPERIMENTS_MAX)
    code = error_set (err, TALLY_ERROR_ARGUMENT, "There are more than %d experiments: name those to search.",
                      EXPERIMENTS_MAX);
  if (TALLY_OK == code && 0 != json_object_set (search->request, "experiment_ids", ids))
    code = error_memory (err);
  search->all_experiments = TALLY_OK != code;
  json_decref (ids);
  tally_search_free (experiments);
  return code;
}

static const json_t *
page_item (const struct tally_search *search)
{
  return NULL == search->page ? NULL
                              : json_array_get (json_object_get (search->page, search->kind->list), search->index);
}

/* Fetch pages until there is an item, or no page is left. */
static enum tally_code
fetch (struct tally_search *search, struct tally_error *err)
{
  enum tally_code code = search->all_experiments ? find_experiments (search, err) : TALLY_OK;
  json_t *page;

  for (unsigned pages = 0; TALLY_OK == code && NULL == page_item (search) && ! search->last; pages++)
  {
    if (pages >= EMPTY_PAGES_MAX)
      return error_set (err, TALLY_ERROR_PROTOCOL, "The server gives page after page without anything in it.");
    code = ask (&page, search, err);
    if (TALLY_OK == code)
      code = take_page (search, page, err);
  }
  return code;
}

enum tally_code
search_next (const void **item, struct tally_search *search, const struct search_kind *kind, struct tally_error *err)
{
  enum tally_code code = NULL == search ? TALLY_ERROR_ARGUMENT : client_check (search->client, err);
  void *decoded;

  *item = NULL;
  if (NULL == search || kind != search->kind)
    return error_set (err, TALLY_ERROR_ARGUMENT, "The search is one for something else.");
  if (TALLY_OK == code && 0 == search->left)
    return TALLY_OK;
  if (TALLY_OK == code)
    code = fetch (search, err);
  if (TALLY_OK != code || NULL == page_item (search))
    return code;
  arena_reset (search->arena);
  decoded = arena_alloc (search->arena, kind->item_bytes);
  if (NULL == decoded)
    return error_memory (err);
  code = kind->decode (decoded, search->arena, page_item (search), err);
  /* An item that is none is passed over by the next call: asking again would not mend it. */
  if (TALLY_ERROR_MEMORY == code)
    return code;
  search->index++;
  search->left--;
  if (TALLY_OK == code)
    *item = decoded;
  return code;
}

json_t *
search_texts (const char *const *texts, size_t count)
{
  json_t *list = json_array ();

  for (size_t i = 0; NULL != list && i < count; i++)
    if (0 != json_array_append_new (list, json_string (texts[i])))
    {
      json_decref (list);
      list = NULL;
    }
  return list;
}

/* Bytes up to the next comma that stands in no quotes. */
static size_t
item_length (const char *text)
{
  char quote = '\0';
  size_t i = 0;

  for (; '\0' != text[i] && (',' != text[i] || '\0' != quote); i++)
    if ('\0' != quote)
      quote = (char)(text[i] == quote ? '\0' : quote);
    else if (NULL != strchr ("\"'`", text[i]))
      quote = text[i];
  return i;
}

json_t *
search_order (const char *order_by)
{
  json_t *list = json_array ();

  while (NULL != list && NULL != order_by && '\0' != *order_by)
  {
    size_t length = item_length (order_by);
    size_t blank = strspn (order_by, " ");
    size_t end = length;

    while (end > blank && ' ' == order_by[end - 1])
      end--;
    if (end > blank && 0 != json_array_append_new (list, json_stringn (order_by + blank, end - blank)))
    {
      json_decref (list);
      return NULL;
    }
    order_by += length + (',' == order_by[length]);
  }
  return list;
}

const char *
search_view (enum tally_view view)
{
  static const char *const words[] = { "ACTIVE_ONLY", "DELETED_ONLY", "ALL" };

  return words[(unsigned)view < sizeof (words) / sizeof (words[0]) ? view : 0];
}

bool
search_put_text (json_t *request, const char *name, const char *text)
{
  return NULL == text || '\0' == text[0] || 0 == json_object_set_new (request, name, json_string (text));
}

enum tally_code
tally_search_experiments (struct tally_search **search, struct tally_client *client, const char *filter,
                          const char *order_by, enum tally_view view, size_t max_results, struct tally_error *err)
{
  json_t *request;
  enum tally_code code = TEXT_CHECK (err, filter, order_by);

  *search = NULL;
  if (TALLY_OK != code)
    return code;
  request = json_pack ("{s:s, s:o}", "view_type", search_view (view), "order_by", search_order (order_by));

  if (NULL != request && ! search_put_text (request, "filter", filter))
  {
    json_decref (request);
    request = NULL;
  }
  return search_new (search, client, &experiment_kind, request, max_results, err);
}

enum tally_code
tally_search_next_experiment (const struct tally_experiment **experiment, struct tally_search *search,
                              struct tally_error *err)
{
  const void *item;
  enum tally_code code = search_next (&item, search, &experiment_kind, err);

  *experiment = item;
  return code;
}
