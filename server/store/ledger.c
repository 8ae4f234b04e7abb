/* Appending to the ledger in PostgreSQL.

   DESIGN
   The hash of an entry is taken here and by whoever verifies, over bytes and not over what a database makes of them.
   The end of the chain is one row, which is locked last: two changes wait for each other only from there to the commit.
 */
#include "store/ledger.h"

#include <string.h>

enum
{
  HOLD,
  APPEND,
  MOVE_HEAD
};

static const struct statement statements[] = {
  [HOLD] = { "ledger_hold", "SELECT entry, at_ms, sha256 FROM ledger_head FOR UPDATE", 0 },
  [APPEND] = { "ledger_append",
               "INSERT INTO ledger (entry, at_ms, content, previous_sha256, sha256)"
               " SELECT $1::int8 + r.number, $2::int8, r.content, r.previous, r.sha256"
               " FROM unnest($3::text[], $4::bytea[], $5::bytea[]) WITH ORDINALITY"
               "  AS r (content, previous, sha256, number)",
               5 },
  [MOVE_HEAD] = { "ledger_move_head", "UPDATE ledger_head SET entry = $1::int8, at_ms = $2::int8, sha256 = $3::bytea",
                  3 },
};

const struct statement_table store_ledger_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

const struct column store_ledger_head_columns[STORE_LEDGER_HEAD_COLUMNS] = {
  { COLUMN_INT64, offsetof (struct store_ledger_head, entry) },
  { COLUMN_INT64, offsetof (struct store_ledger_head, at_ms) },
  { COLUMN_DIGEST, offsetof (struct store_ledger_head, sha256) },
};

static void
put_int64 (unsigned char out[8], int64_t value)
{
  for (unsigned i = 0; i < 8; i++)
    out[i] = (unsigned char)((uint64_t)value >> (56 - 8 * i));
}

bool
store_ledger_hash (struct digest *sha256, const struct digest *previous, int64_t entry, int64_t at_ms,
                   struct slice content)
{
  unsigned char front[sizeof (previous->bytes) + 16];
  struct digest_stream *stream = digest_start ();
  bool made;

  memcpy (front, previous->bytes, sizeof (previous->bytes));
  put_int64 (front + sizeof (previous->bytes), entry);
  put_int64 (front + sizeof (previous->bytes) + 8, at_ms);
  made = NULL != stream && digest_add (stream, (struct slice){ (const char *)front, sizeof (front) })
         && digest_add (stream, content) && digest_end (sha256, stream);
  digest_free (stream);
  return made;
}

enum err_code
store_ledger_commit (struct store_connection *connection, const struct slice *contents, size_t count, int64_t at_ms,
                     struct arena *arena, struct err *err)
{
  struct digest *hashes = arena_array (arena, count + 1, sizeof (*hashes));
  struct slice *texts = arena_array (arena, count + 1, sizeof (*texts));
  struct result result = { NULL };
  struct store_ledger_head head;
  struct parameters *parameters;
  struct pipeline pipeline;
  enum err_code code;

  if (NULL == hashes || NULL == texts)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = store_query_one (&head, &result, connection, &statements[HOLD], NULL, store_ledger_head_columns,
                          STORE_LEDGER_HEAD_COLUMNS, err);
  result_free (&result);
  if (ERR_OK != code)
    return err_set (err, ERR_OK == err->code ? ERR_INTERNAL_ERROR : err->code, "the ledger has no end");
  if (at_ms < head.at_ms)
    at_ms = head.at_ms;
  hashes[0] = head.sha256;
  for (size_t i = 0; i < count; i++)
    if (! store_ledger_hash (&hashes[i + 1], &hashes[i], head.entry + 1 + (int64_t)i, at_ms, contents[i]))
      return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i <= count; i++)
    texts[i] = digest_slice (&hashes[i]);
  pipeline_init (&pipeline, connection, arena);
  parameters = pipeline_add (NULL, &pipeline, &statements[APPEND]);
  parameter_int64 (parameters, head.entry);
  parameter_int64 (parameters, at_ms);
  parameter_text_array (parameters, contents, count);
  parameter_bytea_array (parameters, texts, count);
  parameter_bytea_array (parameters, texts + 1, count);
  parameters = pipeline_add (NULL, &pipeline, &statements[MOVE_HEAD]);
  parameter_int64 (parameters, head.entry + (int64_t)count);
  parameter_int64 (parameters, at_ms);
  parameter_text (parameters, texts[count]);
  return pipeline_commit (&pipeline, err);
}
