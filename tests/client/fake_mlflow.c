/* The server in memory: runs and experiments are JSON objects. */
#include "fake_mlflow.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fake_mlflow
{
  struct http_server *server;
  int reservation; /* of the port, which nobody else gets while the server is down */
  unsigned port;
  bool keeps_ids;
  pthread_mutex_t lock; /* guards what follows */
  fake_plan *plan;
  void *payload;
  size_t max_entries;
  json_t *experiments; /* name: {experiment_id, name, lifecycle_stage} */
  json_t *runs; /* id: {info, tags, params, points, seen, log, datasets} */
  json_t *artifacts; /* path: text */
  json_t *requests; /* path without query: count */
  unsigned next_id;
};

/* An answer. */
struct reply
{
  int status;
  json_t *body; /* owned */
};

static struct reply
refuse (int status, const char *code, const char *message)
{
  return (struct reply){ status, json_pack ("{ss,ss}", "error_code", code, "message", message) };
}

static struct reply
ok (void)
{
  return (struct reply){ 200, json_object () };
}

static struct reply
no_run (void)
{
  return refuse (404, "RESOURCE_DOES_NOT_EXIST", "Run not found");
}

/* The value of the first query parameter; escapes of the tests' names are "%20" only. */
static const char *
query_value (const struct http_request *request)
{
  static __thread char value[512];
  const char *from = strchr (request->path, '=');
  size_t len = 0;

  for (from = NULL == from ? "" : from + 1; '\0' != *from && '&' != *from && len + 1 < sizeof (value); from++)
  {
    value[len++] = '%' == *from ? ' ' : *from;
    if ('%' == *from)
      from += 2;
  }
  value[len] = '\0';
  return value;
}

static const char *
text_of (const json_t *object, const char *member)
{
  const char *text = json_string_value (json_object_get (object, member));

  return NULL == text ? "" : text;
}

/* --- experiments --- */

static struct reply
get_experiment (struct fake_mlflow *fake, const struct http_request *request, const json_t *body)
{
  json_t *experiment = json_object_get (fake->experiments, query_value (request));

  (void)body;
  if (NULL == experiment)
    return refuse (404, "RESOURCE_DOES_NOT_EXIST", "Could not find experiment");
  return (struct reply){ 200, json_pack ("{sO}", "experiment", experiment) };
}

static struct reply
create_experiment (struct fake_mlflow *fake, const struct http_request *request, const json_t *body)
{
  char id[24];

  (void)request;
  if (NULL != json_object_get (fake->experiments, text_of (body, "name")))
    return refuse (400, "RESOURCE_ALREADY_EXISTS", "Experiment already exists");
  snprintf (id, sizeof (id), "%zu", json_object_size (fake->experiments));
  json_object_set_new (
      fake->experiments, text_of (body, "name"),
      json_pack ("{ss,ss,ss}", "experiment_id", id, "name", text_of (body, "name"), "lifecycle_stage", "active"));
  return (struct reply){ 200, json_pack ("{ss}", "experiment_id", id) };
}

static struct reply
search_experiments (struct fake_mlflow *fake, const struct http_request *request, const json_t *body)
{
  json_t *list = json_array ();
  const char *name;
  json_t *experiment;

  (void)request;
  (void)body;
  json_object_foreach (fake->experiments, name, experiment) json_array_append (list, experiment);
  return (struct reply){ 200, json_pack ("{so}", "experiments", list) };
}

/* --- runs --- */

static json_t *
new_run (struct fake_mlflow *fake, const char *id, const char *experiment)
{
  json_t *run =
      json_pack ("{s{ss,ss,ss,ss,ss++},s{},s{},s[],s{},s[],s[],s[]}", "info", "run_id", id, "experiment_id", experiment,
                 "status", "RUNNING", "lifecycle_stage", "active", "artifact_uri", "mlflow-artifacts:/0/", id,
                 "/artifacts", "tags", "params", "points", "seen", "log", "datasets", "again");

  ck_assert_ptr_nonnull (run);
  json_object_set_new (fake->runs, id, run);
  return run;
}

static struct reply
create_run (struct fake_mlflow *fake, const struct http_request *request, const json_t *body)
{
  const json_t *tag;
  char id[33];
  json_t *run;
  size_t i;

  (void)request;
  snprintf (id, sizeof (id), "%032x", ++fake->next_id);
  if (fake->keeps_ids && '\0' != text_of (body, "run_id")[0])
    snprintf (id, sizeof (id), "%s", text_of (body, "run_id"));
  run = json_object_get (fake->runs, id);
  if (NULL == run)
    run = new_run (fake, id, text_of (body, "experiment_id"));
  json_array_foreach (json_object_get (body, "tags"), i, tag)
      json_object_set (json_object_get (run, "tags"), text_of (tag, "key"), json_object_get (tag, "value"));
  json_object_set_new (json_object_get (run, "info"), "run_name", json_string (text_of (body, "run_name")));
  return (struct reply){ 200, json_pack ("{s{sO}}", "run", "info", json_object_get (run, "info")) };
}

static struct reply
get_run (struct fake_mlflow *fake, const struct http_request *request, const json_t *body)
{
  json_t *run = json_object_get (fake->runs, query_value (request));

  (void)body;
  return NULL == run ? no_run ()
                     : (struct reply){ 200, json_pack ("{s{sO}}", "run", "info", json_object_get (run, "info")) };
}

static json_t *
find_tagged (struct fake_mlflow *fake, const char *tally_id)
{
  const char *id;
  json_t *run;

  json_object_foreach (
      fake->runs, id,
      run) if (0 == strcmp (tally_id, text_of (json_object_get (run, "tags"), "tally.run_id"))) return run;
  return NULL;
}

static struct reply
search_runs (struct fake_mlflow *fake, const struct http_request *request, const json_t *body)
{
  char id[64] = "";
  const json_t *run;

  (void)request;
  ck_assert_int_eq (1, sscanf (text_of (body, "filter"), "tags.\"tally.run_id\" = '%32[0-9a-f]'", id));
  run = find_tagged (fake, id);
  return NULL == run ? ok ()
                     : (struct reply){ 200, json_pack ("{s[{sO}]}", "runs", "info", json_object_get (run, "info")) };
}

static struct reply
update_run (struct fake_mlflow *fake, const struct http_request *request, const json_t *body)
{
  json_t *run = json_object_get (fake->runs, text_of (body, "run_id"));

  (void)request;
  if (NULL == run)
    return no_run ();
  json_object_set (json_object_get (run, "info"), "status", json_object_get (body, "status"));
  json_array_append_new (json_object_get (run, "log"), json_sprintf ("status %s", text_of (body, "status")));
  return ok ();
}

/* A batch is taken whole or not at all: params must not change, and "bad" is refused as a key. */
static bool
is_bad (const json_t *run, const json_t *body)
{
  const json_t *item;
  size_t i;

  json_array_foreach (json_object_get (body, "metrics"), i,
                      item) if (0 == strcmp ("bad", text_of (item, "key"))) return true;
  json_array_foreach (json_object_get (body, "params"), i, item)
  {
    const json_t *old = json_object_get (json_object_get (run, "params"), text_of (item, "key"));

    if (NULL != old && ! json_equal (old, json_object_get (item, "value")))
      return true;
  }
  return false;
}

static void
take_point (json_t *run, const json_t *item)
{
  json_t *point = json_pack ("[OOOO]", json_object_get (item, "key"), json_object_get (item, "value"),
                             json_object_get (item, "step"), json_object_get (item, "timestamp"));
  char *key;

  ck_assert_ptr_nonnull (point);
  key = json_dumps (point, 0);
  /* The same point again is none. */
  if (NULL == json_object_get (json_object_get (run, "seen"), key))
  {
    json_object_set_new (json_object_get (run, "seen"), key, json_true ());
    json_array_append (json_object_get (run, "points"), point);
    json_array_append_new (json_object_get (run, "log"), json_sprintf ("point %s", text_of (item, "key")));
  }
  else
    json_array_append (json_object_get (run, "again"), point);
  free (key);
  json_decref (point);
}

static struct reply
log_batch (struct fake_mlflow *fake, const struct http_request *request, const json_t *body)
{
  json_t *run = json_object_get (fake->runs, text_of (body, "run_id"));
  const json_t *metrics = json_object_get (body, "metrics");
  const json_t *params = json_object_get (body, "params");
  const json_t *tags = json_object_get (body, "tags");
  const json_t *item;
  size_t i;

  (void)request;
  if (NULL == run)
    return no_run ();
  if (0 == strcmp ("deleted", text_of (json_object_get (run, "info"), "lifecycle_stage")))
    return refuse (400, "INVALID_PARAMETER_VALUE", "The run must be in the 'active' state.");
  if (json_array_size (metrics) > 1000 || json_array_size (params) > 100 || json_array_size (tags) > 100
      || json_array_size (metrics) + json_array_size (params) + json_array_size (tags) > 1000)
    return refuse (400, "INVALID_PARAMETER_VALUE", "A batch can contain at most …");
  if (fake->max_entries > 0 && json_array_size (metrics) > fake->max_entries)
    return refuse (413, "BAD_REQUEST", "too large");
  if (is_bad (run, body))
    return refuse (400, "INVALID_PARAMETER_VALUE", "something is bad");
  json_array_foreach (metrics, i, item) take_point (run, item);
  json_array_foreach (params, i, item)
  {
    json_object_set (json_object_get (run, "params"), text_of (item, "key"), json_object_get (item, "value"));
    json_array_append_new (json_object_get (run, "log"), json_sprintf ("param %s", text_of (item, "key")));
  }
  json_array_foreach (tags, i, item)
  {
    json_object_set (json_object_get (run, "tags"), text_of (item, "key"), json_object_get (item, "value"));
    json_array_append_new (json_object_get (run, "log"), json_sprintf ("tag %s", text_of (item, "key")));
  }
  return ok ();
}

static struct reply
log_inputs (struct fake_mlflow *fake, const struct http_request *request, const json_t *body)
{
  json_t *run = json_object_get (fake->runs, text_of (body, "run_id"));

  (void)request;
  if (NULL == run)
    return no_run ();
  json_array_extend (json_object_get (run, "datasets"), json_object_get (body, "datasets"));
  json_array_append_new (json_object_get (run, "log"), json_string ("dataset"));
  return ok ();
}

static struct reply
put_artifact (struct fake_mlflow *fake, const struct http_request *request, const json_t *body)
{
  (void)body;
  json_object_set_new (fake->artifacts, request->path + strlen ("/api/2.0/mlflow-artifacts/artifacts"),
                       json_stringn (request->body, request->body_bytes));
  return ok ();
}

/* --- routes --- */

static const struct route
{
  const char *method;
  const char *path;
  struct reply (*answer) (struct fake_mlflow *fake, const struct http_request *request, const json_t *body);
} routes[] = {
  { "GET", "/api/2.0/mlflow/experiments/get-by-name", get_experiment },
  { "POST", "/api/2.0/mlflow/experiments/create", create_experiment },
  { "POST", "/api/2.0/mlflow/experiments/search", search_experiments },
  { "POST", "/api/2.0/mlflow/runs/create", create_run },
  { "GET", "/api/2.0/mlflow/runs/get", get_run },
  { "POST", "/api/2.0/mlflow/runs/search", search_runs },
  { "POST", "/api/2.0/mlflow/runs/update", update_run },
  { "POST", "/api/2.0/mlflow/runs/log-batch", log_batch },
  { "POST", "/api/2.0/mlflow/runs/log-inputs", log_inputs },
  { "PUT", "/api/2.0/mlflow-artifacts/artifacts", put_artifact },
};

static struct reply
answer_request (struct fake_mlflow *fake, const struct http_request *request)
{
  struct reply reply = refuse (404, "ENDPOINT_NOT_FOUND", "There is no such endpoint");

  for (size_t i = 0; i < sizeof (routes) / sizeof (routes[0]); i++)
    if (0 == strcmp (routes[i].method, request->method)
        && 0 == strncmp (routes[i].path, request->path, strlen (routes[i].path)))
    {
      json_t *body = json_loadb (request->body, request->body_bytes, 0, NULL);

      /* What is sent as JSON must be JSON. */
      ck_assert (NULL != body || 0 != strcmp ("POST", request->method));
      json_decref (reply.body);
      reply = routes[i].answer (fake, request, body);
      json_decref (body);
      break;
    }
  return reply;
}

static bool
send_fault (enum fake_fault fault, const struct http_request *request)
{
  switch (fault)
  {
  case FAULT_BUSY:
    http_reply (request, 503, "text/plain", "Retry-After: 0\r\n", "busy");
    return true;
  case FAULT_ERROR:
    http_reply_json (request, 500, "{\"error_code\":\"INTERNAL_ERROR\",\"message\":\"broken\"}");
    return true;
  case FAULT_HTML:
    http_reply (request, 200, "text/html", "", "<html>Please log in</html>");
    return true;
  case FAULT_GARBAGE:
    http_reply_json (request, 200, "[1, 2");
    return true;
  case FAULT_UNAUTHENTICATED:
    http_reply_json (request, 401, "{\"error_code\":\"UNAUTHENTICATED\",\"message\":\"who are you\"}");
    return true;
  case FAULT_SILENCE:
  {
    char byte;

    return read (request->connection, &byte, 1) > 0;
  }
  case FAULT_NONE:
  case FAULT_DROP_BEFORE:
  case FAULT_DROP_AFTER:
    break;
  }
  return false;
}

static void
count_request (struct fake_mlflow *fake, const struct http_request *request)
{
  char path[2048];

  snprintf (path, sizeof (path), "%.*s", (int)strcspn (request->path, "?"), request->path);
  json_object_set_new (fake->requests, path,
                       json_integer (1 + json_integer_value (json_object_get (fake->requests, path))));
}

static bool
handle (void *payload, const struct http_request *request)
{
  struct fake_mlflow *fake = payload;
  enum fake_fault fault;
  struct reply reply = { 0, NULL };
  char *text;

  pthread_mutex_lock (&fake->lock);
  count_request (fake, request);
  fault = NULL == fake->plan ? FAULT_NONE : fake->plan (fake->payload, request);
  if (FAULT_NONE == fault || FAULT_DROP_AFTER == fault)
    reply = answer_request (fake, request);
  text = NULL == reply.body ? NULL : json_dumps (reply.body, 0);
  json_decref (reply.body);
  pthread_mutex_unlock (&fake->lock);
  if (FAULT_NONE == fault)
    http_reply_json (request, reply.status, text);
  free (text);
  return FAULT_NONE == fault || send_fault (fault, request);
}

/* --- for tests --- */

struct fake_mlflow *
fake_mlflow_start (bool keeps_ids)
{
  struct fake_mlflow *fake = calloc (1, sizeof (*fake));

  pthread_mutex_init (&fake->lock, NULL);
  fake->keeps_ids = keeps_ids;
  fake->experiments =
      json_pack ("{s{ss,ss,ss}}", "Default", "experiment_id", "0", "name", "Default", "lifecycle_stage", "active");
  fake->runs = json_object ();
  fake->artifacts = json_object ();
  fake->requests = json_object ();
  fake->reservation = http_server_reserve (&fake->port);
  fake->server = http_server_start_at (fake->port, handle, fake);
  return fake;
}

const char *
fake_mlflow_url (const struct fake_mlflow *fake)
{
  return http_server_url (fake->server);
}

void
fake_mlflow_plan (struct fake_mlflow *fake, fake_plan *plan, void *payload)
{
  pthread_mutex_lock (&fake->lock);
  fake->plan = plan;
  fake->payload = payload;
  pthread_mutex_unlock (&fake->lock);
}

void
fake_mlflow_limit (struct fake_mlflow *fake, size_t max_entries)
{
  fake->max_entries = max_entries;
}

void
fake_mlflow_hold (struct fake_mlflow *fake)
{
  pthread_mutex_lock (&fake->lock);
}

void
fake_mlflow_go_on (struct fake_mlflow *fake)
{
  pthread_mutex_unlock (&fake->lock);
}

void
fake_mlflow_go_down (struct fake_mlflow *fake)
{
  http_server_stop (fake->server);
  fake->server = NULL;
}

void
fake_mlflow_come_up (struct fake_mlflow *fake)
{
  fake->server = http_server_start_at (fake->port, handle, fake);
}

void
fake_mlflow_stop (struct fake_mlflow *fake)
{
  if (NULL != fake->server)
    http_server_stop (fake->server);
  close (fake->reservation);
  json_decref (fake->experiments);
  json_decref (fake->runs);
  json_decref (fake->artifacts);
  json_decref (fake->requests);
  pthread_mutex_destroy (&fake->lock);
  free (fake);
}

size_t
fake_mlflow_runs (struct fake_mlflow *fake)
{
  size_t count;

  pthread_mutex_lock (&fake->lock);
  count = json_object_size (fake->runs);
  pthread_mutex_unlock (&fake->lock);
  return count;
}

size_t
fake_mlflow_requests (struct fake_mlflow *fake, const char *path)
{
  size_t count;

  pthread_mutex_lock (&fake->lock);
  count = (size_t)json_integer_value (json_object_get (fake->requests, path));
  pthread_mutex_unlock (&fake->lock);
  return count;
}

json_t *
fake_mlflow_run (struct fake_mlflow *fake, const char *tally_id)
{
  json_t *run;

  pthread_mutex_lock (&fake->lock);
  run = json_deep_copy (find_tagged (fake, tally_id));
  if (NULL == run)
    run = json_deep_copy (json_object_get (fake->runs, tally_id));
  pthread_mutex_unlock (&fake->lock);
  return run;
}

void
fake_mlflow_delete_run (struct fake_mlflow *fake, const char *tally_id)
{
  pthread_mutex_lock (&fake->lock);
  json_object_set_new (json_object_get (find_tagged (fake, tally_id), "info"), "lifecycle_stage",
                       json_string ("deleted"));
  pthread_mutex_unlock (&fake->lock);
}

void
fake_mlflow_add_run (struct fake_mlflow *fake, const char *id)
{
  pthread_mutex_lock (&fake->lock);
  new_run (fake, id, "0");
  pthread_mutex_unlock (&fake->lock);
}

void
fake_mlflow_delete_experiment (struct fake_mlflow *fake, const char *name)
{
  pthread_mutex_lock (&fake->lock);
  json_object_set_new (json_object_get (fake->experiments, name), "lifecycle_stage", json_string ("deleted"));
  pthread_mutex_unlock (&fake->lock);
}

const char *
fake_mlflow_artifact (struct fake_mlflow *fake, const char *path)
{
  const char *text;

  pthread_mutex_lock (&fake->lock);
  text = json_string_value (json_object_get (fake->artifacts, path));
  pthread_mutex_unlock (&fake->lock);
  return text;
}
