/* runs and experiments: lists. */
#include "cli/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Items of a list when nobody said how many. */
#define LIMIT_DEFAULT 100

/* Columns of metrics and params that a table shows by itself: more have no room. */
#define CHOSEN_MAX 4

static const struct column run_columns[] = {
  { "ID", "run_id", CELL_ID },
  { "NAME", "name", CELL_TEXT },
  { "STATUS", "status", CELL_STATUS },
  { "STARTED", "start_time", CELL_AGE },
  { "TOOK", "duration_ms", CELL_DURATION },
};

static const struct column experiment_columns[] = {
  { "ID", "experiment_id", CELL_TEXT },
  { "NAME", "name", CELL_TEXT },
  { "CREATED", "creation_time", CELL_TIME },
  { "UPDATED", "last_update_time", CELL_TIME },
};

static size_t
limit_of (struct cli *cli)
{
  return (size_t)cli_number (cli, "limit", 0, INT32_MAX, LIMIT_DEFAULT);
}

/* One more than the limit is asked for, so that it is known whether there are more. */
static void
tell_more (struct cli *cli, json_t *items, size_t limit)
{
  if (0 == limit || json_array_size (items) <= limit)
    return;
  json_array_remove (items, limit);
  if (! cli_has (cli, "limit"))
    cli_note (cli, "there are more; --limit 0 shows all");
}

/* Names of short words of --columns. */
static const struct column named_columns[] = {
  { "ID", "run_id", CELL_ID },
  { "NAME", "name", CELL_TEXT },
  { "STATUS", "status", CELL_STATUS },
  { "STARTED", "start_time", CELL_TIME },
  { "ENDED", "end_time", CELL_TIME },
  { "TOOK", "duration_ms", CELL_DURATION },
  { "EXPERIMENT", "experiment_id", CELL_TEXT },
  { "USER", "user", CELL_TEXT },
  { "ARTIFACTS", "artifact_uri", CELL_TEXT },
};

static const char *const short_words[] = { "id",       "name",       "status", "start",    "end",
                                           "duration", "experiment", "user",   "artifacts" };

static struct column
column_of (struct cli *cli, const char *word)
{
  for (size_t i = 0; i < sizeof (named_columns) / sizeof (named_columns[0]); i++)
    if (0 == strcmp (word, named_columns[i].member) || 0 == strcmp (word, short_words[i]))
      return named_columns[i];
  if (0 == strncmp (word, "metrics.", 8))
    return (struct column){ word + 8, word, CELL_NUMBER };
  if (0 != strncmp (word, "params.", 7) && 0 != strncmp (word, "tags.", 5))
    cli_refuse (cli,
                "--columns: '%s' is none of id, name, status, start, end, duration, experiment, user, artifacts, "
                "metrics.KEY, params.KEY, tags.KEY.",
                word);
  return (struct column){ strchr (word, '.') + 1, word, CELL_TEXT };
}

static const struct column *
told_columns (struct cli *cli, size_t *count)
{
  const char *rest = cli_option (cli, "columns");
  struct column *columns = cli_array (strlen (rest) + 1, sizeof (columns[0]));

  *count = 0;
  for (;;)
  {
    size_t len = strcspn (rest, ",");

    if (len > 0)
      columns[(*count)++] = column_of (cli, cli_copy (rest, len));
    if ('\0' == rest[len])
      break;
    rest += len + 1;
  }
  if (0 == *count)
    cli_refuse (cli, "--columns names none.");
  return columns;
}

/* What a person compares: not what the machine and this program log by themselves. */
static bool
is_chosen (const char *group, const char *key)
{
  return 0 != strcmp (group, "metrics") || (0 != strncmp (key, "system/", 7) && 0 != strncmp (key, "exec.", 5));
}

/* The keys that most of the first runs have, as columns. */
static size_t
choose (struct column *columns, const json_t *items, const char *group, enum cell cell)
{
  json_t *counts = json_object ();
  const char *key;
  json_t *value;
  size_t index;
  json_t *item;
  size_t chosen = 0;

  json_array_foreach (items, index, item)
  {
    json_object_foreach (json_object_get (item, group), key, value)
    {
      if (is_chosen (group, key))
        json_object_set_new (counts, key, json_integer (json_integer_value (json_object_get (counts, key)) + 1));
    }
  }
  while (chosen < CHOSEN_MAX)
  {
    const char *best = NULL;
    json_int_t most = 0;

    json_object_foreach (counts, key, value)
    {
      if (json_integer_value (value) > most)
      {
        most = json_integer_value (value);
        best = key;
      }
    }
    if (NULL == best)
      break;
    best = cli_copy (best, strlen (best));
    columns[chosen++] = (struct column){ plain (best), cli_printf ("%s.%s", group, best), cell };
    json_object_del (counts, best);
  }
  json_decref (counts);
  return chosen;
}

static const struct column *
columns_of (struct cli *cli, const json_t *items, size_t *count)
{
  size_t fixed = sizeof (run_columns) / sizeof (run_columns[0]);
  struct column *columns;

  if (cli_has (cli, "columns"))
    return told_columns (cli, count);
  columns = cli_array (fixed + 2 * CHOSEN_MAX, sizeof (columns[0]));
  memcpy (columns, run_columns, sizeof (run_columns));
  *count = fixed;
  *count += choose (columns + *count, items, "metrics", CELL_NUMBER);
  *count += choose (columns + *count, items, "params", CELL_TEXT);
  return columns;
}

/* Ids of the experiments that --experiment names; the setting of libtally does not narrow what is looked at. */
static const char *const *
experiments_of (struct cli *cli, size_t *count)
{
  const char **ids = cli_array (cli->given_count + 1, sizeof (ids[0]));
  const char *name;

  for (*count = 0; NULL != (name = cli_option_at (cli, "experiment", *count)); (*count)++)
    ids[*count] = cli_experiment_id (cli, name);
  return 0 == *count ? NULL : ids;
}

static json_t *
run_item (const struct tally_run_data *run)
{
  json_t *item = json_run (run, false);
  int64_t duration_ms = run->start_ms > 0 && run->end_ms >= run->start_ms ? run->end_ms - run->start_ms : -1;

  json_object_set_new (item, "duration_ms", duration_ms < 0 ? json_null () : json_integer (duration_ms));
  return item;
}

int
run_runs (struct cli *cli)
{
  size_t limit = limit_of (cli);
  size_t experiment_count;
  const char *const *experiments = experiments_of (cli, &experiment_count);
  const struct tally_run_data *run = NULL;
  const struct column *columns;
  struct tally_search *search = NULL;
  struct tally_error err;
  json_t *items = json_array ();
  size_t count = 0;

  if (cli_has (cli, "columns"))
    told_columns (cli, &count);
  cli_must (cli,
            tally_search_runs (&search, cli_client (cli), experiments, experiment_count,
                               cli->argument_count > 0 ? cli->arguments[0] : NULL, cli_option (cli, "order-by"),
                               cli_has (cli, "deleted") ? TALLY_VIEW_DELETED : TALLY_VIEW_ACTIVE,
                               0 == limit || FORMAT_LINES == cli->format ? limit : limit + 1, &err),
            &err);
  for (;;)
  {
    json_t *item;

    cli_must (cli, tally_search_next_run (&run, search, &err), &err);
    if (NULL == run)
      break;
    item = run_item (run);
    if (! print_item_now (cli, item))
      json_array_append_new (items, item);
  }
  tally_search_free (search);
  tell_more (cli, items, limit);
  columns = columns_of (cli, items, &count);
  print_list (cli, items, "runs", columns, count);
  return CLI_DONE;
}

int
run_experiments (struct cli *cli)
{
  size_t limit = limit_of (cli);
  const struct tally_experiment *experiment = NULL;
  struct tally_search *search = NULL;
  struct tally_error err;
  json_t *items = json_array ();

  cli_must (cli,
            tally_search_experiments (&search, cli_client (cli), cli->argument_count > 0 ? cli->arguments[0] : NULL,
                                      cli_option (cli, "order-by"),
                                      cli_has (cli, "deleted") ? TALLY_VIEW_DELETED : TALLY_VIEW_ACTIVE,
                                      0 == limit || FORMAT_LINES == cli->format ? limit : limit + 1, &err),
            &err);
  for (;;)
  {
    json_t *item;

    cli_must (cli, tally_search_next_experiment (&experiment, search, &err), &err);
    if (NULL == experiment)
      break;
    item = json_pack ("{s:s, s:s, s:s, s:s, s:I, s:I, s:o}", "experiment_id", experiment->id, "name", experiment->name,
                      "artifact_location", experiment->artifact_location, "lifecycle_stage",
                      experiment->deleted ? "deleted" : "active", "creation_time", (json_int_t)experiment->created_ms,
                      "last_update_time", (json_int_t)experiment->updated_ms, "tags",
                      json_pairs (experiment->tags, experiment->tag_count));
    if (! print_item_now (cli, item))
      json_array_append_new (items, item);
  }
  tally_search_free (search);
  tell_more (cli, items, limit);
  print_list (cli, items, "experiments", experiment_columns,
              sizeof (experiment_columns) / sizeof (experiment_columns[0]));
  return CLI_DONE;
}
