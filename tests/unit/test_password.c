/* Tests of passwords: what they must be, and how they are kept. */
#include "access/password.h"

#include <check.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ARENA_BYTES ((size_t)64 * 1024)

static struct arena *arena;
static struct err err;

static void
set_up (void)
{
  arena = arena_new (ARENA_BYTES);
  ck_assert_ptr_nonnull (arena);
  err_clear (&err);
}

static void
tear_down (void)
{
  arena_free (arena);
}

START_TEST (says_what_a_password_must_be)
{
  char longest[PASSWORD_MAX_BYTES + 1];
  const struct
  {
    struct slice password;
    bool fine;
  } cases[] = {
    { SLICE ("twelve chars"), true },
    { SLICE ("eleven char"), false },
    { SLICE (""), false },
    { { NULL, 0 }, false },
    /* characters, not bytes */
    { SLICE ("\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6"),
      true },
    { SLICE ("\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6"), false },
    { SLICE ("not UTF-8 \xFF here"), false },
    { SLICE ("annabelle.smith"), false },
    { SLICE ("Annabelle.SMITH"), false },
    { SLICE ("annabelle.smith1"), true },
    { SLICE ("tly_something"), false },
    { { longest, PASSWORD_MAX_BYTES }, true },
    { { longest, PASSWORD_MAX_BYTES + 1 }, false },
  };

  memset (longest, 'x', sizeof (longest));
  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    enum err_code code;

    err_clear (&err);
    code = password_check_strength (cases[i].password, SLICE ("annabelle.smith"), &err);
    ck_assert_msg ((cases[i].fine ? ERR_OK : ERR_INVALID_PARAMETER_VALUE) == code, "%.*s: %s",
                   SLICE_ARG (cases[i].password), err.message);
    ck_assert (cases[i].fine == ('\0' == err.message[0]));
  }
}
END_TEST

START_TEST (matches_its_own_hash_only)
{
  struct slice first = { NULL, 0 };
  struct slice second = { NULL, 0 };
  bool matches = false;

  ck_assert_int_eq (ERR_OK, password_hash (&first, SLICE ("correct horse"), arena, &err));
  ck_assert_int_eq (ERR_OK, password_hash (&second, SLICE ("correct horse"), arena, &err));
  ck_assert (! slice_equal (first, second));
  ck_assert (! password_is_old (first));
  ck_assert_int_eq (0, strncmp (first.data, "scrypt$15$8$3$", 14));
  ck_assert_ptr_null (strstr (first.data, "correct"));
  ck_assert_int_eq (ERR_OK, password_matches (&matches, first, SLICE ("correct horse"), &err));
  ck_assert (matches);
  ck_assert_int_eq (ERR_OK, password_matches (&matches, first, SLICE ("correct horsf"), &err));
  ck_assert (! matches);
  ck_assert_int_eq (ERR_OK, password_matches (&matches, first, SLICE ("correct hors"), &err));
  ck_assert (! matches);
  ck_assert_int_eq (ERR_OK, password_matches (&matches, first, (struct slice){ NULL, 0 }, &err));
  ck_assert (! matches);
}
END_TEST

/* A text made by another way into the library, with other parameters. */
static struct slice
text_of (const char *password, unsigned log_n, unsigned r, unsigned p)
{
  struct digest salt;
  struct digest hash;
  char salt_text[DIGEST_TEXT_BYTES];
  char hash_text[DIGEST_TEXT_BYTES];

  memset (salt.bytes, 7, sizeof (salt.bytes));
  ck_assert_int_eq (1, EVP_PBE_scrypt (password, strlen (password), salt.bytes, sizeof (salt.bytes), 1U << log_n, r, p,
                                       (uint64_t)256 << 20, hash.bytes, sizeof (hash.bytes)));
  digest_format (salt_text, &salt);
  digest_format (hash_text, &hash);
  return slice_of (arena_printf (arena, "scrypt$%u$%u$%u$%s$%s", log_n, r, p, salt_text, hash_text));
}

START_TEST (takes_other_parameters)
{
  static const unsigned cases[][3] = { { 1, 1, 1 }, { 4, 8, 1 }, { 10, 4, 16 }, { 10, 16, 2 }, { 15, 8, 3 } };
  bool matches = false;

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct slice text = text_of ("correct horse", cases[i][0], cases[i][1], cases[i][2]);

    ck_assert_int_eq (ERR_OK, password_matches (&matches, text, SLICE ("correct horse"), &err));
    ck_assert (matches);
    ck_assert_int_eq (ERR_OK, password_matches (&matches, text, SLICE ("other horse"), &err));
    ck_assert (! matches);
    ck_assert (password_is_old (text) == (15 != cases[i][0]));
  }
}
END_TEST

START_TEST (never_matches_what_is_no_text)
{
  static const char *const cases[] = {
    "",
    "scrypt",
    "password",
    "scrypt$15$8$3$",
    "scrypt$15$8$3$SALT$",
    "scrypt$15$8$3$SALT$HASH$",
    "scrypt$15$8$3$SALT$HASHf",
    "bcrypt$15$8$3$SALT$HASH",
    "scrypt$0$8$3$SALT$HASH",
    "scrypt$18$8$3$SALT$HASH",
    "scrypt$-1$8$3$SALT$HASH",
    "scrypt$x$8$3$SALT$HASH",
    "scrypt$15$0$3$SALT$HASH",
    "scrypt$15$17$3$SALT$HASH",
    "scrypt$17$16$3$SALT$HASH", /* 256 MiB */
    "scrypt$15$8$0$SALT$HASH",
    "scrypt$15$8$17$SALT$HASH",
    "scrypt$15$8$99999999999999999999$SALT$HASH",
  };
  struct slice good = text_of ("correct horse", 15, 8, 3);
  const char *salt = good.data + strlen ("scrypt$15$8$3$");

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    char text[512];
    size_t len = 0;
    bool matches = true;

    for (const char *at = cases[i]; '\0' != *at; at++)
      if (0 == strncmp (at, "SALT", 4) || 0 == strncmp (at, "HASH", 4))
      {
        len += (size_t)snprintf (text + len, sizeof (text) - len, "%.64s", 'S' == *at ? salt : salt + 65);
        at += 3;
      }
      else
        text[len++] = *at;
    ck_assert_msg (password_is_old ((struct slice){ text, len }), "%s", cases[i]);
    ck_assert_int_eq (ERR_OK, password_matches (&matches, (struct slice){ text, len }, SLICE ("correct horse"), &err));
    ck_assert_msg (! matches, "%s", cases[i]);
  }
}
END_TEST

static double
thread_seconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

START_TEST (takes_as_long_without_a_text)
{
  struct slice text = text_of ("correct horse", 15, 8, 3);
  double shortest[2] = { 1e9, 1e9 };
  bool matches = true;

  /* The shortest of some, because other programs run too. */
  for (int i = 0; i < 3; i++)
    for (int there = 0; there < 2; there++)
    {
      double begin = thread_seconds ();
      double taken;

      ck_assert_int_eq (ERR_OK, password_matches (&matches, there ? text : (struct slice){ NULL, 0 },
                                                  SLICE ("wrong password"), &err));
      ck_assert (! matches);
      taken = thread_seconds () - begin;
      if (taken < shortest[there])
        shortest[there] = taken;
    }
  ck_assert_msg (shortest[0] > shortest[1] / 1.5 && shortest[1] > shortest[0] / 1.5, "%.3f s without, %.3f s with",
                 shortest[0], shortest[1]);
  ck_assert_msg (shortest[0] > 0.02, "%.3f s is no work", shortest[0]);
}
END_TEST

/* The first line of a file with these bytes. */
static enum err_code
read_back (struct slice *password, struct slice bytes)
{
  char path[] = "/tmp/tally-password-XXXXXX";
  int fd = mkstemp (path);
  enum err_code code;

  ck_assert_int_ge (fd, 0);
  ck_assert_int_eq ((int)bytes.len, (int)write (fd, bytes.data, bytes.len));
  close (fd);
  err_clear (&err);
  code = password_read_file (password, path, arena, &err);
  unlink (path);
  return code;
}

START_TEST (reads_the_first_line_of_a_file)
{
  static const struct
  {
    struct slice bytes;
    const char *password; /* NULL: none */
  } cases[] = {
    { SLICE ("correct horse"), "correct horse" },
    { SLICE ("correct horse\n"), "correct horse" },
    { SLICE ("correct horse\r\n"), "correct horse" },
    { SLICE (" correct horse \nsecond line\n"), " correct horse " },
    { SLICE (""), NULL },
    { SLICE ("\nsecond line\n"), NULL },
    { SLICE ("cor\0rect"), NULL },
  };
  char longest[PASSWORD_MAX_BYTES + 2];
  struct slice password;

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    enum err_code code = read_back (&password, cases[i].bytes);

    ck_assert_int_eq (NULL == cases[i].password ? ERR_INVALID_PARAMETER_VALUE : ERR_OK, code);
    if (NULL != cases[i].password)
      ck_assert_msg (slice_is (password, cases[i].password), "%.*s", SLICE_ARG (password));
  }
  memset (longest, 'x', sizeof (longest));
  longest[PASSWORD_MAX_BYTES] = '\n';
  ck_assert_int_eq (ERR_OK, read_back (&password, (struct slice){ longest, PASSWORD_MAX_BYTES + 1 }));
  ck_assert_uint_eq (PASSWORD_MAX_BYTES, password.len);
  longest[PASSWORD_MAX_BYTES] = 'x';
  ck_assert_int_eq (ERR_INVALID_PARAMETER_VALUE,
                    read_back (&password, (struct slice){ longest, PASSWORD_MAX_BYTES + 1 }));
  err_clear (&err);
  ck_assert_int_eq (ERR_INVALID_PARAMETER_VALUE, password_read_file (&password, "/nowhere/at/all", arena, &err));
  ck_assert_ptr_nonnull (strstr (err.message, "/nowhere/at/all"));
}
END_TEST

Suite *password_suite (void);

Suite *
password_suite (void)
{
  Suite *suite = suite_create ("password");
  TCase *test_case = tcase_create ("password");

  tcase_add_checked_fixture (test_case, set_up, tear_down);
  /* Two dozen hashes, each ten times slower under a sanitizer. */
  tcase_set_timeout (test_case, 120);
  tcase_add_test (test_case, says_what_a_password_must_be);
  tcase_add_test (test_case, matches_its_own_hash_only);
  tcase_add_test (test_case, takes_other_parameters);
  tcase_add_test (test_case, never_matches_what_is_no_text);
  tcase_add_test (test_case, takes_as_long_without_a_text);
  tcase_add_test (test_case, reads_the_first_line_of_a_file);
  suite_add_tcase (suite, test_case);
  return suite;
}
