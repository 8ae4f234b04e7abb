/* A command run beside us: one loop over its output and the signals that come. */
#include "cli/child.h"

#include "cli/cli.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is passed on. SIGCHLD and SIGWINCH are for us. */
static const int passed_on[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };

/* After the command's end, its output is read as long as there is some: a process that it left in the background may
   keep the files open. */
#define DRAIN_MS 100

void
child_block_signals (struct child *child)
{
  sigset_t set;

  memset (child, 0, sizeof (*child));
  child->signals = -1;
  child->out.from = child->out.child = child->err.from = child->err.child = -1;
  child->out.last = child->err.last = '\n';
  sigemptyset (&set);
  for (size_t i = 0; i < sizeof (passed_on) / sizeof (passed_on[0]); i++)
    sigaddset (&set, passed_on[i]);
  sigaddset (&set, SIGCHLD);
  sigaddset (&set, SIGWINCH);
  pthread_sigmask (SIG_BLOCK, &set, &child->before);
  child->signals = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void
child_set_variable (struct child *child, const char *name, const char *value)
{
  const char *const *from = NULL == child->environment ? (const char *const *)environ : child->environment;
  size_t length = strlen (name);
  size_t count = 0;
  const char **made;

  while (NULL != from[count])
    count++;
  made = cli_array (count + 2, sizeof (*made));
  count = 0;
  for (; NULL != *from; from++)
    if (0 != strncmp (*from, name, length) || '=' != (*from)[length])
      made[count++] = *from;
  if (NULL != value)
    made[count++] = cli_printf ("%s=%s", name, value);
  made[count] = NULL;
  free (child->environment);
  child->environment = made;
}

/* The command begins with the signals as they were for us; SIGPIPE as the shell has it. */
static int
spawn (struct child *child, const char *const *arguments)
{
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t defaults;
  int number;

  posix_spawn_file_actions_init (&files);
  posix_spawnattr_init (&attributes);
  posix_spawn_file_actions_adddup2 (&files, child->out.child, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2 (&files, child->err.child, STDERR_FILENO);
  sigemptyset (&defaults);
  sigaddset (&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault (&attributes, &defaults);
  posix_spawnattr_setsigmask (&attributes, &child->before);
  posix_spawnattr_setflags (&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  number = posix_spawnp (&child->process, arguments[0], &files, &attributes, (char *const *)arguments,
                         NULL == child->environment ? environ : (char *const *)child->environment);
  posix_spawnattr_destroy (&attributes);
  posix_spawn_file_actions_destroy (&files);
  return number;
}

bool
child_start (struct child *child, const char *const *arguments, bool keep_output)
{
  int number;

  if (child->signals < 0 || ! capture_init (&child->out, STDOUT_FILENO, keep_output)
      || ! capture_init (&child->err, STDERR_FILENO, keep_output))
    return false;
  child->started_us = (int64_t)clock_monotonic_us ();
  number = spawn (child, arguments);
  close (child->out.child);
  close (child->err.child);
  child->out.child = child->err.child = -1;
  errno = number;
  return 0 == number;
}

/* Summed up as whole numbers, which stay exact. */
static double
seconds (struct timeval one, struct timeval two)
{
  return (double)((one.tv_sec + two.tv_sec) * 1000000 + one.tv_usec + two.tv_usec) / 1e6;
}

/* True once the command has ended. */
static bool
reap (struct child *child)
{
  struct rusage usage;
  int status;
  pid_t process = wait4 (child->process, &status, WNOHANG, &usage);

  if (process != child->process || (! WIFEXITED (status) && ! WIFSIGNALED (status)))
    return false;
  child->duration_s = (double)((int64_t)clock_monotonic_us () - child->started_us) / 1e6;
  child->signal = WIFSIGNALED (status) ? WTERMSIG (status) : 0;
  child->exit_code = WIFSIGNALED (status) ? 128 + child->signal : WEXITSTATUS (status);
  child->cpu_s = seconds (usage.ru_utime, usage.ru_stime);
  child->memory_mib = (double)usage.ru_maxrss / 1024;
  return true;
}

/* A signal from the terminal went to the command too, which is in the same group. */
static void
pass_signals (struct child *child, bool *changed)
{
  struct signalfd_siginfo info;

  while (sizeof (info) == read (child->signals, &info, sizeof (info)))
    if (SIGCHLD == info.ssi_signo)
      *changed = true;
    else if (SIGWINCH == info.ssi_signo)
    {
      capture_resize (&child->out);
      capture_resize (&child->err);
      if (child->out.is_terminal || child->err.is_terminal)
        kill (child->process, SIGWINCH);
    }
    else if (SI_KERNEL != info.ssi_code)
      kill (child->process, (int)info.ssi_signo);
}

static void
read_ready (struct child *child, const struct pollfd *files)
{
  if (0 != files[0].revents && child->out.from >= 0)
    capture_read (&child->out);
  if (0 != files[1].revents && child->err.from >= 0)
    capture_read (&child->err);
}

void
child_wait (struct child *child)
{
  bool ended = false;

  while (! ended || child->out.from >= 0 || child->err.from >= 0)
  {
    struct pollfd files[] = { { child->out.from, POLLIN, 0 },
                              { child->err.from, POLLIN, 0 },
                              { child->signals, POLLIN, 0 } };
    int ready = poll (files, 3, ended ? DRAIN_MS : -1);
    bool changed = false;

    if (0 == ready && ended)
      break;
    if (ready <= 0)
      continue;
    read_ready (child, files);
    pass_signals (child, &changed);
    ended = ended || (changed && reap (child));
  }
}

void
child_unblock_signals (struct child *child)
{
  pthread_sigmask (SIG_SETMASK, &child->before, NULL);
}

void
child_free (struct child *child)
{
  if (child->signals >= 0)
    close (child->signals);
  free (child->environment);
  capture_free (&child->out);
  capture_free (&child->err);
}
