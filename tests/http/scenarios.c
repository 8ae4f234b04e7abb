/* Runs scenario files in parallel and reports them in their order. */
#include "commands.h"
#include "reply.h"
#include "scenario.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two processors serve both sides; more threads would only queue. */
#define JOBS_DEFAULT 4
#define JOBS_MAX 64

struct work
{
  struct target target;
  char **files;
  unsigned count; /* files times rounds */
  unsigned files_count;
  atomic_uint next; /* the next piece of work that no thread has taken */
  struct outcome *outcomes; /* each is written by the thread that took its number */
};

bool
split_base_url (const char *url, char *host, size_t host_size, char *port, size_t port_size)
{
  bool is_https = 0 == strncmp (url, "https://", 8);
  const char *at = is_https ? url + 8 : 0 == strncmp (url, "http://", 7) ? url + 7 : NULL;
  const char *colon = NULL == at ? NULL : strrchr (at, ':');
  size_t length = NULL == colon ? 0 : (size_t)(colon - at);

  if (0 == length || length >= host_size || strcspn (colon + 1, "/") >= port_size)
    return false;
  snprintf (host, host_size, "%.*s", (int)length, at);
  snprintf (port, port_size, "%.*s", (int)strcspn (colon + 1, "/"), colon + 1);
  reply_speak_tls (is_https);
  return true;
}

/* The file of a piece of work; every second round goes backwards, so that no file leans on another. */
static const char *
file_of (const struct work *work, unsigned number)
{
  unsigned round = number / work->files_count;
  unsigned place = number % work->files_count;

  return work->files[round % 2 ? work->files_count - 1 - place : place];
}

static void *
take_files (void *user)
{
  struct work *work = user;
  unsigned number;

  while ((number = atomic_fetch_add (&work->next, 1)) < work->count)
    scenario_run (&work->outcomes[number], &work->target, file_of (work, number), number);
  return NULL;
}

static const char *
short_name (const char *path)
{
  const char *slash = strrchr (path, '/');

  return NULL == slash ? path : slash + 1;
}

static bool
write_seen (const struct work *work, const char *path)
{
  json_t *all = json_array ();
  bool ok;

  for (unsigned i = 0; i < work->count; i++)
    json_array_extend (all, work->outcomes[i].seen);
  ok = 0 == json_dump_file (all, path, JSON_COMPACT);
  json_decref (all);
  return ok;
}

/* Print what became of the files; returns the number of failures. */
static unsigned
report (const struct work *work)
{
  unsigned passed = 0;
  unsigned failed = 0;
  unsigned skipped = 0;

  for (unsigned i = 0; i < work->count; i++)
  {
    const struct outcome *outcome = &work->outcomes[i];

    if (outcome->failures.len > 0)
      fputs (outcome->failures.data, stdout);
    printf ("%-40s %4u passed, %u failed", short_name (file_of (work, i)), outcome->passed, outcome->failed);
    printf (outcome->skipped > 0 ? ", %u left out\n" : "\n", outcome->skipped);
    passed += outcome->passed;
    failed += outcome->failed;
    skipped += outcome->skipped;
  }
  if (skipped > 0)
    printf ("%u left out\n", skipped);
  printf ("%u passed, %u failed\n", passed, failed);
  return failed;
}

/* The texts that all files know lie beside the folder of the first one. */
static json_t *
load_texts (const char *first_file)
{
  const char *slash = strrchr (first_file, '/');
  char path[4096];
  struct buffer why;
  json_t *texts;

  buffer_init (&why, sizeof (path));
  snprintf (path, sizeof (path), "%.*s../texts.json", NULL == slash ? 0 : (int)(slash - first_file + 1), first_file);
  texts = scenario_load (path, &why);
  if (NULL == texts)
    fprintf (stderr, "http-runner: %s\n", why.data);
  buffer_free (&why);
  return texts;
}

static int
run_all (struct work *work, unsigned jobs, const char *seen)
{
  pthread_t threads[JOBS_MAX];
  int status;

  work->outcomes = calloc (work->count, sizeof (*work->outcomes));
  for (unsigned i = 0; i < jobs; i++)
    pthread_create (&threads[i], NULL, take_files, work);
  for (unsigned i = 0; i < jobs; i++)
    pthread_join (threads[i], NULL);
  status = report (work) > 0 ? 1 : 0;
  if (NULL != seen && ! write_seen (work, seen))
    status = 1;
  for (unsigned i = 0; i < work->count; i++)
    outcome_free (&work->outcomes[i]);
  free (work->outcomes);
  return status;
}

int
command_scenarios (int argc, char **argv)
{
  struct work work = { .count = 0 };
  char host[256];
  char port[16];
  unsigned jobs = JOBS_DEFAULT;
  unsigned rounds = 1;
  const char *seen = NULL;
  json_t *texts;
  int status;
  int i = 1;

  for (; i < argc && 0 == strncmp (argv[i], "--", 2); i++)
  {
    if (0 == strcmp (argv[i], "--oracle"))
      work.target.oracle = true;
    else if (0 == strcmp (argv[i], "--jobs") && i + 1 < argc)
      jobs = (unsigned)strtoul (argv[++i], NULL, 10);
    else if (0 == strcmp (argv[i], "--rounds") && i + 1 < argc)
      rounds = (unsigned)strtoul (argv[++i], NULL, 10);
    else if (0 == strcmp (argv[i], "--only") && i + 1 < argc)
      work.target.only = argv[++i];
    else if (0 == strcmp (argv[i], "--seen") && i + 1 < argc)
      seen = argv[++i];
    else
      return 2;
  }
  if (i + 1 >= argc || ! split_base_url (argv[i], host, sizeof (host), port, sizeof (port)))
  {
    fprintf (stderr, "http-runner: scenarios wants http://host:port or https://host:port, and files\n");
    return 2;
  }
  work.target.base_url = argv[i];
  work.target.host = host;
  work.target.port = port;
  work.files = argv + i + 1;
  work.files_count = (unsigned)(argc - i - 1);
  work.count = work.files_count * rounds;
  texts = load_texts (work.files[0]);
  if (NULL == texts)
    return 2;
  work.target.texts = texts;
  status = run_all (&work, jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : jobs, seen);
  json_decref (texts);
  return status;
}

int
command_arguments (int argc, char **argv)
{
  struct buffer why;
  json_t *root = NULL;
  const json_t *argument;
  size_t i;

  buffer_init (&why, 4096);
  if (argc > 1)
    root = scenario_load (argv[1], &why);
  json_array_foreach (json_object_get (root, "daemon"), i, argument) puts (json_string_value (argument));
  if (NULL == root)
    fprintf (stderr, "http-runner: %s\n", why.len > 0 ? why.data : "no file");
  buffer_free (&why);
  json_decref (root);
  return NULL == root ? 1 : 0;
}
