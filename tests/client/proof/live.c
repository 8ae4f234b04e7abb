/* Every public function against a real server: success and failure of each.
   Usage: client-live --server tally|mlflow --symbols FILE --scratch FOLDER URL

   Credentials come by the environment. The last lines are "# ..." remarks and "N passed, N failed". A function of the
   list of symbols that was not called, or that can fail and was not seen to, is a failure. */
#include "live.h"

#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* The library exports a hundred functions. */
#define FUNCTIONS_MAX 256

static struct
{
  const char *name;
  bool succeeded;
  bool failed;
  bool gives_no_code;
} functions[FUNCTIONS_MAX];
static size_t function_count;
static unsigned passed;
static unsigned failed;

static size_t
find (const char *name)
{
  for (size_t i = 0; i < function_count; i++)
    if (0 == strcmp (functions[i].name, name))
      return i;
  functions[function_count].name = name;
  return function_count++;
}

bool
live_check (bool good, const char *file, int line, const char *what)
{
  const char *slash = strrchr (file, '/');

  if (good)
    passed++;
  else
  {
    failed++;
    printf ("  FAIL %s:%d: %s\n", NULL == slash ? file : slash + 1, line, what);
  }
  return good;
}

bool
live_expect (struct live *live, const char *file, int line, const char *name, enum tally_code code,
             enum tally_code wanted)
{
  char what[TALLY_MESSAGE_BYTES + 256];
  size_t at = find (name);

  functions[at].succeeded |= TALLY_OK == code;
  functions[at].failed |= TALLY_OK != code;
  snprintf (what, sizeof (what), "%s gave %s, not %s: %s", name, tally_code_name (code), tally_code_name (wanted),
            TALLY_OK == code ? "" : live->err.message);
  live_check (code == wanted, file, line, what);
  if (TALLY_OK != code)
  {
    snprintf (what, sizeof (what), "%s: the error says %s, the return value %s", name, tally_code_name (live->err.code),
              tally_code_name (code));
    live_check (live->err.code == code && '\0' != live->err.message[0], file, line, what);
  }
  return code == wanted;
}

void
live_used (const char *name)
{
  functions[find (name)].gives_no_code = true;
}

struct tally_client *
live_client (struct live *live, const char *url, const char *name, const char *value)
{
  struct tally_options *options = NULL;
  struct tally_client *client = NULL;

  /* The first answer of MLflow's server may take long. */
  if (OK (tally_options_new, &options) && OK (tally_options_set, options, "server", NULL == url ? live->url : url)
      && OK (tally_options_set, options, "request-timeout-ms", "100000")
      && (NULL == name || OK (tally_options_set, options, name, value)) && OK (tally_options_load, options))
    OK (tally_open, &client, options);
  USE (tally_options_free, options);
  return client;
}

/* Texts that live until the fourth next of them. */
static char *
next_text (void)
{
  static char texts[4][512];
  static unsigned next;

  return texts[next++ % 4];
}

const char *
live_name (const struct live *live, const char *what)
{
  char *text = next_text ();

  snprintf (text, 512, "%s-%s", what, live->unique);
  return text;
}

const char *
live_file (const struct live *live, const char *name, const char *text)
{
  char *path = next_text ();
  FILE *file;

  snprintf (path, 512, "%s/%s", live->scratch, name);
  file = fopen (path, "w");
  if (NULL == file || EOF == fputs (text, file) || 0 != fclose (file))
    live_check (false, __FILE__, __LINE__, "a file of the test can be written");
  return path;
}

bool
live_file_is (const char *path, const char *text)
{
  char content[4096] = "";
  FILE *file = fopen (path, "r");
  size_t got;

  if (NULL == file)
    return false;
  got = fread (content, 1, sizeof (content) - 1, file);
  fclose (file);
  return strlen (text) == got && 0 == memcmp (content, text, got);
}

/* --- options, the server, plain requests --------------------------------------------------------------------- */

void
live_options (struct live *live)
{
  struct tally_options *options = NULL;
  const struct tally_option_info *info;
  struct tally_client *client = NULL;
  size_t count = 0;

  CHECK (0 != strcmp ("", USE (tally_version)));
  CHECK (0 == strcmp ("TALLY_ERROR_GATE", USE (tally_code_name, TALLY_ERROR_GATE)));
  while (NULL != (info = USE (tally_option_at, count)))
    count++;
  CHECK (count > 20);
  /* It fails for lack of memory only, which alloc.c sees to. */
  USE (tally_options_new, &options, NULL);
  OK (tally_options_set, options, "fsync", "each");
  CHECK (0 == strcmp ("each", USE (tally_options_get, options, "fsync")));
  FAILS (TALLY_ERROR_ARGUMENT, tally_options_set, options, "fsync", "sometimes");
  setenv ("TALLY_BATCH_POINTS", "many", 1);
  FAILS (TALLY_ERROR_CONFIGURATION, tally_options_load, options);
  unsetenv ("TALLY_BATCH_POINTS");
  OK (tally_options_set, options, "server", "databricks");
  FAILS (TALLY_ERROR_CONFIGURATION, tally_open, &client, options);
  tally_options_free (options);
}

static void
live_server (struct live *live)
{
  const struct tally_server *server = NULL;
  struct tally_reply *reply = NULL;
  size_t bytes = 0;

  if (OK (tally_ping, &server, live->client))
  {
    CHECK (live->is_tally == server->is_tally);
    CHECK ('\0' != server->version[0]);
    CHECK (0 == strcmp (live->url, server->url));
  }
  FAILS (TALLY_ERROR_UNREACHABLE, tally_ping, &server, live->dead);
  if (OK (tally_request, &reply, live->client, "POST", "/api/2.0/mlflow/experiments/search", "{\"max_results\": 1}"))
  {
    CHECK (200 == USE (tally_reply_status, reply));
    CHECK (NULL != strstr (USE (tally_reply_body, reply, &bytes), "experiments") && bytes > 10);
  }
  USE (tally_reply_free, reply);
  reply = NULL;
  FAILS (TALLY_ERROR_NOT_FOUND, tally_request, &reply, live->client, "GET",
         "/api/2.0/mlflow/experiments/get?experiment_id=999999", NULL);
  CHECK (404 == live->err.http_status && 0 == strcmp ("RESOURCE_DOES_NOT_EXIST", live->err.server_code));
  CHECK (NULL != reply && 404 == tally_reply_status (reply));
  tally_reply_free (reply);
}

/* The server under the other scheme: told in words, at once. */
static void
live_other_scheme (struct live *live)
{
  bool is_tls = 0 == strncmp (live->url, "https:", strlen ("https:"));
  const char *rest = live->url + strlen (is_tls ? "https" : "http");
  const struct tally_server *server = NULL;
  struct tally_client *other;
  char wrong[256];
  char wanted[512];

  snprintf (wrong, sizeof (wrong), "%s%s", is_tls ? "http" : "https", rest);
  snprintf (wanted, sizeof (wanted), "%s: the server speaks %s there. Is %s meant?", wrong, is_tls ? "TLS" : "no TLS",
            live->url);
  other = live_client (live, wrong, NULL, NULL);
  FAILS (TALLY_ERROR_UNREACHABLE, tally_ping, &server, other);
  if (! CHECK (0 == strcmp (wanted, live->err.message)))
    printf ("  # %s\n", live->err.message);
  CHECK (! live->err.retryable);
  OK (tally_close, other, 0);
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

/* Every exported function was called, and seen to fail when it can. */
static void
check_symbols (const char *path)
{
  char line[128];
  FILE *file = fopen (path, "r");
  unsigned count = 0;

  while (NULL != file && NULL != fgets (line, sizeof (line), file))
  {
    size_t known = function_count;
    size_t at;
    char what[256];

    line[strcspn (line, "\n")] = '\0';
    if (0 != strncmp (line, "tally_", 6))
      continue;
    count++;
    at = find (line);
    snprintf (what, sizeof (what), "%s was %s", line, at == known ? "not called" : "never seen to fail");
    live_check (at < known && (functions[at].gives_no_code || functions[at].failed), "client-live", 0, what);
    function_count = known;
  }
  if (NULL != file)
    fclose (file);
  live_check (count > 50, "client-live", 0, "the list of symbols is there");
}

static void
run (struct live *live)
{
  char run_id[TALLY_RUN_ID_BYTES] = "";

  live_options (live);
  live->client = live_client (live, NULL, NULL, NULL);
  live->offline = live_client (live, NULL, "mode", "offline");
  /* The discard port: refused at once. */
  live->dead = live_client (live, "http://127.0.0.1:9", "request-timeout-ms", "300");
  if (NULL == live->client || NULL == live->offline || NULL == live->dead)
    return;
  live_server (live);
  live_other_scheme (live);
  live_experiments (live);
  live_runs (live, run_id);
  live_searches (live, run_id);
  live_artifacts (live, run_id);
  live_logged_models (live, run_id);
  live_registry (live, run_id);
  live_spool (live);
}

int
main (int argc, char **argv)
{
  struct live live = { 0 };
  const char *symbols = NULL;

  for (int i = 1; i < argc; i++)
    if (0 == strcmp (argv[i], "--server") && i + 1 < argc)
      live.is_tally = 0 == strcmp (argv[++i], "tally");
    else if (0 == strcmp (argv[i], "--symbols") && i + 1 < argc)
      symbols = argv[++i];
    else if (0 == strcmp (argv[i], "--scratch") && i + 1 < argc)
      live.scratch = argv[++i];
    else
      live.url = argv[i];
  if (NULL == live.url || NULL == symbols || NULL == live.scratch)
  {
    fputs ("usage: client-live --server tally|mlflow --symbols FILE --scratch FOLDER URL\n", stderr);
    return 2;
  }
  setvbuf (stdout, NULL, _IOLBF, 0);
  snprintf (live.unique, sizeof (live.unique), "%lx%x", (unsigned long)time (NULL), (unsigned)getpid ());
  run (&live);
  check_symbols (symbols);
  printf ("%u passed, %u failed\n", passed, failed);
  return 0 == failed ? 0 : 1;
}
