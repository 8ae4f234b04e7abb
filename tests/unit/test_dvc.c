/* Tests of names in a remote of DVC and of the check of their contents. */
#include "artifact/dvc.h"

#include <check.h>
#include <string.h>

START_TEST (reads_names)
{
  static const struct
  {
    const char *path;
    bool fine;
    bool is_old;
  } cases[] = {
    { "files/md5/5d/41402abc4b2a76b9719d911017c592", true, false },
    { "files/md5/5d/41402abc4b2a76b9719d911017c592.dir", true, false },
    { "5d/41402abc4b2a76b9719d911017c592", true, true },
    { "5d/41402abc4b2a76b9719d911017c592.dir", true, true },
    { "", false, false },
    { "files/md5/", false, false },
    { "files/md5", false, false },
    { "5d/41402abc4b2a76b9719d911017c59", false, false },
    { "5d/41402abc4b2a76b9719d911017c5922", false, false },
    { "5d/41402abc4b2a76b9719d911017c592.DIR", false, false },
    { "5d/41402abc4b2a76b9719d911017c592.dirs", false, false },
    { "5D/41402abc4b2a76b9719d911017c592", false, false },
    { "5g/41402abc4b2a76b9719d911017c592", false, false },
    { "5d41402abc4b2a76b9719d911017c592", false, false },
    { "5d/41402abc4b2a76b9719d911017c5\xff"
      "2",
      false, false },
    { "files/md5/files/md5/5d/41402abc4b2a76b9719d911017c592", false, false },
    { "x/5d/41402abc4b2a76b9719d911017c592", false, false },
    { "files/sha256/5d/41402abc4b2a76b9719d911017c592", false, false },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct dvc_name name;
    bool fine = dvc_name_parse (&name, slice_of (cases[i].path));

    ck_assert_msg (fine == cases[i].fine, "%s", cases[i].path);
    if (fine)
    {
      ck_assert (name.is_old == cases[i].is_old);
      ck_assert_int_eq (name.md5[0], 0x5d);
      ck_assert_int_eq (name.md5[1], 0x41);
      ck_assert_int_eq (name.md5[15], 0x92);
    }
  }
}
END_TEST

/* Whether a text, cut at two places, is what a path names. */
static bool
matches (const char *path, const char *text, size_t first, size_t second)
{
  size_t length = strlen (text);
  struct dvc_hash *hash = dvc_hash_start ();
  struct dvc_name name;
  bool fine;

  ck_assert_ptr_nonnull (hash);
  ck_assert (dvc_name_parse (&name, slice_of (path)));
  ck_assert (dvc_hash_add (hash, (struct slice){ text, first }));
  ck_assert (dvc_hash_add (hash, (struct slice){ text + first, second - first }));
  ck_assert (dvc_hash_add (hash, (struct slice){ text + second, length - second }));
  fine = dvc_hash_end (hash, &name);
  dvc_hash_free (hash);
  return fine;
}

START_TEST (hashes_contents_however_they_come)
{
  /* The sums of md5sum: of the first text as it is, and of the second without each CR that LF follows. */
  static const struct
  {
    const char *path;
    const char *text;
    bool fine;
  } cases[] = {
    { "files/md5/5d/41402abc4b2a76b9719d911017c592", "hello", true },
    { "files/md5/5d/41402abc4b2a76b9719d911017c592", "hellp", false },
    { "5d/41402abc4b2a76b9719d911017c592", "hello", true },
    { "66/b8d251b71f6f9308071aae5e100ec2", "a\r\nb\r\r\nc\rd\n\r\n\r", true },
    { "files/md5/66/b8d251b71f6f9308071aae5e100ec2", "a\r\nb\r\r\nc\rd\n\r\n\r", false },
    { "66/b8d251b71f6f9308071aae5e100ec2", "a\nb\r\nc\rd\n\n\r", true },
    { "66/b8d251b71f6f9308071aae5e100ec2", "a\nb\nc\nd\n\n\n", false },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
    for (size_t first = 0; first <= strlen (cases[i].text); first++)
      for (size_t second = first; second <= strlen (cases[i].text); second++)
        ck_assert_msg (cases[i].fine == matches (cases[i].path, cases[i].text, first, second),
                       "case %zu cut at %zu and %zu", i, first, second);
}
END_TEST

Suite *dvc_suite (void);

Suite *
dvc_suite (void)
{
  Suite *suite = suite_create ("dvc");
  TCase *names = tcase_create ("names");

  tcase_add_test (names, reads_names);
  tcase_add_test (names, hashes_contents_however_they_come);
  suite_add_tcase (suite, names);
  return suite;
}
