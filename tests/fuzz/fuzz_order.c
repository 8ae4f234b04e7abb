/* order_by: any clauses are read without harm, name only what the program knows, and mean the same when written anew.
   The input is clauses with NUL between them. */
#include "fuzz.h"

#include "search/order.h"

#include <string.h>

/* Messages quote their clauses; a list of clauses is written once for each of them. */
#define ARENA_BYTES ((size_t)64 * 1024 * 1024)
/* Above the most that are accepted. */
#define CLAUSES_MAX 16

static const struct search_attribute attributes[] = {
  { "name", "name", SEARCH_TEXT, false },           { "run name", "name", SEARCH_TEXT, false },
  { "start_time", "started", SEARCH_INT64, false }, { "end_time", "ended", SEARCH_INT64, true },
  { "run_id", "run_id", SEARCH_UUID, false },       { NULL, "hidden", SEARCH_INT64, false },
};

static const struct search_grammar grammar = { attributes, sizeof (attributes) / sizeof (attributes[0]), true };

static bool
same_key (const struct search_key *a, const struct search_key *b)
{
  return 0 == strcmp (a->attribute.sql, b->attribute.sql) && a->attribute.type == b->attribute.type
         && slice_equal (a->key, b->key) && a->descending == b->descending;
}

/* The SQL is the program's own, and the key is a part of the clause. */
static void
check_key (const struct search_key *key, struct slice clause)
{
  bool known = false;

  for (size_t i = 0; NULL == key->key.data && i < grammar.attribute_count; i++)
    known = known || (key->attribute.sql == attributes[i].sql && NULL != attributes[i].name);
  if (NULL != key->key.data)
  {
    known = 0 == strcmp (key->attribute.sql, "params") || 0 == strcmp (key->attribute.sql, "tags");
    REQUIRE (key->key.len > 0 && key->key.data > clause.data
             && key->key.data + key->key.len <= clause.data + clause.len);
  }
  REQUIRE (known);
}

static void
check_again (const struct search_key *key, struct arena *arena)
{
  char quote = NULL == memchr (key->key.data, '`', key->key.len) ? '`' : '"';
  struct search_order order;
  struct slice clause;

  clause = slice_of (arena_printf (arena, "%s.%c%.*s%c %s", key->attribute.sql, quote, SLICE_ARG (key->key), quote,
                                   key->descending ? "DESC" : "ASC"));
  REQUIRE (NULL != clause.data);
  REQUIRE (ERR_OK == search_order_parse (&order, &clause, 1, &grammar, arena, NULL));
  REQUIRE (1 == order.count && same_key (&order.keys[0], key));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct arena *arena = arena_new (ARENA_BYTES);
  struct slice clauses[CLAUSES_MAX];
  struct search_order order;
  struct err err = { 0 };
  size_t count = 0;
  size_t start = 0;
  enum err_code code;

  REQUIRE (NULL != arena);
  for (size_t at = 0; at <= size && count < CLAUSES_MAX; at++)
    if (at == size || '\0' == data[at])
    {
      clauses[count++] = (struct slice){ (const char *)data + start, at - start };
      start = at + 1;
    }
  code = search_order_parse (&order, clauses, count, &grammar, arena, &err);
  if (ERR_OK == code)
  {
    REQUIRE (order.count == count && count <= SEARCH_ORDER_MAX - 2);
    for (size_t i = 0; i < count; i++)
    {
      check_key (&order.keys[i], clauses[i]);
      if (NULL != order.keys[i].key.data)
        check_again (&order.keys[i], arena);
      for (size_t j = 0; j < i; j++)
        REQUIRE (0 != strcmp (order.keys[i].attribute.sql, order.keys[j].attribute.sql)
                 || ! slice_equal (order.keys[i].key, order.keys[j].key));
    }
  }
  else
    REQUIRE ((ERR_INVALID_PARAMETER_VALUE == code || ERR_NOT_IMPLEMENTED == code) && code == err.code
             && '\0' != err.message[0]);
  arena_free (arena);
  return 0;
}
