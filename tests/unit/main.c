/* The main of every Check program: runs the one suite that the build names, and fails when a test fails. */
#include <check.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

/* A test that hangs is killed: of where it was the report then knows what it knew this long before. */
#define NOTED_EVERY_US 100000
/* Check's own limit for a test, 4 s, is passed on a machine that has much else to do. A limit must mean that a test
   hangs: the default is this, and what a test case says, which is meant for a quiet machine, is multiplied. */
#define TEST_TIMEOUT_S "60"
#define TIMEOUT_MULTIPLIER "5"

Suite *SUITE (void);
/* What the linker makes of Check's _mark_point with the Makefile's CHECK_LDFLAGS; without them none of it is called. */
void __real__mark_point (const char *file, int line) __attribute__ ((weak));
void __wrap__mark_point (const char *file, int line);

static _Thread_local struct
{
  const char *file;
  int line;
  int64_t noted_us;
} passed;

/* After each assertion that holds Check writes its place to a file, for the report of a test that crashes behind it,
   and reads all of them at the end. Tests assert millions of times: that was most of the time of some. So the place
   stays in memory, and is written when it is needed. */
void
__wrap__mark_point (const char *file, int line)
{
  struct timespec now;
  int64_t now_us;

  passed.file = file;
  passed.line = line;
  clock_gettime (CLOCK_MONOTONIC_COARSE, &now);
  now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
  if (now_us - passed.noted_us < NOTED_EVERY_US)
    return;
  passed.noted_us = now_us;
  __real__mark_point (file, line);
}

/* The signal comes again, and then ends the test. */
static void
crashed (int signal_number)
{
  if (NULL != passed.file)
    __real__mark_point (passed.file, passed.line);
  raise (signal_number);
}

static void
watch_for_crashes (void)
{
  static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

  for (size_t i = 0; i < sizeof (signals) / sizeof (signals[0]); i++)
  {
    struct sigaction before;

    /* A sanitizer that watches has a handler of its own, which says more. */
    sigaction (signals[i], NULL, &before);
    if (SIG_DFL == before.sa_handler)
      sigaction (signals[i], &(struct sigaction){ .sa_handler = crashed, .sa_flags = (int)SA_RESETHAND }, NULL);
  }
}

int
main (void)
{
  SRunner *runner;
  int run;
  int failed;

  /* Check reads them when a test case is made. */
  setenv ("CK_DEFAULT_TIMEOUT", TEST_TIMEOUT_S, 0);
  setenv ("CK_TIMEOUT_MULTIPLIER", TIMEOUT_MULTIPLIER, 0);
  runner = srunner_create (SUITE ());
  watch_for_crashes ();
  srunner_run_all (runner, CK_ENV);
  run = srunner_ntests_run (runner);
  failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  /* A suite that ran nothing has proven nothing. */
  return run > 0 && 0 == failed ? EXIT_SUCCESS : EXIT_FAILURE;
}
