/* What tests of a whole client need: a fake server, a spool folder of their own, and the events counted. */
#ifndef TESTS_CLIENT_WORLD_H
#define TESTS_CLIENT_WORLD_H

#include "fake_mlflow.h"

#include "tally.h"

#include <stdatomic.h>

/* In a child of a process with threads, ThreadSanitizer cannot start others, and AddressSanitizer's allocator may wait
   for a lock that a thread of the parent held: there such a child makes no client of its own. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define CHILDREN_CANNOT_ALLOCATE
#endif

/* For what is not waited for in vain: more than it takes on the busiest machine, with a sanitizer. */
#define PATIENCE_MS 60000

struct world
{
  struct fake_mlflow *fake;
  struct tally_options *options;
  struct tally_client *client;
  struct tally_error err;
  char folder[64]; /* of the spool */
  atomic_uint events[8]; /* by enum tally_event */
};

/* Make one; its client is opened by world_open. */
void world_begin (struct world *world, bool keeps_ids);
void world_set (struct world *world, const char *option, const char *value);
void world_open (struct world *world);
/* Close the client within that time; the test fails when it gives another code. */
void world_close (struct world *world, int64_t deadline_ms, enum tally_code expected);
void world_end (struct world *world);

/* Start a run; the test fails when that is not possible. */
struct tally_run *world_run (struct world *world, const char *experiment);
void world_log (struct tally_run *run, const char *key, unsigned count);
void world_flush (struct world *world);
/* Wait until an event was told; the test fails when it does not come. */
void world_await (struct world *world, enum tally_event event);
/* Let it try in vain so many more times, by waiting for what cannot be sent; its error is of the last wait. */
void world_try (struct world *world, unsigned times);

/* Points, log lines and so on of a run on the server. */
size_t world_count (struct world *world, const struct tally_run *run, const char *list);
/* The member of an object of the run ("tags", "params", "info"), as a copy that stays valid for a while. */
const char *world_text (struct world *world, const char *run_id, const char *object, const char *member);

/* Streams in the spool folder. */
unsigned world_streams (const struct world *world);

#endif
