/* Lifelines: whether a client is open, closed, or the parent's; asked by every call.

   DESIGN: a page that the kernel wipes in a child (MADV_WIPEONFORK) answers with one read of memory and without
   handlers of fork(), which a library that may be unloaded must not register. Kernels before 4.14 cannot do so: there
   the process id is asked. */
#include "handle.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct lifeline
{
  atomic_uint references;
  atomic_uint *state; /* the page; enum life */
  size_t page_bytes;
  pid_t process; /* 0: the page tells */
};

struct lifeline *
lifeline_new (void)
{
  struct lifeline *lifeline = calloc (1, sizeof (*lifeline));
  void *page;

  if (NULL == lifeline)
    return NULL;
  lifeline->page_bytes = (size_t)sysconf (_SC_PAGESIZE);
  page = mmap (NULL, lifeline->page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (MAP_FAILED == page)
  {
    free (lifeline);
    return NULL;
  }
  if (0 != madvise (page, lifeline->page_bytes, MADV_WIPEONFORK))
    lifeline->process = getpid ();
  lifeline->state = page;
  atomic_store (lifeline->state, LIFE_OPEN);
  atomic_store (&lifeline->references, 1);
  return lifeline;
}

struct lifeline *
lifeline_ref (struct lifeline *lifeline)
{
  atomic_fetch_add (&lifeline->references, 1);
  return lifeline;
}

void
lifeline_unref (struct lifeline *lifeline)
{
  if (NULL == lifeline || atomic_fetch_sub (&lifeline->references, 1) > 1)
    return;
  munmap (lifeline->state, lifeline->page_bytes);
  free (lifeline);
}

enum life
lifeline_state (const struct lifeline *lifeline)
{
  if (0 != lifeline->process && getpid () != lifeline->process)
    return LIFE_FORKED;
  return (enum life)atomic_load_explicit (lifeline->state, memory_order_relaxed);
}

void
lifeline_close (struct lifeline *lifeline)
{
  if (LIFE_OPEN == lifeline_state (lifeline))
    atomic_store (lifeline->state, LIFE_CLOSED);
}
