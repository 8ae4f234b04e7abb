/* Tests of the rules of names: characters, normal form as a path, lengths by characters, numbers of experiments. */
#include "api/names.h"

#include <check.h>
#include <stdlib.h>

/* Far above what one check needs. */
#define ARENA_BYTES ((size_t)1024 * 1024)

static struct arena *arena;

static void
set_up (void)
{
  arena = arena_new (ARENA_BYTES);
  ck_assert_ptr_nonnull (arena);
}

static void
tear_down (void)
{
  arena_free (arena);
}

/* `resolved` is what Python 3.11's posixpath.normpath gives; NULL for keys that are fine. */
static const struct
{
  const char *key;
  const char *resolved;
} paths[] = {
  { "a", NULL },
  { "a/b", NULL },
  { "a/..b", NULL },
  { "a..", NULL },
  { "a/...", NULL },
  { "a/.../b", NULL },
  { ". ", NULL },
  { "a b", NULL },
  { " ", NULL },
  { "a:b", NULL },
  { "a/ /b", NULL },
  { ".a", NULL },
  { "-", NULL },
  { "_", NULL },
  { "a//b", "a/b" },
  { "/a", "/a" },
  { "//a", "//a" },
  { "///a", "/a" },
  { "a/", "a" },
  { "./a", "a" },
  { "a/.", "a" },
  { "a/./b", "a/b" },
  { "..", ".." },
  { "../a", "../a" },
  { "../a/a", "../a/a" },
  { "..//a", "../a" },
  { "a/..", "." },
  { "a/../b", "b" },
  { "a/b/..", "a" },
  { "a/b/c/../../d", "a/d" },
  { "..a", "..a" },
  { "..  x", "..  x" },
  { "...", "..." },
  { ".", "." },
  { "./", "." },
  { "/", "/" },
  { "//", "//" },
  { "///", "/" },
  { "/.", "/" },
  { "/..", "/" },
  { "//..", "//" },
  { "//a/../..", "//" },
  { "../..", "../.." },
  { "../../a/..", "../.." },
  { "a/b/../../..", ".." },
  { "a/../..", ".." },
  { "", "." },
};

START_TEST (judges_keys_as_paths)
{
  for (size_t i = 0; i < sizeof (paths) / sizeof (paths[0]); i++)
  {
    struct slice key = slice_of (paths[i].key);
    struct err err = { 0 };
    enum err_code code = names_check_key (key, "metrics[3].name", arena, &err);
    char *expected;

    ck_assert_msg (code == (NULL == paths[i].resolved ? ERR_OK : ERR_INVALID_PARAMETER_VALUE), "'%s'", paths[i].key);
    ck_assert_msg (names_key_is_fine (key) == (ERR_OK == code), "'%s'", paths[i].key);
    if (NULL == paths[i].resolved)
      continue;
    expected = arena_printf (arena,
                             "Invalid value \"%s\" for parameter 'metrics[3].name' supplied: Names may be treated as "
                             "files in certain cases, and must not resolve to other names when treated as such. This "
                             "name would resolve to '%s'",
                             paths[i].key, paths[i].resolved);
    ck_assert_str_eq (err.message, expected);
  }
}
END_TEST

/* `quoted` is the key as Python's json.dumps writes it; NULL for keys that are fine. */
static const struct
{
  struct slice key;
  const char *quoted;
} characters[] = {
  { { "azAZ09_-. :/x", 13 }, NULL },
  { { "\xC3\xA9\xC3\x9F", 4 }, NULL },
  { { "\xE6\x97\xA5\xE6\x9C\xAC", 6 }, NULL },
  { { "\xD9\xA3", 2 }, NULL }, /* ARABIC-INDIC DIGIT THREE */
  { { "\xF0\x90\x8C\xB0", 4 }, NULL }, /* GOTHIC LETTER AHSA */
  { { "a*b", 3 }, "\"a*b\"" },
  { { "a\\b", 3 }, "\"a\\\\b\"" },
  { { "\"", 1 }, "\"\\\"\"" },
  { { "a\tb", 3 }, "\"a\\tb\"" },
  { { "a\n", 2 }, "\"a\\n\"" },
  { { "a\0b", 3 }, "\"a\\u0000b\"" },
  { { "\x7F", 1 }, "\"\x7F\"" },
  { { "100%", 4 }, "\"100%\"" },
  { { "a@b", 3 }, "\"a@b\"" },
  { { "\xE2\x82\xAC", 3 }, "\"\\u20ac\"" },
  { { "\xF0\x9F\x98\x80", 4 }, "\"\\ud83d\\ude00\"" },
  { { "\xC2\xA0", 2 }, "\"\\u00a0\"" }, /* NO-BREAK SPACE */
  { { "/*", 2 }, "\"/*\"" }, /* the characters are judged before the path */
};

START_TEST (judges_characters)
{
  for (size_t i = 0; i < sizeof (characters) / sizeof (characters[0]); i++)
  {
    struct err err = { 0 };
    enum err_code code = names_check_key (characters[i].key, "key", arena, &err);
    char *expected;

    ck_assert_msg (code == (NULL == characters[i].quoted ? ERR_OK : ERR_INVALID_PARAMETER_VALUE), "case %zu", i);
    ck_assert_msg (names_key_is_fine (characters[i].key) == (ERR_OK == code), "case %zu", i);
    if (NULL == characters[i].quoted)
      continue;
    expected = arena_printf (arena,
                             "Invalid value %s for parameter 'key' supplied: Names may only contain alphanumerics, "
                             "underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).",
                             characters[i].quoted);
    ck_assert_str_eq (err.message, expected);
  }
}
END_TEST

START_TEST (refuses_text_that_is_no_utf8)
{
  static const char *const cases[] = { "\x80", "a\xFF", "\xC3", "\xED\xA0\x80", "\xC0\xAF", "\xF4\x90\x80\x80" };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct err err = { 0 };

    ck_assert (! names_key_is_fine (slice_of (cases[i])));
    ck_assert_int_eq (names_check_key (slice_of (cases[i]), "key", arena, &err), ERR_INVALID_PARAMETER_VALUE);
  }
}
END_TEST

static struct slice
repeat (const char *piece, size_t count)
{
  size_t length = strlen (piece);
  char *text = arena_alloc (arena, length * count + 1);

  ck_assert_ptr_nonnull (text);
  for (size_t i = 0; i < count; i++)
    memcpy (text + i * length, piece, length);
  return (struct slice){ text, length * count };
}

START_TEST (counts_characters_and_not_bytes)
{
  static const char *const pieces[] = { "a", "\xC3\xA9", "\xE6\x97\xA5", "\xF0\x90\x8C\xB0" };

  for (size_t i = 0; i < sizeof (pieces) / sizeof (pieces[0]); i++)
  {
    struct err err = { 0 };

    ck_assert_int_eq (names_check_length (repeat (pieces[i], 249), "Metric name", 250, &err), ERR_OK);
    ck_assert_int_eq (names_check_length (repeat (pieces[i], 250), "Metric name", 250, &err), ERR_OK);
    ck_assert (names_key_is_fine (repeat (pieces[i], KEY_MAX)));
    ck_assert_int_eq (err.code, ERR_OK);
    ck_assert_int_eq (names_check_length (repeat (pieces[i], 251), "Metric name", 250, &err),
                      ERR_INVALID_PARAMETER_VALUE);
    ck_assert_str_eq (err.message, "'Metric name' exceeds the maximum length of 250 characters");
    ck_assert (! names_key_is_fine (repeat (pieces[i], KEY_MAX + 1)));
  }
  ck_assert_int_eq (names_check_length ((struct slice){ NULL, 0 }, "x", 0, NULL), ERR_OK);
}
END_TEST

START_TEST (cuts_long_keys_in_messages)
{
  struct err err = { 0 };

  /* A body may hold a key of megabytes. */
  ck_assert_int_eq (names_check_key (repeat ("\xE2\x82\xAC", 100000), "key", arena, &err), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_uint_lt (strlen (err.message), ERR_MESSAGE_BYTES);
  ck_assert_ptr_nonnull (strstr (err.message, "Invalid value \"\\u20ac"));
  err = (struct err){ 0 };
  ck_assert_int_eq (names_check_key (repeat ("../", 20000), "key", arena, &err), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_uint_lt (strlen (err.message), ERR_MESSAGE_BYTES);
}
END_TEST

static const struct
{
  const char *text;
  enum err_code code;
  int64_t id;
  const char *message;
} ids[] = {
  { "", ERR_OK, 0, "" },
  { "0", ERR_OK, 0, "" },
  { "17", ERR_OK, 17, "" },
  { "-1", ERR_OK, -1, "" },
  { "9223372036854775807", ERR_OK, INT64_MAX, "" },
  { "9223372036854775808", ERR_RESOURCE_DOES_NOT_EXIST, 0, "No Experiment with id=9223372036854775808 exists" },
  { "-9223372036854775809", ERR_RESOURCE_DOES_NOT_EXIST, 0, "No Experiment with id=-9223372036854775809 exists" },
  { "99999999999999999999999999", ERR_RESOURCE_DOES_NOT_EXIST, 0,
    "No Experiment with id=99999999999999999999999999 exists" },
  { "a", ERR_INVALID_PARAMETER_VALUE, 0, "Invalid experiment ID 'a'. Experiment ID must be a valid integer." },
  { "1a", ERR_INVALID_PARAMETER_VALUE, 0, "Invalid experiment ID '1a'. Experiment ID must be a valid integer." },
  { "1.0", ERR_INVALID_PARAMETER_VALUE, 0, "Invalid experiment ID '1.0'. Experiment ID must be a valid integer." },
  { "1e3", ERR_INVALID_PARAMETER_VALUE, 0, "Invalid experiment ID '1e3'. Experiment ID must be a valid integer." },
  { "0x10", ERR_INVALID_PARAMETER_VALUE, 0, "Invalid experiment ID '0x10'. Experiment ID must be a valid integer." },
  { "-", ERR_INVALID_PARAMETER_VALUE, 0, "Invalid experiment ID '-'. Experiment ID must be a valid integer." },
};

#define IDS (sizeof (ids) / sizeof (ids[0]))

START_TEST (reads_numbers_of_experiments)
{
  for (size_t i = 0; i < IDS; i++)
  {
    struct err err = { 0 };
    int64_t id = -77;
    enum err_code code = names_experiment_id (&id, slice_of (ids[i].text), &err);

    ck_assert_msg (code == ids[i].code, "'%s': %s", ids[i].text, err_name (code));
    ck_assert_str_eq (err.message, ids[i].message);
    if (ERR_OK == code)
      ck_assert_msg (id == ids[i].id, "'%s'", ids[i].text);
  }
}
END_TEST

START_TEST (leaves_out_experiments_that_cannot_be)
{
  static const struct slice texts[] = { { "5", 1 }, { "9223372036854775808", 19 }, { "", 0 }, { "7", 1 } };
  static const struct slice wrong[] = { { "5", 1 }, { "x", 1 }, { "7", 1 } };
  int64_t found[4];
  size_t count;
  struct err err = { 0 };

  ck_assert_int_eq (names_experiment_ids (found, &count, texts, 4, &err), ERR_OK);
  ck_assert_int_eq (err.code, ERR_OK);
  ck_assert_uint_eq (count, 3);
  ck_assert_int_eq (found[0], 5);
  ck_assert_int_eq (found[1], 0);
  ck_assert_int_eq (found[2], 7);
  ck_assert_int_eq (names_experiment_ids (found, &count, wrong, 3, &err), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_str_eq (err.message, "Invalid experiment ID 'x'. Experiment ID must be a valid integer.");
  ck_assert_int_eq (names_experiment_ids (found, &count, texts, 0, NULL), ERR_OK);
  ck_assert_uint_eq (count, 0);
}
END_TEST

Suite *names_suite (void);

Suite *
names_suite (void)
{
  Suite *suite = suite_create ("names");
  TCase *keys = tcase_create ("keys");
  TCase *experiments = tcase_create ("experiments");

  tcase_add_checked_fixture (keys, set_up, tear_down);
  tcase_add_test (keys, judges_keys_as_paths);
  tcase_add_test (keys, judges_characters);
  tcase_add_test (keys, refuses_text_that_is_no_utf8);
  tcase_add_test (keys, counts_characters_and_not_bytes);
  tcase_add_test (keys, cuts_long_keys_in_messages);
  suite_add_tcase (suite, keys);
  tcase_add_test (experiments, reads_numbers_of_experiments);
  tcase_add_test (experiments, leaves_out_experiments_that_cannot_be);
  suite_add_tcase (suite, experiments);
  return suite;
}
