/* A command run beside us: its output captured, signals passed on, what it used told. */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H

#include "cli/capture.h"

#include <signal.h>
#include <sys/types.h>

struct child
{
  pid_t process;
  struct capture out;
  struct capture err;
  int signals; /* signalfd */
  sigset_t before; /* the mask to give back and to the command */
  const char **environment; /* the command's, ended by NULL; NULL: ours */

  int exit_code; /* its own, or 128 and the signal */
  int signal; /* that ended it; 0: none */
  int64_t started_us;
  double duration_s;
  double cpu_s;
  double memory_mib; /* the most that was resident */
};

/* Block the signals that are passed on: before other threads start, which would get them else. */
void child_block_signals (struct child *child);

/* Give the command another value of a variable than ours; NULL: it has none. Our own environment stays as it is,
   because other threads may read it at any time. */
void child_set_variable (struct child *child, const char *name, const char *value);

/* Start it with our environment and what was set. False with errno, which is what execvp says. */
bool child_start (struct child *child, const char *const *arguments, bool keep_output);

/* Until it ends. */
void child_wait (struct child *child);

/* Signals have their usual effects again. */
void child_unblock_signals (struct child *child);
void child_free (struct child *child);

#endif
