/* Arguments of calls, from a body or a query, and their decoding into a struct with a field of every type.
   The input is a byte that picks body or query, then its bytes. */
#include "defaults.h"
#include "fuzz.h"

#include "api/arguments.h"
#include "api/decode.h"
#include "api/json.h"
#include "base/utf8.h"

#include <string.h>

/* What the server gives a request at least. */
#define ARENA_BYTES ((size_t)64 * 1024 * 1024)

struct everything
{
  struct slice text;
  struct slice nul_text;
  struct slice run_id;
  struct optional_int64 number;
  struct optional_double value;
  struct optional_int64 flag;
  struct optional_int64 view;
  struct slices texts;
  void *pair;
  struct objects pairs;
};

static const char *const views[] = { NULL, "ACTIVE_ONLY", "DELETED_ONLY", "ALL" };

#define FIELD(member, ...)                                                                                             \
  {                                                                                                                    \
    .name = #member, .offset = offsetof (struct everything, member), __VA_ARGS__                                       \
  }

static const struct field fields[] = {
  FIELD (text, .type = FIELD_STRING),
  FIELD (nul_text, .type = FIELD_STRING, .flags = FIELD_NUL),
  FIELD (run_id, .type = FIELD_STRING, .deprecated_name = "run_uuid"),
  FIELD (number, .type = FIELD_INT64),
  FIELD (value, .type = FIELD_DOUBLE),
  FIELD (flag, .type = FIELD_BOOL),
  FIELD (view, .type = FIELD_ENUM, .names = views, .name_count = 4),
  FIELD (texts, .type = FIELD_STRINGS),
  FIELD (pair, .type = FIELD_OBJECT, .schema = &key_value_schema),
  FIELD (pairs, .type = FIELD_OBJECTS, .schema = &key_value_required_schema),
};

static const struct schema schema = SCHEMA (fields, struct everything);

static void
check_body (struct api_call *call, enum err_code code)
{
  struct slice body = call->body;
  json_t *expected =
      0 == body.len ? json_object () : json_loadb (body.data, body.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

  if (ERR_OK == code)
  {
    REQUIRE (NULL != expected);
    if (json_is_object (expected))
      REQUIRE (json_equal (expected, call->arguments));
    else
      REQUIRE (json_is_null (expected) || json_is_string (expected));
  }
  json_decref (expected);
}

static void
check_query (const struct api_call *call)
{
  const char *name;
  json_t *values;

  json_object_foreach (call->arguments, name, values)
  {
    REQUIRE (json_is_array (values) && json_array_size (values) > 0);
    for (size_t i = 0; i < json_array_size (values); i++)
      REQUIRE (json_is_string (json_array_get (values, i)));
  }
}

static void
check_text (struct slice text, bool nul_allowed)
{
  struct slice rest = text;
  uint32_t point;

  REQUIRE (NULL == text.data || nul_allowed || NULL == memchr (text.data, '\0', text.len));
  while (rest.len > 0)
    REQUIRE (utf8_next (&rest, &point));
}

static void
check_decoded (const struct everything *out)
{
  const struct key_value *pairs = out->pairs.items;

  check_text (out->text, false);
  check_text (out->nul_text, true);
  check_text (out->run_id, false);
  for (size_t i = 0; i < out->texts.count; i++)
    check_text (out->texts.items[i], false);
  for (size_t i = 0; i < out->pairs.count; i++)
  {
    REQUIRE (slice_filled (pairs[i].key));
    check_text (pairs[i].value, false);
  }
  REQUIRE (! out->flag.present || 0 == out->flag.value || 1 == out->flag.value);
  REQUIRE (! out->view.present || (out->view.value >= 1 && out->view.value <= 3));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const struct api_service service = { .config = &default_config };
  struct api_call call = { .service = &service };
  struct everything out;
  struct err err = { 0 };
  enum err_code code;

  if (0 == size)
    return 0;
  call.arena = arena_new (ARENA_BYTES);
  REQUIRE (NULL != call.arena);
  call.arguments_in_query = 0 != data[0] % 2;
  *(call.arguments_in_query ? &call.query : &call.body) = (struct slice){ (const char *)data + 1, size - 1 };
  code = api_arguments (&call, &err);
  REQUIRE (code == err.code && (ERR_OK == code || '\0' != err.message[0]));
  REQUIRE (ERR_OK != code || json_is_object (call.arguments));
  if (! call.arguments_in_query)
    check_body (&call, code);
  else if (ERR_OK == code)
    check_query (&call);
  if (ERR_OK == code)
  {
    code = api_decode (&out, &call, &schema, &err);
    REQUIRE (code == err.code && (ERR_OK == code || ERR_INVALID_PARAMETER_VALUE == code));
    if (ERR_OK == code)
      check_decoded (&out);
    else
      REQUIRE (strlen (err.message) > 0 && strlen (err.message) < ERR_MESSAGE_BYTES);
  }
  json_decref (call.arguments);
  arena_free (call.arena);
  return 0;
}
