/* What the server refused: kept as JSON lines that a person can read, and taken back to be sent once more. */
#include "spool_inside.h"

#include "error.h"

#include "base/clock.h"
#include "base/json_write.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define REJECTED_NAME "rejected"
/* The file while its lines are taken back: until they are in a segment both are there. */
#define RETRIED_NAME "rejected.retry"

/* Longest line: a record of the longest frame, escaped. */
#define LINE_MAX_BYTES (8 * FRAME_MAX_BYTES)

/* Most memory of one record that is read back. */
#define ARENA_BYTES (8 * FRAME_MAX_BYTES)

static const char *const kind_names[] = {
  [RECORD_RUN] = "run", [RECORD_RESUME] = "resume", [RECORD_POINTS] = "points",   [RECORD_PARAM] = "param",
  [RECORD_TAG] = "tag", [RECORD_END] = "end",       [RECORD_DATASET] = "dataset",
};

#define KIND_COUNT (sizeof (kind_names) / sizeof (kind_names[0]))

/* Names of what record_texts gives. */
static const char *const *
text_names (enum record_kind kind)
{
  static const char *const run[] = { "experiment_id", "experiment", "name", "parent", "user" };
  static const char *const pair[] = { "key", "value" };
  static const char *const dataset[] = { "dataset" };

  if (RECORD_RUN == kind)
    return run;
  return RECORD_DATASET == kind ? dataset : pair;
}

static bool
exists (const struct spool *spool, const char *name)
{
  return 0 == faccessat (spool->folder_file, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

void
rejected_look (struct spool *spool)
{
  atomic_store (&spool->rejected, exists (spool, REJECTED_NAME) || exists (spool, RETRIED_NAME));
}

/* --- writing --- */

static void
write_points (struct json_write *json, const struct record *record)
{
  json_write_key (json, "points");
  json_write_array (json);
  for (size_t i = 0; i < record->points.count; i++)
  {
    const struct record_point *point = &record->points.items[i];

    json_write_object (json);
    json_write_member_string (json, "key", point->key);
    json_write_member_double (json, "value", point->value);
    json_write_member_int64 (json, "step", point->step);
    json_write_member_int64 (json, "timestamp", point->timestamp_ms);
    if (slice_filled (point->model_id))
      json_write_member_string (json, "model_id", point->model_id);
    if (slice_filled (point->dataset_name))
      json_write_member_string (json, "dataset_name", point->dataset_name);
    if (slice_filled (point->dataset_digest))
      json_write_member_string (json, "dataset_digest", point->dataset_digest);
    json_write_object_end (json);
  }
  json_write_array_end (json);
}

static void
write_texts (struct json_write *json, const struct record *record)
{
  struct record copy = *record;
  struct slice *texts[RECORD_MAX_TEXTS];
  size_t count = record_texts (texts, &copy);
  const char *const *names = text_names (record->kind);

  for (size_t i = 0; i < count; i++)
    if (NULL != texts[i]->data)
      json_write_member_string (json, names[i], *texts[i]);
  json_write_member_int64 (json, "number", record_number (record));
}

static void
write_line (struct buffer *out, const struct record *record, const struct tally_error *why)
{
  char run[TALLY_RUN_ID_BYTES];
  struct json_write json;

  run_key_format (run, &record->run);
  json_write_init (&json, out);
  json_write_object (&json);
  json_write_member_int64 (&json, "rejected_ms", clock_wall_ms ());
  json_write_member_text (&json, "reason", why->message);
  json_write_member_text (&json, "code", tally_code_name (why->code));
  json_write_member_int64 (&json, "status", why->http_status);
  json_write_member_text (&json, "run", run);
  json_write_member_text (&json, "kind", kind_names[record->kind]);
  json_write_member_int64 (&json, "logged_ms", record->time_ms);
  if (RECORD_POINTS == record->kind)
    write_points (&json, record);
  else
    write_texts (&json, record);
  json_write_object_end (&json);
  buffer_byte (out, '\n');
}

/* Append; what a failure left of the line is cut off again. */
static bool
append_line (const struct spool *spool, const struct buffer *line)
{
  int file = openat (spool->folder_file, REJECTED_NAME, O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
  off_t end = file < 0 ? -1 : lseek (file, 0, SEEK_END);
  bool ok = end >= 0 && frame_write (file, line->data, line->len, (uint64_t)end);
  int number = errno;

  if (! ok && end >= 0 && 0 != ftruncate (file, end))
    number = errno;
  if (file >= 0)
    close (file);
  errno = number;
  return ok;
}

enum tally_code
spool_reject (struct spool *spool, const struct record *record, const struct tally_error *why, struct tally_error *err)
{
  enum tally_code code = TALLY_OK;
  struct buffer line;

  atomic_store (&spool->rejected, true);
  if (NULL == spool->folder)
    return error_set (err, TALLY_ERROR_FILE, "There is no spool on disk to keep what was rejected.");
  buffer_init (&line, LINE_MAX_BYTES);
  write_line (&line, record, why);
  if (line.failed)
    code = error_memory (err);
  else if (! append_line (spool, &line))
    code = error_file (err, errno, "%s/" REJECTED_NAME, spool->folder);
  buffer_free (&line);
  return code;
}

/* --- reading back --- */

static struct slice
member_text (const json_t *object, const char *name)
{
  const json_t *text = json_object_get (object, name);

  return (struct slice){ json_string_value (text), json_string_length (text) };
}

/* A number, or one of the names that stand for what JSON has no number for. */
static bool
read_double (double *value, const json_t *json)
{
  const char *name = json_string_value (json);

  *value = json_number_value (json);
  if (NULL == name)
    return json_is_number (json);
  if (0 == strcmp (name, "NaN"))
    *value = NAN;
  else
    *value = '-' == name[0] ? -INFINITY : INFINITY;
  return true;
}

static bool
read_point (struct record_point *point, const json_t *json)
{
  point->key = member_text (json, "key");
  point->step = json_integer_value (json_object_get (json, "step"));
  point->timestamp_ms = json_integer_value (json_object_get (json, "timestamp"));
  point->model_id = member_text (json, "model_id");
  point->dataset_name = member_text (json, "dataset_name");
  point->dataset_digest = member_text (json, "dataset_digest");
  return slice_filled (point->key) && read_double (&point->value, json_object_get (json, "value"));
}

static bool
read_points (struct record *record, const json_t *line, struct arena *arena)
{
  const json_t *list = json_object_get (line, "points");
  size_t count = json_array_size (list);
  struct record_point *points = arena_array (arena, count, sizeof (*points));

  if (NULL == points || 0 == count)
    return false;
  for (size_t i = 0; i < count; i++)
    if (! read_point (&points[i], json_array_get (list, i)))
      return false;
  record->points.items = points;
  record->points.count = count;
  return true;
}

static bool
read_line (struct record *record, const json_t *line, struct arena *arena)
{
  struct slice kind = member_text (line, "kind");
  const char *run = json_string_value (json_object_get (line, "run"));
  struct slice *texts[RECORD_MAX_TEXTS];
  size_t count;

  memset (record, 0, sizeof (*record));
  for (size_t i = RECORD_RUN; i < KIND_COUNT; i++)
    if (slice_is (kind, kind_names[i]))
      record->kind = (enum record_kind)i;
  if (0 == record->kind || NULL == run || ! run_key_parse (&record->run, run))
    return false;
  record->time_ms = json_integer_value (json_object_get (line, "logged_ms"));
  if (RECORD_POINTS == record->kind)
    return read_points (record, line, arena);
  count = record_texts (texts, record);
  for (size_t i = 0; i < count; i++)
    *texts[i] = member_text (line, text_names (record->kind)[i]);
  return record_set_number (record, (unsigned)json_integer_value (json_object_get (line, "number")));
}

/* Append the records of all lines; on the disk or not at all. */
static enum tally_code
append_lines (struct spool *spool, FILE *file, struct tally_error *err)
{
  enum tally_code code = TALLY_OK;

  while (TALLY_OK == code)
  {
    json_error_t where;
    json_t *line = json_loadf (file, JSON_DISABLE_EOF_CHECK, &where);
    struct arena *arena = arena_new (ARENA_BYTES);
    struct record record;

    if (NULL == line && feof (file))
    {
      arena_free (arena);
      return TALLY_OK;
    }
    if (NULL == arena)
      code = error_memory (err);
    else if (NULL == line || ! read_line (&record, line, arena))
      code =
          error_set (err, TALLY_ERROR_PROTOCOL, "%s/" RETRIED_NAME " has a line that cannot be read.", spool->folder);
    else
      code = spool_append (spool, &record, 1, err);
    json_decref (line);
    arena_free (arena);
  }
  return code;
}

/* Have all lines in the file of those that are taken back: also what an attempt left that was broken off. */
static bool
begin_retry (const struct spool *spool)
{
  return exists (spool, RETRIED_NAME)
         || 0 == renameat (spool->folder_file, REJECTED_NAME, spool->folder_file, RETRIED_NAME);
}

enum tally_code
spool_retry_rejected (struct spool *spool, uint64_t *entries, struct tally_error *err)
{
  uint64_t before = spool_last (spool);
  enum tally_code code = TALLY_OK;
  int descriptor = -1;
  FILE *file = NULL;

  *entries = 0;
  if (NULL == spool->folder || ! spool_has_rejected (spool))
    return TALLY_OK;
  if (begin_retry (spool))
    descriptor = openat (spool->folder_file, RETRIED_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor >= 0)
    file = fdopen (descriptor, "r");
  if (NULL == file)
  {
    code = error_file (err, errno, "%s/" REJECTED_NAME, spool->folder);
    if (descriptor >= 0)
      close (descriptor);
    return code;
  }
  code = append_lines (spool, file, err);
  if (TALLY_OK == code)
    code = spool_force (spool, err);
  fclose (file);
  *entries = spool_last (spool) - before;
  if (TALLY_OK != code)
    return code;
  unlinkat (spool->folder_file, RETRIED_NAME, 0);
  rejected_look (spool);
  return TALLY_OK;
}
