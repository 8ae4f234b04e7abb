/* The main of every Check program: runs the one suite that the build names, and fails when a test fails. */
#include <check.h>
#include <stdlib.h>

Suite *SUITE (void);

int
main (void)
{
  SRunner *runner = srunner_create (SUITE ());
  int run;
  int failed;

  srunner_run_all (runner, CK_ENV);
  run = srunner_ntests_run (runner);
  failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  /* A suite that ran nothing has proven nothing. */
  return run > 0 && 0 == failed ? EXIT_SUCCESS : EXIT_FAILURE;
}
