/* Ctrl-C is noted, and the second one ends the process. */
#include "cli/interrupt.h"

#include "cli/cli.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t noted;
static pthread_t main_thread;
static const char *last_words;

/* Safe in a handler; what it cannot write nobody sees. */
static void
say_last_words (void)
{
  if (NULL != last_words)
    (void)! write (STDOUT_FILENO, last_words, strlen (last_words));
}

void
interrupt_last_words (const char *text)
{
  last_words = text;
  atexit (say_last_words);
}

/* A signal may come to any thread, but it is the main one that waits. */
static void
note_signal (int number)
{
  if (! pthread_equal (pthread_self (), main_thread))
  {
    pthread_kill (main_thread, number);
    return;
  }
  if (0 != noted)
  {
    say_last_words ();
    signal (number, SIG_DFL);
    raise (number);
  }
  noted = number;
}

/* Nothing that would have to be done in between: a handler may interrupt anything. */
static void
end_at_once (int number)
{
  (void)number;
  say_last_words ();
  _exit (CLI_INTERRUPTED);
}

void
interrupt_end (void)
{
  static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
  struct sigaction action = { .sa_handler = end_at_once };

  sigemptyset (&action.sa_mask);
  for (size_t i = 0; i < sizeof (numbers) / sizeof (numbers[0]); i++)
    sigaction (numbers[i], &action, NULL);
}

void
interrupt_catch (void)
{
  /* Without SA_RESTART a read returns. */
  struct sigaction action = { .sa_handler = note_signal };

  main_thread = pthread_self ();
  sigemptyset (&action.sa_mask);
  sigaction (SIGINT, &action, NULL);
  sigaction (SIGTERM, &action, NULL);
  sigaction (SIGHUP, &action, NULL);
}

bool
interrupted (void)
{
  return 0 != noted;
}

void
interrupt_sleep (unsigned ms)
{
  struct timespec pause = { ms / 1000, (long)(ms % 1000) * 1000000 };

  if (! interrupted ())
    nanosleep (&pause, NULL);
}
