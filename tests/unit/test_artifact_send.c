/* Tests of the header fields around a file: ranges, conditions, digests. */
#include "api/artifact_receive.h"
#include "api/artifact_send.h"
#include "api/range.h"

#include <check.h>

/* Far above what one check needs. */
#define ARENA_BYTES ((size_t)1024 * 1024)

START_TEST (finds_ranges)
{
  static const struct
  {
    const char *field;
    int64_t size;
    int64_t first;
    int64_t bytes; /* 0: all, -1: outside */
  } cases[] = {
    { "bytes=0-0", 10, 0, 1 },
    { "bytes=9-9", 10, 9, 1 },
    { "bytes=0-9", 10, 0, 10 },
    { "bytes=2-4", 10, 2, 3 },
    { "bytes=2-", 10, 2, 8 },
    { "bytes=2-99", 10, 2, 8 },
    { "bytes=-3", 10, 7, 3 },
    { "bytes=-10", 10, 0, 10 },
    { "bytes=-99", 10, 0, 10 },
    { "bytes=0-99999999999999999999999999", 10, 0, 10 },
    { "bytes=-99999999999999999999999999", 10, 0, 10 },
    { "bytes=9223372036854775806-9223372036854775807", INT64_MAX, INT64_MAX - 1, 1 },
    { "Bytes=1-2", 10, 1, 2 },
    { "bytes= 1-2 ", 10, 1, 2 },
    /* Nothing of it is there. */
    { "bytes=10-", 10, 0, -1 },
    { "bytes=10-20", 10, 0, -1 },
    { "bytes=99999999999999999999999999-", 10, 0, -1 },
    { "bytes=-0", 10, 0, -1 },
    { "bytes=0-", 0, 0, -1 },
    { "bytes=0-0", 0, 0, -1 },
    { "bytes=-5", 0, 0, 0 },
    /* Not one range. */
    { NULL, 10, 0, 0 },
    { "", 10, 0, 0 },
    { "bytes", 10, 0, 0 },
    { "bytes=", 10, 0, 0 },
    { "bytes=-", 10, 0, 0 },
    { "bytes=5-2", 10, 0, 0 },
    { "bytes=1-2,4-5", 10, 0, 0 },
    { "bytes=1-2,", 10, 0, 0 },
    { "bytes=a-b", 10, 0, 0 },
    { "bytes=1-2x", 10, 0, 0 },
    { "bytes=--1", 10, 0, 0 },
    { "bytes=+1-2", 10, 0, 0 },
    { "bytes=0x1-2", 10, 0, 0 },
    { "items=0-1", 10, 0, 0 },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    int64_t first = 0;
    int64_t bytes = 0;
    enum range_kind kind = range_parse (&first, &bytes, slice_of (cases[i].field), cases[i].size);
    enum range_kind wanted = 0 == cases[i].bytes ? RANGE_ALL : cases[i].bytes < 0 ? RANGE_OUTSIDE : RANGE_PART;

    ck_assert_msg (kind == wanted, "'%s' of %lld is %d", cases[i].field, (long long)cases[i].size, (int)kind);
    if (RANGE_PART == wanted)
      ck_assert_msg (first == cases[i].first && bytes == cases[i].bytes, "'%s': %lld, %lld", cases[i].field,
                     (long long)first, (long long)bytes);
  }
}
END_TEST

START_TEST (finds_entity_tags)
{
  static const struct
  {
    const char *field;
    bool listed;
  } cases[] = {
    { "\"a\"", true },
    { "W/\"a\"", true },
    { "*", true },
    { "\"b\", \"a\"", true },
    { "\"b\",W/\"a\"", true },
    { " \"a\" ", true },
    { "\"b\", ,\"a\"", true },
    { "\"b\"", false },
    { "a", false },
    { "\"a", false },
    { "", false },
    { NULL, false },
    { "\"aa\"", false },
    { "\"b\"\"a", false },
    { "\"", false },
    { "W/", false },
    { "\"A\"", false },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
    ck_assert_msg (range_etag_listed (slice_of (cases[i].field), SLICE ("\"a\"")) == cases[i].listed, "%s",
                   cases[i].field);
}
END_TEST

START_TEST (knows_when_a_range_stands)
{
  const struct slice etag = SLICE ("\"a\"");
  const struct slice date = SLICE ("Sun, 06 Nov 1994 08:49:37 GMT");

  ck_assert (range_still_valid ((struct slice){ NULL, 0 }, etag, date));
  ck_assert (range_still_valid (etag, etag, date));
  ck_assert (range_still_valid (date, etag, date));
  ck_assert (! range_still_valid (SLICE ("W/\"a\""), etag, date));
  ck_assert (! range_still_valid (SLICE ("\"b\""), etag, date));
  ck_assert (! range_still_valid (SLICE ("Sun, 06 Nov 1994 08:49:38 GMT"), etag, date));
  ck_assert (! range_still_valid (SLICE (""), etag, date));
}
END_TEST

START_TEST (reads_digests)
{
  /* Of nothing. */
#define EMPTY "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  static const struct
  {
    const char *field;
    bool fine;
    bool found;
  } cases[] = {
    { "sha-256=:" EMPTY ":", true, true },
    { "SHA-256=:" EMPTY ":", true, true },
    { " sha-512=:abcd:,\tsha-256=:" EMPTY ": ", true, true },
    { "sha-512=:abcd:", true, false },
    { "", true, false },
    { NULL, true, false },
    { "sha-256=:" EMPTY, false, false },
    { "sha-256=" EMPTY, false, false },
    { "sha-256=::", false, false },
    { "sha-256=:", false, false },
    { "sha-256=", false, false },
    { "sha-256=:47DEQpj8HBSa:", false, false },
    { "sha-256=:!!DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", false, false },
    { "sha-2567=:" EMPTY ":", true, false },
  };
  struct digest wanted;

  ck_assert (digest_of (&wanted, SLICE ("")));
  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct digest digest;
    bool found = false;

    ck_assert_msg (artifact_digest_field (&found, &digest, slice_of (cases[i].field)) == cases[i].fine, "%s",
                   cases[i].field);
    if (cases[i].fine)
      ck_assert_msg (found == cases[i].found, "%s", cases[i].field);
    if (found)
      ck_assert (digest_equal (&digest, &wanted));
  }
}
END_TEST

START_TEST (names_attachments)
{
  static const struct
  {
    const char *path;
    const char *disposition;
  } cases[] = {
    { "a/b c.txt", "attachment; filename=\"b c.txt\"" },
    { "model", "attachment; filename=\"model\"" },
    { "a/\xc3\xa4.txt", "attachment; filename=\"__.txt\"; filename*=UTF-8''%C3%A4.txt" },
    { "a/x\"y.txt", "attachment; filename=\"x_y.txt\"; filename*=UTF-8''x%22y.txt" },
    { "100%.txt", "attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt" },
    { "a/b;c.txt", "attachment; filename=\"b;c.txt\"" },
  };
  struct arena *arena = arena_new (ARENA_BYTES);

  ck_assert_ptr_nonnull (arena);
  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct slice disposition;
    struct err err = { 0 };

    ck_assert_int_eq (artifact_disposition (&disposition, slice_of (cases[i].path), arena, &err), ERR_OK);
    ck_assert_str_eq (disposition.data, cases[i].disposition);
    ck_assert_uint_eq (disposition.len, strlen (disposition.data));
  }
  arena_free (arena);
}
END_TEST

Suite *artifact_send_suite (void);

Suite *
artifact_send_suite (void)
{
  Suite *suite = suite_create ("artifact_send");
  TCase *fields = tcase_create ("fields");

  tcase_add_test (fields, finds_ranges);
  tcase_add_test (fields, finds_entity_tags);
  tcase_add_test (fields, knows_when_a_range_stands);
  tcase_add_test (fields, reads_digests);
  tcase_add_test (fields, names_attachments);
  suite_add_tcase (suite, fields);
  return suite;
}
