/* The library beside a hostile server in this process: each call ends in time, with an error that fits, and nothing is
   written outside of the folder that was given.
   Usage: hostile SCRATCH [MATCH]     MATCH: only cases whose name has this text */
#include "hostile_answers.h"

#include "tally.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a call may take with all its tries; and what it must have ended by, with room for a sanitizer on a busy machine.
   A call that has no reason to take all of its time may do so on such a machine, but not again and again. */
#define REQUEST_TIMEOUT_MS "1500"
#define ENDS_WITHIN_US 60000000
#define TRIES 10

struct world
{
  const char *scratch;
  char target[512]; /* the folder for downloads, alone in scratch/outer */
  struct tally_client *client;
};

typedef enum tally_code hostile_call (struct world *world, struct tally_error *err);

#define CODE(name) (1u << TALLY_ERROR_##name)
#define FINE (1u << TALLY_OK)
/* The connection broke or the answer makes no sense: which of them depends on where it broke. */
#define BROKEN (CODE (UNREACHABLE) | CODE (PROTOCOL) | CODE (TIMEOUT))

struct hostile_case
{
  const char *name;
  hostile_call *call;
  struct hostility hostility;
  unsigned codes; /* that are right */
};

/* --- calls ---------------------------------------------------------------------------------------------------------
 */

static enum tally_code
call_get (struct world *world, struct tally_error *err)
{
  struct tally_run_data *run = NULL;
  enum tally_code code = tally_run_get (&run, world->client, FAKE_RUN, err);

  tally_run_data_free (run);
  return code;
}

/* At most so many; a server that always has one more is no error of the search, which is walked as long as one likes.
 */
static enum tally_code
call_search (struct world *world, struct tally_error *err)
{
  struct tally_search *search = NULL;
  const struct tally_run_data *run = NULL;
  enum tally_code code = tally_search_runs (&search, world->client, NULL, 0, NULL, NULL, TALLY_VIEW_ALL, 50, err);

  while (TALLY_OK == code)
  {
    code = tally_search_next_run (&run, search, err);
    if (NULL == run)
      break;
  }
  tally_search_free (search);
  return code;
}

static enum tally_code
call_history (struct world *world, struct tally_error *err)
{
  struct tally_search *search = NULL;
  const struct tally_point *point = NULL;
  enum tally_code code = tally_metric_history (&search, world->client, FAKE_RUN, "m", err);

  for (int i = 0; TALLY_OK == code && i < 100; i++)
  {
    code = tally_search_next_point (&point, search, err);
    if (NULL == point)
      break;
  }
  tally_search_free (search);
  return code;
}

static enum tally_code
call_ping (struct world *world, struct tally_error *err)
{
  const struct tally_server *server;

  return tally_ping (&server, world->client, err);
}

static enum tally_code
call_list (struct world *world, struct tally_error *err)
{
  struct tally_artifacts *list = NULL;
  const struct tally_artifact *artifact = NULL;
  enum tally_code code = tally_artifact_list (&list, world->client, "runs:/" FAKE_RUN, NULL, err);

  for (int i = 0; TALLY_OK == code && i < 100; i++)
  {
    code = tally_artifacts_next (&artifact, list, err);
    if (NULL == artifact)
      break;
  }
  tally_artifacts_free (list);
  return code;
}

static enum tally_code
call_download (struct world *world, struct tally_error *err)
{
  return tally_artifact_download (world->client, "runs:/" FAKE_RUN, NULL, world->target, NULL, err);
}

static enum tally_code
call_model (struct world *world, struct tally_error *err)
{
  return tally_model_download (world->client, "models:/m/1", world->target, NULL, err);
}

static enum tally_code
call_version (struct world *world, struct tally_error *err)
{
  struct tally_model_version *version = NULL;
  enum tally_code code = tally_model_version_get (&version, world->client, "models:/m@prod", err);

  tally_model_version_free (version);
  return code;
}

static enum tally_code
call_gate (struct world *world, struct tally_error *err)
{
  struct tally_gate_result *result = NULL;
  enum tally_code code = tally_model_gate (&result, world->client, "m", 1, "prod", err);

  tally_gate_result_free (result);
  return code;
}

/* A run in the background: flush ends in time, whatever comes back. */
static enum tally_code
call_log (struct world *world, struct tally_error *err)
{
  struct tally_run *run = NULL;
  enum tally_code code = tally_run_start (&run, world->client, "e", "r", err);

  for (int i = 0; TALLY_OK == code && i < 10; i++)
    code = tally_log_metric (run, "m", i, i, err);
  if (TALLY_OK == code)
    code = tally_flush (world->client, 500, err);
  tally_run_free (run);
  return code;
}

/* --- cases ---------------------------------------------------------------------------------------------------------
 */

#define FILES(entries) "{\"root_uri\":\"mlflow-artifacts:/1/x/artifacts\",\"files\":[" entries "]}"
#define ENTRY(path) "{\"path\":\"" path "\",\"is_dir\":false,\"file_size\":5}"
#define LISTED(listed)                                                                                                 \
  {                                                                                                                    \
    .match = "/artifacts?", .answer = answer_json, .text = FILES (listed)                                              \
  }
#define TALLY_LISTED(listed)                                                                                           \
  {                                                                                                                    \
    .match = "/artifacts?", .answer = answer_json, .text = FILES (listed), .is_tally = true                            \
  }
#define MANIFEST(path)                                                                                                 \
  {                                                                                                                    \
    .match = "manifest", .answer = answer_json, .is_tally = true,                                                      \
    .text = "{\"document\":\"{\\\"files\\\":[{\\\"path\\\":\\\"" path "\\\",\\\"sha256\\\":\\\"" FAKE_FILE_SHA256      \
            "\\\",\\\"size\\\":5}],\\\"format\\\":\\\"tally-manifest-1\\\"}\",\"signature\":\"AA==\"}"                 \
  }
#define X10 "xxxxxxxxxx"
#define X100 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define X1000 X100 X100 X100 X100 X100 X100 X100 X100 X100 X100
#define ALL(function)                                                                                                  \
  {                                                                                                                    \
    .match = "", .answer = function                                                                                    \
  }
#define SAYS(json)                                                                                                     \
  {                                                                                                                    \
    .match = "", .answer = answer_json, .text = json                                                                   \
  }
#define RAW(bytes)                                                                                                     \
  {                                                                                                                    \
    .match = "", .answer = answer_raw, .text = bytes                                                                   \
  }

static const struct hostile_case cases[] = {
  { "nothing hostile", call_get, { .match = "no path has this" }, FINE },
  { "nothing hostile: download", call_download, { .match = "no path has this" }, FINE },
  { "nothing hostile: search", call_search, { .match = "no path has this" }, FINE },
  { "nothing hostile: version", call_version, { .match = "no path has this" }, FINE },
  { "nothing hostile: flush", call_log, { .match = "no path has this" }, FINE },
  { "nothing hostile: manifest", call_model, MANIFEST ("a.txt"), FINE },
  { "endless body", call_get, ALL (answer_endless_body), BROKEN },
  { "endless body: download", call_download, { .match = "/artifacts?", .answer = answer_endless_body }, BROKEN },
  { "endless body: flush", call_log, ALL (answer_endless_body), CODE (TIMEOUT) },
  { "endless head", call_get, ALL (answer_endless_head), BROKEN },
  { "endless head: ping", call_ping, ALL (answer_endless_head), BROKEN },
  { "endless interim answers", call_get, ALL (answer_endless_continue), BROKEN },
  { "deep JSON", call_get, ALL (answer_deep), BROKEN },
  { "deep JSON: history", call_history, ALL (answer_deep), BROKEN },
  { "gzip bomb", call_get, ALL (answer_bomb), BROKEN },
  { "gzip bomb: flush", call_log, ALL (answer_bomb), CODE (TIMEOUT) },
  { "slow body", call_get, ALL (answer_slow_body), CODE (TIMEOUT) },
  { "slow body: list", call_list, ALL (answer_slow_body), CODE (TIMEOUT) },
  { "slow head", call_get, ALL (answer_slow_head), CODE (TIMEOUT) },
  { "slow head: flush", call_log, ALL (answer_slow_head), CODE (TIMEOUT) },
  { "no answer", call_get, ALL (answer_nothing), CODE (TIMEOUT) },
  { "no answer: ping", call_ping, ALL (answer_nothing), CODE (TIMEOUT) },

  { "no HTTP", call_get, RAW ("220 mail.example.com ESMTP\r\n"), BROKEN },
  { "HTTP/0.9", call_get, RAW ("<html>hello</html>"), BROKEN },
  { "status 999", call_get, RAW ("HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n"), BROKEN | CODE (SERVER) },
  { "status 99999", call_get, RAW ("HTTP/1.1 99999 X\r\nContent-Length: 0\r\n\r\n"), BROKEN | CODE (SERVER) },
  { "negative length", call_get, RAW ("HTTP/1.1 200 X\r\nContent-Length: -5\r\n\r\n{}"), BROKEN },
  { "two lengths", call_get, RAW ("HTTP/1.1 200 X\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n{}"), BROKEN },
  { "bad chunk", call_get, RAW ("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"), BROKEN },
  { "huge chunk", call_get, RAW ("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffff\r\n{}"), BROKEN },
  { "bad gzip", call_get, RAW ("HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"), BROKEN },
  { "wait for a year", call_get, RAW ("HTTP/1.1 503 X\r\nRetry-After: 31536000\r\nContent-Length: 0\r\n\r\n"),
    CODE (OVERLOADED) | CODE (TIMEOUT) },
  { "wait since ever", call_get,
    RAW ("HTTP/1.1 429 X\r\nRetry-After: -99999999999999999999\r\nContent-Length: 0\r\n\r\n"),
    CODE (OVERLOADED) | CODE (TIMEOUT) },

  { "no JSON", call_get, SAYS ("hello"), CODE (PROTOCOL) },
  { "an array", call_get, SAYS ("[]"), CODE (PROTOCOL) },
  { "a NUL in a text", call_get, SAYS ("{\"run\":{\"info\":{\"run_id\":\"a\\u0000b\"}}}"), FINE | CODE (PROTOCOL) },
  { "half a surrogate", call_get, SAYS ("{\"run\":{\"info\":{\"run_id\":\"\\ud800\"}}}"), CODE (PROTOCOL) },
  { "no UTF-8", call_get, SAYS ("{\"run\":{\"info\":{\"run_id\":\"\xff\xfe\"}}}"), CODE (PROTOCOL) },
  { "huge number", call_get, SAYS ("{\"run\":{\"info\":{\"run_id\":\"x\",\"start_time\":1e999}}}"),
    FINE | CODE (PROTOCOL) },
  { "wrong types: run", call_get, SAYS ("{\"run\":5}"), FINE | CODE (PROTOCOL) },
  { "wrong types: info", call_get, SAYS ("{\"run\":{\"info\":[],\"data\":7}}"), FINE | CODE (PROTOCOL) },
  { "wrong types: data", call_get,
    SAYS ("{\"run\":{\"info\":{\"run_id\":[],\"status\":7,\"start_time\":{}},\"data\":{\"metrics\":{\"key\":1},"
          "\"params\":[1,null,[],{\"key\":{}}],\"tags\":\"x\"}}}"),
    FINE | CODE (PROTOCOL) },
  { "wrong types: search", call_search, SAYS ("{\"runs\":{\"0\":1},\"next_page_token\":9}"), FINE | CODE (PROTOCOL) },
  { "wrong types: searched", call_search, SAYS ("{\"runs\":[null,1,\"x\",[]]}"), FINE | CODE (PROTOCOL) },
  { "wrong types: history", call_history, SAYS ("{\"metrics\":[1,null,{\"key\":[],\"value\":{},\"step\":\"x\"}]}"),
    FINE | CODE (PROTOCOL) },
  { "wrong types: version", call_version, SAYS ("{\"model_version\":{\"name\":1,\"version\":[],\"aliases\":[1,{}]}}"),
    FINE | CODE (PROTOCOL) },
  { "wrong types: gate",
    call_gate,
    { .match = "gate",
      .answer = answer_json,
      .is_tally = true,
      .text = "{\"missing\":[1,{\"rule\":[],\"message\":7}],\"met\":[]}" },
    FINE | CODE (PROTOCOL) },
  { "wrong types: list", call_list, SAYS ("{\"files\":[1,{\"path\":[]},{\"path\":\"a\",\"file_size\":[]}]}"),
    FINE | CODE (PROTOCOL) },
  { "wrong types: ping", call_ping, SAYS ("{\"tally_version\":[],\"user\":1}"), FINE | CODE (PROTOCOL) },
  { "wrong types: flush", call_log, SAYS ("{\"run\":7,\"experiment\":[],\"experiments\":1}"), FINE | CODE (TIMEOUT) },
  { "a run id that is none",
    call_log,
    { .match = "runs/create", .answer = answer_json, .text = "{\"run\":{\"info\":{\"run_id\":\"../../x\\n\"}}}" },
    FINE | CODE (TIMEOUT) },
  { "the same page for ever", call_search,
    SAYS ("{\"runs\":[{\"info\":{\"run_id\":\"x\"}}],\"next_page_token\":\"again\"}"), FINE | CODE (PROTOCOL) },
  { "empty pages for ever", call_search, SAYS ("{\"runs\":[],\"next_page_token\":\"again\"}"), FINE | BROKEN },
  { "empty pages for ever: list", call_list, SAYS ("{\"files\":[],\"next_page_token\":\"again\"}"), FINE | BROKEN },
  { "empty pages for ever: download",
    call_download,
    { .match = "/artifacts?", .answer = answer_json, .text = "{\"files\":[],\"next_page_token\":\"again\"}" },
    FINE | BROKEN },

  { "message with control characters",
    call_get,
    { .match = "",
      .answer = answer_refusal,
      .text = "{\"error_code\":\"BAD\\u001b[31m\\n\",\"message\":\"a\\u001b[2J\\r\\nb\"}" },
    CODE (REFUSED) },
  { "message without end",
    call_get,
    { .match = "",
      .answer = answer_refusal,
      .text = "{\"error_code\":\"" X1000 "\",\"message\":\"" X1000 X1000 X1000 "\"}" },
    CODE (REFUSED) },
  { "message of wrong types",
    call_get,
    { .match = "", .answer = answer_refusal, .text = "{\"error_code\":[],\"message\":7}" },
    CODE (REFUSED) | CODE (PROTOCOL) },
  { "message in HTML",
    call_get,
    { .match = "", .answer = answer_refusal, .text = "<script>alert(1)</script>" },
    CODE (REFUSED) | CODE (PROTOCOL) },

  { "name: ../../x", call_download, LISTED (ENTRY ("../../x")), CODE (PROTOCOL) },
  { "name: a/../../../x", call_download, LISTED (ENTRY ("a/../../../x")), CODE (PROTOCOL) },
  { "name: ..", call_download, LISTED (ENTRY ("..")), CODE (PROTOCOL) },
  { "name: .", call_download, LISTED (ENTRY (".")), CODE (PROTOCOL) },
  { "name: empty", call_download, LISTED (ENTRY ("")), CODE (PROTOCOL) },
  { "name: absolute", call_download, LISTED (ENTRY ("/tmp/tally-hostile-absolute")), CODE (PROTOCOL) },
  { "name: empty part", call_download, LISTED (ENTRY ("a//b")), CODE (PROTOCOL) },
  { "name: backslashes", call_download, LISTED (ENTRY ("a\\\\..\\\\..\\\\x")), CODE (PROTOCOL) },
  { "name: NUL", call_download, LISTED (ENTRY ("a\\u0000b")), CODE (PROTOCOL) },
  { "name: control character", call_download, LISTED (ENTRY ("a\\u0007b")), CODE (PROTOCOL) },
  { "name: percent", call_download, LISTED (ENTRY ("%2e%2e/%2e%2e/x")), FINE | CODE (PROTOCOL) },
  { "name: very long", call_download, LISTED (ENTRY (X1000)), CODE (PROTOCOL) | CODE (FILE) },
  { "name: very long path", call_download, LISTED (ENTRY (X100 "/" X100 "/" X1000 "/" X1000 X1000 X1000 X1000)),
    CODE (PROTOCOL) | CODE (FILE) },
  { "name: twice", call_download, LISTED (ENTRY ("a") "," ENTRY ("a")), FINE | CODE (PROTOCOL) | CODE (EXISTS) },
  { "name: a file and a folder", call_download, LISTED (ENTRY ("a") "," ENTRY ("a/b")),
    CODE (PROTOCOL) | CODE (EXISTS) | CODE (FILE) },
  { "name: folder that leads out", call_download, LISTED ("{\"path\":\"../out\",\"is_dir\":true}"), CODE (PROTOCOL) },
  { "name: the folder itself", call_download, LISTED ("{\"path\":\"d\",\"is_dir\":true}"), BROKEN | CODE (FILE) },
  { "size: immense", call_download, LISTED ("{\"path\":\"a\",\"file_size\":9223372036854775807}"),
    FINE | BROKEN | CODE (FILE) | CODE (DIGEST) },
  { "size: negative", call_download, LISTED ("{\"path\":\"a\",\"file_size\":-1}"), FINE | BROKEN | CODE (DIGEST) },
  { "name on Tally: ../../x", call_download, TALLY_LISTED (ENTRY ("../../x")), CODE (PROTOCOL) },
  { "name on Tally: absolute", call_download, TALLY_LISTED (ENTRY ("/tmp/tally-hostile-absolute")), CODE (PROTOCOL) },
  { "name on Tally: NUL", call_download, TALLY_LISTED (ENTRY ("a\\u0000b")), CODE (PROTOCOL) },
  { "name on Tally: the folder itself", call_download, TALLY_LISTED ("{\"path\":\"d\",\"is_dir\":true}"), BROKEN },
  { "digest on Tally: none", call_download,
    TALLY_LISTED ("{\"path\":\"a\",\"is_dir\":false,\"file_size\":5,\"sha256\":\"xyz\"}"), CODE (PROTOCOL) },
  { "digest on Tally: another", call_download,
    TALLY_LISTED ("{\"path\":\"a\",\"is_dir\":false,\"file_size\":5,\"sha256\":"
                  "\"0000000000000000000000000000000000000000000000000000000000000000\"}"),
    CODE (DIGEST) },
  { "manifest: ../../x", call_model, MANIFEST ("../../x"), CODE (PROTOCOL) },
  { "manifest: absolute", call_model, MANIFEST ("/tmp/tally-hostile-absolute"), CODE (PROTOCOL) },
  { "manifest: very long", call_model, MANIFEST (X1000), CODE (PROTOCOL) | CODE (FILE) },
  { "manifest: no document",
    call_model,
    { .match = "manifest", .answer = answer_json, .is_tally = true, .text = "{\"document\":5}" },
    CODE (PROTOCOL) },
  { "digest: changed",
    call_download,
    { .match = "mlflow-artifacts/artifacts/", .answer = answer_changed },
    CODE (DIGEST) },
  { "digest: longer",
    call_download,
    { .match = "mlflow-artifacts/artifacts/", .answer = answer_longer },
    CODE (DIGEST) | CODE (PROTOCOL) },
  { "digest: shorter", call_download, { .match = "mlflow-artifacts/artifacts/", .answer = answer_shorter }, BROKEN },
};

/* --- running -------------------------------------------------------------------------------------------------------
 */

static unsigned passed;
static unsigned failed;

static void __attribute__ ((format (printf, 3, 4))) check (bool good, const char *name, const char *format, ...)
{
  va_list list;

  if (good)
  {
    passed++;
    return;
  }
  failed++;
  printf ("  FAIL %s: ", name);
  va_start (list, format);
  vprintf (format, list);
  va_end (list);
  putchar ('\n');
}

/* How many names a folder has; `only` is set to the last of them. */
static unsigned
count_names (char only[256], const char *path)
{
  DIR *folder = opendir (path);
  unsigned count = 0;

  for (struct dirent *entry; NULL != folder && NULL != (entry = readdir (folder));)
    if (0 != strcmp (entry->d_name, ".") && 0 != strcmp (entry->d_name, ".."))
    {
      count++;
      snprintf (only, 256, "%s", entry->d_name);
    }
  if (NULL != folder)
    closedir (folder);
  return count;
}

/* A name that led out would be beside the target, or one further up. */
static void
check_outside (const struct world *world, const char *name)
{
  char outer[512];
  char only[256] = "";
  unsigned count;

  snprintf (outer, sizeof (outer), "%s/outer", world->scratch);
  count = count_names (only, outer);
  check (0 == count || (1 == count && 0 == strcmp (only, "target")), name, "%u files beside the target: %s", count,
         only);
  count = count_names (only, world->scratch);
  check (count <= 2, name, "%u files above: %s", count, only);
  check (0 != access ("/tmp/tally-hostile-absolute", F_OK), name, "an absolute name was written");
}

static void
check_error (const char *name, enum tally_code code, const struct tally_error *err)
{
  if (TALLY_OK == code)
    return;
  check (err->code == code && '\0' != err->message[0], name, "the error has no message");
  check (NULL != memchr (err->message, '\0', sizeof (err->message))
             && NULL != memchr (err->server_code, '\0', sizeof (err->server_code)),
         name, "a text does not end");
  check (utf8_valid (slice_of (err->message)), name, "the message is no UTF-8");
  for (const char *at = err->message; '\0' != *at; at++)
    if ((unsigned char)*at < ' ' || 0x7f == *at)
    {
      check (false, name, "a control character in the message");
      break;
    }
  for (const char *at = err->server_code; '\0' != *at; at++)
    if ((unsigned char)*at < ' ' || 0x7f == *at)
    {
      check (false, name, "a control character in the server's code");
      break;
    }
}

static struct tally_client *
make_client (const struct world *world, const char *url)
{
  struct tally_options *options = NULL;
  struct tally_client *client = NULL;
  char spool[512];

  snprintf (spool, sizeof (spool), "%s/spool", world->scratch);
  if (TALLY_OK == tally_options_new (&options, NULL) && TALLY_OK == tally_options_set (options, "server", url, NULL)
      && TALLY_OK == tally_options_set (options, "spool", spool, NULL)
      && TALLY_OK == tally_options_set (options, "token", "secret-token", NULL)
      && TALLY_OK == tally_options_set (options, "request-timeout-ms", REQUEST_TIMEOUT_MS, NULL)
      && TALLY_OK == tally_options_set (options, "connect-timeout-ms", "1000", NULL))
    tally_open (&client, options, NULL);
  tally_options_free (options);
  return client;
}

static void
remove_tree (const char *path)
{
  char command[600];

  snprintf (command, sizeof (command), "rm -rf '%s'", path);
  if (0 != system (command))
    perror ("rm");
}

static void
run_case (struct world *world, const struct hostile_case *hostile)
{
  struct hostility hostility = hostile->hostility;
  struct fake *fake = fake_start (hostile_answer, &hostility);
  struct tally_error err = { 0 };
  uint64_t began_us = clock_monotonic_us ();
  enum tally_code code;

  snprintf (world->target, sizeof (world->target), "%s/outer", world->scratch);
  remove_tree (world->target);
  mkdir (world->target, 0700);
  strcat (world->target, "/target");
  world->client = NULL == fake ? NULL : make_client (world, fake_url (fake));
  check (NULL != world->client, hostile->name, "no client");
  if (NULL != world->client)
  {
    code = hostile->call (world, &err);
    for (unsigned i = 1; i < TRIES && TALLY_ERROR_TIMEOUT == code && 0 == (hostile->codes & CODE (TIMEOUT)); i++)
      code = hostile->call (world, &err);
    check (0 != (hostile->codes & (1u << code)), hostile->name, "%s: %s", tally_code_name (code),
           TALLY_OK == code ? "" : err.message);
    check_error (hostile->name, code, &err);
    check_outside (world, hostile->name);
    tally_close (world->client, 0, NULL);
    check (clock_monotonic_us () - began_us < ENDS_WITHIN_US, hostile->name, "it took %llu ms",
           (unsigned long long)(clock_monotonic_us () - began_us) / 1000);
  }
  fake_stop (fake);
}

/* The host of a redirect gets nothing, least of all the token. */
static void
run_redirect (struct world *world)
{
  struct fake *other = fake_start (NULL, NULL);
  struct hostility hostility = { .match = "", .answer = answer_redirect, .text = fake_url (other) };
  struct fake *fake = fake_start (hostile_answer, &hostility);
  struct tally_error err = { 0 };
  static hostile_call *const calls[] = { call_get, call_search, call_ping, call_list, call_download, call_log };

  for (size_t i = 0; i < sizeof (calls) / sizeof (calls[0]); i++)
  {
    enum tally_code code;

    world->client = make_client (world, fake_url (fake));
    code = calls[i](world, &err);
    check (TALLY_ERROR_PROTOCOL == code || TALLY_ERROR_TIMEOUT == code, "redirect", "call %zu: %s: %s", i,
           tally_code_name (code), err.message);
    tally_close (world->client, 0, NULL);
  }
  check (0 == fake_connections (other), "redirect", "it was followed %u times", fake_connections (other));
  check (fake_requests (fake) >= 6, "redirect", "%u requests only", fake_requests (fake));
  fake_stop (fake);
  fake_stop (other);
}

int
main (int argc, char **argv)
{
  struct world world = { .scratch = argc > 1 ? argv[1] : "" };
  const char *match = argc > 2 ? argv[2] : "";

  if (argc < 2)
  {
    fputs ("usage: hostile SCRATCH [MATCH]\n", stderr);
    return 2;
  }
  setvbuf (stdout, NULL, _IOLBF, 0);
  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
    if (NULL != strstr (cases[i].name, match))
      run_case (&world, &cases[i]);
  if (NULL != strstr ("redirect", match))
    run_redirect (&world);
  printf ("%u passed, %u failed\n", passed, failed);
  return 0 == failed && passed > 0 ? 0 : 1;
}
