/* Tests of the tags about a process: which there are, and that no secret is among them. */
#include "environment.h"
#include "secret.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST (leaves_credentials_out)
{
  static const struct
  {
    const char *url;
    const char *shown;
  } cases[] = {
    { "https://host/a", "https://host/a" },
    { "https://me:pw@host/a", "https://host/a" },
    { "https://t0ken@host:8443/a@b", "https://host:8443/a@b" },
    { "HTTPS://me:p@w@host", "HTTPS://host" },
    { "git+https://me:pw@host/a", "git+https://host/a" },
    { "http://host/a?token=x#y", "http://host/a" },
    { "http://host?me@x", "http://host" },
    { "ssh://git@host/a", "ssh://git@host/a" },
    { "ssh://git:pw@host:22/a?b", "ssh://git@host:22/a?b" },
    { "ftp://:pw@host/a", "ftp://host/a" },
    { "git@host:a/b.git", "git@host:a/b.git" },
    { "/srv/git/a@b", "/srv/git/a@b" },
    { "://x@y", "://x@y" },
    { "https://", "https://" },
    { "", "" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct buffer out;

    buffer_init (&out, 4096);
    secret_put_url (&out, slice_of (cases[i].url));
    ck_assert_msg (slice_is (buffer_slice (&out), cases[i].shown), "%s: %.*s", cases[i].url,
                   SLICE_ARG (buffer_slice (&out)));
    buffer_free (&out);
  }
}
END_TEST

START_TEST (hides_secret_arguments)
{
  static const struct
  {
    const char *arguments;
    size_t bytes;
    const char *shown;
  } cases[] = {
#define ARGUMENTS(text) (text), sizeof (text)
    { ARGUMENTS ("train\0--rate=0.1\0-v"), "train --rate=0.1 -v" },
    { ARGUMENTS ("train\0--password=pw\0x"), "train --password=*** x" },
    { ARGUMENTS ("train\0--db-PASSWORD\0pw\0x"), "train --db-PASSWORD *** x" },
    { ARGUMENTS ("train\0--token\0--next\0y"), "train --token --next y" },
    { ARGUMENTS ("train\0API_KEY=z\0token"), "train API_KEY=*** token" },
    { ARGUMENTS ("train\0--token"), "train --token" },
    { ARGUMENTS ("train\0https://me:pw@host/x"), "train https://host/x" },
    { ARGUMENTS ("train\0--data=https://me:pw@host/x"), "train --data=https://host/x" },
    { ARGUMENTS ("train\0\0x"), "train  x" },
    { "no end", 6, "no end" },
    { "", 0, "" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct buffer out;

    buffer_init (&out, 4096);
    secret_put_arguments (&out, (struct slice){ cases[i].arguments, cases[i].bytes });
    ck_assert_msg (slice_is (buffer_slice (&out), cases[i].shown), "%s: %.*s", cases[i].shown,
                   SLICE_ARG (buffer_slice (&out)));
    buffer_free (&out);
  }
}
END_TEST

static const char *
value_of (const struct tally_pair *tags, size_t count, const char *key)
{
  for (size_t i = 0; i < count; i++)
    if (0 == strcmp (key, tags[i].key))
      return tags[i].value;
  return NULL;
}

START_TEST (tells_what_surrounds_a_process)
{
  static const char *const always[] = { "mlflow.user",  "mlflow.source.name",    "mlflow.source.type",
                                        "tally.host",   "tally.process",         "tally.arguments",
                                        "tally.folder", "tally.compiler",        "tally.kernel",
                                        "tally.cores",  "tally.memory_megabytes" };
  struct arena *arena = arena_new ((size_t)8 * 1024 * 1024);
  struct tally_pair tags[ENVIRONMENT_MAX_TAGS];
  char folder[4096];
  size_t count;

  ck_assert_ptr_nonnull (arena);
  (void)setenv ("SLURM_JOB_ID", "4711", 1);
  (void)setenv ("OMPI_COMM_WORLD_RANK", "3", 1);
  (void)setenv ("SLURM_JOB_NAME", "a\nb\xFF", 1);
  (void)setenv ("RANK", "", 1);
  (void)setenv ("AWS_SECRET_ACCESS_KEY", "hidden-value", 1);
  count = environment_tags (tags, arena);
  ck_assert (! arena_overflowed (arena));
  for (size_t i = 0; i < sizeof (always) / sizeof (always[0]); i++)
    ck_assert_msg (NULL != value_of (tags, count, always[i]), "%s", always[i]);
  ck_assert_str_eq (value_of (tags, count, "tally.env.SLURM_JOB_ID"), "4711");
  ck_assert_str_eq (value_of (tags, count, "tally.env.OMPI_COMM_WORLD_RANK"), "3");
  ck_assert_str_eq (value_of (tags, count, "tally.env.SLURM_JOB_NAME"), "a b?");
  ck_assert_ptr_null (value_of (tags, count, "tally.env.RANK"));
  ck_assert_ptr_nonnull (getcwd (folder, sizeof (folder)));
  ck_assert_str_eq (value_of (tags, count, "tally.folder"), folder);
  ck_assert_int_eq (atoi (value_of (tags, count, "tally.process")), getpid ());
  ck_assert_int_gt (atoi (value_of (tags, count, "tally.cores")), 0);
  for (size_t i = 0; i < count; i++)
    ck_assert_msg (NULL == strstr (tags[i].value, "hidden-value"), "%s", tags[i].key);
  arena_free (arena);
}
END_TEST

START_TEST (cuts_long_texts)
{
  struct arena *arena = arena_new ((size_t)1024 * 1024);
  char *text = malloc (30000);
  const char *clean;

  ck_assert_ptr_nonnull (text);
  for (size_t i = 0; i < 30000; i += 3)
    memcpy (text + i, "\xE6\x97\xA5", 3);
  clean = environment_clean ((struct slice){ text, 30000 }, arena);
  ck_assert_uint_eq (strlen (clean), 8000 * 3);
  /* In the middle of a character. */
  clean = environment_clean ((struct slice){ text, 4 }, arena);
  ck_assert_str_eq (clean, "\xE6\x97\xA5?");
  ck_assert_str_eq (environment_clean (SLICE ("\x7F\t\x01z"), arena), "   z");
  free (text);
  arena_free (arena);
}
END_TEST

Suite *environment_suite (void);

Suite *
environment_suite (void)
{
  Suite *suite = suite_create ("environment");
  TCase *tags = tcase_create ("tags");

  tcase_add_test (tags, leaves_credentials_out);
  tcase_add_test (tags, hides_secret_arguments);
  tcase_add_test (tags, tells_what_surrounds_a_process);
  tcase_add_test (tags, cuts_long_texts);
  suite_add_tcase (suite, tags);
  return suite;
}
