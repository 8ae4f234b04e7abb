/* sync: what waits in the spool. */
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"

#include <inttypes.h>
#include <stdlib.h>

static bool
show_progress (void *payload, const struct tally_sync_result *so_far, const char *stream)
{
  struct progress *progress = payload;

  progress_text (progress,
                 cli_printf ("%" PRIu64 " of %" PRIu64 " spools, %" PRIu64 " points sent  %s", so_far->finished,
                             so_far->streams, so_far->points, NULL == stream ? "" : plain (stream)));
  return ! interrupted ();
}

static json_t *
result_json (const struct tally_sync_result *result)
{
  return json_pack ("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "streams", (json_int_t)result->streams, "busy",
                    (json_int_t)result->busy, "finished", (json_int_t)result->finished, "points",
                    (json_int_t)result->points, "rejected", (json_int_t)result->rejected, "waiting",
                    (json_int_t)result->waiting, "torn_bytes", (json_int_t)result->torn_bytes, "kept",
                    (json_int_t)result->kept, "damaged_bytes", (json_int_t)result->damaged_bytes);
}

static void
append_count (struct buffer *out, uint64_t count, const char *what)
{
  if (count > 0)
    buffer_printf (out, "%s%" PRIu64 " %s", 0 == out->len ? "" : ", ", count, what);
}

static void
tell (const struct tally_sync_result *result)
{
  struct buffer out;

  buffer_init (&out, 4096);
  append_count (&out, result->finished, 1 == result->finished ? "spool sent whole" : "spools sent whole");
  append_count (&out, result->points, "points sent");
  append_count (&out, result->rejected, "points refused by the server");
  append_count (&out, result->waiting, "points waiting");
  append_count (&out, result->kept,
                1 == result->kept ? "spool kept for what was refused or is damaged"
                                  : "spools kept for what was refused or is damaged");
  append_count (&out, result->busy, "in use by running programs");
  append_count (&out, result->torn_bytes, "bytes cut off that were never whole");
  append_count (&out, result->damaged_bytes, "bytes damaged, set aside");
  printf ("%s\n", 0 == out.len ? "nothing waits" : out.data);
  fflush (stdout);
  buffer_free (&out);
}

/* One round; the result is told also when something is left. */
static enum tally_code
sync_once (struct cli *cli, struct tally_sync_result *result, struct tally_error *err)
{
  struct progress *progress = progress_new (cli);
  enum tally_code code;

  *result = (struct tally_sync_result){ 0 };
  code = tally_sync (result, cli_client (cli), cli_has (cli, "all-servers"), show_progress, progress, err);
  progress_end (progress);
  free (progress);
  return code;
}

static int
watch (struct cli *cli, unsigned interval_ms)
{
  struct tally_sync_result result;
  struct tally_error err;

  while (! interrupted ())
  {
    struct arena_mark mark = cli_mark ();
    enum tally_code code = sync_once (cli, &result, &err);

    if (TALLY_OK != code && TALLY_ERROR_CANCELLED != code)
      cli_note (cli, "%s", plain (err.message));
    if (FORMAT_JSON == cli->format && result.streams > 0)
      print_json (result_json (&result));
    else if (result.finished > 0 || result.points > 0)
      tell (&result);
    cli_rewind (&mark);
    interrupt_sleep (interval_ms);
  }
  return CLI_INTERRUPTED;
}

int
run_sync (struct cli *cli)
{
  unsigned interval_ms = (unsigned)cli_number (cli, "interval", 1, 86400, 30) * 1000;
  struct tally_sync_result result;
  struct tally_error err;
  enum tally_code code;

  cli_client (cli);
  interrupt_catch ();
  if (cli_has (cli, "watch"))
    return watch (cli, interval_ms);
  code = sync_once (cli, &result, &err);
  if (TALLY_OK != code && TALLY_ERROR_PENDING != code)
    return cli_fail (cli, &err);
  if (FORMAT_JSON == cli->format)
    print_json (result_json (&result));
  else
    tell (&result);
  if (TALLY_ERROR_PENDING == code && FORMAT_JSON != cli->format)
    cli_note (cli, "%s", plain (err.message));
  return TALLY_ERROR_PENDING == code || result.waiting > 0 ? CLI_PENDING : CLI_DONE;
}
