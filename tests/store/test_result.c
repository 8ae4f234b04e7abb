/* Tests of rows and parameters: every type there and back, and refusal of columns that are not as described. */
#include "database.h"

#include <check.h>

struct row
{
  int64_t int64;
  struct optional_int64 optional;
  int32_t int32;
  int16_t int16;
  bool flag;
  struct uuid uuid;
  struct slice text;
  struct slice bytes;
  struct slice json;
};

static const struct column all_columns[] = {
  { COLUMN_INT64, offsetof (struct row, int64) }, { COLUMN_INT64_OPTIONAL, offsetof (struct row, optional) },
  { COLUMN_INT32, offsetof (struct row, int32) }, { COLUMN_INT16, offsetof (struct row, int16) },
  { COLUMN_BOOL, offsetof (struct row, flag) },   { COLUMN_UUID, offsetof (struct row, uuid) },
  { COLUMN_TEXT, offsetof (struct row, text) },   { COLUMN_BYTES, offsetof (struct row, bytes) },
  { COLUMN_JSON, offsetof (struct row, json) },
};

static struct result
query (const char *sql)
{
  const struct statement statement = { NULL, sql, 0 };
  struct result result = { NULL };
  struct err err = { 0 };

  ck_assert_msg (ERR_OK == store_query (&result, database.connection, &statement, NULL, &err), "%s", err.cause);
  return result;
}

START_TEST (reads_arrays)
{
  struct arrays
  {
    struct result_array int32s;
    struct result_array int64s;
    struct result_array doubles;
  } row;
  static const struct column columns[] = { { COLUMN_INT32_ARRAY, offsetof (struct arrays, int32s) },
                                           { COLUMN_INT64_ARRAY, offsetof (struct arrays, int64s) },
                                           { COLUMN_DOUBLE_ARRAY, offsetof (struct arrays, doubles) } };
  /* NULL items, two dimensions and another type are not what was described. */
  static const char *const bad[] = { "SELECT ARRAY[1, NULL]::int4[]", "SELECT ARRAY[[1], [2]]::int4[]",
                                     "SELECT ARRAY[1]::int8[]", "SELECT NULL::int4[]" };
  struct result result = query ("VALUES (ARRAY[-1, 2147483647]::int4[], ARRAY['-9223372036854775808', 7]::int8[],"
                                " ARRAY['NaN', -0.5, 'Infinity']::float8[]), ('{}', '{}', '{}')");

  ck_assert_int_eq (result_row (&row, &result, 0, columns, COLUMN_COUNT (columns), NULL), ERR_OK);
  ck_assert_uint_eq (row.int32s.count, 2);
  ck_assert_int_eq (result_array_int32 (&row.int32s, 0), -1);
  ck_assert_int_eq (result_array_int32 (&row.int32s, 1), INT32_MAX);
  ck_assert_uint_eq (row.int64s.count, 2);
  ck_assert (INT64_MIN == result_array_int64 (&row.int64s, 0) && 7 == result_array_int64 (&row.int64s, 1));
  ck_assert_uint_eq (row.doubles.count, 3);
  ck_assert (result_array_double (&row.doubles, 0) != result_array_double (&row.doubles, 0));
  ck_assert (-0.5 == result_array_double (&row.doubles, 1));
  ck_assert_int_eq (result_row (&row, &result, 1, columns, COLUMN_COUNT (columns), NULL), ERR_OK);
  ck_assert (0 == row.int32s.count && 0 == row.int64s.count && 0 == row.doubles.count);
  result_free (&result);
  for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++)
  {
    result = query (bad[i]);
    ck_assert_int_eq (result_row (&row, &result, 0, columns, 1, NULL), ERR_INTERNAL_ERROR);
    result_free (&result);
  }
}
END_TEST

START_TEST (reads_every_type)
{
  struct result result = query (
      "VALUES ('-9223372036854775808'::int8, 9223372036854775807::int8, '-2147483648'::int4, '-32768'::int2, true,"
      " '01234567-89ab-cdef-0123-456789abcdef'::uuid, 'd\xC3\xA9j\xC3\xA0'::text, '\\x00ff01'::bytea,"
      " '{\"a\": [1, null]}'::jsonb),"
      " (0, NULL, 2147483647, 32767::int2, false, 'ffffffff-ffff-ffff-ffff-ffffffffffff', NULL, NULL, '0'),"
      " (9223372036854775807, 0, 0, 0::int2, false, '00000000-0000-0000-0000-000000000000', '', '', '\"\"')");
  struct row row;
  struct err err = { 0 };
  char text[UUID_TEXT_BYTES];

  ck_assert_uint_eq (result_count (&result), 3);
  ck_assert_int_eq (result_row (&row, &result, 0, all_columns, COLUMN_COUNT (all_columns), &err), ERR_OK);
  ck_assert_int_eq (row.int64, INT64_MIN);
  ck_assert (row.optional.present && INT64_MAX == row.optional.value);
  ck_assert (INT32_MIN == row.int32 && INT16_MIN == row.int16 && row.flag);
  uuid_format (text, &row.uuid);
  ck_assert_str_eq (text, "0123456789abcdef0123456789abcdef");
  ck_assert (slice_is (row.text, "d\xC3\xA9j\xC3\xA0"));
  ck_assert (slice_equal (row.bytes, (struct slice){ "\0\xFF\1", 3 }));
  ck_assert (slice_is (row.json, "{\"a\": [1, null]}"));
  ck_assert_int_eq (result_row (&row, &result, 1, all_columns, COLUMN_COUNT (all_columns), &err), ERR_OK);
  ck_assert (! row.optional.present && NULL == row.text.data && NULL == row.bytes.data);
  ck_assert (INT32_MAX == row.int32 && INT16_MAX == row.int16 && ! row.flag);
  ck_assert_int_eq (result_row (&row, &result, 2, all_columns, COLUMN_COUNT (all_columns), &err), ERR_OK);
  /* Empty is not absent. */
  ck_assert (row.optional.present && NULL != row.text.data && 0 == row.text.len && NULL != row.bytes.data);
  ck_assert_int_eq (result_row (&row, &result, 3, all_columns, COLUMN_COUNT (all_columns), &err), ERR_INTERNAL_ERROR);
  result_free (&result);
  ck_assert_uint_eq (result_count (&result), 0);
  ck_assert_int_eq (result_row (&row, &result, 0, all_columns, COLUMN_COUNT (all_columns), NULL), ERR_INTERNAL_ERROR);
}
END_TEST

START_TEST (refuses_other_types)
{
  /* One value of each type, in the order of enum column_type; what fits where is the diagonal, and the optional one. */
  static const char *const values[] = { "1::int8",           "1::int8",   "1::int4",    "1::int2",    "true",
                                        "gen_random_uuid()", "'a'::text", "'a'::bytea", "'1'::jsonb", "1.0::float8",
                                        "'a'::varchar",      "'1'::json", "now()",      "1::numeric", "ARRAY['a']" };
  static const char *const nulls[] = { "NULL::int8", "NULL::int8", "NULL::int4",  "NULL::int2", "NULL::bool",
                                       "NULL::uuid", "NULL::text", "NULL::bytea", "NULL::jsonb" };

  for (size_t i = 0; i < sizeof (values) / sizeof (values[0]); i++)
  {
    struct result result = query (arena_printf (database.arena, "SELECT %s AS what", values[i]));

    for (size_t type = 0; type < COLUMN_COUNT (all_columns); type++)
    {
      bool fits = i == type || (i < 2 && type < 2);
      struct row row;
      struct err err = { 0 };

      ck_assert_msg (result_row (&row, &result, 0, &all_columns[type], 1, &err) == (fits ? ERR_OK : ERR_INTERNAL_ERROR),
                     "%s as type %zu", values[i], type);
      if (! fits)
        ck_assert_str_eq (err.cause, "what");
    }
    result_free (&result);
  }
  for (size_t type = 0; type < COLUMN_COUNT (all_columns); type++)
  {
    struct result result = query (arena_printf (database.arena, "SELECT %s", nulls[type]));
    bool nullable = COLUMN_INT64_OPTIONAL == all_columns[type].type || COLUMN_TEXT == all_columns[type].type
                    || COLUMN_BYTES == all_columns[type].type;
    struct row row;

    ck_assert_msg ((ERR_OK == result_row (&row, &result, 0, &all_columns[type], 1, NULL)) == nullable, "%s",
                   nulls[type]);
    result_free (&result);
  }
}
END_TEST

START_TEST (refuses_another_number_of_columns)
{
  static const struct column two[] = { { COLUMN_INT64, 0 }, { COLUMN_INT64, 8 } };
  int64_t row[2];
  struct result one = query ("SELECT 1::int8");
  struct result three = query ("SELECT 1::int8, 2::int8, 3::int8");

  ck_assert_int_eq (result_row (row, &one, 0, two, 2, NULL), ERR_INTERNAL_ERROR);
  ck_assert_int_eq (result_row (row, &three, 0, two, 2, NULL), ERR_INTERNAL_ERROR);
  result_free (&one);
  result_free (&three);
}
END_TEST

/* The one text that a statement gives. */
static const char *
answer (const char *sql, struct parameters *parameters)
{
  static const struct column columns[] = { { COLUMN_TEXT, 0 } };
  const struct statement statement = { NULL, sql, parameters->count };
  struct result result = { NULL };
  struct slice text;
  const char *copy;
  struct err err = { 0 };

  ck_assert_msg (ERR_OK == store_query (&result, database.connection, &statement, parameters, &err), "%s: %s", sql,
                 err.cause);
  ck_assert_int_eq (result_row (&text, &result, 0, columns, 1, &err), ERR_OK);
  copy = arena_string (database.arena, text);
  result_free (&result);
  return copy;
}

START_TEST (sends_every_type)
{
  static const struct slice texts[] = { { "a", 1 }, { NULL, 0 }, { "", 0 }, { "{\"\\,NULL}", 9 }, { "\xC3\xA9", 2 } };
  static const struct slice bytes[] = { { "\0\xFF", 2 }, { "", 0 } };
  static const int64_t numbers[] = { INT64_MIN, 0, INT64_MAX };
  static const struct uuid uuids[] = { { { 1 } }, { { 0 } } };
  struct parameters parameters;

  parameters_init (&parameters, database.arena);
  parameter_null (&parameters);
  parameter_int64 (&parameters, INT64_MIN);
  parameter_int32 (&parameters, INT32_MIN);
  parameter_bool (&parameters, true);
  parameter_uuid (&parameters, &uuids[0]);
  parameter_text (&parameters, SLICE ("t"));
  parameter_text (&parameters, (struct slice){ NULL, 0 });
  parameter_text (&parameters, SLICE (""));
  ck_assert_str_eq (answer ("SELECT concat_ws('|', coalesce($1::text, 'null'), $2::int8, $3::int4, $4::bool, $5::uuid,"
                            " $6::text, coalesce($7::text, 'null'), $8::text)",
                            &parameters),
                    "null|-9223372036854775808|-2147483648|t|01000000-0000-0000-0000-000000000000|t|null|");
  parameters_init (&parameters, database.arena);
  parameter_text_array (&parameters, texts, 5);
  parameter_bytea_array (&parameters, bytes, 2);
  parameter_uuid_array (&parameters, uuids, 2);
  parameter_int64_array (&parameters, numbers, 3);
  ck_assert_str_eq (
      answer ("SELECT array_to_json($1::text[])::text || $2::bytea[]::text || $3::uuid[]::text || $4::int8[]::text",
              &parameters),
      "[\"a\",null,\"\",\"{\\\"\\\\,NULL}\",\"\xC3\xA9\"]{\"\\\\x00ff\",\"\\\\x\"}"
      "{01000000-0000-0000-0000-000000000000,00000000-0000-0000-0000-000000000000}"
      "{-9223372036854775808,0,9223372036854775807}");
  parameters_init (&parameters, database.arena);
  parameter_text_array (&parameters, NULL, 0);
  parameter_bytea_array (&parameters, NULL, 0);
  parameter_uuid_array (&parameters, NULL, 0);
  parameter_int64_array (&parameters, NULL, 0);
  ck_assert_str_eq (
      answer ("SELECT $1::text[]::text || $2::bytea[]::text || $3::uuid[]::text || $4::int8[]::text", &parameters),
      "{}{}{}{}");
}
END_TEST

START_TEST (sends_long_arrays)
{
  const size_t count = 20000;
  struct slice *texts = arena_array (database.arena, count, sizeof (*texts));
  struct parameters parameters;

  for (size_t i = 0; i < count; i++)
    texts[i] = slice_of (arena_printf (database.arena, "%zu", i));
  parameters_init (&parameters, database.arena);
  parameter_text_array (&parameters, texts, count);
  ck_assert_str_eq (answer ("SELECT count(*) || ' ' || sum(t::int8) FROM unnest($1::text[]) AS u (t)", &parameters),
                    "20000 199990000");
}
END_TEST

START_TEST (refuses_more_parameters_than_there_is_room_for)
{
  static const struct statement statement = { NULL, "SELECT 1", PARAMETERS_MAX };
  struct result result = { NULL };
  struct parameters parameters;
  struct arena *small = arena_new (64);
  struct slice texts[50] = { 0 };

  parameters_init (&parameters, database.arena);
  for (unsigned i = 0; i < PARAMETERS_MAX; i++)
    parameter_int64 (&parameters, i);
  ck_assert (! parameters.failed);
  parameter_int64 (&parameters, 1);
  ck_assert (parameters.failed);
  ck_assert_uint_le (parameters.count, PARAMETERS_MAX);
  ck_assert_int_eq (store_query (&result, database.connection, &statement, &parameters, NULL), ERR_INTERNAL_ERROR);
  parameters_init (&parameters, small);
  parameter_text_array (&parameters, texts, 50);
  ck_assert (parameters.failed);
  arena_free (small);
}
END_TEST

Suite *result_suite (void);

Suite *
result_suite (void)
{
  Suite *suite = suite_create ("result");
  TCase *rows = tcase_create ("rows");
  TCase *parameters = tcase_create ("parameters");

  tcase_add_checked_fixture (rows, database_open_empty, database_close);
  tcase_set_timeout (rows, 60);
  tcase_add_test (rows, reads_every_type);
  tcase_add_test (rows, reads_arrays);
  tcase_add_test (rows, refuses_other_types);
  tcase_add_test (rows, refuses_another_number_of_columns);
  suite_add_tcase (suite, rows);
  tcase_add_checked_fixture (parameters, database_open_empty, database_close);
  tcase_set_timeout (parameters, 60);
  tcase_add_test (parameters, sends_every_type);
  tcase_add_test (parameters, sends_long_arrays);
  tcase_add_test (parameters, refuses_more_parameters_than_there_is_room_for);
  suite_add_tcase (suite, parameters);
  return suite;
}
