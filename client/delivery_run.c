/* Runs of delivery: created exactly once, found by the id that was made here, ended. */
#include "delivery_parts.h"

#include "base/clock.h"
#include "base/json_write.h"

#include <stdio.h>
#include <string.h>

/* The tag that holds the id made here, on servers that give ids of their own. */
#define TAG_RUN_ID "tally.run_id"

/* Room for "creating:" and an id. */
#define NOTE_BYTES 64

static void
note_key (char note[NOTE_BYTES], const char *what, const struct run_key *run)
{
  char id[TALLY_RUN_ID_BYTES];

  run_key_format (id, run);
  snprintf (note, NOTE_BYTES, "%s:%s", what, id);
}

/* The run is there, by this id: known from now on, also to those who send this stream later. */
static enum tally_code
know_run (struct delivery *delivery, const struct run_key *run, const char *id, struct tally_error *err)
{
  char own[TALLY_RUN_ID_BYTES];
  char note[NOTE_BYTES];
  struct tally_error ignored;

  if (NULL == id || '\0' == id[0] || strlen (id) >= TALLY_RUN_ID_BYTES)
    return error_set (err, TALLY_ERROR_PROTOCOL, "The server's answer about a run has no id of it.");
  run_key_format (own, run);
  if (0 == strcmp (own, id))
    delivery->keeps_ids = true;
  /* Should it not be written the run is looked for again. */
  note_key (note, "run", run);
  spool_note (delivery->settings.spool, note, id, false, &ignored);
  return run_table_set_id (delivery->settings.runs, run, id, err);
}

static const char *
id_of (const json_t *run)
{
  return json_string_value (json_object_get (json_object_get (run, "info"), "run_id"));
}

/* --- looking for runs --- */

/* The run with our tag in one of the experiments (a JSON array of ids). NOT_FOUND when there is none. */
static enum tally_code
search_run (struct delivery *delivery, const struct run_key *run, const json_t *experiments, struct tally_error *err)
{
  char own[TALLY_RUN_ID_BYTES];
  struct json_write w;
  json_t *object = NULL;
  const json_t *found;
  enum tally_code code;

  run_key_format (own, run);
  buffer_clear (&delivery->path);
  buffer_printf (&delivery->path, "tags.\"" TAG_RUN_ID "\" = '%s'", own);
  buffer_clear (&delivery->body);
  json_write_init (&w, &delivery->body);
  json_write_object (&w);
  json_write_key (&w, "experiment_ids");
  json_write_array (&w);
  for (size_t i = 0; i < json_array_size (experiments); i++)
    json_write_text (&w, json_string_value (json_array_get (experiments, i)));
  json_write_array_end (&w);
  json_write_member_string (&w, "filter", buffer_slice (&delivery->path));
  json_write_member_text (&w, "run_view_type", "ALL");
  json_write_member_int64 (&w, "max_results", 1);
  json_write_object_end (&w);
  code = delivery_post (&object, delivery, "/api/2.0/mlflow/runs/search", err);
  found = json_array_get (json_object_get (object, "runs"), 0);
  if (TALLY_OK == code && NULL == found)
    code = error_set (err, TALLY_ERROR_NOT_FOUND, "There is no run %s on the server.", own);
  else if (TALLY_OK == code)
    code = know_run (delivery, run, id_of (found), err);
  json_decref (object);
  return code;
}

/* By the id itself, which servers that keep ours know it by, and runs of other clients have. */
static enum tally_code
get_run (json_t **object, struct delivery *delivery, const char *id, struct tally_error *err)
{
  buffer_clear (&delivery->path);
  buffer_printf (&delivery->path, "/api/2.0/mlflow/runs/get?run_id=%s", id);
  return delivery_get (object, delivery, err);
}

static enum tally_code
find_run (struct delivery *delivery, const struct run_key *run, struct tally_error *err)
{
  char own[TALLY_RUN_ID_BYTES];
  json_t *object = NULL;
  json_t *experiments = NULL;
  enum tally_code code;

  run_key_format (own, run);
  code = get_run (&object, delivery, own, err);
  if (TALLY_OK == code)
    code = know_run (delivery, run, id_of (json_object_get (object, "run")), err);
  else if (TALLY_ERROR_NOT_FOUND == code)
    code = delivery_all_experiments (&experiments, delivery, err);
  if (NULL != experiments)
    code = search_run (delivery, run, experiments, err);
  json_decref (object);
  json_decref (experiments);
  return code;
}

/* A run that nobody knows is waited for, and refused in the end. */
static enum tally_code
wait_or_refuse (struct delivery *delivery, const struct run_key *run, struct tally_error *err)
{
  int64_t now_ms = clock_monotonic_ms ();
  int64_t limit_ms = delivery->settings.unknown_run_ms;
  struct tally_error why = *err;

  if (limit_ms < 0 || now_ms - run_table_sought_since (delivery->settings.runs, run, now_ms) < limit_ms)
  {
    err->retryable = true;
    return err->code;
  }
  why.retryable = false;
  return TALLY_OK == run_table_set_refused (delivery->settings.runs, run, &why, err) ? why.code : TALLY_ERROR_MEMORY;
}

enum tally_code
delivery_run_id (char id[TALLY_RUN_ID_BYTES], struct delivery *delivery, const struct run_key *run,
                 struct tally_error *err)
{
  struct tally_error why;
  char note[NOTE_BYTES];
  const char *noted;
  enum run_state state = run_table_get (id, delivery->settings.runs, run, &why);
  enum tally_code code = RUN_REFUSED == state ? why.code : TALLY_OK;

  if (RUN_UNKNOWN == state)
  {
    note_key (note, "run", run);
    noted = spool_noted (delivery->settings.spool, note);
    code =
        NULL != noted ? run_table_set_id (delivery->settings.runs, run, noted, &why) : find_run (delivery, run, &why);
    if (TALLY_ERROR_NOT_FOUND == code)
      code = wait_or_refuse (delivery, run, &why);
    if (TALLY_OK == code)
      run_table_get (id, delivery->settings.runs, run, NULL);
  }
  if (TALLY_OK != code && NULL != err)
    *err = why;
  return code;
}

enum tally_code
delivery_check_run (struct delivery *delivery, const char *id, struct tally_error *err)
{
  json_t *object = NULL;
  const char *stage;
  enum tally_code code = get_run (&object, delivery, id, err);

  stage = json_string_value (
      json_object_get (json_object_get (json_object_get (object, "run"), "info"), "lifecycle_stage"));
  if (TALLY_OK == code && NULL != stage && 0 == strcmp (stage, "deleted"))
    code = error_set (err, TALLY_ERROR_REFUSED, "The run %s is deleted.", id);
  json_decref (object);
  return code;
}

/* --- creating --- */

static void
write_tag (struct json_write *w, const char *key, struct slice value)
{
  if (! slice_filled (value))
    return;
  json_write_object (w);
  json_write_member_text (w, "key", key);
  json_write_member_string (w, "value", value);
  json_write_object_end (w);
}

bool
delivery_takes_tag (struct delivery *delivery, const struct run_key *run, const char *id)
{
  char own[TALLY_RUN_ID_BYTES];
  struct tally_error ignored;
  struct json_write w;

  run_key_format (own, run);
  buffer_clear (&delivery->body);
  json_write_init (&w, &delivery->body);
  json_write_object (&w);
  json_write_member_text (&w, "run_id", id);
  json_write_key (&w, "tags");
  json_write_array (&w);
  write_tag (&w, TAG_RUN_ID, slice_of (own));
  json_write_array_end (&w);
  json_write_object_end (&w);
  return TALLY_OK == delivery_post (NULL, delivery, DELIVERY_BATCH_PATH, &ignored);
}

/* `parent`: the server's id of the run above, or "". */
static void
write_creation (struct delivery *delivery, const struct record *record, const char *experiment, const char *parent)
{
  char own[TALLY_RUN_ID_BYTES];
  struct json_write w;

  run_key_format (own, &record->run);
  buffer_clear (&delivery->body);
  json_write_init (&w, &delivery->body);
  json_write_object (&w);
  json_write_member_text (&w, "experiment_id", experiment);
  json_write_member_text (&w, "run_id", own);
  if (slice_filled (record->start.name))
    json_write_member_string (&w, "run_name", record->start.name);
  if (slice_filled (record->start.user))
    json_write_member_string (&w, "user_id", record->start.user);
  json_write_member_int64 (&w, "start_time", record->time_ms);
  json_write_key (&w, "tags");
  json_write_array (&w);
  write_tag (&w, TAG_RUN_ID, slice_of (own));
  write_tag (&w, "mlflow.user", record->start.user);
  write_tag (&w, "mlflow.parentRunId", slice_of (parent));
  json_write_array_end (&w);
  json_write_object_end (&w);
}

/* The server's id of the run above, or "". */
static enum tally_code
parent_id (char id[TALLY_RUN_ID_BYTES], struct delivery *delivery, const struct record *record, struct tally_error *err)
{
  char text[TALLY_RUN_ID_BYTES];
  struct run_key parent;

  id[0] = '\0';
  if (! slice_filled (record->start.parent) || record->start.parent.len >= sizeof (text))
    return TALLY_OK;
  memcpy (text, record->start.parent.data, record->start.parent.len);
  text[record->start.parent.len] = '\0';
  return run_key_parse (&parent, text) ? delivery_run_id (id, delivery, &parent, err) : TALLY_OK;
}

/* An earlier try may have got through although its answer was lost. OK when the run is known now; NOT_FOUND to go on.
 */
static enum tally_code
look_for_earlier_try (struct delivery *delivery, const struct record *record, const char *experiment,
                      struct tally_error *err)
{
  char note[NOTE_BYTES];
  struct tally_error ignored;
  json_t *experiments;
  enum tally_code code = TALLY_ERROR_NOT_FOUND;

  if (delivery->keeps_ids)
    return code;
  note_key (note, "creating", &record->run);
  if (NULL == spool_noted (delivery->settings.spool, note))
  {
    spool_note (delivery->settings.spool, note, "1", true, &ignored);
    return code;
  }
  experiments = json_pack ("[s]", experiment);
  if (NULL == experiments)
    return error_memory (err);
  code = search_run (delivery, &record->run, experiments, err);
  json_decref (experiments);
  return code;
}

/* The experiment: as the record says, else that of the run above, else the default one. */
static enum tally_code
experiment_of (char experiment[24], struct delivery *delivery, const struct record *record, const char *parent,
               struct tally_error *err)
{
  json_t *object = NULL;
  struct record known = *record;
  enum tally_code code = TALLY_OK;

  if ('\0' != parent[0] && ! slice_filled (record->start.experiment_id) && ! slice_filled (record->start.experiment))
  {
    code = get_run (&object, delivery, parent, err);
    known.start.experiment_id = slice_of (json_string_value (
        json_object_get (json_object_get (json_object_get (object, "run"), "info"), "experiment_id")));
  }
  if (TALLY_OK == code)
    code = delivery_experiment (experiment, delivery, &known, err);
  json_decref (object);
  return code;
}

static enum tally_code
create (struct delivery *delivery, const struct record *record, struct tally_error *err)
{
  char experiment[24];
  char parent[TALLY_RUN_ID_BYTES];
  json_t *object = NULL;
  enum tally_code code = parent_id (parent, delivery, record, err);

  if (TALLY_OK == code)
    code = experiment_of (experiment, delivery, record, parent, err);
  if (TALLY_OK != code)
    return code;
  code = look_for_earlier_try (delivery, record, experiment, err);
  if (TALLY_ERROR_NOT_FOUND != code)
    return code;
  write_creation (delivery, record, experiment, parent);
  code = delivery_post (&object, delivery, DELIVERY_CREATE_PATH, err);
  if (TALLY_OK == code)
    code = know_run (delivery, &record->run, id_of (json_object_get (object, "run")), err);
  /* Perhaps the experiment was deleted and another one has its name now. */
  else if (delivery_refused (err))
    delivery_forget_experiments (delivery);
  json_decref (object);
  return code;
}

enum tally_code
delivery_create_run (struct delivery *delivery, const struct record *record, struct tally_error *err)
{
  struct tally_error memory;
  char note[NOTE_BYTES];
  const char *noted;
  enum tally_code code;

  note_key (note, "run", &record->run);
  noted = spool_noted (delivery->settings.spool, note);
  if (NULL != noted)
    return run_table_set_id (delivery->settings.runs, &record->run, noted, err);
  code = create (delivery, record, err);
  if (TALLY_OK != code && delivery_refused (err) && ! err->retryable)
    run_table_set_refused (delivery->settings.runs, &record->run, err, &memory);
  return code;
}

/* --- changing --- */

static const char *const statuses[] = {
  [TALLY_STATUS_RUNNING] = "RUNNING", [TALLY_STATUS_SCHEDULED] = "SCHEDULED", [TALLY_STATUS_FINISHED] = "FINISHED",
  [TALLY_STATUS_FAILED] = "FAILED",   [TALLY_STATUS_KILLED] = "KILLED",
};

enum tally_code
delivery_write_end (struct buffer *body, const char *id, enum tally_status status, int64_t end_ms,
                    struct tally_error *err)
{
  struct json_write w;

  if ((unsigned)status >= sizeof (statuses) / sizeof (statuses[0]) || NULL == statuses[status])
    return error_set (err, TALLY_ERROR_REFUSED, "%d is no status of a run.", (int)status);
  json_write_init (&w, body);
  json_write_object (&w);
  json_write_member_text (&w, "run_id", id);
  json_write_member_text (&w, "status", statuses[status]);
  if (end_ms > 0)
    json_write_member_int64 (&w, "end_time", end_ms);
  json_write_object_end (&w);
  return body->failed ? error_memory (err) : TALLY_OK;
}

static enum tally_code
update_run (struct delivery *delivery, const char *id, enum tally_status status, int64_t end_ms,
            struct tally_error *err)
{
  enum tally_code code;

  buffer_clear (&delivery->body);
  code = delivery_write_end (&delivery->body, id, status, end_ms, err);
  return TALLY_OK == code ? delivery_post (NULL, delivery, DELIVERY_UPDATE_PATH, err) : code;
}

enum tally_code
delivery_resume_run (struct delivery *delivery, const struct record *record, struct tally_error *err)
{
  char id[TALLY_RUN_ID_BYTES];
  enum tally_code code = delivery_run_id (id, delivery, &record->run, err);

  return TALLY_OK == code && record->resume.reopen ? update_run (delivery, id, TALLY_STATUS_RUNNING, 0, err) : code;
}

enum tally_code
delivery_finish_run (struct delivery *delivery, const struct record *record, struct tally_error *err)
{
  const struct delivery_settings *settings = &delivery->settings;
  char id[TALLY_RUN_ID_BYTES];
  enum tally_code code;

  if (NULL != settings->take_end
      && settings->take_end (settings->payload, &record->run, record->end.status, record->time_ms))
    return TALLY_OK;
  code = delivery_run_id (id, delivery, &record->run, err);
  return TALLY_OK == code ? update_run (delivery, id, record->end.status, record->time_ms, err) : code;
}

enum tally_code
delivery_dataset (struct delivery *delivery, const struct record *record, struct tally_error *err)
{
  char id[TALLY_RUN_ID_BYTES];
  struct json_write w;
  enum tally_code code = delivery_run_id (id, delivery, &record->run, err);

  if (TALLY_OK != code)
    return code;
  buffer_clear (&delivery->body);
  json_write_init (&w, &delivery->body);
  json_write_object (&w);
  json_write_member_text (&w, "run_id", id);
  json_write_key (&w, "datasets");
  json_write_array (&w);
  json_write_raw (&w, record->dataset.json);
  json_write_array_end (&w);
  json_write_object_end (&w);
  code = delivery_post (NULL, delivery, "/api/2.0/mlflow/runs/log-inputs", err);
  /* MLflow before 2.4 has no data sets: nothing else must wait for them. */
  if (delivery->proven
      && (TALLY_ERROR_UNSUPPORTED == code || (TALLY_ERROR_PROTOCOL == code && 404 == err->http_status)))
    code = error_set (err, TALLY_ERROR_REFUSED, "This server has no data sets.");
  return code;
}
