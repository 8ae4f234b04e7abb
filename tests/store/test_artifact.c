/* Tests of names and contents of artifacts: lists that jump over what lies below, conflicts of files and directories,
   contents that are held. */
#include "database.h"

#include "base/clock.h"
#include "store/artifact.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

/* Entries that one test looks at. */
#define SEEN_MAX 2000

/* How long a statement is watched that must wait for another: it would end in a millisecond otherwise. */
#define WAIT_US 200000

static struct digest
content (const char *text)
{
  struct digest digest;

  ck_assert (digest_of (&digest, slice_of (text)));
  return digest;
}

/* --- giving names ------------------------------------------------------------------------------------------------ */

struct putting
{
  const char *path;
  struct digest digest;
  int64_t size_bytes;
  int64_t now_ms;
  bool only_hold;
};

static enum err_code
put_work (struct store_connection *connection, void *context, struct err *err)
{
  const struct putting *putting = context;
  enum err_code code = store_blob_hold (connection, &putting->digest, putting->size_bytes, putting->now_ms, err);

  if (ERR_OK == code && ! putting->only_hold)
    code = store_artifact_put (connection, slice_of (putting->path), &putting->digest, putting->size_bytes,
                               putting->now_ms, err);
  return code;
}

static enum err_code
try_put (struct store_connection *connection, const char *path, const char *text, int64_t now_ms, struct err *err)
{
  struct putting putting = { path, content (text), (int64_t)strlen (text), now_ms, false };

  store_start_request (connection, 0);
  return store_transaction (connection, STORE_WRITE, put_work, &putting, err);
}

static void
put (const char *path, const char *text)
{
  struct err err = { 0 };

  ck_assert_msg (ERR_OK == try_put (database.connection, path, text, 1, &err), "%s: %s", err.message, err.cause);
}

static void
put_refused (const char *path, const char *message)
{
  struct err err = { 0 };

  ck_assert_int_eq (try_put (database.connection, path, "refused", 1, &err), ERR_RESOURCE_CONFLICT);
  ck_assert_str_eq (err.message, message);
}

static int64_t
used_at (const char *text)
{
  struct digest digest = content (text);
  char hex[DIGEST_TEXT_BYTES];

  digest_format (hex, &digest);
  return database_number ("SELECT used_at_ms FROM blob WHERE sha256 = '\\x%s'", hex);
}

/* --- what was seen ------------------------------------------------------------------------------------------------ */

struct seen
{
  size_t count;
  size_t stop_at; /* end with an error at this row; 0: never */
  char text[SEEN_MAX][64];
  struct store_artifact files[SEEN_MAX];
};

static struct seen seen;

static enum err_code
see_entry (void *context, const struct store_artifact_entry *entry, struct err *err)
{
  struct seen *into = context;

  ck_assert_uint_lt (into->count, SEEN_MAX);
  snprintf (into->text[into->count], sizeof (into->text[0]), "%.*s%s", SLICE_ARG (entry->name),
            entry->is_directory ? "/" : "");
  into->files[into->count++] = entry->file;
  return into->count == into->stop_at ? err_set (err, ERR_BAD_REQUEST, "enough") : ERR_OK;
}

static enum err_code
see_artifact (void *context, const struct store_artifact *artifact, struct err *err)
{
  struct seen *into = context;

  (void)err;
  ck_assert_uint_lt (into->count, SEEN_MAX);
  snprintf (into->text[into->count], sizeof (into->text[0]), "%.*s", SLICE_ARG (artifact->path));
  into->files[into->count++] = *artifact;
  return ERR_OK;
}

static void
list (const char *directory, const char *after, int64_t limit)
{
  struct err err = { 0 };

  seen.count = 0;
  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK
                     == store_artifact_list (database.connection, slice_of (directory), slice_of (after), limit,
                                             see_entry, &seen, database.arena, &err),
                 "%s: %s", err.message, err.cause);
}

static void
tree (const char *directory, const char *after, int64_t limit)
{
  struct err err = { 0 };

  seen.count = 0;
  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK
                     == store_artifact_tree (database.connection, slice_of (directory), slice_of (after), limit,
                                             see_artifact, &seen, database.arena, &err),
                 "%s: %s", err.message, err.cause);
}

/* All that was seen, separated by blanks. */
static void
expect (const char *texts)
{
  static char all[SEEN_MAX * 64];
  size_t used = 0;

  all[0] = '\0';
  for (size_t i = 0; i < seen.count; i++)
    used += (size_t)snprintf (all + used, sizeof (all) - used, "%s%s", 0 == i ? "" : " ", seen.text[i]);
  ck_assert_str_eq (all, texts);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

START_TEST (gets_what_was_put)
{
  struct store_artifact artifact;
  struct digest digest = content ("second");
  struct err err = { 0 };

  put ("0/run/artifacts/a file.txt", "first");
  ck_assert_int_eq (try_put (database.connection, "0/run/artifacts/a file.txt", "second", 7, &err), ERR_OK);
  ck_assert_int_eq (
      store_artifact_get (&artifact, database.connection, SLICE ("0/run/artifacts/a file.txt"), database.arena, &err),
      ERR_OK);
  ck_assert (slice_is (artifact.path, "0/run/artifacts/a file.txt"));
  ck_assert (digest_equal (&artifact.digest, &digest));
  ck_assert_int_eq (artifact.size_bytes, 6);
  ck_assert_int_eq (artifact.created_at_ms, 7);
  /* A directory, a name that only begins alike, and one of another case are none. */
  ck_assert_int_eq (
      store_artifact_get (&artifact, database.connection, SLICE ("0/run/artifacts"), database.arena, &err),
      ERR_RESOURCE_DOES_NOT_EXIST);
  ck_assert_int_eq (
      store_artifact_get (&artifact, database.connection, SLICE ("0/run/artifacts/a"), database.arena, &err),
      ERR_RESOURCE_DOES_NOT_EXIST);
  ck_assert_int_eq (
      store_artifact_get (&artifact, database.connection, SLICE ("0/run/artifacts/A file.txt"), database.arena, &err),
      ERR_RESOURCE_DOES_NOT_EXIST);
  ck_assert_int_eq (err.code, ERR_OK);
}
END_TEST

START_TEST (lists_one_level)
{
  struct digest digest = content ("b");

  put ("r/b", "b");
  put ("r/a/x", "x");
  put ("r/a/y/z", "z");
  put ("r/a.txt", "t");
  put ("r/a-b/c", "c");
  put ("r/a b", "s");
  put ("r/\xc3\xa4/deep/er", "e");
  put ("r/100%_", "p");
  put ("r2/no", "n");
  put ("q", "q");
  list ("r", NULL, 100);
  expect ("100%_ a b a-b/ a.txt a/ b \xc3\xa4/");
  ck_assert (digest_equal (&seen.files[5].digest, &digest));
  ck_assert_int_eq (seen.files[5].size_bytes, 1);
  /* Nothing of a file that happens to be the first below a directory. */
  ck_assert_ptr_null (seen.files[4].path.data);
  list ("", NULL, 100);
  expect ("q r/ r2/");
  list ("r/a", NULL, 100);
  expect ("x y/");
  list ("r/\xc3\xa4", NULL, 100);
  expect ("deep/");
  list ("r/b", NULL, 100);
  expect ("");
  list ("r/nothing", NULL, 100);
  expect ("");
  list ("r/100_", NULL, 100);
  expect ("");
}
END_TEST

START_TEST (lists_page_by_page)
{
  static const char *const names[] = { "100%", "a", "a-b/c", "a.txt", "a/b", "a/c", "b", "b0/x", "c/d/e", "c0" };
  static const char *const wanted[] = { "100%", "a-b/", "a.txt", "a/", "b", "b0/", "c/", "c0" };
  char path[64];
  char after[64];

  for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++)
    if (0 != strcmp (names[i], "a"))
    {
      snprintf (path, sizeof (path), "r/%s", names[i]);
      put (path, names[i]);
    }
  for (int64_t limit = 1; limit < 9; limit++)
  {
    size_t at = 0;

    list ("r", NULL, limit);
    while (seen.count > 0)
    {
      ck_assert_int_le ((int64_t)seen.count, limit);
      for (size_t i = 0; i < seen.count; i++)
        ck_assert_str_eq (seen.text[i], wanted[at++]);
      strcpy (after, seen.text[seen.count - 1]);
      list ("r", after, limit);
    }
    ck_assert_uint_eq (at, sizeof (wanted) / sizeof (wanted[0]));
  }
}
END_TEST

/* Batches grow over files and begin anew behind a directory: each border between the two must hold. */
START_TEST (lists_what_spans_batches)
{
  for (int files = 1; files < 700; files += 173)
  {
    char directory[16];

    database_run ("INSERT INTO blob VALUES (sha256('x'), 1, 1) ON CONFLICT DO NOTHING;"
                  "INSERT INTO artifact (path, sha256, size_bytes, created_at_ms)"
                  " SELECT format('s%d/f%%s', lpad(i::text, 4, '0')), sha256('x'), 1, 1 FROM generate_series(1, %d) i"
                  " UNION ALL SELECT format('s%d/f0001-%%s/%%s', d, i), sha256('x'), 1, 1"
                  "  FROM generate_series(1, 3) d, generate_series(1, 300) i"
                  " UNION ALL SELECT format('s%d/g/%%s', i), sha256('x'), 1, 1 FROM generate_series(1, 300) i"
                  " UNION ALL SELECT format('s%d/h%%s', i), sha256('x'), 1, 1 FROM generate_series(1, 300) i",
                  files, files, files, files, files);
    snprintf (directory, sizeof (directory), "s%d", files);
    list (directory, NULL, SEEN_MAX);
    ck_assert_uint_eq (seen.count, (size_t)files + 3 + 1 + 300);
    ck_assert_str_eq (seen.text[0], "f0001");
    ck_assert_str_eq (seen.text[1], "f0001-1/");
    ck_assert_str_eq (seen.text[3], "f0001-3/");
    ck_assert_str_eq (seen.text[files + 3], "g/");
    for (size_t i = 1; i < seen.count; i++)
      ck_assert_str_lt (seen.text[i - 1], seen.text[i]);
  }
}
END_TEST

static enum err_code
list_and_count (struct store_connection *connection, void *context, struct err *err)
{
  int64_t *touched = context;
  enum err_code code;

  seen.count = 0;
  code = store_artifact_list (connection, SLICE ("r"), SLICE (""), 100, see_entry, &seen, database.arena, err);
  *touched = database_number ("SELECT pg_stat_get_xact_tuples_returned('artifact_pkey'::regclass)");
  return code;
}

/* A list that reads what lies below the directories would touch all rows. */
START_TEST (jumps_over_what_lies_below)
{
  int64_t touched = 0;
  struct err err = { 0 };

  database_run ("INSERT INTO blob VALUES (sha256('x'), 1, 1);"
                "INSERT INTO artifact (path, sha256, size_bytes, created_at_ms)"
                " SELECT format('r/d%%s/f%%s', d, f), sha256('x'), 1, 1"
                " FROM generate_series(1, 20) d, generate_series(1, 2000) f;"
                "ANALYZE artifact");
  ck_assert_int_eq (store_transaction (database.connection, STORE_SNAPSHOT, list_and_count, &touched, &err), ERR_OK);
  ck_assert_uint_eq (seen.count, 20);
  ck_assert_int_ge (touched, 20);
  ck_assert_int_le (touched, 2 * 20);
}
END_TEST

START_TEST (walks_a_tree)
{
  put ("r/a/1", "1");
  put ("r/a/b/2", "2");
  put ("r/a.txt", "t");
  put ("r/a0", "0");
  put ("r/a-", "-");
  tree ("r/a", NULL, 100);
  expect ("r/a/1 r/a/b/2");
  tree ("r", NULL, 100);
  expect ("r/a- r/a.txt r/a/1 r/a/b/2 r/a0");
  tree ("", NULL, 100);
  expect ("r/a- r/a.txt r/a/1 r/a/b/2 r/a0");
  tree ("", "r/a.txt", 2);
  expect ("r/a/1 r/a/b/2");
  tree ("r", "r/a/1", 2);
  expect ("r/a/b/2 r/a0");
  tree ("r/a", "r/a/b/2", 2);
  expect ("");
  tree ("r/a.txt", NULL, 100);
  expect ("");
  ck_assert_uint_eq (seen.count, 0);
}
END_TEST

START_TEST (ends_when_the_reader_wants_it)
{
  struct err err = { 0 };

  put ("r/1", "1");
  put ("r/2", "2");
  put ("r/3", "3");
  seen.count = 0;
  seen.stop_at = 2;
  ck_assert_int_eq (
      store_artifact_list (database.connection, SLICE ("r"), SLICE (""), 100, see_entry, &seen, database.arena, &err),
      ERR_BAD_REQUEST);
  ck_assert_uint_eq (seen.count, 2);
  ck_assert_str_eq (err.message, "enough");
  seen.stop_at = 0;
  list ("r", NULL, 100);
  expect ("1 2 3");
}
END_TEST

START_TEST (refuses_files_that_are_directories)
{
  put ("r/a/b", "b");
  put_refused ("r/a", "Path 'r/a' cannot be written: it is a directory.");
  put_refused ("r", "Path 'r' cannot be written: it is a directory.");
  put_refused ("r/a/b/c", "Path 'r/a/b/c' cannot be written: 'r/a/b' is a file, not a directory.");
  put_refused ("r/a/b/c/d/e", "Path 'r/a/b/c/d/e' cannot be written: 'r/a/b' is a file, not a directory.");
  put ("r/a-", "-");
  put ("r/a0", "0");
  put ("r/a/b.txt", "b");
  /* Nothing of the refused ones stays. */
  tree ("", NULL, 100);
  expect ("r/a- r/a/b r/a/b.txt r/a0");
  ck_assert_int_eq (database_number ("SELECT count(*) FROM blob"), 3);
}
END_TEST

struct other
{
  const char *path;
  enum err_code code;
  struct err err;
  _Atomic bool ended;
};

static void *
put_other (void *context)
{
  struct other *other = context;
  struct store_connection *connection = database_connect ();

  other->code = try_put (connection, other->path, "other", 2, &other->err);
  other->ended = true;
  store_connection_free (connection);
  return NULL;
}

struct contradiction
{
  const char *path;
  struct other other;
  bool waits;
  pthread_t thread;
};

/* In the middle of a transaction that has given a name, another one wants to. */
static enum err_code
contradict (struct store_connection *connection, void *context, struct err *err)
{
  struct contradiction *contradiction = context;
  struct putting putting = { contradiction->path, content (contradiction->path), 1, 1, false };
  enum err_code code = put_work (connection, &putting, err);

  ck_assert_int_eq (code, ERR_OK);
  ck_assert_int_eq (pthread_create (&contradiction->thread, NULL, put_other, &contradiction->other), 0);
  if (contradiction->waits)
  {
    usleep (WAIT_US);
    ck_assert (! contradiction->other.ended);
  }
  else
    ck_assert_int_eq (pthread_join (contradiction->thread, NULL), 0);
  return code;
}

/* Neither sees what the other has not yet committed, so one has to wait. */
START_TEST (refuses_contradictions_at_the_same_time)
{
  static const struct
  {
    const char *first;
    const char *second;
    bool waits;
    enum err_code code;
  } cases[] = {
    { "r/a", "r/a/b", true, ERR_RESOURCE_CONFLICT },
    { "r/a/b", "r/a", true, ERR_RESOURCE_CONFLICT },
    { "r/a/b/c/d", "r/a", true, ERR_RESOURCE_CONFLICT },
    { "r/a", "r/a", true, ERR_OK },
    { "r/a/b", "r/a/c", false, ERR_OK },
    { "r/a/b", "r/a0", false, ERR_OK },
    /* Deeper than there are locks. */
    { "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18", "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", true,
      ERR_RESOURCE_CONFLICT },
    { "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18", true,
      ERR_RESOURCE_CONFLICT },
    { "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18", true,
      ERR_RESOURCE_CONFLICT },
    { "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15", "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18", true,
      ERR_RESOURCE_CONFLICT },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct contradiction contradiction = { .path = cases[i].first,
                                           .other.path = cases[i].second,
                                           .waits = cases[i].waits };
    struct err err = { 0 };

    store_start_request (database.connection, 0);
    ck_assert_int_eq (store_transaction (database.connection, STORE_WRITE, contradict, &contradiction, &err), ERR_OK);
    if (cases[i].waits)
      ck_assert_int_eq (pthread_join (contradiction.thread, NULL), 0);
    ck_assert (contradiction.other.ended);
    ck_assert_msg (cases[i].code == contradiction.other.code, "case %zu: %s", i, err_name (contradiction.other.code));
    database_run ("TRUNCATE artifact");
  }
}
END_TEST

START_TEST (deletes_files_and_trees)
{
  int64_t count;
  struct err err = { 0 };

  put ("r/a/1", "1");
  put ("r/a/b/2", "2");
  put ("r/a/b/3", "1");
  put ("r/a.txt", "t");
  put ("r/a0", "0");
  ck_assert_int_eq (store_artifact_delete (&count, database.connection, SLICE ("r/a"), 50, &err), ERR_OK);
  ck_assert_int_eq (count, 3);
  tree ("", NULL, 100);
  expect ("r/a.txt r/a0");
  ck_assert_int_eq (used_at ("1"), 50);
  ck_assert_int_eq (used_at ("2"), 50);
  ck_assert_int_eq (used_at ("t"), 1);
  ck_assert_int_eq (store_artifact_delete (&count, database.connection, SLICE ("r/a.txt"), 51, &err), ERR_OK);
  ck_assert_int_eq (count, 1);
  ck_assert_int_eq (used_at ("t"), 51);
  ck_assert_int_eq (store_artifact_delete (&count, database.connection, SLICE ("r/a"), 52, &err), ERR_OK);
  ck_assert_int_eq (count, 0);
  /* The root is no directory that one could delete by an empty name. */
  ck_assert_int_eq (store_artifact_delete (&count, database.connection, SLICE (""), 52, &err), ERR_OK);
  ck_assert_int_eq (count, 0);
  tree ("", NULL, 100);
  expect ("r/a0");
}
END_TEST

START_TEST (marks_what_was_replaced)
{
  struct err err = { 0 };

  put ("r/a", "old");
  ck_assert_int_eq (try_put (database.connection, "r/a", "new", 30, &err), ERR_OK);
  ck_assert_int_eq (used_at ("old"), 30);
  ck_assert_int_eq (used_at ("new"), 30);
  /* The time never goes back, however clocks differ. */
  ck_assert_int_eq (try_put (database.connection, "r/b", "new", 20, &err), ERR_OK);
  ck_assert_int_eq (used_at ("new"), 30);
}
END_TEST

static enum err_code
meet (struct store_connection *connection, void *context, struct err *err)
{
  struct putting putting = { "r/held", content ("held"), 4, 9, true };
  struct store_connection *second = context;
  struct err second_err = { 0 };
  int64_t count;

  ck_assert_int_eq (put_work (connection, &putting, err), ERR_OK);
  /* Who takes the name away does not wait for the content. */
  store_start_request (second, clock_monotonic_us () + 30000000);
  ck_assert_int_eq (store_artifact_delete (&count, second, SLICE ("r/held"), 70, &second_err), ERR_OK);
  ck_assert_int_eq (count, 1);
  /* Who gives the same content a name does. */
  store_start_request (second, clock_monotonic_us () + WAIT_US);
  putting.only_hold = false;
  ck_assert_int_eq (store_transaction (second, STORE_WRITE, put_work, &putting, &second_err),
                    ERR_TEMPORARILY_UNAVAILABLE);
  return ERR_OK;
}

START_TEST (holds_contents)
{
  struct store_connection *second = database_connect ();
  struct err err = { 0 };

  put ("r/held", "held");
  store_start_request (database.connection, 0);
  ck_assert_int_eq (store_transaction (database.connection, STORE_WRITE, meet, second, &err), ERR_OK);
  ck_assert_int_eq (used_at ("held"), 9);
  store_connection_free (second);
}
END_TEST

START_TEST (finds_users_of_a_content)
{
  struct digest digest = content ("same");
  struct err err = { 0 };

  put ("r/b", "same");
  put ("r/a", "same");
  put ("q/c", "same");
  put ("q/d", "another");
  seen.count = 0;
  ck_assert_int_eq (
      store_artifact_users (database.connection, &digest, SLICE (""), 2, see_artifact, &seen, database.arena, &err),
      ERR_OK);
  expect ("q/c r/a");
  seen.count = 0;
  ck_assert_int_eq (
      store_artifact_users (database.connection, &digest, SLICE ("r/a"), 2, see_artifact, &seen, database.arena, &err),
      ERR_OK);
  expect ("r/b");
}
END_TEST

Suite *artifact_suite (void);

Suite *
artifact_suite (void)
{
  Suite *suite = suite_create ("artifact");
  TCase *artifacts = tcase_create ("artifacts");

  tcase_add_checked_fixture (artifacts, database_open_migrated, database_close);
  tcase_set_timeout (artifacts, 60);
  tcase_add_test (artifacts, gets_what_was_put);
  tcase_add_test (artifacts, lists_one_level);
  tcase_add_test (artifacts, lists_page_by_page);
  tcase_add_test (artifacts, lists_what_spans_batches);
  tcase_add_test (artifacts, jumps_over_what_lies_below);
  tcase_add_test (artifacts, walks_a_tree);
  tcase_add_test (artifacts, ends_when_the_reader_wants_it);
  tcase_add_test (artifacts, refuses_files_that_are_directories);
  tcase_add_test (artifacts, refuses_contradictions_at_the_same_time);
  tcase_add_test (artifacts, deletes_files_and_trees);
  tcase_add_test (artifacts, marks_what_was_replaced);
  tcase_add_test (artifacts, holds_contents);
  tcase_add_test (artifacts, finds_users_of_a_content);
  suite_add_tcase (suite, artifacts);
  return suite;
}
