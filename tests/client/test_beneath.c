/* Tests of files below a folder: whole or not at all, and never through a link. */
#include "beneath.h"
#include "folder.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *top_path;
static int top;

static void
setup (void)
{
  struct tally_error err;

  top_path = folder_new ();
  ck_assert_int_eq (beneath_open (&top, top_path, &err), TALLY_OK);
}

static void
teardown (void)
{
  close (top);
  folder_remove_all (top_path);
}

static enum tally_code
put (const char *name, const char *text, bool overwrite)
{
  struct tally_error err;
  struct beneath_file file;
  enum tally_code code = beneath_begin (&file, top, name, overwrite, &err);

  if (TALLY_OK != code)
    return code;
  ck_assert_int_eq (write (file.file, text, strlen (text)), (ssize_t)strlen (text));
  return beneath_finish (&file, overwrite, &err);
}

static void
has (const char *name, const char *text)
{
  size_t bytes;
  char *content = folder_read (top_path, name, &bytes);

  ck_assert_uint_eq (bytes, strlen (text));
  ck_assert_mem_eq (content, text, bytes);
  free (content);
}

START_TEST (makes_folders_and_replaces_only_when_told)
{
  ck_assert_int_eq (put ("a/b/c", "one", false), TALLY_OK);
  has ("a/b/c", "one");
  ck_assert_int_eq (put ("a/b/c", "two", false), TALLY_ERROR_EXISTS);
  has ("a/b/c", "one");
  ck_assert_int_eq (put ("a/b/c", "three", true), TALLY_OK);
  has ("a/b/c", "three");
  ck_assert_int_eq (put ("a/b", "four", true), TALLY_ERROR_FILE);
  ck_assert_int_eq (put ("a/b/c/d", "five", true), TALLY_ERROR_PROTOCOL);
  ck_assert_str_eq (folder_names (top_path), "a\n");
}
END_TEST

START_TEST (part_is_seen_until_it_is_whole)
{
  struct beneath_file file;
  struct tally_error err;

  ck_assert_int_eq (beneath_begin (&file, top, "x", false, &err), TALLY_OK);
  ck_assert_ptr_eq (strstr (folder_names (top_path), "x.tally-part-"), folder_names (top_path));
  ck_assert (! folder_has (top_path, "x"));
  beneath_drop (&file);
  ck_assert_str_eq (folder_names (top_path), "");
}
END_TEST

/* Somebody made the file while it was fetched. */
START_TEST (appears_in_between)
{
  struct beneath_file file;
  struct tally_error err;

  ck_assert_int_eq (beneath_begin (&file, top, "x", false, &err), TALLY_OK);
  folder_write (top_path, "x", "theirs", 6);
  ck_assert_int_eq (beneath_finish (&file, false, &err), TALLY_ERROR_EXISTS);
  has ("x", "theirs");
  ck_assert_str_eq (folder_names (top_path), "x\n");
}
END_TEST

START_TEST (links_are_not_followed)
{
  char *outside = folder_new ();

  ck_assert_int_eq (symlinkat (outside, top, "out"), 0);
  ck_assert_int_eq (put ("out/file", "x", true), TALLY_ERROR_PROTOCOL);
  ck_assert_int_eq (put ("out/a/b", "x", true), TALLY_ERROR_PROTOCOL);
  ck_assert_str_eq (folder_names (outside), "");
  /* As the file itself a link is what is there, and is replaced, not what it leads to. */
  folder_write (outside, "precious", "kept", 4);
  ck_assert_int_eq (symlinkat ("out/precious", top, "link"), 0);
  ck_assert_int_eq (put ("link", "new", false), TALLY_ERROR_EXISTS);
  ck_assert_int_eq (put ("link", "new", true), TALLY_OK);
  has ("link", "new");
  ck_assert_str_eq (folder_names (outside), "precious\n");
  folder_remove_all (outside);
}
END_TEST

START_TEST (longest_name)
{
  char name[257];

  memset (name, 'n', sizeof (name));
  name[255] = '\0';
  ck_assert_int_eq (put (name, "x", false), TALLY_OK);
  has (name, "x");
  name[255] = 'n';
  name[256] = '\0';
  ck_assert_int_eq (put (name, "x", false), TALLY_ERROR_FILE);
}
END_TEST

START_TEST (opens_what_is_not_there)
{
  char path[512];
  struct tally_error err;
  int folder;

  snprintf (path, sizeof (path), "%s/new/deep/", top_path);
  ck_assert_int_eq (beneath_open (&folder, path, &err), TALLY_OK);
  close (folder);
  folder_write (top_path, "file", "x", 1);
  snprintf (path, sizeof (path), "%s/file", top_path);
  ck_assert_int_eq (beneath_open (&folder, path, &err), TALLY_ERROR_FILE);
  snprintf (path, sizeof (path), "%s/file/x", top_path);
  ck_assert_int_eq (beneath_open (&folder, path, &err), TALLY_ERROR_FILE);
  ck_assert_int_eq (beneath_open (&folder, "", &err), TALLY_ERROR_FILE);
}
END_TEST

Suite *beneath_suite (void);

Suite *
beneath_suite (void)
{
  Suite *suite = suite_create ("beneath");
  TCase *tests = tcase_create ("beneath");

  tcase_add_checked_fixture (tests, setup, teardown);
  tcase_add_test (tests, makes_folders_and_replaces_only_when_told);
  tcase_add_test (tests, part_is_seen_until_it_is_whole);
  tcase_add_test (tests, appears_in_between);
  tcase_add_test (tests, links_are_not_followed);
  tcase_add_test (tests, longest_name);
  tcase_add_test (tests, opens_what_is_not_there);
  suite_add_tcase (suite, tests);
  return suite;
}
