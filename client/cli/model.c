/* Models: register, ls, show, alias, check, approve, history. */
#include "cli/model.h"

#include "base/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct column model_columns[] = {
  { "NAME", "name", CELL_TEXT },
  { "LATEST", "latest_version", CELL_NUMBER },
  { "ALIASES", "alias_list", CELL_LIST },
  { "UPDATED", "last_updated_timestamp", CELL_AGE },
  { "DESCRIPTION", "description", CELL_TEXT },
};

static const struct column version_columns[] = {
  { "VERSION", "version", CELL_NUMBER },
  { "ALIASES", "aliases", CELL_LIST },
  { "STATUS", "status", CELL_STATUS },
  { "RUN", "run_id", CELL_ID },
  { "CREATED", "creation_timestamp", CELL_AGE },
  { "BY", "user", CELL_TEXT },
  { "SOURCE", "source", CELL_TEXT },
};

static const struct column entry_columns[] = {
  { "ENTRY", "entry", CELL_NUMBER },      { "WHEN", "at", CELL_TIME },           { "WHO", "actor", CELL_TEXT },
  { "ACTION", "action", CELL_TEXT },      { "VERSION", "version", CELL_NUMBER }, { "ALIAS", "alias", CELL_TEXT },
  { "FORCED", "forced_text", CELL_TEXT }, { "REASON", "reason", CELL_TEXT },
};

#define COUNT(columns) (sizeof (columns) / sizeof ((columns)[0]))

bool
model_is_uri (const char *text)
{
  return 0 == strncmp (text, "models:/", 8) || NULL != strchr (text, '/') || NULL != strchr (text, '@');
}

const char *
model_uri (struct cli *cli, const char *text)
{
  if (0 == strncmp (text, "models:/", 8))
    return text;
  if (! model_is_uri (text))
    cli_refuse (cli, "'%s' names no version: say NAME/VERSION, NAME@ALIAS, NAME/STAGE or NAME/latest.", text);
  return cli_printf ("models:/%s", text);
}

const char *
model_name (struct cli *cli, const char *text)
{
  if ('\0' == text[0])
    cli_refuse (cli, "The name of the model is empty.");
  return text;
}

struct tally_model_version *
model_version (struct cli *cli, const char *text)
{
  const char *uri = model_uri (cli, text);
  struct tally_model_version *version = NULL;
  struct tally_error err;

  cli_must (cli, tally_model_version_get (&version, cli_client (cli), uri, &err), &err);
  return version;
}

json_t *
model_json (const struct tally_model_version *version)
{
  json_t *aliases = json_array ();

  for (size_t i = 0; i < version->alias_count; i++)
    json_array_append_new (aliases, json_text (version->aliases[i]));
  return json_pack ("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:o, s:o}", "name", version->name,
                    "version", (json_int_t)version->version, "source", version->source, "run_id", version->run_id,
                    "model_id", version->model_id, "status", version->status, "stage", version->stage, "description",
                    version->description, "user", version->user, "creation_timestamp", (json_int_t)version->created_ms,
                    "last_updated_timestamp", (json_int_t)version->updated_ms, "aliases", aliases, "tags",
                    json_pairs (version->tags, version->tag_count));
}

json_t *
model_whole (struct cli *cli, const char *text)
{
  struct tally_model_version *version = model_version (cli, text);
  json_t *model = model_json (version);
  const char *path =
      cli_printf ("/api/tally/v1/registered-models/%s/versions/%" PRId64, cli_encode (version->name), version->version);
  struct tally_error err;
  json_t *more = NULL;

  /* MLflow has none of this. */
  if (TALLY_OK == cli_try_request (&more, cli, "GET", path, NULL, &err))
    for (const char *const *member = (const char *const[]){ "checks", "approvals", "gates", NULL }; NULL != *member;
         member++)
      if (NULL != json_object_get (more, *member))
        json_object_set (model, *member, json_object_get (more, *member));
  json_decref (more);
  tally_model_version_free (version);
  return model;
}

static const char *
text_of (const json_t *object, const char *member)
{
  return value_text (json_object_get (object, member));
}

static void
print_checks (struct cli *cli, const json_t *checks)
{
  size_t index;
  json_t *check;

  if (json_array_size (checks) > 0)
    print_title (cli, "Checks");
  json_array_foreach (checks, index, check)
  {
    const char *status = text_of (check, "status");
    const json_t *value = json_object_get (check, "value");

    printf ("  %s%-8s%s %s%s%s%s%s\n", style_begin (&cli->out, style_of_status (status)), status, style_end (&cli->out),
            plain (text_of (check, "name")), NULL == value ? "" : " = ", cell_text (value, CELL_NUMBER),
            '\0' == text_of (check, "text")[0] ? "" : "  ", plain (text_of (check, "text")));
  }
}

static void
print_approvals (struct cli *cli, const json_t *approvals)
{
  size_t index;
  json_t *approval;

  if (json_array_size (approvals) > 0)
    print_title (cli, "Approvals");
  json_array_foreach (approvals, index, approval)
  {
    printf ("  %s  %s  %s\n", plain (text_of (approval, "actor")),
            time_text (json_integer_value (json_object_get (approval, "created_at"))),
            plain (text_of (approval, "comment")));
  }
}

static void
print_gates (struct cli *cli, const json_t *gates)
{
  size_t index;
  json_t *gate;

  if (json_array_size (gates) > 0)
    print_title (cli, "Gates");
  json_array_foreach (gates, index, gate)
  {
    bool allowed = json_is_true (json_object_get (gate, "allowed"));
    const char *guarded = text_of (gate, NULL != json_object_get (gate, "alias") ? "alias" : "stage");
    size_t rule;
    json_t *missing;

    printf ("  %s%-8s%s %s\n", style_begin (&cli->out, allowed ? STYLE_GOOD : STYLE_BAD), allowed ? "open" : "closed",
            style_end (&cli->out), plain (guarded));
    json_array_foreach (json_object_get (gate, "missing"), rule, missing)
    {
      printf ("           %s\n", plain (text_of (missing, "text")));
    }
  }
}

void
model_print (struct cli *cli, const json_t *model)
{
  const json_t *tags = json_object_get (model, "tags");
  const char *key;
  json_t *value;

  printf ("%s%s/%s%s", style_begin (&cli->out, STYLE_NAME), plain (text_of (model, "name")), text_of (model, "version"),
          style_end (&cli->out));
  if ('\0' != text_of (model, "aliases")[0])
    printf ("  %s%s%s", style_begin (&cli->out, STYLE_GOOD), plain (text_of (model, "aliases")), style_end (&cli->out));
  putchar ('\n');
  print_member (cli, "Status", text_of (model, "status"));
  if (0 != strcmp (text_of (model, "stage"), "None"))
    print_member (cli, "Stage", text_of (model, "stage"));
  print_member (cli, "Description", text_of (model, "description"));
  print_member (cli, "Source", text_of (model, "source"));
  print_member (cli, "Run", text_of (model, "run_id"));
  print_member (cli, "Logged model", text_of (model, "model_id"));
  print_member (cli, "Created", time_text (json_integer_value (json_object_get (model, "creation_timestamp"))));
  print_member (cli, "By", text_of (model, "user"));
  if (json_object_size (tags) > 0)
    print_title (cli, "Tags");
  json_object_foreach ((json_t *)tags, key, value)
  {
    printf ("  %s = %s\n", plain (key), plain (value_text (value)));
  }
  print_checks (cli, json_object_get (model, "checks"));
  print_approvals (cli, json_object_get (model, "approvals"));
  print_gates (cli, json_object_get (model, "gates"));
}

int
run_model_show (struct cli *cli)
{
  json_t *models = json_array ();

  for (size_t i = 0; i < cli->argument_count; i++)
  {
    json_t *model = model_whole (cli, cli->arguments[i]);

    if (FORMAT_JSON != cli->format && i > 0)
      putchar ('\n');
    if (FORMAT_JSON != cli->format)
      model_print (cli, model);
    json_array_append_new (models, model);
  }
  if (FORMAT_JSON == cli->format)
    print_json (json_pack ("{s:O}", "models", models));
  json_decref (models);
  return CLI_DONE;
}

/* The run of "runs:/<run>/path", by its id in `*source` too; NULL: another source. */
static const char *
run_of_source (struct cli *cli, const char **source)
{
  static const char scheme[] = "runs:/";
  const char *run;
  const char *id;
  size_t len;

  if (0 != strncmp (*source, scheme, strlen (scheme)))
    return NULL;
  run = *source + strlen (scheme);
  len = strcspn (run, "/");
  id = cli_run_id (cli, cli_copy (run, len), NULL);
  *source = cli_printf ("runs:/%s%s", id, run + len);
  return id;
}

/* MLflow's servers take a word for a path of their own, and say so at length. */
static void
check_source (struct cli *cli, const char *source)
{
  if ('/' != source[0] && NULL == strstr (source, ":/"))
    cli_refuse (cli, "'%s' is no source: say runs:/RUN/PATH, models:/m-ID, or an address.", source);
}

int
run_model_register (struct cli *cli)
{
  const char *name = cli->arguments[0];
  const char *source = cli->arguments[1];
  const char *model_id = 0 == strncmp (source, "models:/m-", 10) ? source + 8 : NULL;
  const char *run_id;
  struct tally_error err;
  const char *tag;
  int64_t version;

  check_source (cli, source);
  for (size_t i = 0; NULL != (tag = cli_option_at (cli, "tag", i)); i++)
    cli_pair (cli, tag);
  run_id = run_of_source (cli, &source);
  if (cli_has (cli, "run"))
    run_id = cli_run_id (cli, cli_option (cli, "run"), NULL);
  cli_must (cli,
            tally_model_register (&version, cli_client (cli), name, source, run_id, model_id,
                                  cli_option (cli, "description"), &err),
            &err);
  for (size_t i = 0; NULL != (tag = cli_option_at (cli, "tag", i)); i++)
  {
    struct tally_pair pair = cli_pair (cli, tag);

    cli_must (cli, tally_model_version_set_tag (cli_client (cli), name, version, pair.key, pair.value, &err), &err);
  }
  if (FORMAT_JSON == cli->format)
    print_json (json_pack ("{s:s, s:I}", "name", name, "version", (json_int_t)version));
  else
    printf ("%s/%" PRId64 "\n", plain (name), version);
  return CLI_DONE;
}

/* The highest version, and the aliases as "alias: version". */
static void
complete_model (json_t *model)
{
  json_t *aliases = json_array ();
  json_int_t latest = 0;
  size_t index;
  json_t *item;

  json_array_foreach (json_object_get (model, "latest_versions"), index, item)
  {
    json_int_t version = strtoll (value_text (json_object_get (item, "version")), NULL, 10);

    latest = version > latest ? version : latest;
  }
  json_array_foreach (json_object_get (model, "aliases"), index, item)
  {
    json_array_append_new (aliases, json_sprintf ("%s: %s", text_of (item, "alias"), text_of (item, "version")));
  }
  json_object_set_new (model, "latest_version", json_integer (latest));
  json_object_set_new (model, "alias_list", aliases);
}

/* The page behind `token`, of at most `limit` items (0: no limit). */
static const char *
page_path (const char *path, const char *token, size_t limit, size_t got)
{
  size_t most = 0 == limit || limit - got > 100 ? 100 : limit - got;

  return cli_printf ("%s%cmax_results=%zu%s%s", path, NULL == strchr (path, '?') ? '?' : '&', most,
                     NULL == token ? "" : "&page_token=", NULL == token ? "" : cli_encode (token));
}

json_t *
fetch_pages (struct cli *cli, const char *path, const char *member, size_t limit, void (*complete) (json_t *item))
{
  json_t *items = json_array ();
  const char *token = NULL;
  size_t got = 0;

  do
  {
    json_t *answer = cli_request (cli, "GET", page_path (path, token, limit, got), NULL);
    const char *next = json_string_value (json_object_get (answer, "next_page_token"));
    size_t index;
    json_t *item;

    json_array_foreach (json_object_get (answer, member), index, item)
    {
      complete (item);
      got++;
      if (! print_item_now (cli, json_incref (item)))
        json_array_append_new (items, item);
    }
    token = NULL == next || '\0' == next[0] ? NULL : cli_copy (next, strlen (next));
    json_decref (answer);
  } while (NULL != token && (0 == limit || got < limit));
  return items;
}

size_t
limit_of (struct cli *cli)
{
  return (size_t)cli_number (cli, "limit", 0, INT32_MAX, 100);
}

static json_t *
fetch_versions (struct cli *cli, const char *name, size_t limit)
{
  const struct tally_model_version *version = NULL;
  struct tally_search *search = NULL;
  struct tally_error err;
  json_t *items = json_array ();
  struct buffer filter;

  buffer_init (&filter, SIZE_MAX / 2);
  buffer_text (&filter, "name = '");
  for (const char *at = name; '\0' != *at; at++)
    buffer_text (&filter, '\'' == *at ? "''" : (char[]){ *at, '\0' });
  buffer_text (&filter, "'");
  cli_must (cli, tally_search_model_versions (&search, cli_client (cli), filter.data, NULL, limit, &err), &err);
  for (;;)
  {
    json_t *item;

    cli_must (cli, tally_search_next_model_version (&version, search, &err), &err);
    if (NULL == version)
      break;
    item = model_json (version);
    if (! print_item_now (cli, item))
      json_array_append_new (items, item);
  }
  tally_search_free (search);
  buffer_free (&filter);
  return items;
}

int
run_model_ls (struct cli *cli)
{
  json_t *items;

  if (0 == cli->argument_count)
  {
    items = fetch_pages (cli, "/api/2.0/mlflow/registered-models/search", "registered_models", limit_of (cli),
                         complete_model);
    print_list (cli, items, "models", model_columns, COUNT (model_columns));
    return CLI_DONE;
  }
  items = fetch_versions (cli, cli->arguments[0], limit_of (cli));
  if (0 == json_array_size (items) && FORMAT_LINES != cli->format)
    /* None, or no such model: this tells. */
    json_decref (cli_request (
        cli, "GET", cli_printf ("/api/2.0/mlflow/registered-models/get?name=%s", cli_encode (cli->arguments[0])),
        NULL));
  print_list (cli, items, "versions", version_columns, COUNT (version_columns));
  return CLI_DONE;
}

static int
told (struct cli *cli, const char *name, int64_t version, const char *what)
{
  if (FORMAT_JSON == cli->format)
    print_json (json_pack ("{s:s, s:I}", "name", name, "version", (json_int_t)version));
  else
    cli_note (cli, "%s/%" PRId64 " %s", plain (name), version, what);
  return CLI_DONE;
}

int
run_model_alias (struct cli *cli)
{
  const char *alias = cli->arguments[1];
  struct tally_model_version *version;
  struct tally_error err;

  if (cli_has (cli, "delete"))
  {
    cli_must (cli, tally_model_delete_alias (cli_client (cli), cli->arguments[0], alias, &err), &err);
    if (FORMAT_JSON == cli->format)
      print_json (json_pack ("{s:o, s:o}", "name", json_text (cli->arguments[0]), "alias", json_text (alias)));
    else
      cli_note (cli, "%s has no alias %s any more", plain (cli->arguments[0]), plain (alias));
    return CLI_DONE;
  }
  version = model_version (cli, cli->arguments[0]);
  cli_must (cli, tally_model_set_alias (cli_client (cli), version->name, alias, version->version, &err), &err);
  return told (cli, version->name, version->version, cli_printf ("has the alias %s", plain (alias)));
}

int
run_model_check (struct cli *cli)
{
  struct tally_check check = { .name = cli->arguments[1], .status = cli->arguments[2] };
  struct tally_model_version *version;
  struct tally_error err;

  if (0 != strcmp (check.status, "success") && 0 != strcmp (check.status, "failure")
      && 0 != strcmp (check.status, "pending"))
    cli_refuse (cli, "The status '%s' is none of success, failure, pending.", check.status);
  check.has_value = cli_has (cli, "value");
  if (check.has_value && ! cli_parse_double (cli_option (cli, "value"), &check.value))
    cli_refuse (cli, "--value: '%s' is no number.", cli_option (cli, "value"));
  check.url = cli_option (cli, "url");
  check.text = cli_option (cli, "text");
  version = model_version (cli, cli->arguments[0]);
  cli_must (cli, tally_model_check (cli_client (cli), version->name, version->version, &check, &err), &err);
  return told (cli, version->name, version->version,
               cli_printf ("has the check %s: %s", plain (check.name), check.status));
}

int
run_model_approve (struct cli *cli)
{
  struct tally_model_version *version = model_version (cli, cli->arguments[0]);
  struct tally_error err;

  cli_must (cli,
            tally_model_approve (cli_client (cli), version->name, version->version, cli_option (cli, "comment"), &err),
            &err);
  return told (cli, version->name, version->version, "is approved");
}

static void
complete_entry (json_t *entry)
{
  json_object_set_new (entry, "forced_text",
                       json_string (json_is_true (json_object_get (entry, "forced")) ? "forced" : ""));
}

int
run_model_history (struct cli *cli)
{
  const char *path =
      cli_printf ("/api/tally/v1/registered-models/%s/ledger", cli_encode (model_name (cli, cli->arguments[0])));
  json_t *items = fetch_pages (cli, path, "entries", limit_of (cli), complete_entry);

  print_list (cli, items, "entries", entry_columns, COUNT (entry_columns));
  return CLI_DONE;
}
