/* The calls of the public functions that must stand each failing allocation. */
#ifndef TALLY_TESTS_CLIENT_PROOF_ALLOC_CALLS_H
#define TALLY_TESTS_CLIENT_PROOF_ALLOC_CALLS_H

#include "tally.h"

#include <stdbool.h>
#include <stddef.h>

/* For what waits until all is sent. */
#define FLUSH_MS 60000

struct world
{
  char url[64];
  const char *scratch;
  char file[512];
  char large[512]; /* goes in two parts */
  char folder[512];
  char target[512];
  struct tally_options *options;
  struct tally_client *client;
  struct tally_run *run;
};

/* Returns how the scenario ended; frees what it got. Runs while allocations fail. */
typedef enum tally_code scenario_call (struct world *world, struct tally_error *err);

struct scenario
{
  const char *name;
  scenario_call *call;
  bool transfers; /* files */
  bool pauses; /* a failure costs a pause of the background thread */
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

/* The file in which each function that may fail is named. */
extern const char scenarios_source[];

/* Count one check; says what failed. */
void __attribute__ ((format (printf, 2, 3))) check (bool good, const char *format, ...);

#endif
