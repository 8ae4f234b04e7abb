/* Random comparisons: a field, a comparator and values in all their forms, and the SQL that they stand for.

   NaN is greater than every number to PostgreSQL and equal to itself, and in no range to a search: where that makes a
   difference the SQL says so. */
#include "oracle.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define CHOOSE(array) ((array)[oracle_below (sizeof (array) / sizeof ((array)[0]))])

static void
put_keyword (struct buffer *text, const char *upper)
{
  bool lower = oracle_once_in (3);

  buffer_byte (text, ' ');
  for (const char *byte = upper; '\0' != *byte; byte++)
    buffer_byte (text, (char)(lower && *byte >= 'A' && *byte <= 'Z' ? *byte + ('a' - 'A') : *byte));
  buffer_byte (text, ' ');
}

/* A value that is there, of which nothing is true. */
static void
put_never (struct buffer *sql, const char *field)
{
  buffer_printf (sql, "(CASE WHEN %s IS NOT NULL THEN false END)", field);
}

static void
make_null (struct buffer *text, struct buffer *sql, const char *field)
{
  bool is_null = oracle_once_in (2);

  put_keyword (text, is_null ? "IS NULL" : "IS NOT NULL");
  buffer_printf (sql, is_null ? "(%s IS NULL)" : "(%s IS NOT NULL)", field);
}

/* --- numbers ----------------------------------------------------------------------------------------------------- */

struct number
{
  char text[60];
  char sql[160];
  bool nan;
};

static void
set_number (struct number *number, const char *text, const char *type)
{
  const char *digits = '-' == text[0] ? text + 1 : text;
  const char *value = text;

  number->nan = 0 == strcasecmp (digits, "nan");
  /* Too large for a double, and no error of PostgreSQL's. */
  if (0 == strcmp (text, "1e999"))
    value = "Infinity";
  snprintf (number->text, sizeof (number->text), "%s", text);
  snprintf (number->sql, sizeof (number->sql), "'%s'::%s", value, type);
}

static struct number
some_double (void)
{
  static const char *const texts[] = { "0",
                                       "-0.0",
                                       "1",
                                       "-1",
                                       "0.1",
                                       "0.5",
                                       "0.30000000000000004",
                                       "5",
                                       "5.0",
                                       "5e0",
                                       ".5",
                                       "2",
                                       "3",
                                       "3.25",
                                       "1e308",
                                       "-1e308",
                                       "Infinity",
                                       "-Infinity",
                                       "NaN",
                                       "inf",
                                       "nan",
                                       "1e16",
                                       "9007199254740992",
                                       "5e-324",
                                       "1e999",
                                       "1.",
                                       "1.7e308",
                                       "1e-300" };
  struct number number;

  if (oracle_once_in (3))
  {
    char text[60];

    snprintf (text, sizeof (text), "%.*f", (int)oracle_below (9), (double)(oracle_random () >> 11) * 0x1p-53);
    set_number (&number, text, "float8");
  }
  else
    set_number (&number, CHOOSE (texts), "float8");
  return number;
}

/* A time: in milliseconds, as a date, from now, or a number that no time is. */
static struct number
some_time (bool in_list)
{
  static const char *const texts[] = { "0",
                                       "-1",
                                       "1.5",
                                       "-0.5",
                                       "1e3",
                                       "9.3e18",
                                       "-9.3e18",
                                       "9223372036854775807",
                                       "1e30",
                                       "Infinity",
                                       "-Infinity",
                                       "NaN",
                                       "1e999",
                                       "-9223372036854775808",
                                       "9223372036854775806.5",
                                       "1767225600000.5",
                                       "1.7672256e12",
                                       "17672256000009e-1",
                                       "-9223372036854775807",
                                       "9223372036854775808" };
  static const char *const dates[] = { "2026-01-01",
                                       "2026-01-01 00:00",
                                       "2026-01-01T01:00:00Z",
                                       "2026-01-01 02:00:00+01:00",
                                       "2025-12-31 23:59:59.999",
                                       "2026-01-01T00:00:00.001Z",
                                       "2026-01-02",
                                       "2025-12-31T00:00-00:00",
                                       "2026-01-08 05:30+05:30",
                                       "1970-01-01",
                                       "1969-12-31 23:59:59.999",
                                       "9999-12-31" };
  static const struct
  {
    const char *text;
    int64_t ms;
  } durations[] = { { "1d", 86400000 }, { "1h", 3600000 },   { "60m", 3600000 },     { "1s", 1000 },
                    { "1ms", 1 },       { "1w", 604800000 }, { "1d12h", 129600000 }, { "0s", 0 } };
  struct number number = { .nan = false };

  switch (oracle_below (in_list ? 3 : 5))
  {
  case 0:
    set_number (&number, CHOOSE (texts), "numeric");
    break;
  case 1:
    snprintf (number.text, sizeof (number.text), "%lld", (long long)oracle_time_ms ());
    snprintf (number.sql, sizeof (number.sql), "'%s'::numeric", number.text);
    break;
  case 2:
  {
    const char *date = CHOOSE (dates);
    const char *quote = oracle_once_in (2) ? "'" : "\"";

    snprintf (number.text, sizeof (number.text), "%s%s%s", quote, date, quote);
    snprintf (number.sql, sizeof (number.sql), "(extract(epoch FROM '%s'::timestamptz) * 1000)", date);
    break;
  }
  default:
  {
    size_t first = oracle_below (sizeof (durations) / sizeof (durations[0]));
    size_t second = oracle_below (sizeof (durations) / sizeof (durations[0]));
    bool twice = oracle_once_in (2);
    bool date = oracle_once_in (2);

    snprintf (number.text, sizeof (number.text), twice ? "%s - %s + %s" : "%s - %s", date ? "'2026-01-02'" : "now()",
              durations[first].text, durations[second].text);
    snprintf (
        number.sql, sizeof (number.sql), "'%lld'::numeric",
        (long long)(oracle.now_ms + (date ? 86400000 : 0) - durations[first].ms + (twice ? durations[second].ms : 0)));
    break;
  }
  }
  return number;
}

static struct number
some_number (const struct oracle_field *field, bool in_list)
{
  return ORACLE_INT == field->type ? some_time (in_list) : some_double ();
}

static void
put_comparison (struct buffer *sql, const char *value, const char *comparator, const struct number *number,
                bool doubles)
{
  bool greater = '>' == comparator[0];

  if (number->nan && ('=' != comparator[0] || ! doubles))
    put_never (sql, value);
  else
    buffer_printf (sql, greater && doubles ? "(%s %s %s AND %s <> 'NaN')" : "(%s %s %s)", value, comparator,
                   number->sql, value);
}

static void
make_numbers (struct buffer *text, struct buffer *sql, const struct oracle_field *field)
{
  static const char *const comparators[] = { "=", "!=", ">", ">=", "<", "<=" };
  bool doubles = ORACLE_NUMBER == field->type;
  bool negated = oracle_once_in (3);
  char value[ORACLE_FIELD_BYTES + 20];

  snprintf (value, sizeof (value), doubles ? "%s" : "%s::numeric", field->sql);
  if (oracle_once_in (6))
  {
    size_t count = 1 + oracle_below (4);

    put_keyword (text, negated ? "NOT IN" : "IN");
    buffer_printf (sql, negated ? "(%s NOT IN (" : "(%s IN (", value);
    for (size_t i = 0; i < count; i++)
    {
      struct number number = some_number (field, true);

      buffer_printf (text, "%s%s", 0 == i ? "(" : oracle_once_in (2) ? "," : ", ", number.text);
      buffer_printf (sql, "%s%s", 0 == i ? "" : ", ", number.sql);
    }
    buffer_text (text, oracle_once_in (4) ? ",)" : ")");
    buffer_text (sql, "))");
  }
  else if (oracle_once_in (6))
  {
    struct number low = some_number (field, false);
    struct number high = some_number (field, false);

    put_keyword (text, negated ? "NOT BETWEEN" : "BETWEEN");
    buffer_text (text, low.text);
    put_keyword (text, "AND");
    buffer_text (text, high.text);
    buffer_text (sql, negated ? "(NOT (" : "((");
    put_comparison (sql, value, ">=", &low, doubles);
    buffer_text (sql, " AND ");
    put_comparison (sql, value, "<=", &high, doubles);
    buffer_text (sql, "))");
  }
  else
  {
    const char *comparator = CHOOSE (comparators);
    struct number number = some_number (field, false);
    bool equal = 0 == strcmp (comparator, "!=");
    const char *space = oracle_once_in (3) ? "" : " ";

    buffer_printf (text, "%s%s%s%s", space, comparator, space, number.text);
    buffer_text (sql, equal ? "(NOT " : "(");
    put_comparison (sql, value, equal ? "=" : comparator, &number, doubles);
    buffer_byte (sql, ')');
  }
}

/* --- texts ------------------------------------------------------------------------------------------------------- */

static struct slice
some_value (enum oracle_type type)
{
  static const struct slice statuses[] = { SLICE ("RUNNING"), SLICE ("FINISHED"),  SLICE ("FAILED"),
                                           SLICE ("KILLED"),  SLICE ("SCHEDULED"), SLICE ("finished") };
  static char id[2][UUID_TEXT_BYTES];
  static size_t turn;

  if (ORACLE_STATUS == type)
    return CHOOSE (statuses);
  if (ORACLE_ID != type || 0 == oracle.run_count || oracle_once_in (10))
    return oracle_text ();
  turn = (turn + 1) % 2;
  uuid_format (id[turn], &oracle.runs[oracle_below (oracle.run_count)].id);
  if (oracle_once_in (10))
    for (size_t i = 0; i < 32; i++)
      if (id[turn][i] >= 'a')
        id[turn][i] = (char)(id[turn][i] - ('a' - 'A'));
  return slice_of (id[turn]);
}

/* Put a text between quotes. There are no escapes: false, with nothing written, when quotes are not enough. */
static bool
put_quoted (struct buffer *text, struct slice value)
{
  bool single = NULL != memchr (value.data, '\'', value.len);
  bool twice = NULL != memchr (value.data, '"', value.len);
  char quote = single || (! twice && oracle_once_in (3)) ? '"' : '\'';

  if ((single && twice) || (value.len > 0 && '\\' == value.data[value.len - 1]))
    return false;
  buffer_byte (text, quote);
  buffer_append (text, value.data, value.len);
  buffer_byte (text, quote);
  return true;
}

/* Put a text as Python writes it in a list. */
static void
put_escaped (struct buffer *text, struct slice value)
{
  char quote = oracle_once_in (2) ? '"' : '\'';

  buffer_byte (text, quote);
  for (size_t i = 0; i < value.len; i++)
  {
    char byte = value.data[i];

    if (byte == quote || '\\' == byte)
      buffer_byte (text, '\\');
    if ('\t' == byte && oracle_once_in (2))
      buffer_text (text, "\\t");
    else if ('A' == byte && oracle_once_in (2))
      buffer_text (text, oracle_once_in (2) ? "\\x41" : "\\u0041");
    else
      buffer_byte (text, byte);
  }
  buffer_byte (text, quote);
}

static void
make_list (struct buffer *text, struct buffer *sql, const char *value, enum oracle_type type, bool negated)
{
  size_t count = 1 + oracle_below (4);

  put_keyword (text, negated ? "NOT IN" : "IN");
  buffer_printf (sql, negated ? "(%s NOT IN (" : "(%s IN (", value);
  for (size_t i = 0; i < count; i++)
  {
    struct slice item = some_value (type);

    buffer_text (text, 0 == i ? "(" : oracle_once_in (2) ? "," : " , ");
    put_escaped (text, item);
    buffer_text (sql, 0 == i ? "" : ", ");
    oracle_put_text (sql, item);
  }
  buffer_text (text, oracle_once_in (4) ? ",)" : ")");
  buffer_text (sql, "))");
}

/* --- patterns ---------------------------------------------------------------------------------------------------- */

/* Some bytes of a value, cut between characters and free of `forbidden`. */
static void
put_piece (char *pattern, size_t size, const char *forbidden)
{
  struct slice value = oracle_text ();
  size_t start = strlen (pattern);
  size_t most = 1 + oracle_below (5);

  for (size_t i = 0; i < value.len && start + i + 5 < size; i++)
  {
    if (most <= i && (value.data[i] & 0xC0) != 0x80)
      break;
    if (NULL != strchr (forbidden, value.data[i]))
      break;
    pattern[start + i] = value.data[i];
    pattern[start + i + 1] = '\0';
  }
}

static void
make_like (char *pattern, size_t size)
{
  static const char *const wild[] = { "%", "%", "%", "_", "_", "\\%", "\\_", "\\\\", "%%", "\\a" };
  size_t count = 1 + oracle_below (4);

  pattern[0] = '\0';
  for (size_t i = 0; i < count && strlen (pattern) + 20 < size; i++)
    if (oracle_once_in (2))
      strcat (pattern, CHOOSE (wild));
    else
      put_piece (pattern, size, "\\'\"%");
  if (oracle_once_in (2) || (strlen (pattern) > 0 && '\\' == pattern[strlen (pattern) - 1]))
    strcat (pattern, "%");
}

/* A regular expression that means the same to PCRE2 and to PostgreSQL. */
static void
make_regex (char *pattern, size_t size)
{
  static const char *const atoms[] = {
    ".",        "[abc]", "[^ab]", "(a|b)", "(ab|c)*",       "a*", "b*", ".*", "[0-9]", "1", "e", "(|a)b",
    "\xC3\xA9", ".+",    "a?",    "c+",    "(a|ab)(c|bcd)*"
  };
  size_t count = 1 + oracle_below (3);

  pattern[0] = '\0';
  if (oracle_once_in (3))
    strcat (pattern, "^");
  for (size_t i = 0; i < count && strlen (pattern) + 20 < size; i++)
    if (oracle_once_in (2))
      strcat (pattern, CHOOSE (atoms));
    else
      put_piece (pattern, size, "\\'\".+?*()[]{}|^$");
  if (oracle_once_in (3))
    strcat (pattern, "$");
}

static void
make_pattern (struct buffer *text, struct buffer *sql, const char *value, bool negated)
{
  bool folded = oracle_once_in (2);
  char pattern[120];

  if (oracle_once_in (2))
  {
    make_like (pattern, sizeof (pattern));
    put_keyword (text, negated ? folded ? "NOT ILIKE" : "NOT LIKE" : folded ? "ILIKE" : "LIKE");
    buffer_printf (sql, folded ? "(lower(%s COLLATE \"C.utf8\") %sLIKE lower(" : "(%s %sLIKE (", value,
                   negated ? "NOT " : "");
    oracle_put_text (sql, slice_of (pattern));
    buffer_text (sql, folded ? " COLLATE \"C.utf8\"))" : "))");
  }
  else
  {
    static const char *const comparators[2][2] = { { "~", "~*" }, { "!~", "!~*" } };

    make_regex (pattern, sizeof (pattern));
    buffer_printf (text, oracle_once_in (3) ? "%s" : " %s ", comparators[negated][folded]);
    buffer_printf (sql, "(%s COLLATE \"C.utf8\" %s ", value, comparators[negated][folded]);
    oracle_put_regex (sql, slice_of (pattern));
    buffer_byte (sql, ')');
  }
  ck_assert (put_quoted (text, slice_of (pattern)));
}

/* A comparison of one text; `value` is the SQL of it. */
static void
make_text (struct buffer *text, struct buffer *sql, const char *value, enum oracle_type type, bool negated)
{
  struct slice wanted = some_value (type);
  struct buffer quoted;

  if (oracle_once_in (3))
  {
    make_pattern (text, sql, value, negated);
    return;
  }
  buffer_init (&quoted, ORACLE_FILTER_BYTES);
  if (oracle_once_in (3) || ! put_quoted (&quoted, wanted))
    make_list (text, sql, value, type, negated);
  else
  {
    const char *space = oracle_once_in (3) ? "" : " ";

    buffer_printf (text, "%s%s%s%s", space, negated ? "!=" : "=", space, quoted.data);
    buffer_printf (sql, negated ? "(%s <> " : "(%s = ", value);
    oracle_put_text (sql, wanted);
    buffer_byte (sql, ')');
  }
  buffer_free (&quoted);
}

/* Any data set passes, also where NOT stands around the comparison: then it is the comparison's own. Under an odd
   number of NOT the SQL is the opposite of "any passes the opposite". */
static void
make_dataset (struct buffer *text, struct buffer *sql, const char *array, bool negated)
{
  buffer_printf (sql,
                 negated ? "(NOT EXISTS (SELECT FROM unnest(%s) AS d (v) WHERE NOT "
                         : "(EXISTS (SELECT FROM unnest(%s) AS d (v) WHERE ",
                 array);
  make_text (text, sql, "v", ORACLE_DATASETS, oracle_once_in (3));
  buffer_text (sql, "))");
}

void
oracle_make_test (struct buffer *text, struct buffer *sql, bool negated)
{
  struct oracle_field field;

  oracle_make_field (&field, true);
  buffer_text (text, field.text);
  if (ORACLE_DATASETS == field.type && oracle_once_in (6))
  {
    char any[ORACLE_FIELD_BYTES + 100];

    snprintf (any, sizeof (any), "(SELECT min(v) FROM unnest(%s) AS d (v))", field.sql);
    make_null (text, sql, any);
  }
  else if (ORACLE_DATASETS == field.type)
    make_dataset (text, sql, field.sql, negated);
  else if (oracle_once_in (8))
    make_null (text, sql, field.sql);
  else if (ORACLE_INT == field.type || ORACLE_NUMBER == field.type)
    make_numbers (text, sql, &field);
  else
    make_text (text, sql, field.sql, field.type, oracle_once_in (3));
}
