/* Clients of tests. */
#include "opened.h"

#include <check.h>
#include <stdarg.h>

struct tally_client *
opened (const char *name, ...)
{
  struct tally_options *options = NULL;
  struct tally_client *client = NULL;
  struct tally_error err;
  va_list list;

  ck_assert_int_eq (TALLY_OK, tally_options_new (&options, &err));
  va_start (list, name);
  for (; NULL != name; name = va_arg (list, const char *))
    ck_assert_msg (TALLY_OK == tally_options_set (options, name, va_arg (list, const char *), &err), "%s", err.message);
  va_end (list);
  ck_assert_msg (TALLY_OK == tally_open (&client, options, &err), "%s", err.message);
  tally_options_free (options);
  return client;
}
