/* Threads that read while the servers are killed. */
#ifndef CRASH_TESTS_READER_H
#define CRASH_TESTS_READER_H

#include "world.h"

/* Body of a thread that reads while the servers are killed, until world->stopping: what was acknowledged before it asks
   must be there, and nothing that was not sent before it got the answer. */
struct reader
{
  struct world *world; /* borrowed */
  struct random random;
  long pause_us;
};

void *reader_run (void *user);

#endif
