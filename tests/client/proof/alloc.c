/* Each allocation of each public function fails once, and then with all that follow: no crash, no leak, and the answer
   is MEMORY or the call worked.
   Usage: alloc-failures --symbols FILE --scratch FOLDER [--stride N] [MATCH]

   --stride N   of scenarios with many allocations, and with pauses of background threads, only each N-th fails (1)
   MATCH        only scenarios whose name has this text

   The server is another process, so that each thread of this one is the library's. */
#include "alloc_calls.h"
#include "failing.h"
#include "fake.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No function allocates as often as that: one that seems to has an endless loop. */
#define ALLOCATIONS_MAX 100000
/* What takes all of its time although nothing was refused, on a busy machine, does not do so again and again. */
#define TRIES 50
/* The first ones of a scenario all fail, of the others each N-th: most of those are of JSON, which are all alike. */
#define DENSE 150
/* With all that follow, a call takes the whole of its time: memory might come back. */
#define SPARSE 250

static unsigned passed;
static unsigned failed;

void
check (bool good, const char *format, ...)
{
  va_list list;

  if (good)
  {
    passed++;
    return;
  }
  failed++;
  fputs ("  FAIL ", stdout);
  va_start (list, format);
  vprintf (format, list);
  va_end (list);
  putchar ('\n');
}

/* What the caller may be told when memory was refused. */
static void
judge (const char *name, long at, bool and_all_after, enum tally_code code, const struct tally_error *err)
{
  check (TALLY_OK == code || TALLY_ERROR_MEMORY == code
             || ((TALLY_ERROR_PROTOCOL == code || TALLY_ERROR_UNREACHABLE == code || TALLY_ERROR_TIMEOUT == code)
                 && failing_was_elsewhere ()),
         "%s: allocation %ld%s: %s: %s", name, at, and_all_after ? " and all after it" : "", tally_code_name (code),
         err->message);
}

/* How far to the next allocation that fails. */
static long
step_of (size_t index, long at, bool and_all_after, long stride)
{
  if (and_all_after)
    return at < SPARSE ? 10 : SPARSE;
  return scenarios[index].pauses || at >= DENSE ? stride : 1;
}

/* Let the allocation fail; true when there was one. */
static bool
run_once (enum tally_code *code, struct world *world, size_t index, long at, bool and_all_after,
          struct tally_error *err)
{
  bool hit = false;

  *code = TALLY_ERROR_TIMEOUT;
  for (unsigned i = 0; i < TRIES && TALLY_ERROR_TIMEOUT == *code; i++)
  {
    *err = (struct tally_error){ 0 };
    /* A transfer of a file in which libcurl has no memory may just stop, until a minute without a byte has passed. */
    failing_spare_curl (scenarios[index].transfers);
    failing_arm (at, and_all_after);
    *code = scenarios[index].call (world, err);
    hit = failing_disarm ();
    if (failing_was_elsewhere ())
      break;
  }
  return hit;
}

static void
run_scenario (struct world *world, size_t index, bool and_all_after, long stride)
{
  const char *name = scenarios[index].name;
  struct tally_error err = { 0 };
  enum tally_code code;
  long at;

  for (at = 0; at < ALLOCATIONS_MAX; at += step_of (index, at, and_all_after, stride))
  {
    bool hit = run_once (&code, world, index, at, and_all_after, &err);

    judge (name, at, and_all_after, code, &err);
    if (! hit)
      break;
  }
  check (TALLY_OK == code, "%s without a failure: %s: %s", name, tally_code_name (code), err.message);
  check (at < ALLOCATIONS_MAX, "%s: %ld allocations", name, at);
  printf ("# %s: %ld allocations failed%s\n", name, at, and_all_after ? " with all after them" : " one by one");
}

static bool
prepare (struct world *world)
{
  char text[4096];
  struct tally_options *options = NULL;

  snprintf (world->file, sizeof (world->file), "%s/file.txt", world->scratch);
  snprintf (world->folder, sizeof (world->folder), "%s/folder", world->scratch);
  snprintf (world->target, sizeof (world->target), "%s/target", world->scratch);
  snprintf (world->large, sizeof (world->large), "%s/large", world->scratch);
  snprintf (text, sizeof (text),
            "mkdir -p '%s' && echo hello >'%s' && echo hello >'%s/in' && head -c %d /dev/zero >'%s'", world->folder,
            world->file, world->folder, FAKE_PART_BYTES + 1, world->large);
  if (0 != system (text) || TALLY_OK != tally_options_new (&options, NULL))
    return false;
  snprintf (text, sizeof (text), "%s/spool", world->scratch);
  world->options = options;
  return TALLY_OK == tally_options_set (options, "server", world->url, NULL)
         && TALLY_OK == tally_options_set (options, "spool", text, NULL)
         && TALLY_OK == tally_options_set (options, "part-bytes", "5242880", NULL)
         && TALLY_OK == tally_options_set (options, "request-timeout-ms", "400", NULL)
         && TALLY_OK == tally_options_set (options, "retry-max-ms", "20", NULL)
         && TALLY_OK == tally_open (&world->client, options, NULL)
         && TALLY_OK == tally_run_start (&world->run, world->client, "e", "r", NULL)
         && TALLY_OK == tally_flush (world->client, FLUSH_MS, NULL);
}

/* Each function that may fail is in a scenario. */
static void
check_symbols (const char *path, const char *source)
{
  char line[128];
  char command[1024];
  FILE *file = fopen (path, "r");

  check (NULL != file, "%s is not there", path);
  while (NULL != file && NULL != fgets (line, sizeof (line), file))
  {
    line[strcspn (line, "\n")] = '\0';
    if (0 != strncmp (line, "tally_", 6))
      continue;
    snprintf (command, sizeof (command), "grep -q '\\b%s\\b' '%s'", line, source);
    check (0 == system (command), "%s is in no scenario", line);
  }
  if (NULL != file)
    fclose (file);
}

int
main (int argc, char **argv)
{
  struct world world = { 0 };
  const char *symbols = NULL;
  const char *match = "";
  long stride = 1;

  for (int i = 1; i < argc; i++)
    if (0 == strcmp (argv[i], "--symbols") && i + 1 < argc)
      symbols = argv[++i];
    else if (0 == strcmp (argv[i], "--scratch") && i + 1 < argc)
      world.scratch = argv[++i];
    else if (0 == strcmp (argv[i], "--stride") && i + 1 < argc)
      stride = atol (argv[++i]);
    else
      match = argv[i];
  if (NULL == symbols || NULL == world.scratch || stride < 1)
  {
    fputs ("usage: alloc-failures --symbols FILE --scratch FOLDER [--stride N] [MATCH]\n", stderr);
    return 2;
  }
  setvbuf (stdout, NULL, _IOLBF, 0);
  if (! fake_start_apart (world.url))
    return 1;
  failing_init ();
  if (! prepare (&world))
  {
    fputs ("alloc-failures: the client cannot be prepared\n", stderr);
    return 1;
  }
  for (size_t i = 0; i < scenario_count; i++)
    if (NULL != strstr (scenarios[i].name, match))
    {
      run_scenario (&world, i, false, stride);
      /* The threads in the background go on until there is memory again. */
      if (! scenarios[i].pauses)
        run_scenario (&world, i, true, stride);
    }
  tally_run_free (world.run);
  tally_close (world.client, FLUSH_MS, NULL);
  tally_options_free (world.options);
  if ('\0' == match[0])
    check_symbols (symbols, scenarios_source);
  printf ("%u passed, %u failed\n", passed, failed);
  return 0 == failed ? 0 : 1;
}
