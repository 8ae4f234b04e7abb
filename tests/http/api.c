/* Requests of the stress programs. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void
api_open (struct api *api, const char *base_url)
{
  api->curl = curl_easy_init ();
  api->base_url = base_url;
  api->polite = true;
  api->said[0] = '\0';
}

void
api_close (struct api *api)
{
  curl_easy_cleanup (api->curl);
}

static long
fetch (struct reply *reply, struct api *api, const char *method, const char *path, const char *body)
{
  struct buffer why;
  char url[4096];
  long status = 0;

  buffer_init (&why, 4096);
  snprintf (url, sizeof (url), "%s%s%s", api->base_url, '/' == *path ? "" : "/api/2.0/mlflow/", path);
  struct request request = {
    .method = method, .url = url, .body = body, .body_length = NULL == body ? 0 : strlen (body)
  };
  if (reply_fetch (reply, api->curl, &request, &why))
    status = reply->status;
  api->polite = 503 != status || '\0' != *reply_header_text (reply, "retry-after");
  if (0 == status)
    snprintf (api->said, sizeof (api->said), "%s", why.len > 0 ? why.data : "no answer");
  else if (200 != status)
    snprintf (api->said, sizeof (api->said), "%ld %s", status, reply->body.len > 0 ? reply->body.data : "");
  buffer_free (&why);
  return status;
}

static long
ask (struct api *api, const char *method, const char *path, const char *body, json_t **answer)
{
  struct reply reply;
  long status;

  if (NULL != answer)
    *answer = NULL;
  reply_init (&reply);
  status = fetch (&reply, api, method, path, body);
  if (NULL != answer && reply.body.len > 0)
    *answer = json_loadb (reply.body.data, reply.body.len, JSON_REJECT_DUPLICATES, NULL);
  reply_clear (&reply);
  return status;
}

long
api_post (struct api *api, const char *path, json_t *body, json_t **answer)
{
  char *text = json_dumps (body, JSON_COMPACT);
  long status = ask (api, "POST", path, text, answer);

  free (text);
  json_decref (body);
  return status;
}

long
api_get (struct api *api, const char *path, json_t **answer)
{
  return ask (api, "GET", path, NULL, answer);
}

long
api_figure (struct api *api, const char *name)
{
  struct reply reply;
  char line[128];
  const char *at = NULL;
  long figure = -1;

  snprintf (line, sizeof (line), "\n%s ", name);
  reply_init (&reply);
  if (200 == fetch (&reply, api, "GET", "/metrics", NULL) && reply.body.len > 0)
    at = strstr (reply.body.data, line);
  if (NULL != at)
    figure = strtol (at + strlen (line), NULL, 10);
  reply_clear (&reply);
  return figure;
}

bool
api_make_run (struct api *api, char run_id[64])
{
  json_t *answer = NULL;
  const char *found = NULL;
  struct timespec now;
  long status;

  clock_gettime (CLOCK_REALTIME, &now);
  status = api_post (api, "runs/create",
                     json_pack ("{s:s,s:s,s:I}", "experiment_id", "0", "run_name", "stress", "start_time",
                                (json_int_t)now.tv_sec * 1000000 + now.tv_nsec / 1000),
                     &answer);
  if (200 == status)
    found = json_string_value (json_object_get (json_object_get (json_object_get (answer, "run"), "info"), "run_id"));
  snprintf (run_id, 64, "%s", NULL == found ? "" : found);
  json_decref (answer);
  return '\0' != run_id[0];
}

json_t *
api_history (struct api *api, const char *run_id, const char *key, int page)
{
  json_t *all = json_array ();
  char token[1024] = "";
  char path[2048];

  do
  {
    json_t *answer = NULL;
    char *escaped = curl_easy_escape (api->curl, token, 0);
    const char *next;

    snprintf (path, sizeof (path), "metrics/get-history?run_id=%s&metric_key=%s&max_results=%d%s%s", run_id, key, page,
              '\0' == token[0] ? "" : "&page_token=", '\0' == token[0] ? "" : escaped);
    curl_free (escaped);
    if (200 != api_get (api, path, &answer) || ! json_is_object (answer))
    {
      json_decref (answer);
      json_decref (all);
      return NULL;
    }
    json_array_extend (all, json_object_get (answer, "metrics"));
    next = json_string_value (json_object_get (answer, "next_page_token"));
    snprintf (token, sizeof (token), "%s", NULL == next ? "" : next);
    json_decref (answer);
  } while ('\0' != token[0]);
  return all;
}
