/* Runs: started, resumed and ended as records of the stream; their ids are made here. */
#include "handle.h"
#include "name.h"
#include "sender.h"

#include "base/clock.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Limits in characters: MLflow's for names of experiments; those of runs are the value of a tag. */
#define EXPERIMENT_MAX_CHARACTERS 500

enum tally_code
run_check (const struct tally_run *run, struct tally_error *err)
{
  if (NULL == run)
    return error_set (err, TALLY_ERROR_ARGUMENT, "run must not be NULL.");
  switch (lifeline_state (run->lifeline))
  {
  case LIFE_OPEN:
    return TALLY_OK;
  case LIFE_CLOSED:
    return error_set (err, TALLY_ERROR_ARGUMENT, "The client of this run is closed.");
  case LIFE_FORKED:
    break;
  }
  return error_set (err, TALLY_ERROR_FORKED,
                    "The run belongs to the parent process: open another client behind fork().");
}

/* --- who and what starts it --- */

/* The user's name as MLflow's clients find it; not asked of a directory service unless the environment is silent. */
static struct slice
user_name (const struct tally_client *client, char *room, size_t room_bytes)
{
  static const char *const variables[] = { "LOGNAME", "USER", "LNAME", "USERNAME" };
  const char *name = options_text (client->options, OPTION_USER);
  struct passwd entry;
  struct passwd *found = NULL;

  for (size_t i = 0; i < sizeof (variables) / sizeof (variables[0]) && (NULL == name || '\0' == name[0]); i++)
    name = getenv (variables[i]);
  if ((NULL == name || '\0' == name[0]) && 0 == getpwuid_r (geteuid (), &entry, room, room_bytes, &found)
      && NULL != found)
    name = entry.pw_name;
  return slice_of (name);
}

/* The program, as MLflow's clients tell the script. */
static struct slice
program_name (char *room, size_t room_bytes)
{
  ssize_t len = readlink ("/proc/self/exe", room, room_bytes);

  return len <= 0 ? (struct slice){ NULL, 0 } : (struct slice){ room, (size_t)len };
}

/* --- making handles --- */

static struct tally_run *
run_new (struct tally_client *client, const struct run_key *key)
{
  struct tally_run *run = calloc (1, sizeof (*run));

  if (NULL == run)
    return NULL;
  run->client = client;
  run->lifeline = lifeline_ref (client->lifeline);
  run->key = *key;
  run_key_format (run->id, key);
  return run;
}

void
tally_run_free (struct tally_run *run)
{
  if (NULL == run)
    return;
  lifeline_unref (run->lifeline);
  free (run->experiment_id);
  free (run->experiment);
  free (run);
}

static enum tally_code
put (const struct tally_run *run, const struct record *record, struct tally_error *err)
{
  return ring_put (run->client->ring, record) ? TALLY_OK : ring_refuse (run->client->ring, 0, err);
}

/* A tag that is nice to have: when there is no room for it the run goes on without. */
static void
put_tag (const struct tally_run *run, const char *key, struct slice value)
{
  struct record record = { .kind = RECORD_TAG, .run = run->key, .time_ms = clock_wall_ms () };

  if (! slice_filled (value))
    return;
  record.pair.key = slice_of (key);
  record.pair.value = value;
  ring_put (run->client->ring, &record);
}

static bool
copy_text (char **copy, const char *text)
{
  *copy = NULL == text ? NULL : strdup (text);
  return NULL == text || NULL != *copy;
}

/* What a start needs to know. */
struct beginning
{
  const char *experiment_id; /* NULL: by name */
  const char *experiment; /* NULL: the default one */
  const char *name; /* NULL: the server chooses */
  const char *parent; /* NULL: none */
};

static enum tally_code
check_text (const char *text, size_t max, const char *what, struct tally_error *err)
{
  struct slice ignored;

  return NULL == text ? TALLY_OK : name_check_value (&ignored, text, max, what, (struct slice){ NULL, 0 }, err);
}

static enum tally_code
record_start (const struct tally_run *run, const struct beginning *beginning, struct tally_error *err)
{
  struct record record = { .kind = RECORD_RUN, .run = run->key, .time_ms = clock_wall_ms () };
  char room[4096];
  enum tally_code code;

  record.start.experiment_id = slice_of (beginning->experiment_id);
  record.start.experiment = slice_of (beginning->experiment);
  record.start.name = slice_of (beginning->name);
  record.start.parent = slice_of (beginning->parent);
  record.start.user = user_name (run->client, room, sizeof (room));
  code = put (run, &record, err);
  if (TALLY_OK != code)
    return code;
  put_tag (run, "mlflow.source.name", program_name (room, sizeof (room)));
  put_tag (run, "mlflow.source.type", SLICE ("LOCAL"));
  return TALLY_OK;
}

static enum tally_code
start (struct tally_run **run, struct tally_client *client, const struct beginning *beginning, struct tally_error *err)
{
  struct tally_run *made = NULL;
  struct run_key key;
  enum tally_code code = check_text (beginning->experiment, EXPERIMENT_MAX_CHARACTERS, "experiment", err);

  if (TALLY_OK == code)
    code = check_text (beginning->name, RUN_TAG_VALUE_MAX, "name", err);
  if (TALLY_OK == code)
    code = client_start (client, err);
  if (TALLY_OK != code)
    return code;
  if (! run_key_new (&key))
    return error_set (err, TALLY_ERROR_FILE, "The system gives no random numbers.");
  made = run_new (client, &key);
  if (NULL == made || ! copy_text (&made->experiment_id, beginning->experiment_id)
      || ! copy_text (&made->experiment, beginning->experiment))
    code = error_memory (err);
  if (TALLY_OK == code)
    code = record_start (made, beginning, err);
  if (TALLY_OK == code)
    *run = made;
  else
    tally_run_free (made);
  return code;
}

/* --- the API --- */

/* The run of option run-id, if nobody got it yet. */
static const char *
take_given_run (struct tally_client *client)
{
  const char *given = options_text (client->options, OPTION_RUN_ID);

  if (NULL == given || '\0' == given[0])
    return NULL;
  pthread_mutex_lock (&client->lock);
  if (client->resumed)
    given = NULL;
  client->resumed = true;
  pthread_mutex_unlock (&client->lock);
  return given;
}

enum tally_code
tally_run_start (struct tally_run **run, struct tally_client *client, const char *experiment, const char *name,
                 struct tally_error *err)
{
  struct beginning beginning = { .experiment = experiment, .name = name };
  const char *given;
  enum tally_code code = client_check (client, err);

  if (TALLY_OK == code && NULL == run)
    code = error_set (err, TALLY_ERROR_ARGUMENT, "run must not be NULL.");
  if (TALLY_OK != code)
    return code;
  *run = NULL;
  given = take_given_run (client);
  if (NULL != given)
    return tally_run_resume (run, client, given, true, err);
  if (NULL == experiment)
  {
    beginning.experiment_id = options_text (client->options, OPTION_EXPERIMENT_ID);
    beginning.experiment = options_text (client->options, OPTION_EXPERIMENT);
  }
  return start (run, client, &beginning, err);
}

enum tally_code
tally_run_start_nested (struct tally_run **run, struct tally_run *parent, const char *name, struct tally_error *err)
{
  struct beginning beginning = { .name = name };
  enum tally_code code = run_check (parent, err);

  if (TALLY_OK == code && NULL == run)
    code = error_set (err, TALLY_ERROR_ARGUMENT, "run must not be NULL.");
  if (TALLY_OK != code)
    return code;
  *run = NULL;
  beginning.experiment_id = parent->experiment_id;
  beginning.experiment = parent->experiment;
  beginning.parent = parent->id;
  return start (run, parent->client, &beginning, err);
}

enum tally_code
tally_run_resume (struct tally_run **run, struct tally_client *client, const char *run_id, bool reopen,
                  struct tally_error *err)
{
  struct record record = { .kind = RECORD_RESUME, .time_ms = clock_wall_ms () };
  struct tally_run *made;
  enum tally_code code = client_check (client, err);

  if (TALLY_OK == code && (NULL == run || NULL == run_id || ! run_key_parse (&record.run, run_id)))
    code = error_set (err, TALLY_ERROR_ARGUMENT, "run_id must be 32 hexadecimal digits, not all of them 0.");
  if (TALLY_OK == code)
    code = client_start (client, err);
  if (NULL != run)
    *run = NULL;
  if (TALLY_OK != code)
    return code;
  made = run_new (client, &record.run);
  if (NULL == made)
    return error_memory (err);
  record.resume.reopen = reopen;
  code = put (made, &record, err);
  if (TALLY_OK == code)
    *run = made;
  else
    tally_run_free (made);
  return code;
}

const char *
tally_run_id (const struct tally_run *run)
{
  return NULL == run ? "" : run->id;
}

enum tally_code
tally_run_server_id (char id[TALLY_RUN_ID_BYTES], struct tally_run *run, int64_t deadline_ms, struct tally_error *err)
{
  enum tally_code code = run_check (run, err);

  if (TALLY_OK == code && NULL == id)
    code = error_set (err, TALLY_ERROR_ARGUMENT, "id must not be NULL.");
  if (TALLY_OK != code)
    return code;
  if (NULL == run->client->sender)
    return error_set (err, TALLY_ERROR_PENDING, "The client is offline: the server gets the run by `tally sync`.");
  return sender_run_id (id, run->client->sender, &run->key, deadline_ms, err);
}

enum tally_code
tally_run_end (struct tally_run *run, enum tally_status status, struct tally_error *err)
{
  struct record record = { .kind = RECORD_END, .time_ms = clock_wall_ms () };
  enum tally_code code = run_check (run, err);

  if (TALLY_OK != code)
    return code;
  if (TALLY_STATUS_FINISHED != status && TALLY_STATUS_FAILED != status && TALLY_STATUS_KILLED != status)
    return error_set (err, TALLY_ERROR_ARGUMENT, "A run ends as FINISHED, FAILED or KILLED.");
  record.run = run->key;
  record.end.status = status;
  return put (run, &record, err);
}
