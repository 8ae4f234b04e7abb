/* Walks the cases of a scenario file: fill, send, compare, save. */
#include "scenario.h"

#include "base/url.h"
#include "checks.h"
#include "expect.h"
#include "fill.h"
#include "reply.h"
#include "sender.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Where MLflow's endpoints of version 2 live; a path without a leading "/" belongs below. */
#define DEFAULT_PREFIX "/api/2.0/mlflow"
/* A raw exchange hears back within this time unless its case says otherwise. */
#define RAW_TIMEOUT_MS 30000
/* A connection that is quiet for this long after the last answer is taken as kept open. */
#define RAW_QUIET_MS 300
/* Between two tries of one case. */
#define TRY_PAUSE_US 100000
/* More answers than any raw case waits for. */
#define RAW_ANSWERS_MAX 32
/* Enough for every failure of one file; later ones are only counted. */
#define FAILURES_MAX_BYTES (1u << 20)
#define WHY_MAX_BYTES (64u << 10)

struct walk
{
  const struct target *target;
  struct outcome *outcome;
  json_t *variables; /* owned */
  json_t *defaults; /* borrowed: the file's own "prefixes" and so on */
  CURL *curl;
};

json_t *
scenario_load (const char *path, struct buffer *why)
{
  json_error_t error;
  json_t *root = json_load_file (path, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

  if (NULL == root)
    buffer_printf (why, "%s:%d: %s", path, error.line, error.text);
  return root;
}

static const char *
text_of (const json_t *object, const char *name)
{
  return json_string_value (json_object_get (object, name));
}

/* ---- making the request ------------------------------------------------------------------------------------------ */

static void
append_pair (struct buffer *out, const char *name, const json_t *value, char separator)
{
  char *dump = json_is_string (value) ? NULL : json_dumps (value, JSON_ENCODE_ANY);
  struct slice text = slice_of (dump);

  if (NULL == dump)
    text = (struct slice){ json_string_value (value), json_string_length (value) };
  buffer_byte (out, separator);
  url_encode (out, slice_of (name));
  buffer_byte (out, '=');
  url_encode (out, text);
  free (dump);
}

static void
append_query (struct buffer *url, json_t *query, bool begun)
{
  const char *name;
  json_t *value;
  const json_t *item;
  size_t i;

  json_object_foreach (query, name, value)
  {
    if (! json_is_array (value))
    {
      append_pair (url, name, value, begun ? '&' : '?');
      begun = true;
    }
    json_array_foreach (value, i, item)
    {
      append_pair (url, name, item, begun ? '&' : '?');
      begun = true;
    }
  }
}

/* The whole path with its query, filled, or NULL. */
static char *
make_path (const struct walk *walk, const json_t *step, const char *prefix, struct buffer *why)
{
  const char *given = text_of (step, "path");
  char *path = NULL == given ? NULL : fill_text (given, walk->variables, why);
  size_t base = strlen (walk->target->base_url);
  bool whole = NULL != path && 0 == strncmp (path, walk->target->base_url, base);
  json_t *query = NULL;
  struct buffer out;

  buffer_init (&out, 1u << 20);
  if (NULL == path)
    goto out;
  if ('/' != path[0] && '*' != path[0] && ! whole)
    buffer_printf (&out, "%s/", prefix);
  /* A URL that the server gave away. */
  buffer_text (&out, whole ? path + base : path);
  if (NULL != json_object_get (step, "query"))
  {
    query = fill (json_object_get (step, "query"), walk->variables, why);
    if (NULL == query)
    {
      buffer_free (&out);
      goto out;
    }
    append_query (&out, query, NULL != strchr (path, '?'));
  }
out:
  json_decref (query);
  free (path);
  return buffer_steal (&out);
}

/* Append raw text that may name bytes as \xNN, for bodies that are no valid JSON text. */
static void
append_bytes (struct buffer *body, const json_t *text)
{
  const char *at = json_string_value (text);
  const char *end = at + json_string_length (text);
  unsigned byte;

  while (at < end)
  {
    if (end - at >= 4 && '\\' == at[0] && 'x' == at[1] && 1 == sscanf (at + 2, "%2x", &byte))
    {
      buffer_byte (body, (char)byte);
      at += 4;
    }
    else
      buffer_byte (body, *at++);
  }
}

/* The body of a case; `present` says whether it has one at all. */
static bool
make_body (struct buffer *body, bool *present, const struct walk *walk, const json_t *step, struct buffer *why)
{
  json_t *json = json_object_get (step, "json");
  json_t *text = json_object_get (step, "body");
  json_t *filled;
  char *dump;

  *present = NULL != json || NULL != text;
  if (! *present)
    return true;
  filled = fill (NULL != json ? json : text, walk->variables, why);
  if (NULL == filled)
    return false;
  if (NULL == json)
    append_bytes (body, filled);
  else
  {
    dump = json_dumps (filled, JSON_ENCODE_ANY | JSON_COMPACT);
    buffer_text (body, NULL == dump ? "" : dump);
    free (dump);
  }
  if (0 == body->len)
    buffer_reserve (body, 1);
  json_decref (filled);
  return ! body->failed;
}

/* ---- judging the answer ------------------------------------------------------------------------------------------ */

/* {"error_code", "message"} from "error": a message, or [code, message]. Returns a new reference or NULL. */
static json_t *
expected_error (const json_t *error)
{
  json_t *code = NULL;
  json_t *message = (json_t *)error;

  if (NULL == error)
    return NULL;
  if (json_is_array (error))
  {
    code = json_array_get (error, 0);
    message = json_array_get (error, 1);
  }
  return NULL == message ? json_pack ("{s:O}", "error_code", code)
                         : json_pack ("{s:o,s:O}", "error_code",
                                      NULL == code ? json_string ("INVALID_PARAMETER_VALUE") : json_incref (code),
                                      "message", message);
}

static long
expected_status (const json_t *step)
{
  const json_t *status = json_object_get (step, "status");
  json_t *error = expected_error (json_object_get (step, "error"));
  long result = 200;

  if (NULL != status)
    result = (long)json_integer_value (status);
  else if (NULL != error)
    result = checks_status_of (text_of (error, "error_code"));
  json_decref (error);
  return result;
}

static bool
matches (const struct walk *walk, const json_t *expected, const json_t *got, struct buffer *why)
{
  json_t *filled = fill (expected, walk->variables, why);
  bool ok = NULL != filled && expect_match (filled, got, why);

  json_decref (filled);
  return ok;
}

static bool
text_matches (const struct walk *walk, const json_t *expected, const struct reply *reply, struct buffer *why)
{
  json_t *text = json_stringn_nocheck (reply->body.len > 0 ? reply->body.data : "", reply->body.len);
  bool ok = matches (walk, expected, text, why);

  json_decref (text);
  return ok;
}

/* Compare one answer with what `step` says about it. */
static bool
judge (const struct walk *walk, const json_t *step, const struct reply *reply, const json_t *body, struct buffer *why)
{
  json_t *error = expected_error (json_object_get (step, "error"));
  const json_t *expected;
  long status = expected_status (step);
  bool ok = false;

  if (reply->status != status)
  {
    buffer_printf (why, "expected status %ld, got %ld: %.600s", status, reply->status,
                   reply->body.len > 0 ? reply->body.data : "");
    goto out;
  }
  if (NULL != error && ! matches (walk, error, body, why))
    goto out;
  expected = json_object_get (step, "expect");
  if (NULL != expected && ! matches (walk, expected, body, why))
    goto out;
  expected = json_object_get (step, "expect_text");
  if (NULL != expected && ! text_matches (walk, expected, reply, why))
    goto out;
  expected = json_object_get (step, "expect_headers");
  ok = NULL == expected || matches (walk, expected, reply->headers, why);
out:
  json_decref (error);
  return ok;
}

static void
save (const struct walk *walk, const json_t *step, const struct reply *reply, const json_t *body)
{
  const char *name;
  json_t *path;

  json_object_foreach (json_object_get (step, "save"), name, path)
  {
    const char *from = json_string_value (path);
    json_t *value;

    if (0 == strncmp (from, "header:", 7))
      value = json_object_get (reply->headers, from + 7);
    else
      value = expect_path (body, from);
    if (NULL != value)
      json_object_set (walk->variables, name, value);
    else
      json_object_del (walk->variables, name);
  }
}

/* ---- one case ---------------------------------------------------------------------------------------------------- */

static void
record (const struct walk *walk, const char *method, const char *path, long status)
{
  json_array_append_new (walk->outcome->seen,
                         json_pack ("[s,s#,I]", method, path, (int)strcspn (path, "?"), (json_int_t)status));
}

static bool
run_request (const struct walk *walk, const json_t *step, const char *prefix, struct buffer *why)
{
  const char *method = text_of (step, "method");
  char *path = make_path (walk, step, prefix, why);
  json_t *headers = sender_headers (step, walk->defaults, walk->variables, why);
  struct buffer body;
  struct buffer url;
  struct reply reply;
  json_t *parsed = NULL;
  bool present;
  bool ok = false;

  buffer_init (&body, 256u << 20);
  buffer_init (&url, 1u << 20);
  reply_init (&reply);
  if (NULL == path || NULL == headers || ! make_body (&body, &present, walk, step, why))
    goto out;
  buffer_printf (&url, "%s%s", walk->target->base_url, path);
  struct request request = { .method = NULL == method ? (present ? "POST" : "GET") : method,
                             .url = url.data,
                             .headers = headers,
                             .body = present ? body.data : NULL,
                             .body_length = body.len };
  if (! reply_fetch (&reply, walk->curl, &request, why))
    goto out;
  record (walk, request.method, path, reply.status);
  if (reply.body.len > 0)
    parsed = json_loadb (reply.body.data, reply.body.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
  ok = judge (walk, step, &reply, parsed, why);
  if (ok && ! walk->target->oracle && NULL == json_object_get (step, "unchecked"))
    ok = checks_pass (&reply, request.method, path, parsed, why);
  save (walk, step, &reply, parsed);
out:
  json_decref (parsed);
  reply_clear (&reply);
  buffer_free (&url);
  buffer_free (&body);
  json_decref (headers);
  free (path);
  return ok;
}

/* A request that is no HTTP is answered with a 4xx, with 505, or not at all, and the connection ends either way. */
static bool
refuses_broken (const struct reply *answers, size_t count, bool closed, struct buffer *why)
{
  if (count > 0 && 505 != answers[0].status && (answers[0].status < 400 || answers[0].status > 499))
    return buffer_printf (why, "a broken request was answered with %ld", answers[0].status), false;
  return closed || (buffer_text (why, "the connection of a broken request was kept open"), false);
}

static bool
judge_answers (const struct walk *walk, const json_t *step, struct reply *answers, size_t count, bool closed,
               struct buffer *why)
{
  const json_t *expected = json_object_get (step, "answers");
  const json_t *answer;
  size_t i;
  bool ok = true;

  if (NULL != json_object_get (step, "broken"))
    return refuses_broken (answers, count, closed, why);
  if (count != json_array_size (expected))
  {
    buffer_printf (why, "expected %zu answers, got %zu", json_array_size (expected), count);
    for (i = 0; i < count; i++)
      buffer_printf (why, " [%ld %.200s]", answers[i].status, answers[i].body.len > 0 ? answers[i].body.data : "");
    return false;
  }
  json_array_foreach (expected, i, answer)
  {
    json_t *parsed = 0 == answers[i].body.len
                         ? NULL
                         : json_loadb (answers[i].body.data, answers[i].body.len, JSON_REJECT_DUPLICATES, NULL);

    ok = ok && judge (walk, answer, &answers[i], parsed, why);
    save (walk, answer, &answers[i], parsed);
    json_decref (parsed);
  }
  if (ok && NULL != json_object_get (step, "closed") && closed != json_is_true (json_object_get (step, "closed")))
  {
    buffer_printf (why, "the connection was %s", closed ? "closed" : "kept open");
    ok = false;
  }
  return ok;
}

static bool
run_raw (const struct walk *walk, const json_t *step, struct buffer *why)
{
  json_t *steps = fill (json_object_get (step, "raw"), walk->variables, why);
  const json_t *timeout = json_object_get (step, "timeout_ms");
  struct reply answers[RAW_ANSWERS_MAX];
  size_t capacity = json_array_size (json_object_get (step, "answers"));
  size_t count = 0;
  size_t rest = 0;
  bool wants_end = json_is_true (json_object_get (step, "closed")) || NULL != json_object_get (step, "broken");
  long timeout_ms = NULL == timeout ? RAW_TIMEOUT_MS : (long)json_integer_value (timeout);
  bool closed = false;
  bool ok;

  for (size_t i = 0; i < RAW_ANSWERS_MAX; i++)
    reply_init (&answers[i]);
  /* With nothing expected, one more is taken, so that an answer that should not be is seen. */
  capacity = 0 == capacity ? 1 : capacity;
  ok = NULL != steps
       && reply_exchange (answers, capacity < RAW_ANSWERS_MAX ? capacity : RAW_ANSWERS_MAX, &count, &rest, &closed,
                          walk->target->host, walk->target->port, steps, json_object_get (step, "heads"), timeout_ms,
                          wants_end ? timeout_ms : RAW_QUIET_MS, why)
       && judge_answers (walk, step, answers, count, closed, why);
  if (ok && rest > 0 && NULL == json_object_get (step, "broken"))
  {
    buffer_printf (why, "%zu bytes came behind the last answer", rest);
    ok = false;
  }
  for (size_t i = 0; i < RAW_ANSWERS_MAX; i++)
    reply_clear (&answers[i]);
  json_decref (steps);
  return ok;
}

/* Run a case once and count it; what holds only after a while is tried so often. */
static void
run_once (const struct walk *walk, const json_t *step, const char *prefix, const char *label)
{
  struct outcome *outcome = walk->outcome;
  const json_t *pause = json_object_get (step, "pause_ms");
  json_int_t left = json_integer_value (json_object_get (step, "tries"));
  struct buffer why;
  bool ok;

  buffer_init (&why, WHY_MAX_BYTES);
  if (NULL != pause)
    usleep ((useconds_t)json_integer_value (pause) * 1000);
  for (;;)
  {
    ok = NULL != json_object_get (step, "raw") ? run_raw (walk, step, &why) : run_request (walk, step, prefix, &why);
    if (ok || --left <= 0)
      break;
    buffer_clear (&why);
    usleep (TRY_PAUSE_US);
  }
  if (ok)
    outcome->passed++;
  else
  {
    outcome->failed++;
    for (size_t i = 0; i < why.len; i++)
      if ('\n' == why.data[i])
        why.data[i] = ' ';
    buffer_printf (&outcome->failures, "  FAIL %s%s%s: %s\n", label, 0 == strcmp (prefix, DEFAULT_PREFIX) ? "" : " at ",
                   0 == strcmp (prefix, DEFAULT_PREFIX) ? "" : prefix, why.len > 0 ? why.data : "no reason given");
  }
  buffer_free (&why);
}

static bool
left_out (const struct walk *walk, const json_t *step, const char *label)
{
  const struct target *target = walk->target;

  if (target->oracle && NULL != json_object_get (step, "ours"))
    return true;
  if (! target->oracle && NULL != json_object_get (step, "upstream_only"))
    return true;
  return NULL != target->only && NULL == json_object_get (step, "save") && NULL == strstr (label, target->only);
}

static void
run_step (const struct walk *walk, const json_t *step, const char *label)
{
  const json_t *prefixes = json_object_get (step, "prefixes");
  const json_t *repeat = json_object_get (step, "repeat");
  json_int_t times = NULL == repeat ? 1 : json_integer_value (repeat);
  const json_t *prefix;
  size_t i;

  if (NULL == prefixes)
    prefixes = json_object_get (walk->defaults, "prefixes");
  if (left_out (walk, step, label))
  {
    walk->outcome->skipped++;
    return;
  }
  for (json_int_t n = 0; n < times; n++)
  {
    json_object_set_new (walk->variables, "i", json_integer (n));
    if (NULL == prefixes)
      run_once (walk, step, DEFAULT_PREFIX, label);
    json_array_foreach (prefixes, i, prefix) run_once (walk, step, json_string_value (prefix), label);
  }
}

/* Change the members of the base case's "json" or "query" as a row's "set" says. */
static void
apply_set (json_t *step, const json_t *row)
{
  json_t *into = json_deep_copy (json_object_get (step, NULL != json_object_get (step, "json") ? "json" : "query"));
  const char *name;
  json_t *value;

  if (NULL == into)
    into = json_object ();
  json_object_foreach (json_object_get (row, "set"), name, value)
  {
    if (json_is_true (json_object_get (value, "$absent")))
      json_object_del (into, name);
    else
      json_object_set_nocheck (into, name, value);
  }
  json_object_set_new (step, NULL != json_object_get (step, "json") ? "json" : "query", into);
}

static void
run_case (const struct walk *walk, const json_t *base)
{
  const char *label = text_of (base, "label");
  const json_t *rows = json_object_get (base, "with");
  const json_t *row;
  char full[512];
  size_t i;

  if (NULL == label)
    label = "case without a label";
  if (NULL == rows)
    run_step (walk, base, label);
  json_array_foreach (rows, i, row)
  {
    json_t *step = json_copy ((json_t *)base);

    json_object_del (step, "with");
    json_object_update (step, (json_t *)row);
    apply_set (step, row);
    snprintf (full, sizeof (full), "%s: %s", label, NULL == text_of (row, "case") ? "?" : text_of (row, "case"));
    run_step (walk, step, full);
    json_decref (step);
  }
}

static json_t *
make_variables (const struct target *target, unsigned number)
{
  json_t *variables = json_deep_copy (target->texts);
  struct timespec now;

  clock_gettime (CLOCK_REALTIME, &now);
  if (NULL == variables)
    variables = json_object ();
  json_object_set_new (variables, "unique",
                       json_sprintf ("u%llx%lx%x", (unsigned long long)now.tv_sec, now.tv_nsec, number));
  /* 8 hexadecimal digits: the beginning of an identifier that is new. */
  json_object_set_new (variables, "word", json_sprintf ("%08x", (unsigned)(now.tv_sec * 1000000 + now.tv_nsec / 1000)));
  json_object_set_new (variables, "host", json_sprintf ("%s:%s", target->host, target->port));
  json_object_set_new (variables, "base", json_string (target->base_url));
  json_object_set_new (variables, "now_ms",
                       json_integer ((json_int_t)now.tv_sec * 1000 + (json_int_t)now.tv_nsec / 1000000));
  return variables;
}

void
scenario_run (struct outcome *outcome, const struct target *target, const char *path, unsigned number)
{
  struct walk walk = { .target = target, .outcome = outcome };
  struct buffer why;
  json_t *root;
  const json_t *step;
  size_t i;

  memset (outcome, 0, sizeof (*outcome));
  buffer_init (&outcome->failures, FAILURES_MAX_BYTES);
  buffer_init (&why, WHY_MAX_BYTES);
  outcome->seen = json_array ();
  walk.curl = curl_easy_init ();
  walk.variables = make_variables (target, number);
  root = scenario_load (path, &why);
  if (NULL == root || 0 == json_array_size (json_object_get (root, "cases")))
  {
    outcome->failed++;
    buffer_printf (&outcome->failures, "  FAIL %s\n", why.len > 0 ? why.data : "no cases");
  }
  else if (target->oracle && NULL != json_object_get (root, "ours"))
    outcome->skipped += (unsigned)json_array_size (json_object_get (root, "cases"));
  else
  {
    walk.defaults = root;
    json_array_foreach (json_object_get (root, "cases"), i, step) run_case (&walk, step);
  }
  json_decref (root);
  json_decref (walk.variables);
  curl_easy_cleanup (walk.curl);
  buffer_free (&why);
}

void
outcome_free (struct outcome *outcome)
{
  buffer_free (&outcome->failures);
  json_decref (outcome->seen);
}
