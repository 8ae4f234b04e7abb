/* Page tokens: any text as a token, and any JSON inside of one, is read without harm; what is accepted fits the order.
   The input is a byte that picks one of the two, then the text. */
#include "fuzz.h"

#include "api/path_token.h"
#include "base/number.h"
#include "base/token.h"
#include "base/utf8.h"
#include "search/order.h"
#include "store/artifact.h"

#include <inttypes.h>
#include <string.h>

/* A megabyte of token, what it decodes to, and room. */
#define ARENA_BYTES ((size_t)8 * 1024 * 1024)
#define HASH UINT64_C (0x0123456789ABCDEF)

static const struct search_attribute by_name = { "name", "name", SEARCH_TEXT, false, false, 0, false };
static const struct search_attribute by_start = { "start_time", "started_at_ms", SEARCH_INT64, false, true, 1, false };
static const struct search_attribute by_end = { "end_time", "ended_at_ms", SEARCH_INT64, true, true, 2, false };
static const struct search_attribute by_id = { "run_id", "run_id", SEARCH_UUID, false, false, 3, false };

static const struct search_order order = {
  .keys = { { .field = { .type = SEARCH_TEXT, .attribute = &by_name } },
            { .field = { .type = SEARCH_INT64, .attribute = &by_start }, .descending = true },
            { .field = { .type = SEARCH_INT64, .attribute = &by_end } },
            { .field = { .type = SEARCH_UUID, .attribute = &by_id } } },
  .count = 4,
};

static bool
is_utf8 (struct slice text)
{
  uint32_t point;

  while (utf8_next (&text, &point))
    continue;
  return 0 == text.len;
}

static void
check_accepted (const struct search_position *position)
{
  REQUIRE (position->offset >= 0);
  REQUIRE (! position->has_values || 0 == position->offset);
  for (size_t i = 0; position->has_values && i < order.count; i++)
  {
    struct slice value = position->values[i];
    int64_t number;

    REQUIRE (NULL != value.data || order.keys[i].field.attribute->nullable);
    if (NULL == value.data)
      continue;
    /* PostgreSQL takes neither NUL nor bytes that are no UTF-8. */
    REQUIRE (strlen (value.data) == value.len);
    REQUIRE (is_utf8 (value));
    if (SEARCH_UUID == order.keys[i].field.type)
      REQUIRE (36 == value.len);
    if (SEARCH_INT64 == order.keys[i].field.type)
      REQUIRE (number_parse_int64 (value, &number));
  }
}

/* Of lists in the order of paths or names: what a token says, a token that is made of it says again. */
static void
check_path (struct slice token, struct arena *arena)
{
  struct err err = { 0 };
  struct slice again;
  struct slice path;
  enum err_code code = path_token_read (&path, token, arena, &err);

  if (ERR_OK != code)
  {
    REQUIRE (ERR_INVALID_PARAMETER_VALUE == code && code == err.code && '\0' != err.message[0]);
    return;
  }
  REQUIRE (slice_filled (path) == slice_filled (token) && path.len <= STORE_ARTIFACT_PATH_MAX_BYTES);
  if (! slice_filled (path))
    return;
  REQUIRE (NULL == memchr (path.data, '\0', path.len) && is_utf8 (path));
  REQUIRE (ERR_OK == path_token_read (&again, path_token_make (path, arena), arena, NULL) && slice_equal (again, path));
}

static void
check_text (struct slice token, struct arena *arena)
{
  struct search_position position;
  struct err err = { 0 };
  json_t *json = token_open (token, arena);
  enum err_code code = search_token_parse (&position, token, &order, HASH, arena, &err);

  REQUIRE (NULL == json || json_is_object (json));
  REQUIRE (position.present == slice_filled (token));
  if (ERR_OK == code)
  {
    REQUIRE (NULL != json || ! position.present);
    check_accepted (&position);
  }
  else
    REQUIRE (ERR_INVALID_PARAMETER_VALUE == code && code == err.code && '\0' != err.message[0]);
  json_decref (json);
  check_path (token, arena);
}

/* The text as the values of a token of ours. */
static void
check_values (struct slice text, struct arena *arena)
{
  json_t *json = json_loadb (text.data, text.len, JSON_ALLOW_NUL, NULL);
  struct slice token = search_token_make (text, HASH, arena);
  struct search_position position;

  if (json_is_array (json) && NULL == memchr (text.data, '\0', text.len)
      && ERR_OK == search_token_parse (&position, token, &order, HASH, arena, NULL))
  {
    REQUIRE (position.has_values && json_array_size (json) == order.count);
    check_accepted (&position);
    for (size_t i = 0; i < order.count; i++)
    {
      const json_t *value = json_array_get (json, i);

      REQUIRE (
          slice_equal (position.values[i], (struct slice){ json_string_value (value), json_string_length (value) }));
    }
    /* The same token is of no use to another search. */
    REQUIRE (ERR_OK != search_token_parse (&position, token, &order, HASH + 1, arena, NULL));
  }
  json_decref (json);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct arena *arena;
  struct slice text;

  if (0 == size)
    return 0;
  arena = arena_new (ARENA_BYTES);
  REQUIRE (NULL != arena);
  text = (struct slice){ (const char *)data + 1, size - 1 };
  switch (data[0] % 3)
  {
  case 0:
    check_text (text, arena);
    break;
  case 1:
    check_text (token_make (arena_string (arena, text), arena), arena);
    break;
  default:
    check_values (text, arena);
    break;
  }
  arena_free (arena);
  return 0;
}
