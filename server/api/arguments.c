/* Bodies and queries become JSON objects. */
#include "api/arguments.h"

#include "api/route.h"
#include "base/json_scan.h"
#include "base/json_tree.h"
#include "base/url.h"

/* Walk over all values. False when the text is no JSON, lies too deep, or has more than `max_values`, which then is
 *what count exceeds. */
static bool
count_values (int64_t *count, struct json_scan *scan, int64_t max_values)
{
  bool in_object[JSON_SCAN_MAX_DEPTH];
  struct json_scan_value value;
  struct slice name;
  size_t depth = 0;

  do
  {
    if (! json_scan_value (scan, &value) || ++*count > max_values)
      return false;
    if (JSON_SCAN_OBJECT == value.kind || JSON_SCAN_ARRAY == value.kind)
      in_object[depth++] = JSON_SCAN_OBJECT == value.kind;
    while (depth > 0 && ! (in_object[depth - 1] ? json_scan_member (scan, &name) : json_scan_element (scan)))
    {
      if (json_scan_failed (scan))
        return false;
      depth--;
    }
  } while (depth > 0);
  return json_scan_end (scan);
}

/* Bodies that are too deep or hold too many values are refused before the tree is built, so that neither recursion nor
   memory follows what a client sends. */
static enum err_code
check_json (struct api_call *call, struct slice text, struct err *err)
{
  const struct config *config = call->service->config;
  struct json_scan scan;
  size_t offset = 0;
  int64_t count = 0;
  const char *problem;

  json_scan_init (&scan, text, call->arena, (unsigned)config->max_json_depth);
  if (count_values (&count, &scan, config->max_json_values))
    return ERR_OK;
  if (count > config->max_json_values)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "The request body has more than %lld JSON values (max-json-values); split the request.",
                    (long long)config->max_json_values);
  if (arena_out_of_memory (call->arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  problem = json_scan_error (&scan, &offset);
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The request body is not valid JSON: %s at byte %zu.",
                  NULL == problem ? "unexpected end" : problem, offset);
}

static enum err_code
parse (json_t **tree, struct api_call *call, struct slice text, struct err *err)
{
  json_error_t problem;
  bool out_of_memory;
  enum err_code code = check_json (call, text, err);

  if (ERR_OK != code)
    return code;
  *tree = json_tree_load (&out_of_memory, text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &problem);
  if (NULL == *tree && out_of_memory)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (NULL == *tree)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The request body is not valid JSON: %s at byte %d.",
                    problem.text, problem.position);
  return ERR_OK;
}

static enum err_code
from_body (json_t **tree, struct api_call *call, struct err *err)
{
  enum err_code code = ERR_OK;

  if (0 == call->body.len)
    *tree = json_object ();
  else
    code = parse (tree, call, call->body, err);
  if (ERR_OK == code && json_is_null (*tree))
    *tree = json_object ();
  if (ERR_OK == code && json_is_string (*tree))
  {
    /* Very old clients send the JSON text as a JSON string. */
    struct slice inner = { json_string_value (*tree), json_string_length (*tree) };
    json_t *outer = *tree;

    *tree = NULL;
    code = parse (tree, call, inner, err);
    json_decref (outer);
  }
  if (ERR_OK == code && ! json_is_object (*tree))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "The request body must be a JSON object.");
  return code;
}

static enum err_code
from_query (json_t **tree, struct api_call *call, struct err *err)
{
  struct slice rest = call->query;
  struct slice raw_name;
  struct slice raw_value;

  *tree = json_object ();
  while (NULL != *tree && url_query_next (&rest, &raw_name, &raw_value))
  {
    struct slice name;
    struct slice value;
    json_t *values;
    char *key;

    if (! url_decode (&name, raw_name, true, call->arena) || ! url_decode (&value, raw_value, true, call->arena))
      return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                      "The query of the URL is not valid: every %% is followed by two hexadecimal digits, and the text "
                      "is UTF-8 without U+0000.");
    key = arena_string (call->arena, name);
    if (NULL == key)
      return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The query of the URL is too large.");
    values = json_object_get (*tree, key);
    if (NULL == values)
    {
      values = json_array ();
      if (0 != json_object_set_new (*tree, key, values))
        return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
    }
    if (0 != json_array_append_new (values, json_stringn (NULL == value.data ? "" : value.data, value.len)))
      return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  }
  return ERR_OK;
}

enum err_code
api_arguments (struct api_call *call, struct err *err)
{
  enum err_code code;

  if (NULL != call->arguments)
    return ERR_OK;
  /* Some clients put the arguments of a DELETE into its body and some into its query. */
  if (0 == call->body.len && call->query.len > 0 && NULL != call->route && METHOD_DELETE == call->route->method)
    call->arguments_in_query = true;
  code = call->arguments_in_query ? from_query (&call->arguments, call, err) : from_body (&call->arguments, call, err);
  if (ERR_OK == code && NULL == call->arguments)
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  return code;
}
