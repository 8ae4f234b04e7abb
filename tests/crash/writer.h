/* Threads that write while the servers are killed. */
#ifndef CRASH_TESTS_WRITER_H
#define CRASH_TESTS_WRITER_H

#include "world.h"

struct writer
{
  struct world *world; /* borrowed */
  struct random random;
  long pause_us; /* on average between two requests */
};

/* Body of a thread; `user` is a struct writer, which lives until the thread was joined. Ends some time after
   world->stopping is set. */
void *writer_run (void *user);

#endif
