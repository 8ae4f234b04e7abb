/* Calls that send JSON and decode JSON: what the functions that wait for the server have in common. */
#include "answer.h"

#include "json_read.h"

#include "base/number.h"
#include "base/url.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The JSON of a request; the longest that a server takes is 64 MiB. */
static enum tally_code
dump (char **text, const json_t *body, struct tally_error *err)
{
  *text = NULL;
  if (NULL == body)
    return TALLY_OK;
  *text = json_dumps (body, JSON_COMPACT);
  return NULL == *text ? error_memory (err) : TALLY_OK;
}

json_t *
answer_parse (bool *out_of_memory, const struct transport_answer *answer)
{
  json_t *object;

  if (0 == answer->body.len)
  {
    object = json_object ();
    *out_of_memory = NULL == object;
    return object;
  }
  object = json_read (out_of_memory, buffer_slice (&answer->body));
  if (json_is_object (object))
    return object;
  json_decref (object);
  return NULL;
}

enum manner
{
  PLAIN,
  DETAILS, /* the answer also of a refusal */
  ONCE
};

static enum tally_code
call (json_t **object, enum manner manner, struct tally_client *client, const char *method, const char *path,
      const json_t *body, struct tally_error *err)
{
  struct transport_request request = { .method = method, .path = path, .once = ONCE == manner };
  struct transport_answer answer;
  bool out_of_memory = false;
  char *text;
  enum tally_code code = client_check (client, err);

  *object = NULL;
  if (TALLY_OK == code)
    code = dump (&text, body, err);
  if (TALLY_OK != code)
    return code;
  request.body = slice_of (text);
  code = transport_call (&answer, client->transport, &request,
                         options_number (client->options, OPTION_REQUEST_TIMEOUT_MS), err);
  if (TALLY_OK == code || (DETAILS == manner && answer.status >= 400))
    *object = answer_parse (&out_of_memory, &answer);
  if (TALLY_OK == code && NULL == *object && out_of_memory)
    code = error_memory (err);
  else if (TALLY_OK == code && NULL == *object)
    code = error_set (err, TALLY_ERROR_PROTOCOL, "The answer to %s %.200s is no JSON object: is %s the right address?",
                      method, path, transport_server (client->transport));
  transport_answer_free (&answer);
  free (text);
  return code;
}

enum tally_code
answer_call (json_t **object, struct tally_client *client, const char *method, const char *path, const json_t *body,
             struct tally_error *err)
{
  return call (object, PLAIN, client, method, path, body, err);
}

enum tally_code
answer_call_once (json_t **object, struct tally_client *client, const char *method, const char *path,
                  const json_t *body, struct tally_error *err)
{
  return call (object, ONCE, client, method, path, body, err);
}

enum tally_code
answer_call_details (json_t **object, struct tally_client *client, const char *method, const char *path,
                     const json_t *body, struct tally_error *err)
{
  return call (object, DETAILS, client, method, path, body, err);
}

enum tally_code
answer_ignore (struct tally_client *client, const char *method, const char *path, const json_t *body,
               struct tally_error *err)
{
  json_t *object;
  enum tally_code code = call (&object, PLAIN, client, method, path, body, err);

  json_decref (object);
  return code;
}

const char *
answer_text (struct arena *arena, const json_t *object, const char *member)
{
  const json_t *value = json_object_get (object, member);
  const char *copy;

  if (! json_is_string (value))
    return "";
  copy = arena_copy (arena, json_string_value (value), json_string_length (value));
  return NULL == copy ? "" : copy;
}

int64_t
answer_int64 (const json_t *object, const char *member)
{
  const json_t *value = json_object_get (object, member);
  int64_t number = 0;

  if (json_is_integer (value))
    return json_integer_value (value);
  if (json_is_string (value))
    number_parse_integral ((struct slice){ json_string_value (value), json_string_length (value) }, &number);
  else if (json_is_real (value) && json_real_value (value) >= -0x1p63 && json_real_value (value) < 0x1p63)
    number = (int64_t)json_real_value (value);
  return number;
}

static const struct word
{
  const char *text;
  double value;
} words[] = {
  { "NaN", (double)NAN },
  { "Infinity", (double)INFINITY },
  { "-Infinity", (double)-INFINITY },
};

double
answer_double (const json_t *object, const char *member)
{
  const json_t *value = json_object_get (object, member);
  double number = 0;

  if (json_is_number (value))
    return json_number_value (value);
  if (! json_is_string (value))
    return 0;
  for (size_t i = 0; i < sizeof (words) / sizeof (words[0]); i++)
    if (0 == strcmp (words[i].text, json_string_value (value)))
      return words[i].value;
  number_parse_double ((struct slice){ json_string_value (value), json_string_length (value) }, &number);
  return number;
}

const struct tally_pair *
answer_pairs (size_t *count, struct arena *arena, const json_t *list)
{
  size_t items = json_array_size (list);
  struct tally_pair *pairs = 0 == items ? NULL : arena_array (arena, items, sizeof (*pairs));

  *count = NULL == pairs ? 0 : items;
  for (size_t i = 0; i < *count; i++)
  {
    pairs[i].key = answer_text (arena, json_array_get (list, i), "key");
    pairs[i].value = answer_text (arena, json_array_get (list, i), "value");
  }
  return pairs;
}

/* Longest text that is encoded: each byte becomes three. */
#define ENCODED_MAX_BYTES (1u << 20)

const char *
answer_encode (struct arena *arena, const char *text)
{
  struct buffer encoded;
  const char *copy = NULL;

  buffer_init (&encoded, ENCODED_MAX_BYTES);
  if (buffer_append (&encoded, "", 0) && url_encode (&encoded, slice_of (text)))
    copy = arena_copy (arena, encoded.data, encoded.len);
  else
    arena_fail (arena);
  buffer_free (&encoded);
  return NULL == copy ? "" : copy;
}
