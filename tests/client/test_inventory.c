/* Tests of inventories of local folders: what is taken, what is passed over, and bounds. */
#include "folder.h"
#include "inventory.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *top;

static void
setup (void)
{
  top = folder_new ();
}

static void
teardown (void)
{
  folder_remove_all (top);
}

static void
make_folder (const char *name)
{
  char path[512];

  snprintf (path, sizeof (path), "%s/%s", top, name);
  ck_assert_int_eq (mkdir (path, 0700), 0);
}

static void
make_link (const char *target, const char *name)
{
  char path[512];

  snprintf (path, sizeof (path), "%s/%s", top, name);
  ck_assert_int_eq (symlink (target, path), 0);
}

/* "name bytes\n" of each. */
static void
expect (const char *expected)
{
  struct inventory inventory;
  struct tally_error err;
  char text[2048] = "";

  ck_assert_int_eq (inventory_init (&inventory, &err), TALLY_OK);
  ck_assert_int_eq (inventory_scan (&inventory, top, &err), TALLY_OK);
  for (size_t i = 0; i < inventory.count; i++)
    snprintf (text + strlen (text), sizeof (text) - strlen (text), "%s %llu\n", inventory.files[i].name,
              (unsigned long long)inventory.files[i].bytes);
  ck_assert_str_eq (text, expected);
  inventory_free (&inventory);
}

START_TEST (files_in_order)
{
  expect ("");
  make_folder ("b");
  make_folder ("b/empty");
  folder_write (top, "b/x", "12", 2);
  folder_write (top, "b-", "1", 1);
  folder_write (top, "a", "", 0);
  expect ("a 0\nb- 1\nb/x 2\n");
}
END_TEST

START_TEST (links_only_to_files_inside)
{
  char inside[512];

  make_folder ("d");
  folder_write (top, "d/x", "123", 3);
  make_link ("d/x", "relative");
  snprintf (inside, sizeof (inside), "%s/d/x", top);
  make_link (inside, "absolute");
  make_link ("../d/x", "d/up");
  make_link ("/etc/passwd", "outside");
  make_link ("../../../../../../../../etc/passwd", "far");
  make_link ("d", "folder");
  make_link ("loop", "loop");
  make_link ("nothing", "broken");
  expect ("absolute 3\nd/up 3\nd/x 3\nrelative 3\n");
}
END_TEST

START_TEST (other_things_are_passed_over)
{
  char path[512];

  snprintf (path, sizeof (path), "%s/pipe", top);
  ck_assert_int_eq (mkfifo (path, 0600), 0);
  make_link ("pipe", "to-pipe");
  folder_write (top, "x", "1", 1);
  expect ("x 1\n");
}
END_TEST

static void
expect_error (const char *folder)
{
  struct inventory inventory;
  struct tally_error err;

  ck_assert_int_eq (inventory_init (&inventory, &err), TALLY_OK);
  ck_assert_int_eq (inventory_scan (&inventory, folder, &err), TALLY_ERROR_FILE);
  ck_assert_str_ne (err.message, "");
  inventory_free (&inventory);
}

START_TEST (names_that_no_server_takes)
{
  char path[512];

  folder_write (top, "a\nb", "1", 1);
  expect_error (top);
  snprintf (path, sizeof (path), "%s/none", top);
  expect_error (path);
  snprintf (path, sizeof (path), "%s/a\nb", top);
  expect_error (path);
}
END_TEST

START_TEST (too_deep)
{
  char name[200] = "d";

  make_folder (name);
  for (unsigned i = 1; i < ARTIFACT_DEPTH_MAX; i++)
  {
    strcat (name, "/d");
    make_folder (name);
  }
  expect ("");
  strcat (name, "/x");
  folder_write (top, name, "1", 1);
  expect_error (top);
}
END_TEST

START_TEST (sums_and_order)
{
  static const struct inventory_file files[] = {
    { "b", 5, true, "" }, { "a/x", 7, true, "" }, { "a", 0, false, "" }, { "b", 1, true, "" }
  };
  struct inventory inventory;
  struct tally_error err;

  ck_assert_int_eq (inventory_init (&inventory, &err), TALLY_OK);
  for (size_t i = 0; i < 200; i++)
    ck_assert_int_eq (inventory_add (&inventory, &files[i % 2], &err), TALLY_OK);
  ck_assert_uint_eq (inventory.bytes, 1200);
  ck_assert (inventory.complete);
  ck_assert_int_eq (inventory_add (&inventory, &files[2], &err), TALLY_OK);
  ck_assert (! inventory.complete);
  inventory_sort (&inventory);
  ck_assert_uint_eq (inventory.count, 201);
  ck_assert_str_eq (inventory.files[0].name, "a");
  ck_assert_str_eq (inventory.files[1].name, "a/x");
  ck_assert_str_eq (inventory.files[200].name, "b");
  inventory_free (&inventory);
}
END_TEST

Suite *inventory_suite (void);

Suite *
inventory_suite (void)
{
  Suite *suite = suite_create ("inventory");
  TCase *tests = tcase_create ("inventory");

  tcase_add_checked_fixture (tests, setup, teardown);
  tcase_add_test (tests, files_in_order);
  tcase_add_test (tests, links_only_to_files_inside);
  tcase_add_test (tests, other_things_are_passed_over);
  tcase_add_test (tests, names_that_no_server_takes);
  tcase_add_test (tests, too_deep);
  tcase_add_test (tests, sums_and_order);
  suite_add_tcase (suite, tests);
  return suite;
}
