/* artifact put, get, ls. */
#include "cli/interrupt.h"
#include "cli/model.h"
#include "cli/output.h"
#include "cli/progress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct column columns[] = {
  { "SIZE", "bytes", CELL_BYTES },
  { "NAME", "shown", CELL_TEXT },
};

static const struct column csv_columns[] = {
  { "NAME", "name", CELL_TEXT },
  { "FOLDER", "is_folder", CELL_TEXT },
  { "SIZE", "bytes", CELL_NUMBER },
};

static struct tally_transfer
transfer_of (struct cli *cli, struct progress *progress)
{
  return (struct tally_transfer){ .progress = progress_transfer,
                                  .payload = progress,
                                  .parallel =
                                      cli_has (cli, "parallel") ? (unsigned)cli_number (cli, "parallel", 1, 16, 4) : 0,
                                  .overwrite = cli_has (cli, "force") };
}

static int
transferred (struct cli *cli, struct progress *progress, const char *what, const char *where)
{
  double seconds = progress_seconds (progress);
  uint64_t bytes = progress_bytes (progress);

  if (FORMAT_JSON == cli->format)
    print_json (
        json_pack ("{s:o, s:I, s:f}", "path", json_text (where), "bytes", (json_int_t)bytes, "seconds", seconds));
  else
    cli_note (cli, "%s %s: %s in %s", what, plain (where), bytes_text (bytes),
              duration_text ((int64_t)(seconds * 1000)));
  return CLI_DONE;
}

int
run_artifact_put (struct cli *cli)
{
  const char *path = cli->arguments[1];
  const char *root = cli_root (cli, cli->arguments[0]);
  struct progress *progress = progress_new (cli);
  struct tally_transfer transfer = transfer_of (cli, progress);
  struct tally_error err;
  enum tally_code code;

  interrupt_catch ();
  code = tally_artifact_upload (cli_client (cli), root, path, cli->argument_count > 2 ? cli->arguments[2] : NULL,
                                &transfer, &err);
  progress_end (progress);
  cli_must (cli, code, &err);
  return transferred (cli, progress, "sent", path);
}

int
run_artifact_get (struct cli *cli)
{
  const char *folder = cli_has (cli, "to") ? cli_option (cli, "to") : ".";
  const char *root = cli_root (cli, cli->arguments[0]);
  struct progress *progress = progress_new (cli);
  struct tally_transfer transfer = transfer_of (cli, progress);
  struct tally_error err;
  enum tally_code code;

  interrupt_catch ();
  code = tally_artifact_download (cli_client (cli), root, cli->argument_count > 1 ? cli->arguments[1] : NULL, folder,
                                  &transfer, &err);
  progress_end (progress);
  cli_must (cli, code, &err);
  return transferred (cli, progress, "fetched to", folder);
}

/* Append what is in a folder; returns how many there were. */
static size_t
list_folder (struct cli *cli, const char *root, const char *folder, json_t *items)
{
  const struct tally_artifact *artifact = NULL;
  struct tally_artifacts *list = NULL;
  struct tally_error err;
  size_t count = 0;

  cli_must (cli, tally_artifact_list (&list, cli_client (cli), root, folder, &err), &err);
  for (;;)
  {
    json_t *item;
    bool is_folder;
    const char *name;

    cli_must (cli, tally_artifacts_next (&artifact, list, &err), &err);
    if (NULL == artifact)
      break;
    count++;
    is_folder = artifact->is_folder;
    name = cli_copy (artifact->name, strlen (artifact->name));
    item = json_pack ("{s:o, s:b, s:o}", "name", json_text (name), "is_folder", is_folder, "bytes",
                      is_folder ? json_null () : json_integer ((json_int_t)artifact->bytes));
    if (! print_item_now (cli, item))
      json_array_append_new (items, item);
    if (is_folder && cli_has (cli, "recursive"))
      list_folder (cli, root, name, items);
  }
  tally_artifacts_free (list);
  return count;
}

/* There are no empty folders, so a name without anything in it is a mistake. */
static void
no_folder (struct cli *cli, const char *folder)
{
  struct tally_error err = { .code = TALLY_ERROR_NOT_FOUND };

  snprintf (err.message, sizeof (err.message), "There is no folder '%s' of artifacts.", folder);
  cli_must (cli, err.code, &err);
}

int
run_artifact_ls (struct cli *cli)
{
  const char *folder = cli->argument_count > 1 ? cli->arguments[1] : NULL;
  json_t *items = json_array ();
  size_t index;
  json_t *item;

  if (0 == list_folder (cli, cli_root (cli, cli->arguments[0]), folder, items) && NULL != folder && '\0' != folder[0])
    no_folder (cli, folder);
  if (FORMAT_TEXT != cli->format)
  {
    print_list (cli, items, "artifacts", csv_columns, sizeof (csv_columns) / sizeof (csv_columns[0]));
    return CLI_DONE;
  }
  /* Folders are told by a slash. */
  json_array_foreach (items, index, item)
  {
    const char *name = json_string_value (json_object_get (item, "name"));

    json_object_set_new (
        item, "shown",
        json_text (json_is_true (json_object_get (item, "is_folder")) ? cli_printf ("%s/", name) : name));
  }
  print_list (cli, items, "artifacts", columns, sizeof (columns) / sizeof (columns[0]));
  return CLI_DONE;
}

int
run_model_download (struct cli *cli)
{
  struct progress *progress = progress_new (cli);
  struct tally_transfer transfer = transfer_of (cli, progress);
  const char *uri = model_uri (cli, cli->arguments[0]);
  struct tally_error err;
  enum tally_code code;

  interrupt_catch ();
  code = tally_model_download (cli_client (cli), uri, cli->arguments[1], &transfer, &err);
  progress_end (progress);
  cli_must (cli, code, &err);
  return transferred (cli, progress, "fetched to", cli->arguments[1]);
}

int
run_model_verify (struct cli *cli)
{
  const char *uri = model_uri (cli, cli->arguments[0]);
  struct tally_error err;

  cli_must (cli, tally_model_verify (cli_client (cli), uri, cli->arguments[1], &err), &err);
  if (FORMAT_JSON == cli->format)
    print_json (json_pack ("{s:b, s:o, s:o}", "verified", true, "model", json_text (uri), "path",
                           json_text (cli->arguments[1])));
  else
    cli_note (cli, "%s holds exactly the files of %s", plain (cli->arguments[1]), plain (uri));
  return CLI_DONE;
}
