/* Experiments of delivery: found by name, made when there is none. */
#include "delivery_parts.h"

#include "base/json_write.h"
#include "base/url.h"

#include <stdlib.h>
#include <string.h>

/* Digits of an int64 and NUL. */
#define ID_BYTES 24

/* The experiment of runs that name none: MLflow's first one. */
#define DEFAULT_NAME "Default"

static bool
copy_id (char id[ID_BYTES], const char *text)
{
  size_t len = NULL == text ? 0 : strlen (text);

  if (0 == len || len >= ID_BYTES)
    return false;
  memcpy (id, text, len + 1);
  return true;
}

static enum tally_code
no_id (struct tally_error *err)
{
  return error_set (err, TALLY_ERROR_PROTOCOL, "The server's answer about an experiment has no id of it.");
}

void
delivery_forget_experiments (struct delivery *delivery)
{
  while (NULL != delivery->experiments)
  {
    struct known_experiment *next = delivery->experiments->next;

    free (delivery->experiments);
    delivery->experiments = next;
  }
}

/* Remember for the next run; should memory be out the server is asked again. */
static void
remember (struct delivery *delivery, struct slice name, const char *id)
{
  struct known_experiment *known = malloc (sizeof (*known) + name.len + 1);

  if (NULL == known)
    return;
  memcpy (known->name, name.data, name.len);
  known->name[name.len] = '\0';
  memcpy (known->id, id, sizeof (known->id));
  known->next = delivery->experiments;
  delivery->experiments = known;
}

static enum tally_code
get_by_name (char id[ID_BYTES], struct delivery *delivery, struct slice name, struct tally_error *err)
{
  json_t *object = NULL;
  const json_t *experiment;
  const char *stage;
  enum tally_code code;

  buffer_clear (&delivery->path);
  buffer_text (&delivery->path, "/api/2.0/mlflow/experiments/get-by-name?experiment_name=");
  url_encode (&delivery->path, name);
  code = delivery_get (&object, delivery, err);
  if (TALLY_OK != code)
    return code;
  experiment = json_object_get (object, "experiment");
  stage = json_string_value (json_object_get (experiment, "lifecycle_stage"));
  if (! copy_id (id, json_string_value (json_object_get (experiment, "experiment_id"))))
    code = no_id (err);
  else if (NULL != stage && 0 == strcmp (stage, "deleted"))
    code = error_set (err, TALLY_ERROR_REFUSED, "The experiment '%.*s' is deleted.", SLICE_ARG (name));
  json_decref (object);
  return code;
}

static enum tally_code
create (char id[ID_BYTES], struct delivery *delivery, struct slice name, struct tally_error *err)
{
  struct json_write w;
  json_t *object = NULL;
  enum tally_code code;

  buffer_clear (&delivery->body);
  json_write_init (&w, &delivery->body);
  json_write_object (&w);
  json_write_member_string (&w, "name", name);
  json_write_object_end (&w);
  code = delivery_post (&object, delivery, "/api/2.0/mlflow/experiments/create", err);
  if (TALLY_OK == code && ! copy_id (id, json_string_value (json_object_get (object, "experiment_id"))))
    code = no_id (err);
  json_decref (object);
  return code;
}

enum tally_code
delivery_experiment (char id[ID_BYTES], struct delivery *delivery, const struct record *start, struct tally_error *err)
{
  struct slice name = slice_filled (start->start.experiment) ? start->start.experiment : SLICE (DEFAULT_NAME);
  struct slice given = start->start.experiment_id;
  enum tally_code code;

  if (slice_filled (given))
  {
    if (given.len >= ID_BYTES)
      return error_set (err, TALLY_ERROR_REFUSED, "'%.*s' is no id of an experiment.", SLICE_ARG (given));
    memcpy (id, given.data, given.len);
    id[given.len] = '\0';
    return TALLY_OK;
  }
  for (const struct known_experiment *known = delivery->experiments; NULL != known; known = known->next)
    if (slice_is (name, known->name))
    {
      memcpy (id, known->id, sizeof (known->id));
      return TALLY_OK;
    }
  code = get_by_name (id, delivery, name, err);
  if (TALLY_ERROR_NOT_FOUND == code)
    code = create (id, delivery, name, err);
  /* Somebody was faster; or our own answer was lost. */
  if (TALLY_ERROR_EXISTS == code)
    code = get_by_name (id, delivery, name, err);
  if (TALLY_OK == code)
    remember (delivery, name, id);
  return code;
}

/* Experiments of a page: what MLflow gives by default is less. */
#define PAGE_SIZE "1000"

static void
write_page_request (struct delivery *delivery, const char *token)
{
  struct json_write w;

  buffer_clear (&delivery->body);
  json_write_init (&w, &delivery->body);
  json_write_object (&w);
  json_write_key (&w, "max_results");
  json_write_raw (&w, SLICE (PAGE_SIZE));
  json_write_member_text (&w, "view_type", "ALL");
  if (NULL != token)
    json_write_member_text (&w, "page_token", token);
  json_write_object_end (&w);
}

/* Pages asked at most: a server whose pages do not end is not followed forever. */
#define MAX_PAGES 1000

enum tally_code
delivery_all_experiments (json_t **ids, struct delivery *delivery, struct tally_error *err)
{
  json_t *page = NULL;
  const char *token = NULL;
  enum tally_code code = TALLY_OK;

  *ids = json_array ();
  if (NULL == *ids)
    return error_memory (err);
  for (unsigned pages = 0; pages < MAX_PAGES; pages++)
  {
    json_t *next = NULL;
    const json_t *list;

    write_page_request (delivery, token);
    code = delivery_post (&next, delivery, "/api/2.0/mlflow/experiments/search", err);
    json_decref (page);
    page = next;
    if (TALLY_OK != code)
      break;
    list = json_object_get (page, "experiments");
    for (size_t i = 0; i < json_array_size (list); i++)
      json_array_append (*ids, json_object_get (json_array_get (list, i), "experiment_id"));
    token = json_string_value (json_object_get (page, "next_page_token"));
    if (NULL == token || '\0' == token[0])
      break;
  }
  json_decref (page);
  if (TALLY_OK == code)
    return code;
  json_decref (*ids);
  *ids = NULL;
  return code;
}
