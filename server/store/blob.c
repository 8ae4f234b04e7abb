/* Garbage among the contents of the artifact store. */
#include "store/blob.h"

#include "store/pipeline.h"

#include <assert.h>

enum
{
  UNUSED,
  LOCK,
  FORGET,
  STRAYS,
  OCCUPY,
  VACATE
};

#define NAMELESS "NOT EXISTS (SELECT FROM artifact a WHERE a.sha256 = b.sha256)"
#define IN_LIST "b.sha256 = ANY ($1::bytea[])"

static const struct statement statements[] = {
  /* The last row of the page comes last, whether it is unused or not, and says how far the look went. */
  [UNUSED] = { "blob_unused",
               "WITH page AS MATERIALIZED (SELECT sha256, size_bytes, used_at_ms FROM blob WHERE sha256 > $1::bytea"
               "  ORDER BY sha256 LIMIT $3::int8)"
               " (SELECT sha256, size_bytes, 0::int8 FROM page b WHERE used_at_ms < $2::int8 AND " NAMELESS
               "  ORDER BY sha256)"
               " UNION ALL (SELECT coalesce((SELECT sha256 FROM page ORDER BY sha256 DESC LIMIT 1), sha256('')), "
               "0::int8,"
               "  (SELECT count(*) FROM page))",
               3 },
  [LOCK] = { "blob_lock",
             "SELECT sha256, size_bytes, 0::int8 FROM blob b WHERE " IN_LIST
             " AND used_at_ms < $2::int8 ORDER BY sha256 FOR UPDATE SKIP LOCKED",
             2 },
  /* A statement of its own, because it must see names that were committed just before the lock was taken. */
  [FORGET] = { "blob_forget",
               "DELETE FROM blob b WHERE " IN_LIST " AND " NAMELESS " RETURNING sha256, size_bytes, 0::int8", 1 },
  [STRAYS] = { "blob_strays",
               "SELECT d.sha256, d.size_bytes, 0::int8"
               " FROM unnest($1::bytea[], $2::int8[]) AS d(sha256, size_bytes)"
               " WHERE NOT EXISTS (SELECT FROM blob b WHERE b.sha256 = d.sha256) ORDER BY d.sha256",
               2 },
  [OCCUPY] = { "blob_occupy",
               "INSERT INTO blob AS b (sha256, size_bytes, used_at_ms)"
               " SELECT d.sha256, d.size_bytes, 0 FROM unnest($1::bytea[], $2::int8[]) AS d(sha256, size_bytes)"
               " ORDER BY d.sha256 ON CONFLICT (sha256) DO NOTHING RETURNING b.sha256, b.size_bytes, 0::int8",
               2 },
  [VACATE] = { "blob_vacate", "DELETE FROM blob b WHERE " IN_LIST, 1 },
};

const struct statement_table store_blob_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

struct blob_row
{
  struct store_blob blob;
  int64_t looked;
};

static enum err_code
read_row (struct blob_row *row, const struct result *result, size_t at, struct err *err)
{
  static const struct column columns[] = { { COLUMN_DIGEST, offsetof (struct blob_row, blob.digest) },
                                           { COLUMN_INT64, offsetof (struct blob_row, blob.size_bytes) },
                                           { COLUMN_INT64, offsetof (struct blob_row, looked) } };

  return result_row (row, result, at, columns, COLUMN_COUNT (columns), err);
}

static enum err_code
read_blobs (struct store_blob *blobs, size_t *count, size_t most, const struct result *result, struct err *err)
{
  enum err_code code = ERR_OK;

  *count = 0;
  for (size_t i = 0; ERR_OK == code && i < result_count (result) && i < most; i++)
  {
    struct blob_row row;

    code = read_row (&row, result, i, err);
    if (ERR_OK == code)
      blobs[(*count)++] = row.blob;
  }
  return code;
}

/* Digests, and sizes when they are wanted, as array parameters. */
static enum err_code
add_lists (struct parameters *parameters, const struct store_blob *blobs, size_t count, bool with_sizes,
           struct arena *arena, struct err *err)
{
  struct slice *digests = arena_array (arena, count, sizeof (*digests));
  int64_t *sizes = arena_array (arena, count, sizeof (*sizes));

  if (NULL == digests || NULL == sizes)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < count; i++)
  {
    digests[i] = digest_slice (&blobs[i].digest);
    sizes[i] = blobs[i].size_bytes;
  }
  parameter_bytea_array (parameters, digests, count);
  if (with_sizes)
    parameter_int64_array (parameters, sizes, count);
  return ERR_OK;
}

enum err_code
store_blob_unused (struct store_blob *unused, size_t *count, struct digest *last, size_t *looked,
                   struct store_connection *connection, const struct digest *after, int64_t before_ms,
                   struct arena *arena, struct err *err)
{
  struct result result = { NULL };
  struct parameters parameters;
  struct blob_row row;
  enum err_code code;

  *count = 0;
  *looked = 0;
  parameters_init (&parameters, arena);
  parameter_text (&parameters, NULL == after ? SLICE ("") : digest_slice (after));
  parameter_int64 (&parameters, before_ms);
  parameter_int64 (&parameters, STORE_BLOB_LOOK_MAX);
  code = store_query (&result, connection, &statements[UNUSED], &parameters, err);
  if (ERR_OK == code)
    code = read_row (&row, &result, result_count (&result) - 1, err);
  if (ERR_OK == code && row.looked > 0)
  {
    *looked = (size_t)row.looked;
    *last = row.blob.digest;
    code = read_blobs (unused, count, result_count (&result) - 1, &result, err);
  }
  result_free (&result);
  return code;
}

struct list_call
{
  struct store_blob *blobs; /* what went */
  size_t count;
  const struct store_blob *wanted;
  size_t wanted_count;
  int64_t before_ms;
  store_blob_remover remove;
  void *context;
  struct arena *arena;
};

/* Run a statement for some contents; the call's blobs become those it gives. */
static enum err_code
ask (struct list_call *call, struct store_connection *connection, int statement, const struct store_blob *wanted,
     size_t wanted_count, struct err *err)
{
  struct arena_mark mark = arena_mark (call->arena);
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  call->count = 0;
  parameters_init (&parameters, call->arena);
  code = add_lists (&parameters, wanted, wanted_count, STRAYS == statement || OCCUPY == statement, call->arena, err);
  if (LOCK == statement)
    parameter_int64 (&parameters, call->before_ms);
  if (ERR_OK == code)
    code = store_query (&result, connection, &statements[statement], &parameters, err);
  if (ERR_OK == code)
    code = read_blobs (call->blobs, &call->count, wanted_count, &result, err);
  result_free (&result);
  arena_rewind (call->arena, &mark);
  return code;
}

static enum err_code
forget_work (struct store_connection *connection, void *context, struct err *err)
{
  struct list_call *call = context;
  enum err_code code = ask (call, connection, LOCK, call->wanted, call->wanted_count, err);

  return ERR_OK == code && call->count > 0 ? ask (call, connection, FORGET, call->blobs, call->count, err) : code;
}

/* Run `work` for a list, which becomes what went. */
static enum err_code
work_list (struct store_blob *blobs, size_t *count, struct store_connection *connection, store_work work,
           struct list_call *call, struct err *err)
{
  struct store_blob wanted[STORE_BLOB_REMOVE_MAX];
  enum err_code code;

  assert (*count <= STORE_BLOB_REMOVE_MAX);
  if (0 == *count)
    return ERR_OK;
  memcpy (wanted, blobs, *count * sizeof (*blobs));
  call->blobs = blobs;
  call->wanted = wanted;
  call->wanted_count = *count;
  code = store_transaction (connection, STORE_WRITE, work, call, err);
  *count = ERR_OK == code ? call->count : 0;
  return code;
}

enum err_code
store_blob_forget (struct store_blob *blobs, size_t *count, struct store_connection *connection, int64_t before_ms,
                   struct arena *arena, struct err *err)
{
  struct list_call call = { .before_ms = before_ms, .arena = arena };

  return work_list (blobs, count, connection, forget_work, &call, err);
}

enum err_code
store_blob_strays (struct store_blob *blobs, size_t *count, struct store_connection *connection, struct arena *arena,
                   struct err *err)
{
  struct list_call call = { .blobs = blobs, .arena = arena };
  enum err_code code;

  if (0 == *count)
    return ERR_OK;
  code = ask (&call, connection, STRAYS, blobs, *count, err);
  *count = call.count;
  return code;
}

static enum err_code
remove_work (struct store_connection *connection, void *context, struct err *err)
{
  struct list_call *call = context;
  struct arena_mark mark = arena_mark (call->arena);
  struct parameters parameters;
  enum err_code code = ask (call, connection, OCCUPY, call->wanted, call->wanted_count, err);

  for (size_t i = 0; ERR_OK == code && i < call->count; i++)
    code = call->remove (call->context, &call->blobs[i].digest, err);
  if (ERR_OK == code && call->count > 0)
  {
    parameters_init (&parameters, call->arena);
    code = add_lists (&parameters, call->blobs, call->count, false, call->arena, err);
    if (ERR_OK == code)
      code = store_execute (NULL, connection, &statements[VACATE], &parameters, err);
  }
  arena_rewind (call->arena, &mark);
  return code;
}

enum err_code
store_blob_remove (struct store_blob *blobs, size_t *count, struct store_connection *connection,
                   store_blob_remover remove, void *context, struct arena *arena, struct err *err)
{
  struct list_call call = { .remove = remove, .context = context, .arena = arena };

  return work_list (blobs, count, connection, remove_work, &call, err);
}
