/* show and compare: everything about runs. */
#include "cli/model.h"
#include "cli/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
print_pairs (struct cli *cli, const char *title, const json_t *pairs)
{
  size_t count = json_object_size (pairs);
  const char **cells = cli_array (2 * count, sizeof (cells[0]));
  enum style *styles = cli_array (2 * count, sizeof (styles[0]));
  const char *key;
  json_t *value;
  size_t at = 0;

  if (count > 0)
    print_title (cli, title);
  json_object_foreach ((json_t *)pairs, key, value)
  {
    styles[at] = STYLE_DIM;
    cells[at++] = cli_printf ("  %s", plain (key));
    cells[at++] = plain (value_text (value));
  }
  if (count > 0)
    print_table (cli, NULL, cells, styles, count, 2, 0);
}

static void
print_points (struct cli *cli, const struct tally_run_data *run)
{
  static const char *const titles[] = { "  METRIC", "VALUE", "STEP", "AT" };
  const char **cells = cli_array (4 * run->metric_count, sizeof (cells[0]));

  for (size_t i = 0; i < run->metric_count; i++)
  {
    cells[4 * i] = cli_printf ("  %s", plain (run->metrics[i].key));
    cells[4 * i + 1] = number_short (run->metrics[i].value);
    cells[4 * i + 2] = cli_printf ("%" PRId64, run->metrics[i].step);
    cells[4 * i + 3] = time_text (run->metrics[i].timestamp_ms);
  }
  if (0 == run->metric_count)
    return;
  print_title (cli, "Metrics, the latest of each");
  print_table (cli, titles, cells, NULL, run->metric_count, 4, 6);
}

/* Its name, which a reader knows it by; the id alone when the server does not tell. */
static const char *
experiment_text (struct cli *cli, const char *id)
{
  struct tally_experiment *experiment = NULL;
  struct tally_error ignored;
  const char *text = id;

  if (TALLY_OK == tally_experiment_get (&experiment, cli_client (cli), id, &ignored))
    text = cli_printf ("%s (%s)", experiment->name, id);
  tally_experiment_free (experiment);
  return text;
}

static void
print_run (struct cli *cli, const struct tally_run_data *run)
{
  const char *status = status_name (run->status);
  json_t *params = json_pairs (run->params, run->param_count);
  json_t *tags = json_pairs (run->tags, run->tag_count);

  printf ("%s%s%s  %s%s%s%s\n", style_begin (&cli->out, STYLE_NAME), plain (run->name), style_end (&cli->out),
          style_begin (&cli->out, style_of_status (status)), status, style_end (&cli->out),
          run->deleted ? "  deleted" : "");
  print_member (cli, "Run", run->run_id);
  print_member (cli, "Experiment", experiment_text (cli, run->experiment_id));
  print_member (cli, "User", run->user);
  print_member (cli, "Started", time_text (run->start_ms));
  print_member (cli, "Ended", time_text (run->end_ms));
  if (run->start_ms > 0 && run->end_ms >= run->start_ms)
    print_member (cli, "Took", duration_text (run->end_ms - run->start_ms));
  print_member (cli, "Artifacts", run->artifact_uri);
  print_points (cli, run);
  print_pairs (cli, "Params", params);
  print_pairs (cli, "Tags", tags);
  json_decref (params);
  json_decref (tags);
}

int
run_show (struct cli *cli)
{
  json_t *runs = json_array ();
  json_t *models = json_array ();

  for (size_t i = 0; i < cli->argument_count; i++)
  {
    const char *what = cli->arguments[i];
    bool text = FORMAT_JSON != cli->format;

    if (text && i > 0)
      putchar ('\n');
    if (model_is_uri (what))
    {
      json_t *model = model_whole (cli, what);

      if (text)
        model_print (cli, model);
      json_array_append_new (models, model);
    }
    else
    {
      struct tally_run_data *run = cli_run (cli, what, cli_option (cli, "experiment"));

      if (text)
        print_run (cli, run);
      json_array_append_new (runs, json_run (run, true));
      tally_run_data_free (run);
    }
  }
  if (FORMAT_JSON == cli->format)
    print_json (json_pack ("{s:O, s:O}", "runs", runs, "models", models));
  json_decref (runs);
  json_decref (models);
  return CLI_DONE;
}

/* --- compare --- */

struct comparison
{
  struct cli *cli;
  struct tally_run_data **runs;
  size_t count;
  const char **cells; /* rows of a table: a mark, the key, and the value of each run */
  enum style *styles;
  size_t rows;
  size_t capacity;
  bool differences; /* only those */
  bool system; /* also what programs log by themselves */
};

static const char *
pair_value (const struct tally_pair *pairs, size_t count, const char *key)
{
  for (size_t i = 0; i < count; i++)
    if (0 == strcmp (pairs[i].key, key))
      return pairs[i].value;
  return NULL;
}

static const char *
value_of (const struct tally_run_data *run, char group, const char *key)
{
  if ('p' == group)
    return pair_value (run->params, run->param_count, key);
  if ('t' == group)
    return pair_value (run->tags, run->tag_count, key);
  for (size_t i = 0; i < run->metric_count; i++)
    if (0 == strcmp (run->metrics[i].key, key))
      return number_text (run->metrics[i].value);
  return NULL;
}

static const char *
key_of (const struct tally_run_data *run, char group, size_t index)
{
  if ('p' == group)
    return index < run->param_count ? run->params[index].key : NULL;
  if ('t' == group)
    return index < run->tag_count ? run->tags[index].key : NULL;
  return index < run->metric_count ? run->metrics[index].key : NULL;
}

static bool
is_system (char group, const char *key)
{
  if ('t' == group)
    return 0 == strncmp (key, "mlflow.", 7) || 0 == strncmp (key, "tally.", 6);
  return 'm' == group && 0 == strncmp (key, "system/", 7);
}

static int
compare_texts (const void *a, const void *b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* All keys of a group that any run has, sorted, each once. */
static const char **
keys_of (const struct comparison *comparison, char group, size_t *count)
{
  const char **keys = NULL;
  size_t unique = 0;
  const char *key;

  *count = 0;
  for (size_t i = 0; i < comparison->count; i++)
    for (size_t k = 0; NULL != (key = key_of (comparison->runs[i], group, k)); k++)
    {
      if (is_system (group, key) && ! comparison->system)
        continue;
      keys = cli_grow (keys, *count + 1, sizeof (keys[0]));
      keys[(*count)++] = key;
    }
  if (*count > 0)
    qsort (keys, *count, sizeof (keys[0]), compare_texts);
  for (size_t i = 0; i < *count; i++)
    if (0 == unique || 0 != strcmp (keys[unique - 1], keys[i]))
      keys[unique++] = keys[i];
  *count = unique;
  return keys;
}

static bool
differs (const struct comparison *comparison, char group, const char *key)
{
  const char *first = value_of (comparison->runs[0], group, key);

  for (size_t i = 1; i < comparison->count; i++)
  {
    const char *other = value_of (comparison->runs[i], group, key);

    if ((NULL == first) != (NULL == other) || (NULL != first && 0 != strcmp (first, other)))
      return true;
  }
  return false;
}

static const char **
add_row (struct comparison *comparison, enum style style)
{
  size_t columns = comparison->count + 2;
  const char **row;

  comparison->cells = cli_grow (comparison->cells, (comparison->rows + 1) * columns, sizeof (comparison->cells[0]));
  comparison->styles = cli_grow (comparison->styles, (comparison->rows + 1) * columns, sizeof (comparison->styles[0]));
  row = comparison->cells + comparison->rows * columns;
  for (size_t i = 0; i < columns; i++)
  {
    row[i] = "";
    comparison->styles[comparison->rows * columns + i] = 1 == i ? STYLE_DIM : style;
  }
  comparison->rows++;
  return row;
}

static double
number_of (const char *text)
{
  double number = 0;

  cli_parse_double (text, &number);
  return number;
}

/* Six digits are enough to read; where they hide the difference all are shown. */
static const char *
shown_value (const struct comparison *comparison, char group, const char *key, size_t run, bool exact)
{
  const char *value = value_of (comparison->runs[run], group, key);

  if (NULL == value)
    return comparison->cli->out.utf8 ? "\xe2\x80\x93" : "-";
  return 'm' == group && ! exact ? number_short (number_of (value)) : plain (value);
}

/* True when six digits make a difference disappear. */
static bool
needs_exact (const struct comparison *comparison, const char *key)
{
  const char *first = value_of (comparison->runs[0], 'm', key);

  if (! differs (comparison, 'm', key))
    return false;
  for (size_t i = 1; i < comparison->count; i++)
  {
    const char *other = value_of (comparison->runs[i], 'm', key);

    if (NULL == first || NULL == other
        || 0 != strcmp (number_short (number_of (first)), number_short (number_of (other))))
      return false;
  }
  return true;
}

static void
add_group (struct comparison *comparison, char group, const char *title)
{
  size_t count;
  const char **keys = keys_of (comparison, group, &count);
  bool begun = false;

  for (size_t i = 0; i < count; i++)
  {
    bool different = differs (comparison, group, keys[i]);
    const char **row;

    if (comparison->differences && ! different)
      continue;
    if (! begun)
    {
      add_row (comparison, STYLE_NONE);
      add_row (comparison, STYLE_NONE)[1] = title;
      comparison->styles[(comparison->rows - 1) * (comparison->count + 2) + 1] = STYLE_HEAD;
      begun = true;
    }
    row = add_row (comparison, different ? STYLE_WARN : STYLE_NONE);
    row[0] = different ? "*" : "";
    row[1] = cli_printf ("  %s", plain (keys[i]));
    for (size_t run = 0; run < comparison->count; run++)
      row[2 + run] = shown_value (comparison, group, keys[i], run, 'm' == group && needs_exact (comparison, keys[i]));
  }
  free (keys);
}

static void
add_info (struct comparison *comparison, const char *name, const char *(*value) (const struct tally_run_data *run))
{
  const char **row = add_row (comparison, STYLE_NONE);

  row[1] = name;
  for (size_t i = 0; i < comparison->count; i++)
    row[2 + i] = value (comparison->runs[i]);
}

static const char *
info_name (const struct tally_run_data *run)
{
  return plain (run->name);
}

static const char *
info_status (const struct tally_run_data *run)
{
  return status_name (run->status);
}

static const char *
info_start (const struct tally_run_data *run)
{
  return time_text (run->start_ms);
}

static const char *
info_duration (const struct tally_run_data *run)
{
  return run->start_ms > 0 && run->end_ms >= run->start_ms ? duration_text (run->end_ms - run->start_ms) : "";
}

/* Columns that a run takes at least: its id. */
#define RUN_COLUMNS 12
#define RUN_GAP 2

/* How many runs fit beside each other. */
static size_t
runs_in_block (const struct comparison *comparison)
{
  size_t columns = comparison->cli->out.columns;
  size_t names = 0;
  size_t room;
  size_t blocks;

  if (0 == columns)
    return comparison->count;
  for (size_t row = 0; row < comparison->rows; row++)
    if (text_columns (comparison->cells[row * (comparison->count + 2) + 1]) > names)
      names = text_columns (comparison->cells[row * (comparison->count + 2) + 1]);
  /* Before the names stands the column of marks; long names shrink to half. */
  names = (names > columns / 2 ? columns / 2 : names) + 1 + RUN_GAP;
  room = columns > names ? (columns - names) / (RUN_COLUMNS + RUN_GAP) : 0;
  if (room < 1)
    room = 1;
  blocks = (comparison->count + room - 1) / room;
  return (comparison->count + blocks - 1) / blocks;
}

static void
print_block (const struct comparison *comparison, const char *const *titles, size_t first, size_t count)
{
  const char **cells = cli_array (comparison->rows * (count + 2), sizeof (cells[0]));
  enum style *styles = cli_array (comparison->rows * (count + 2), sizeof (styles[0]));
  const char **heads = cli_array (count + 2, sizeof (heads[0]));

  for (size_t i = 0; i < count + 2; i++)
  {
    size_t from = i < 2 ? i : first + i;

    heads[i] = titles[from];
    for (size_t row = 0; row < comparison->rows; row++)
    {
      cells[row * (count + 2) + i] = comparison->cells[row * (comparison->count + 2) + from];
      styles[row * (count + 2) + i] = comparison->styles[row * (comparison->count + 2) + from];
    }
  }
  print_table (comparison->cli, heads, cells, styles, comparison->rows, count + 2, 0);
  free (cells);
  free (styles);
  free (heads);
}

/* More runs than fit beside each other stand below each other. */
static void
print_blocks (const struct comparison *comparison, const char *const *titles)
{
  size_t most = runs_in_block (comparison);

  for (size_t first = 0; first < comparison->count; first += most)
  {
    if (first > 0)
      putchar ('\n');
    print_block (comparison, titles, first, comparison->count - first < most ? comparison->count - first : most);
  }
}

static void
print_comparison (struct comparison *comparison)
{
  const char **titles = cli_array (comparison->count + 2, sizeof (titles[0]));

  titles[0] = "";
  titles[1] = "RUN";
  for (size_t i = 0; i < comparison->count; i++)
    titles[2 + i] = cli_copy (comparison->runs[i]->run_id, 12);
  add_info (comparison, "Name", info_name);
  add_info (comparison, "Status", info_status);
  add_info (comparison, "Started", info_start);
  add_info (comparison, "Took", info_duration);
  add_group (comparison, 'p', "Params");
  add_group (comparison, 'm', "Metrics");
  add_group (comparison, 't', "Tags");
  print_blocks (comparison, titles);
  free (titles);
}

static json_t *
json_group (struct comparison *comparison, char group)
{
  size_t count;
  const char **keys = keys_of (comparison, group, &count);
  json_t *object = json_object ();

  for (size_t i = 0; i < count; i++)
  {
    json_t *values = json_array ();

    if (comparison->differences && ! differs (comparison, group, keys[i]))
    {
      json_decref (values);
      continue;
    }
    for (size_t run = 0; run < comparison->count; run++)
    {
      const char *value = value_of (comparison->runs[run], group, keys[i]);
      double number = 0;

      json_array_append_new (values, NULL == value                                       ? json_null ()
                                     : 'm' == group && cli_parse_double (value, &number) ? json_number (number)
                                                                                         : json_text (value));
    }
    json_object_set_new (object, keys[i],
                         json_pack ("{s:o, s:b}", "values", values, "differs", differs (comparison, group, keys[i])));
  }
  free (keys);
  return object;
}

int
run_compare (struct cli *cli)
{
  struct comparison comparison = { .cli = cli, .count = cli->argument_count };
  json_t *runs;

  comparison.runs = cli_array (comparison.count, sizeof (comparison.runs[0]));
  comparison.differences = cli_has (cli, "differences");
  comparison.system = cli_has (cli, "system");
  for (size_t i = 0; i < comparison.count; i++)
    comparison.runs[i] = cli_run (cli, cli->arguments[i], cli_option (cli, "experiment"));
  if (FORMAT_JSON != cli->format)
  {
    print_comparison (&comparison);
    return CLI_DONE;
  }
  runs = json_array ();
  for (size_t i = 0; i < comparison.count; i++)
    json_array_append_new (runs,
                           json_pack ("{s:s, s:s, s:s}", "run_id", comparison.runs[i]->run_id, "name",
                                      comparison.runs[i]->name, "status", status_name (comparison.runs[i]->status)));
  print_json (json_pack ("{s:o, s:o, s:o, s:o}", "runs", runs, "params", json_group (&comparison, 'p'), "metrics",
                         json_group (&comparison, 'm'), "tags", json_group (&comparison, 't')));
  return CLI_DONE;
}
