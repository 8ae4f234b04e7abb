/* Tests of the dictionary of metric names over the database: the same number for all threads and programs. */
#include "database.h"

#include "ingest/keys.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>

/* Far above the names here. */
#define DICTIONARY_BYTES ((size_t)1024 * 1024)

static struct metric_keys *keys;

static void
set_up (void)
{
  database_open_migrated ();
  keys = metric_keys_new (DICTIONARY_BYTES);
  ck_assert_ptr_nonnull (keys);
}

static void
tear_down (void)
{
  metric_keys_free (keys);
  database_close ();
}

static struct slice
name_of (size_t number)
{
  return slice_of (arena_printf (database.arena, "group/metric number %zu", number));
}

/* Resolve names, checking that each got a number. */
static void
resolve (struct metric_keys *dictionary, struct metric_entry *entries, size_t count)
{
  struct metric_entry **pointers = arena_array (database.arena, count, sizeof (pointers[0]));
  struct err err = { 0 };

  for (size_t i = 0; i < count; i++)
    pointers[i] = &entries[i];
  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == metric_keys_resolve (dictionary, database.connection, pointers, count, database.arena, &err),
                 "%s: %s", err.message, err.cause);
  for (size_t i = 0; i < count; i++)
    ck_assert_uint_ne (entries[i].point.key_id, 0);
}

START_TEST (gives_one_number_for_each_name)
{
  static const char *const names[] = { "b", "a", "b", "B", "a b", "a/b", "\xC3\xA9", "e\xCC\x81", "a", "b" };
  struct metric_entry entries[10] = { 0 };

  for (size_t i = 0; i < 10; i++)
    entries[i].key = slice_of (names[i]);
  resolve (keys, entries, 10);
  for (size_t i = 0; i < 10; i++)
    for (size_t k = 0; k < 10; k++)
      ck_assert_int_eq (entries[i].point.key_id == entries[k].point.key_id, 0 == strcmp (names[i], names[k]));
  ck_assert_int_eq (database_number ("SELECT count(*) FROM metric_key"), 7);
}
END_TEST

START_TEST (needs_the_database_once)
{
  struct metric_entry first = { .key = SLICE ("loss") };
  struct metric_entry again = { .key = SLICE ("loss") };
  struct metric_entry *pointer = &again;

  resolve (keys, &first, 1);
  /* Without a connection that works. */
  ck_assert_int_eq (metric_keys_resolve (keys, NULL, &pointer, 1, database.arena, NULL), ERR_OK);
  ck_assert_uint_eq (again.point.key_id, first.point.key_id);
}
END_TEST

START_TEST (finds_names_and_numbers)
{
  struct metric_keys *other = metric_keys_new (DICTIONARY_BYTES);
  struct metric_keys *const dictionaries[] = { keys, other };
  struct metric_entry entries[3] = { { .key = SLICE ("a") }, { .key = SLICE ("b") }, { .key = SLICE ("c") } };
  uint32_t numbers[3];
  struct slice names[3];
  struct err err = { 0 };
  uint32_t number;
  bool found;

  resolve (keys, entries, 3);
  for (size_t i = 0; i < 3; i++)
    numbers[i] = entries[2 - i].point.key_id;
  for (size_t d = 0; d < 2; d++)
  {
    for (size_t i = 0; i < 3; i++)
    {
      ck_assert_int_eq (metric_keys_find (&found, &number, dictionaries[d], database.connection, entries[i].key, &err),
                        ERR_OK);
      ck_assert (found && number == entries[i].point.key_id);
    }
    ck_assert_int_eq (metric_keys_find (&found, &number, dictionaries[d], database.connection, SLICE ("never"), &err),
                      ERR_OK);
    ck_assert (! found);
    ck_assert_int_eq (metric_keys_names (names, dictionaries[d], database.connection, numbers, 3, database.arena, &err),
                      ERR_OK);
    for (size_t i = 0; i < 3; i++)
      ck_assert (slice_equal (names[i], entries[2 - i].key));
  }
  metric_keys_free (other);
  /* Asking made nothing. */
  ck_assert_int_eq (database_number ("SELECT count(*) FROM metric_key"), 3);
}
END_TEST

START_TEST (asks_for_names_it_does_not_know)
{
  struct metric_keys *other = metric_keys_new (DICTIONARY_BYTES);
  struct metric_entry entries[300] = { 0 };
  uint32_t numbers[300];
  struct slice names[300];

  for (size_t i = 0; i < 300; i++)
    entries[i].key = name_of (i);
  resolve (keys, entries, 300);
  for (size_t i = 0; i < 300; i++)
    numbers[i] = entries[299 - i].point.key_id;
  ck_assert_int_eq (metric_keys_names (names, other, database.connection, numbers, 300, database.arena, NULL), ERR_OK);
  for (size_t i = 0; i < 300; i++)
    ck_assert (slice_equal (names[i], entries[299 - i].key));
  metric_keys_free (other);
}
END_TEST

START_TEST (fails_for_numbers_that_nobody_has)
{
  const uint32_t number = 12345;
  struct slice name;
  struct err err = { 0 };

  ck_assert_int_eq (metric_keys_names (&name, keys, database.connection, &number, 1, database.arena, &err),
                    ERR_INTERNAL_ERROR);
}
END_TEST

/* A dictionary that is full starts anew; it must work on, however little it keeps. */
START_TEST (works_with_a_small_dictionary)
{
  static const size_t sizes[] = { 0, 1, 100, 1000, 5000 };
  struct metric_keys *small = metric_keys_new (sizes[_i]);
  struct metric_entry entries[100] = { 0 };
  struct metric_entry known[100] = { 0 };
  struct slice names[100];
  uint32_t numbers[100];
  struct err err = { 0 };

  ck_assert_ptr_nonnull (small);
  for (size_t round = 0; round < 3; round++)
  {
    for (size_t i = 0; i < 100; i++)
    {
      known[i] = (struct metric_entry){ .key = name_of (round * 50 + i) };
      entries[i] = known[i];
    }
    resolve (keys, known, 100);
    resolve (small, entries, 100);
    for (size_t i = 0; i < 100; i++)
    {
      numbers[i] = known[i].point.key_id;
      ck_assert_uint_eq (entries[i].point.key_id, numbers[i]);
    }
    ck_assert_msg (ERR_OK == metric_keys_names (names, small, database.connection, numbers, 100, database.arena, &err),
                   "%s", err.cause);
    for (size_t i = 0; i < 100; i++)
      ck_assert (slice_equal (names[i], known[i].key));
  }
  metric_keys_free (small);
}
END_TEST

/* --- several at once --------------------------------------------------------------------------------------------- */

#define THREADS 4
#define ROUNDS 40
#define NAMES 120
#define BATCH 20

struct resolver
{
  struct metric_keys *keys;
  struct store_connection *connection;
  uint64_t seed;
  uint32_t numbers[NAMES]; /* as this thread saw them */
  struct err err;
  bool disagreed;
};

static void
resolve_round (struct resolver *resolver, struct arena *arena)
{
  struct metric_entry entries[BATCH];
  struct metric_entry *pointers[BATCH];
  size_t chosen[BATCH];

  for (size_t i = 0; i < BATCH; i++)
  {
    resolver->seed = resolver->seed * 6364136223846793005u + 1442695040888963407u;
    chosen[i] = resolver->seed >> 33;
    chosen[i] %= NAMES;
    entries[i] = (struct metric_entry){ .key = slice_of (arena_printf (arena, "name %zu", chosen[i])) };
    pointers[i] = &entries[i];
  }
  store_start_request (resolver->connection, 0);
  if (ERR_OK != metric_keys_resolve (resolver->keys, resolver->connection, pointers, BATCH, arena, &resolver->err))
    return;
  (void)store_end_request (resolver->connection);
  for (size_t i = 0; i < BATCH; i++)
  {
    uint32_t *known = &resolver->numbers[chosen[i]];

    resolver->disagreed = resolver->disagreed || (0 != *known && *known != entries[i].point.key_id);
    *known = entries[i].point.key_id;
  }
}

static void *
run_resolver (void *context)
{
  struct resolver *resolver = context;
  struct arena *arena = arena_new ((size_t)1024 * 1024);

  for (unsigned round = 0; round < ROUNDS && ERR_OK == resolver->err.code; round++)
  {
    arena_reset (arena);
    resolve_round (resolver, arena);
  }
  arena_free (arena);
  return NULL;
}

/* Once with one dictionary for all, as in one program, once with one each, as in several programs. */
START_TEST (agrees_between_threads)
{
  static struct resolver resolvers[THREADS];
  pthread_t threads[THREADS];

  memset (resolvers, 0, sizeof (resolvers));
  for (size_t i = 0; i < THREADS; i++)
  {
    resolvers[i].keys = 0 == _i ? keys : metric_keys_new (DICTIONARY_BYTES);
    resolvers[i].connection = database_connect ();
    resolvers[i].seed = i * 977 + 5;
    ck_assert_int_eq (store_connect (resolvers[i].connection, NULL), ERR_OK);
  }
  for (size_t i = 0; i < THREADS; i++)
    ck_assert_int_eq (pthread_create (&threads[i], NULL, run_resolver, &resolvers[i]), 0);
  for (size_t i = 0; i < THREADS; i++)
    ck_assert_int_eq (pthread_join (threads[i], NULL), 0);
  for (size_t i = 0; i < THREADS; i++)
  {
    ck_assert_msg (ERR_OK == resolvers[i].err.code, "%s: %s", resolvers[i].err.message, resolvers[i].err.cause);
    ck_assert (! resolvers[i].disagreed);
    for (size_t name = 0; name < NAMES; name++)
      if (0 != resolvers[i].numbers[name])
        ck_assert_int_eq (database_number ("SELECT key_id::int8 FROM metric_key WHERE name = 'name %zu'", name),
                          resolvers[i].numbers[name]);
    store_connection_free (resolvers[i].connection);
    if (0 != _i)
      metric_keys_free (resolvers[i].keys);
  }
  ck_assert_int_gt (database_number ("SELECT count(*) FROM metric_key"), NAMES / 2);
}
END_TEST

Suite *keys_suite (void);

Suite *
keys_suite (void)
{
  Suite *suite = suite_create ("keys");
  TCase *one = tcase_create ("one thread");
  TCase *several = tcase_create ("several threads");

  tcase_add_checked_fixture (one, set_up, tear_down);
  tcase_set_timeout (one, 60);
  tcase_add_test (one, gives_one_number_for_each_name);
  tcase_add_test (one, needs_the_database_once);
  tcase_add_test (one, finds_names_and_numbers);
  tcase_add_test (one, asks_for_names_it_does_not_know);
  tcase_add_test (one, fails_for_numbers_that_nobody_has);
  tcase_add_loop_test (one, works_with_a_small_dictionary, 0, 5);
  suite_add_tcase (suite, one);
  tcase_add_checked_fixture (several, set_up, tear_down);
  tcase_set_timeout (several, 120);
  tcase_add_loop_test (several, agrees_between_threads, 0, 2);
  suite_add_tcase (suite, several);
  return suite;
}
