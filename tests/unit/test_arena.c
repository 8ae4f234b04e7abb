/* Tests of the request arena: ceiling, sticky refusal, zeroed and aligned memory, reuse after a reset. */
#include "base/arena.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>

START_TEST (hands_out_zeroed_aligned_memory)
{
  static const unsigned char zeros[700];
  struct arena *arena = arena_new (1 << 20);

  ck_assert_ptr_nonnull (arena);
  for (int round = 0; round < 3; round++)
  {
    for (size_t size = 0; size < 700; size++)
    {
      unsigned char *piece = arena_alloc (arena, size);

      ck_assert_ptr_nonnull (piece);
      ck_assert_uint_eq ((uintptr_t)piece % _Alignof(max_align_t), 0);
      ck_assert_int_eq (memcmp (piece, zeros, size), 0);
      /* Whatever comes after a reset must not see this. */
      memset (piece, 0xA5, size);
    }
    ck_assert (! arena_overflowed (arena));
    arena_reset (arena);
    ck_assert_uint_eq (arena_used_bytes (arena), 0);
  }
  arena_free (arena);
}
END_TEST

START_TEST (pieces_do_not_overlap)
{
  struct arena *arena = arena_new (1 << 20);
  unsigned char *pieces[500];

  for (size_t i = 0; i < 500; i++)
  {
    pieces[i] = arena_alloc (arena, i);
    ck_assert_ptr_nonnull (pieces[i]);
    memset (pieces[i], (int)(i % 251), i);
  }
  for (size_t i = 0; i < 500; i++)
  {
    unsigned char expected[500];

    memset (expected, (int)(i % 251), i);
    ck_assert_int_eq (memcmp (pieces[i], expected, i), 0);
  }
  arena_free (arena);
}
END_TEST

START_TEST (refuses_beyond_the_ceiling_until_reset)
{
  struct arena *arena = arena_new (1024);

  ck_assert_ptr_nonnull (arena_alloc (arena, 1000));
  ck_assert_ptr_null (arena_alloc (arena, 100));
  ck_assert (arena_overflowed (arena));
  /* Sticky: even what would fit is refused, so one check at the end is enough. */
  ck_assert_ptr_null (arena_alloc (arena, 1));
  ck_assert_ptr_null (arena_copy (arena, "x", 1));
  ck_assert_ptr_null (arena_printf (arena, "%d", 1));
  arena_reset (arena);
  ck_assert (! arena_overflowed (arena));
  ck_assert_ptr_nonnull (arena_alloc (arena, 1000));
  arena_free (arena);
}
END_TEST

START_TEST (rewinds_to_a_mark)
{
  struct arena *arena = arena_new (1 << 20);
  struct arena_mark empty = arena_mark (arena);
  struct arena_mark mark;
  char *kept;
  size_t used;

  arena_rewind (arena, &empty);
  ck_assert_uint_eq (arena_used_bytes (arena), 0);
  kept = arena_copy (arena, "kept", 4);
  used = arena_used_bytes (arena);
  mark = arena_mark (arena);
  for (int round = 0; round < 5; round++)
  {
    /* Within the first block, over several, in one of its own, and past the ceiling. */
    for (size_t size = 0; size < 1000; size += 10)
    {
      unsigned char *piece = arena_alloc (arena, size);

      ck_assert_ptr_nonnull (piece);
      for (size_t i = 0; i < size; i++)
        ck_assert_uint_eq (piece[i], 0);
      memset (piece, 0xA5, size);
    }
    ck_assert_ptr_nonnull (arena_alloc (arena, 600000));
    ck_assert_ptr_null (arena_alloc (arena, 600000));
    ck_assert (arena_overflowed (arena));
    arena_rewind (arena, &mark);
    ck_assert (! arena_overflowed (arena));
    ck_assert_uint_eq (arena_used_bytes (arena), used);
    ck_assert_str_eq (kept, "kept");
  }
  arena_rewind (arena, &empty);
  ck_assert_uint_eq (arena_used_bytes (arena), 0);
  ck_assert_ptr_nonnull (arena_alloc (arena, 1 << 20));
  arena_free (arena);
}
END_TEST

START_TEST (refuses_sizes_that_wrap_around)
{
  static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - sizeof (max_align_t), SIZE_MAX / 2 };

  for (size_t i = 0; i < sizeof (sizes) / sizeof (sizes[0]); i++)
  {
    struct arena *arena = arena_new (1 << 20);

    ck_assert_ptr_null (arena_alloc (arena, sizes[i]));
    ck_assert (arena_overflowed (arena));
    arena_reset (arena);
    ck_assert_ptr_null (arena_array (arena, sizes[i], 3));
    ck_assert (arena_overflowed (arena));
    arena_reset (arena);
    ck_assert_ptr_null (arena_array (arena, 3, sizes[i]));
    ck_assert (arena_overflowed (arena));
    arena_free (arena);
  }
}
END_TEST

START_TEST (copies_text)
{
  struct arena *arena = arena_new (4096);
  char *text = arena_copy (arena, "abcdef", 3);

  ck_assert_str_eq (text, "abc");
  ck_assert_str_eq (arena_copy (arena, NULL, 0), "");
  ck_assert_str_eq (arena_string (arena, SLICE ("loss")), "loss");
  ck_assert_str_eq (arena_string (arena, (struct slice){ "", 0 }), "");
  ck_assert_ptr_null (arena_string (arena, (struct slice){ NULL, 0 }));
  ck_assert (! arena_overflowed (arena));
  ck_assert_str_eq (arena_printf (arena, "%s-%d", "run", 7), "run-7");
  ck_assert_str_eq (arena_printf (arena, "%s", ""), "");
  ck_assert_str_eq (text, "abc");
  ck_assert_ptr_null (arena_copy (arena, "x", SIZE_MAX));
  arena_free (arena);
}
END_TEST

START_TEST (large_pieces_get_their_own_room)
{
  struct arena *arena = arena_new ((size_t)64 << 20);
  char *small = arena_copy (arena, "small", 5);
  char *large = arena_alloc (arena, (size_t)8 << 20);
  char *after = arena_copy (arena, "after", 5);

  ck_assert_ptr_nonnull (large);
  memset (large, 'x', (size_t)8 << 20);
  ck_assert_str_eq (small, "small");
  ck_assert_str_eq (after, "after");
  ck_assert_uint_ge (arena_used_bytes (arena), (size_t)8 << 20);
  arena_free (arena);
  arena_free (NULL);
}
END_TEST

Suite *arena_suite (void);

Suite *
arena_suite (void)
{
  Suite *suite = suite_create ("arena");
  TCase *tests = tcase_create ("arena");

  tcase_add_test (tests, hands_out_zeroed_aligned_memory);
  tcase_add_test (tests, pieces_do_not_overlap);
  tcase_add_test (tests, refuses_beyond_the_ceiling_until_reset);
  tcase_add_test (tests, rewinds_to_a_mark);
  tcase_add_test (tests, refuses_sizes_that_wrap_around);
  tcase_add_test (tests, copies_text);
  tcase_add_test (tests, large_pieces_get_their_own_room);
  suite_add_tcase (suite, tests);
  return suite;
}
