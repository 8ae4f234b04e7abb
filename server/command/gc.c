/* tallyd gc: deleted runs and logged models, then broken-off uploads and contents without a name. */
#include "command/gc.h"

#include "artifact/gc.h"
#include "base/clock.h"
#include "base/log.h"
#include "command/command.h"
#include "ingest/purge.h"

#include <stdio.h>
#include <stdlib.h>

/* What was deleted by mistake can be brought back for so many days. */
#define DEFAULT_DAYS 30
#define MAX_DAYS 36500
#define DAY_MS ((int64_t)24 * 3600 * 1000)
/* A day: longer than any download, and than any doubt about a clock. */
#define DEFAULT_GRACE_HOURS 24
#define MAX_GRACE_HOURS (MAX_DAYS * 24)
#define HOUR_S 3600
/* How often a long collection says how far it is. */
#define REPORT_US 1000000
/* Time to look what would be removed. */
#define MEASURE_BUDGET_US ((uint64_t)600 * 1000000)

/* What the flags say; of the file, because commands get the settings only. */
static struct
{
  bool dry_run;
  bool all_strays;
  int64_t days;
  int64_t grace_hours;
} flags;

/* "1.5 GB" and its like; `text` holds 32 bytes. */
static const char *
size_text (char text[32], int64_t bytes)
{
  static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB", "PB" };
  double number = (double)bytes;
  size_t unit = 0;

  while (number >= 999.5 && unit + 1 < sizeof (units) / sizeof (units[0]))
  {
    number /= 1000;
    unit++;
  }
  snprintf (text, 32, unit > 0 && number < 99.5 ? "%.1f %s" : "%.0f %s", number, units[unit]);
  return text;
}

/* When the next line of progress is due. */
static bool
is_due (uint64_t *next_us)
{
  bool due = clock_monotonic_us () >= *next_us;

  if (due)
    *next_us = clock_monotonic_us () + REPORT_US;
  return due;
}

/* --- runs and models ---------------------------------------------------------------------------------------------- */

static void
print_purge (const struct purge_progress *progress, const char *end)
{
  printf ("%llu runs removed, %llu rows of metrics; %llu logged models; %llu artifacts named by them%s\n",
          (unsigned long long)progress->runs, (unsigned long long)progress->rows, (unsigned long long)progress->models,
          (unsigned long long)progress->artifacts, end);
  fflush (stdout);
}

static bool
report_purge (void *context, const struct purge_progress *progress)
{
  if (is_due (context))
    print_purge (progress, "");
  return true;
}

static enum err_code
measure (struct store_connection *connection, int64_t before_ms, struct err *err)
{
  struct store_purge_size size;
  char bytes[32];
  enum err_code code;

  store_start_request (connection, clock_monotonic_us () + MEASURE_BUDGET_US);
  code = store_purge_measure (&size, connection, before_ms, err);
  if (ERR_OK != code)
    return code;
  printf (
      "%lld runs were deleted more than %lld days ago, %lld removals are unfinished: %lld series with %lld points in "
      "%lld chunks, %lld rows of the tail\n",
      (long long)size.runs, (long long)flags.days, (long long)size.unfinished, (long long)size.series,
      (long long)size.points, (long long)size.chunks, (long long)size.tail_rows);
  printf ("%lld logged models were deleted as long ago; these runs and models name %lld artifacts of %s\n",
          (long long)size.models, (long long)size.artifacts, size_text (bytes, size.artifact_bytes));
  fflush (stdout);
  return ERR_OK;
}

static enum err_code
purge (struct store_connection *connection, int64_t before_ms, struct err *err)
{
  uint64_t next_us = clock_monotonic_us () + REPORT_US;
  struct purge_progress progress;
  enum err_code code = purge_runs (&progress, connection, before_ms, report_purge, &next_us, err);

  if (ERR_OK == code)
    code = purge_models (&progress, connection, before_ms, report_purge, &next_us, err);
  print_purge (&progress, ERR_OK == code ? "." : "; run it again to go on.");
  return code;
}

/* --- the artifact store ------------------------------------------------------------------------------------------- */

static void
print_collection (const struct gc_progress *progress, const char *end)
{
  char contents[32];
  char strays[32];
  char leftovers[32];

  printf ("%llu expired uploads, %llu leftovers (%s), %llu contents without a name (%s), %llu without a row (%s)%s\n",
          (unsigned long long)progress->uploads, (unsigned long long)progress->leftovers,
          size_text (leftovers, progress->leftover_bytes), (unsigned long long)progress->contents,
          size_text (contents, progress->content_bytes), (unsigned long long)progress->strays,
          size_text (strays, progress->stray_bytes), end);
  fflush (stdout);
}

static bool
report_collection (void *context, const struct gc_progress *progress)
{
  char text[64];

  if (is_due (context))
  {
    snprintf (text, sizeof (text), "; %llu looked at", (unsigned long long)progress->looked);
    print_collection (progress, text);
  }
  return true;
}

static enum err_code
collect (struct store_connection *connection, struct blob_store *blobs, struct err *err)
{
  const struct gc_options options = { blobs, flags.grace_hours * HOUR_S, flags.dry_run, flags.all_strays };
  uint64_t next_us = clock_monotonic_us () + REPORT_US;
  struct gc_progress progress = { .uploads = 0 };
  enum err_code code = artifact_gc_sweep (&progress, connection, &options, report_collection, &next_us, err);

  if (ERR_OK == code)
    code = artifact_gc_collect (&progress, connection, &options, report_collection, &next_us, err);
  print_collection (&progress, ERR_OK != code ? "; run it again to go on." : flags.dry_run ? "" : " removed.");
  return code;
}

/* --- the command -------------------------------------------------------------------------------------------------- */

static enum err_code
run (struct store_connection *connection, struct blob_store *blobs, struct err *err)
{
  int64_t before_ms = clock_wall_ms () - flags.days * DAY_MS;
  enum err_code code = measure (connection, before_ms, err);

  if (ERR_OK == code && ! flags.dry_run)
    code = purge (connection, before_ms, err);
  if (ERR_OK == code)
    code = collect (connection, blobs, err);
  if (ERR_OK == code && flags.dry_run)
    puts ("Nothing was removed (--dry-run). Contents that only those runs and models name would go too.");
  return code;
}

static int
gc (struct config *config)
{
  struct store *store = store_new (config);
  struct store_connection *connection = NULL == store ? NULL : store_connection_new (store);
  struct blob_store *blobs = NULL;
  struct err err = { 0 };
  enum err_code code;

  if (NULL == connection)
    code = err_set (&err, ERR_INTERNAL_ERROR, "out of memory");
  else
    code = blob_store_open (&blobs, config, &err);
  if (ERR_OK == code)
    code = run (connection, blobs, &err);
  blob_store_close (blobs);
  store_connection_free (connection);
  store_free (store);
  if (ERR_RESOURCE_CONFLICT == code)
    fprintf (stderr, "tallyd: %s; --all-strays removes them.\n", err.message);
  else if (ERR_OK != code)
    fprintf (stderr, "tallyd: %s%s%s\n", err.message, '\0' == err.cause[0] ? "" : ": ", err.cause);
  log_flush ();
  return ERR_OK == code ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Read the number of a flag. False, having said so, when it is none. */
static bool
read_number (int64_t *out, const char *name, const char *text, long max)
{
  char *end;
  long number = strtol (text, &end, 10);
  bool valid = end != text && '\0' == *end && number >= 0 && number <= max;

  if (! valid)
    fprintf (stderr, "tallyd: %s is a number from 0 to %ld, not '%s'\n", name, max, text);
  *out = number;
  return valid;
}

int
command_gc (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    long max;
    int64_t *field;
  } numbers[] = { { "--older-than-days", MAX_DAYS, &flags.days },
                  { "--grace-hours", MAX_GRACE_HOURS, &flags.grace_hours } };
  int kept = 0;

  flags.days = DEFAULT_DAYS;
  flags.grace_hours = DEFAULT_GRACE_HOURS;
  for (int i = 0; i < argc; i++)
  {
    const char *value = NULL;

    for (size_t k = 0; NULL == value && k < sizeof (numbers) / sizeof (numbers[0]); k++)
    {
      value = command_flag_value (&i, argc, argv, numbers[k].name);
      if (NULL != value && ! read_number (numbers[k].field, numbers[k].name, value, numbers[k].max))
        return EXIT_FAILURE;
    }
    if (NULL != value)
      continue;
    if (0 == strcmp (argv[i], "--dry-run"))
      flags.dry_run = true;
    else if (0 == strcmp (argv[i], "--all-strays"))
      flags.all_strays = true;
    else
      argv[kept++] = argv[i];
  }
  return command_with_config (kept, argv, gc);
}
