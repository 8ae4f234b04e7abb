/* Runs one scenario file against one server. docs/development/testing.md describes the format. */
#ifndef HTTP_TESTS_SCENARIO_H
#define HTTP_TESTS_SCENARIO_H

#include "base/buffer.h"

#include <jansson.h>
#include <stdbool.h>

/* The server under test; shared by all threads, never changed while they run. */
struct target
{
  const char *base_url; /* http://host:port, without a path */
  const char *host;
  const char *port;
  const json_t *texts; /* variables that every file knows; borrowed */
  const char *only; /* run only cases whose label holds this; NULL for all (cases that save are always run) */
  bool oracle; /* the server is MLflow itself: cases marked "ours" are left out, and so are the general checks */
};

/* What became of one file; one thread writes it. */
struct outcome
{
  unsigned passed;
  unsigned failed;
  unsigned skipped;
  struct buffer failures; /* lines for a person */
  json_t *seen; /* array of [method, path, status]; owned */
};

/* Run all cases of a file in their order and count them in `outcome`, which is initialised here.

   path     of the file
   number   makes names unique among the files and rounds of one run

   A file that cannot be read is one failure. Free with outcome_free. Any thread. */
void scenario_run (struct outcome *outcome, const struct target *target, const char *path, unsigned number);

void outcome_free (struct outcome *outcome);

/* The JSON of a file, or NULL with the reason in `why`. */
json_t *scenario_load (const char *path, struct buffer *why);

#endif
