/* Random filters: AND, OR, NOT and parentheses around comparisons, as text and as the SQL that it stands for. */
#include "oracle.h"

#include <check.h>

/* Levels of parentheses and NOT, and comparisons in one filter. */
#define DEPTH_MAX 6
#define TESTS_MAX 14

struct making
{
  struct buffer *text;
  struct buffer *sql;
  size_t tests;
};

static void make_or (struct making *making, size_t depth, bool negated);

static void
put_space (struct buffer *text)
{
  static const char *const spaces[] = { " ", " ", " ", " ", "  ", "\t", "\n", " \r\n " };

  buffer_text (text, spaces[oracle_below (sizeof (spaces) / sizeof (spaces[0]))]);
}

static void
put_keyword (struct buffer *text, const char *upper, const char *lower)
{
  put_space (text);
  buffer_text (text, oracle_once_in (3) ? lower : upper);
  put_space (text);
}

/* NOT x, (x) or a comparison. NOT is PostgreSQL's here, so that it needs nobody's De Morgan; only a comparison with
   data sets must know what stands around it. */
static void
make_unary (struct making *making, size_t depth, bool negated)
{
  if (depth > 0 && oracle_once_in (4))
  {
    buffer_text (making->text, oracle_once_in (3) ? "not" : "NOT");
    put_space (making->text);
    buffer_text (making->sql, "(NOT ");
    make_unary (making, depth - 1, ! negated);
    buffer_byte (making->sql, ')');
  }
  else if (depth > 0 && making->tests < TESTS_MAX && oracle_once_in (3))
  {
    buffer_byte (making->text, '(');
    if (oracle_once_in (4))
      put_space (making->text);
    make_or (making, depth - 1, negated);
    if (oracle_once_in (4))
      put_space (making->text);
    buffer_byte (making->text, ')');
  }
  else
  {
    making->tests++;
    oracle_make_test (making->text, making->sql, negated);
  }
}

static size_t
some_count (const struct making *making)
{
  return making->tests >= TESTS_MAX ? 1 : 1 + oracle_below (oracle_once_in (3) ? 4 : 2);
}

/* Parts that are joined by AND, or alternatives that are joined by OR, each of which is parts. */
static void
make_joined (struct making *making, size_t depth, bool negated, bool is_and)
{
  size_t count = some_count (making);

  buffer_byte (making->sql, '(');
  for (size_t i = 0; i < count; i++)
  {
    if (i > 0)
    {
      put_keyword (making->text, is_and ? "AND" : "OR", is_and ? "and" : "Or");
      buffer_text (making->sql, is_and ? " AND " : " OR ");
    }
    if (is_and)
      make_unary (making, depth, negated);
    else
      make_joined (making, depth, negated, true);
  }
  buffer_byte (making->sql, ')');
}

static void
make_or (struct making *making, size_t depth, bool negated)
{
  make_joined (making, depth, negated, false);
}

void
oracle_make_filter (struct buffer *text, struct buffer *sql)
{
  struct making making = { text, sql, 0 };

  if (oracle_once_in (30))
    buffer_text (sql, "true");
  else if (oracle_once_in (5))
  {
    buffer_byte (sql, '(');
    oracle_make_test (text, sql, false);
    buffer_byte (sql, ')');
  }
  else
    make_or (&making, oracle_below (DEPTH_MAX + 1), false);
  ck_assert (! text->failed && ! sql->failed);
}
