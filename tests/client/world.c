/* Fixtures of tests that use a whole client. */
#include "world.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
world_begin (struct world *world, bool keeps_ids)
{
  memset (world, 0, sizeof (*world));
  snprintf (world->folder, sizeof (world->folder), "/tmp/tally-test.XXXXXX");
  ck_assert_ptr_nonnull (mkdtemp (world->folder));
  world->fake = fake_mlflow_start (keeps_ids);
  ck_assert_int_eq (TALLY_OK, tally_options_new (&world->options, NULL));
  world_set (world, "server", fake_mlflow_url (world->fake));
  world_set (world, "spool", world->folder);
  world_set (world, "retry-max-ms", "20");
}

void
world_set (struct world *world, const char *option, const char *value)
{
  struct tally_error err;

  ck_assert_msg (TALLY_OK == tally_options_set (world->options, option, value, &err), "%s", err.message);
}

static void
on_event (void *payload, enum tally_event event, const struct tally_error *why)
{
  struct world *world = payload;

  ck_assert_ptr_nonnull (why);
  ck_assert_int_ne ('\0', why->message[0]);
  atomic_fetch_add (&world->events[event], 1);
}

void
world_open (struct world *world)
{
  ck_assert_msg (TALLY_OK == tally_open (&world->client, world->options, &world->err), "%s", world->err.message);
  tally_on_event (world->client, on_event, world);
}

void
world_close (struct world *world, int64_t deadline_ms, enum tally_code expected)
{
  enum tally_code code = tally_close (world->client, deadline_ms, &world->err);

  world->client = NULL;
  ck_assert_msg (expected == code, "%s: %s", tally_code_name (code), TALLY_OK == code ? "" : world->err.message);
}

void
world_end (struct world *world)
{
  char command[128];

  tally_close (world->client, 0, NULL);
  fake_mlflow_stop (world->fake);
  tally_options_free (world->options);
  snprintf (command, sizeof (command), "rm -rf %s", world->folder);
  ck_assert_int_eq (0, system (command));
}

struct tally_run *
world_run (struct world *world, const char *experiment)
{
  struct tally_run *run = NULL;

  if (NULL == world->client)
    world_open (world);
  ck_assert_msg (TALLY_OK == tally_run_start (&run, world->client, experiment, NULL, &world->err), "%s",
                 world->err.message);
  return run;
}

void
world_log (struct tally_run *run, const char *key, unsigned count)
{
  for (unsigned i = 0; i < count; i++)
    ck_assert_int_eq (TALLY_OK, tally_log_metric_at (run, key, i / 8.0, i, 1700000000000 + i, NULL));
}

void
world_flush (struct world *world)
{
  enum tally_code code = tally_flush (world->client, PATIENCE_MS, &world->err);

  ck_assert_msg (TALLY_OK == code, "%s", world->err.message);
}

void
world_await (struct world *world, enum tally_event event)
{
  for (unsigned waited_ms = 0; waited_ms < PATIENCE_MS && 0 == world->events[event]; waited_ms += 10)
    usleep (10000);
  ck_assert_uint_ge (world->events[event], 1);
}

static uint64_t
retries (const struct world *world)
{
  struct tally_counters counters;

  tally_counters (world->client, &counters);
  return counters.retries;
}

void
world_try (struct world *world, unsigned times)
{
  uint64_t wanted = retries (world) + times;

  for (unsigned i = 0; i < PATIENCE_MS && retries (world) < wanted; i++)
    ck_assert_int_eq (TALLY_ERROR_TIMEOUT, tally_flush (world->client, 1, &world->err));
  ck_assert_uint_ge (retries (world), wanted);
  /* Once more, for the message of what was just tried. */
  ck_assert_int_eq (TALLY_ERROR_TIMEOUT, tally_flush (world->client, 1, &world->err));
}

size_t
world_count (struct world *world, const struct tally_run *run, const char *list)
{
  json_t *object = fake_mlflow_run (world->fake, tally_run_id (run));
  size_t count = json_array_size (json_object_get (object, list));

  json_decref (object);
  return count;
}

const char *
world_text (struct world *world, const char *run_id, const char *object, const char *member)
{
  static char texts[4][512];
  static unsigned next;
  char *text = texts[next++ % 4];
  json_t *run = fake_mlflow_run (world->fake, run_id);
  const char *value = json_string_value (json_object_get (json_object_get (run, object), member));

  snprintf (text, sizeof (texts[0]), "%s", NULL == value ? "" : value);
  json_decref (run);
  return text;
}

unsigned
world_streams (const struct world *world)
{
  DIR *folder = opendir (world->folder);
  const struct dirent *entry;
  unsigned count = 0;

  while (NULL != folder && NULL != (entry = readdir (folder)))
    count += '.' != entry->d_name[0];
  if (NULL != folder)
    closedir (folder);
  return count;
}
