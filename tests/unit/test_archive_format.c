/* Tests of what archives are called, and of archives that do not fit. */
#include "artifact/archive.h"

#include <check.h>

/* 2024-02-29 12:34:56.789 UTC */
#define MODIFIED_MS INT64_C (1709210096789)

START_TEST (formats_by_name)
{
  static const struct
  {
    const char *name;
    const char *stem; /* NULL: none */
    enum archive_format format;
  } cases[] = {
    { "m.tar", "m", ARCHIVE_TAR },    { "m.tar.gz", "m", ARCHIVE_TAR_GZ },   { "m.tgz", "m", ARCHIVE_TAR_GZ },
    { "m.zip", "m", ARCHIVE_ZIP },    { "a/b.c.zip", "a/b.c", ARCHIVE_ZIP }, { "m.tar.tar", "m.tar", ARCHIVE_TAR },
    { "m", NULL, ARCHIVE_TAR },       { ".zip", NULL, ARCHIVE_TAR },         { "a/.tar", NULL, ARCHIVE_TAR },
    { "m.gz", NULL, ARCHIVE_TAR },    { "m.ZIP", NULL, ARCHIVE_TAR },        { "", NULL, ARCHIVE_TAR },
    { "a.zip/b", NULL, ARCHIVE_TAR },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    enum archive_format format = ARCHIVE_FORMAT_COUNT;
    struct slice stem = { NULL, 0 };
    bool found = archive_format_of (&format, &stem, slice_of (cases[i].name));

    ck_assert_msg (found == (NULL != cases[i].stem), "%s", cases[i].name);
    if (found)
    {
      ck_assert_int_eq (format, cases[i].format);
      ck_assert_msg (slice_is (stem, cases[i].stem), "%s", cases[i].name);
    }
  }
}
END_TEST

START_TEST (full_buffers_are_errors)
{
  static const char block[4096];

  for (int format = 0; format < ARCHIVE_FORMAT_COUNT; format++)
    for (size_t room = 1; room < 1200; room += 13)
    {
      struct archive *archive = archive_new ((enum archive_format)format);
      struct archive_file file = { SLICE ("name"), sizeof (block), MODIFIED_MS };
      struct buffer small;
      enum err_code code;
      bool ended = false;

      buffer_init (&small, room);
      code = archive_begin (archive, &small, &file, NULL);
      if (ERR_OK == code)
        code = archive_write (archive, &small, (struct slice){ block, sizeof (block) }, NULL);
      if (ERR_OK == code)
        code = archive_end (archive, &small, NULL);
      if (ERR_OK == code)
        code = archive_close (&ended, archive, &small, NULL);
      ck_assert_msg ((ERR_OK == code) == ! small.failed, "format %d, %zu bytes", format, room);
      buffer_free (&small);
      archive_free (archive);
    }
}
END_TEST

Suite *archive_format_suite (void);

Suite *
archive_format_suite (void)
{
  Suite *suite = suite_create ("archive_format");
  TCase *formats = tcase_create ("formats");

  tcase_add_test (formats, formats_by_name);
  tcase_add_test (formats, full_buffers_are_errors);
  suite_add_tcase (suite, formats);
  return suite;
}
