/* Tests of identifiers: text form there and back, what is refused, randomness, and the index over a list of them. */
#include "base/id.h"
#include "base/id_index.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>

START_TEST (formats_and_reads_back)
{
  static const struct
  {
    unsigned char bytes[16];
    const char *text;
  } cases[] = {
    { { 0 }, "00000000000000000000000000000000" },
    { { 0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10 },
      "0123456789abcdeffedcba9876543210" },
    { { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF },
      "ffffffffffffffffffffffffffffffff" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct uuid id;
    struct uuid back;
    char text[UUID_TEXT_BYTES];

    memcpy (id.bytes, cases[i].bytes, sizeof (id.bytes));
    uuid_format (text, &id);
    ck_assert_str_eq (text, cases[i].text);
    ck_assert (uuid_parse (&back, slice_of (text)));
    ck_assert_mem_eq (back.bytes, id.bytes, sizeof (id.bytes));
  }
}
END_TEST

START_TEST (refuses_what_is_no_identifier)
{
  static const char *const cases[] = {
    "",
    "0",
    "0123456789abcdeffedcba987654321",
    "0123456789abcdeffedcba98765432100",
    "0123456789ABCDEFFEDCBA9876543210",
    "0123456789abcdeffedcba987654321g",
    "0123456789abcdeffedcba987654321G",
    " 0123456789abcdeffedcba987654321",
    "0123456789abcdeffedcba987654321 ",
    "0123456789abcdeffedcba987654321/",
    "0123456789abcdeffedcba987654321:",
    "0123456789abcdeffedcba987654321`",
    "01234567-89ab-cdef-fedc-ba9876543210",
    "{0123456789abcdeffedcba98765432}",
    "0x0123456789abcdeffedcba98765432",
    "0123456789abcdeffedcba98765432\xC3\xA9",
  };
  struct uuid id;

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
    ck_assert_msg (! uuid_parse (&id, slice_of (cases[i])), "%s", cases[i]);
  ck_assert (! uuid_parse (&id, (struct slice){ NULL, 0 }));
  ck_assert (! uuid_parse (&id, (struct slice){ "0123456789abcdef\0edcba9876543210", 32 }));
}
END_TEST

START_TEST (reads_identifiers_of_clients)
{
  static const struct
  {
    const char *text;
    const char *id; /* NULL: is none */
  } cases[] = {
    { "0123456789abcdeffedcba9876543210", "0123456789abcdeffedcba9876543210" },
    { "0123456789ABCDEFfedcba9876543210", "0123456789abcdeffedcba9876543210" },
    { "01234567-89ab-cdef-fedc-ba9876543210", "0123456789abcdeffedcba9876543210" },
    { "01234567-89AB-CDEF-FEDC-BA9876543210", "0123456789abcdeffedcba9876543210" },
    { "00000000000000000000000000000001", "00000000000000000000000000000001" },
    { "00000000000000000000000000000000", NULL },
    { "00000000-0000-0000-0000-000000000000", NULL },
    { "", NULL },
    { "0123456789abcdeffedcba987654321", NULL },
    { "0123456789abcdeffedcba98765432100", NULL },
    { "0123456789abcdeffedcba9876543210abcd", NULL },
    { "01234567-89abcdef-fedc-ba9876543210", NULL },
    { "0123456789ab-cdef-fedc-ba9876543210-", NULL },
    { "01234567-89ab-cdef-fedc--a9876543210", NULL },
    { "------------------------------------", NULL },
    { "0123456789abcdeffedcba987654321G", NULL },
    { "{01234567-89ab-cdef-fedc-ba98765432}", NULL },
    { "0123456789abcdeffedcba98765432\xC3\xA9", NULL },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct uuid id;
    char text[UUID_TEXT_BYTES];
    bool read = uuid_parse_given (&id, slice_of (cases[i].text));

    ck_assert_msg (read == (NULL != cases[i].id), "%s", cases[i].text);
    if (! read)
      continue;
    uuid_format (text, &id);
    ck_assert_str_eq (text, cases[i].id);
  }
}
END_TEST

/* Identifiers of one thread. */
#define DRAWN 2000
#define THREADS 4

static struct uuid drawn[THREADS * DRAWN];

static void *
draw (void *context)
{
  struct uuid *ids = context;

  for (size_t i = 0; i < DRAWN; i++)
    if (! uuid_random (&ids[i]))
      return ids;
  return NULL;
}

static int
compare_ids (const void *a, const void *b)
{
  return memcmp (a, b, sizeof (struct uuid));
}

START_TEST (draws_none_twice_in_any_thread)
{
  pthread_t threads[THREADS];

  for (size_t i = 0; i < THREADS; i++)
    ck_assert_int_eq (pthread_create (&threads[i], NULL, draw, &drawn[i * DRAWN]), 0);
  for (size_t i = 0; i < THREADS; i++)
  {
    void *failed;

    ck_assert_int_eq (pthread_join (threads[i], &failed), 0);
    ck_assert_ptr_null (failed);
  }
  for (size_t i = 0; i < THREADS * DRAWN; i++)
  {
    ck_assert_uint_eq (drawn[i].bytes[6] >> 4, 4);
    ck_assert_uint_eq (drawn[i].bytes[8] >> 6, 2);
  }
  qsort (drawn, THREADS * DRAWN, sizeof (drawn[0]), compare_ids);
  for (size_t i = 1; i < THREADS * DRAWN; i++)
    ck_assert_int_ne (compare_ids (&drawn[i - 1], &drawn[i]), 0);
}
END_TEST

START_TEST (draws_bytes_of_any_size)
{
  static unsigned char bytes[5000];
  static const size_t sizes[] = { 0, 1, 2, 1023, 1024, 1025, 4999 };

  for (size_t i = 0; i < sizeof (sizes) / sizeof (sizes[0]); i++)
  {
    unsigned char sum = 0;

    memset (bytes, 0, sizeof (bytes));
    ck_assert (random_bytes (bytes, sizes[i]));
    /* Nothing behind the end, and not all zero: of 1023 random bytes some are not. */
    for (size_t k = sizes[i]; k < sizeof (bytes); k++)
      ck_assert_uint_eq (bytes[k], 0);
    for (size_t k = 0; k < sizes[i]; k++)
      sum |= bytes[k];
    ck_assert_msg (sizes[i] < 1023 || 0 != sum, "%zu bytes", sizes[i]);
  }
}
END_TEST

START_TEST (names_runs_readably)
{
  for (unsigned i = 0; i < 500; i++)
  {
    char name[64];
    size_t hyphens = 0;

    memset (name, 'x', sizeof (name));
    id_run_name (name, sizeof (name));
    ck_assert_ptr_nonnull (memchr (name, '\0', sizeof (name)));
    for (const char *at = name; '\0' != *at; at++)
    {
      ck_assert_msg ((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || '-' == *at, "%s", name);
      hyphens += '-' == *at;
    }
    ck_assert_uint_eq (hyphens, 2);
  }
}
END_TEST

START_TEST (finds_the_place_of_each_identifier)
{
  static const size_t counts[] = { 0, 1, 2, 3, 100, 1000 };
  struct arena *arena = arena_new ((size_t)1024 * 1024);

  ck_assert_ptr_nonnull (arena);
  for (size_t c = 0; c < sizeof (counts) / sizeof (counts[0]); c++)
  {
    struct uuid *ids = arena_array (arena, counts[c], sizeof (struct uuid));
    struct id_index index;
    struct uuid other;
    size_t position;

    ck_assert_ptr_nonnull (ids);
    for (size_t i = 0; i < counts[c]; i++)
      ck_assert (uuid_random (&ids[i]));
    ck_assert (id_index_build (&index, ids, counts[c], arena));
    ck_assert (uuid_random (&other));
    ck_assert (! id_index_find (&position, &index, &other));
    for (size_t i = 0; i < counts[c]; i++)
      for (unsigned twice = 0; twice < 2; twice++)
      {
        ck_assert (id_index_find (&position, &index, &ids[i]));
        ck_assert_uint_eq (position, i);
      }
    /* A miss must not spoil what was found last, nor the other way round. */
    ck_assert (! id_index_find (&position, &index, &other));
    ck_assert_int_eq (counts[c] > 0, counts[c] > 0 && id_index_find (&position, &index, &ids[0]));
  }
  arena_free (arena);
}
END_TEST

START_TEST (says_when_the_arena_is_full)
{
  struct arena *arena = arena_new (1024);
  static struct uuid ids[1000];
  struct id_index index;

  ck_assert_ptr_nonnull (arena);
  ck_assert (! id_index_build (&index, ids, 1000, arena));
  arena_free (arena);
}
END_TEST

Suite *id_suite (void);

Suite *
id_suite (void)
{
  Suite *suite = suite_create ("id");
  TCase *text = tcase_create ("text");
  TCase *drawing = tcase_create ("random");
  TCase *index = tcase_create ("index");

  tcase_add_test (text, formats_and_reads_back);
  tcase_add_test (text, reads_identifiers_of_clients);
  tcase_add_test (text, refuses_what_is_no_identifier);
  suite_add_tcase (suite, text);
  tcase_add_test (drawing, draws_none_twice_in_any_thread);
  tcase_add_test (drawing, draws_bytes_of_any_size);
  tcase_add_test (drawing, names_runs_readably);
  suite_add_tcase (suite, drawing);
  tcase_add_test (index, finds_the_place_of_each_identifier);
  tcase_add_test (index, says_when_the_arena_is_full);
  suite_add_tcase (suite, index);
  return suite;
}
