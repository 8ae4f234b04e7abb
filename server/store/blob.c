/* Contents that nothing names: pages of rows, and removal under the row's lock. */
#include "store/blob.h"

enum
{
  PAGE,
  KNOWN,
  LOCK,
  IS_NAMED,
  FORGET,
  CLAIM
};

static const struct statement statements[] = {
  /* A page is bounded by the rows it looks at, not by those it finds. */
  [PAGE] = { "blob_page",
             "SELECT b.sha256, b.size_bytes, b.used_at_ms < $2::int8 AND a.found IS NULL"
             " FROM (SELECT * FROM blob WHERE sha256 > $1::bytea ORDER BY sha256 LIMIT $3::int8) AS b"
             " LEFT JOIN LATERAL (SELECT true AS found FROM artifact WHERE sha256 = b.sha256 LIMIT 1) AS a ON true"
             " ORDER BY b.sha256",
             3 },
  [KNOWN] = { "blob_known",
              "SELECT w.place FROM unnest((SELECT $1::bytea[])) WITH ORDINALITY AS w (sha256, place),"
              " LATERAL (SELECT FROM blob WHERE sha256 = w.sha256 OFFSET 0) AS b",
              1 },
  [LOCK] = { "blob_lock", "SELECT size_bytes FROM blob WHERE sha256 = $1::bytea AND used_at_ms < $2::int8 FOR UPDATE",
             2 },
  /* Of its own, behind the lock: its snapshot sees whoever held the row before. */
  [IS_NAMED] = { "blob_is_named", "SELECT size_bytes FROM artifact WHERE sha256 = $1::bytea LIMIT 1", 1 },
  [FORGET] = { "blob_forget", "DELETE FROM blob WHERE sha256 = $1::bytea", 1 },
  [CLAIM] = { "blob_claim",
              "INSERT INTO blob (sha256, size_bytes, used_at_ms) VALUES ($1::bytea, 0, 0) ON CONFLICT DO NOTHING", 1 },
};

const struct statement_table store_blob_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

static struct slice
digest_slice (const struct digest *digest)
{
  return (struct slice){ (const char *)digest->bytes, sizeof (digest->bytes) };
}

enum err_code
store_blob_page (struct store_blob *blobs, size_t *count, struct store_connection *connection,
                 const struct digest *after, int64_t before_ms, size_t most, struct err *err)
{
  struct row
  {
    struct slice digest;
    int64_t size_bytes;
    bool unused;
  } row;
  static const struct column columns[] = { { COLUMN_BYTES, offsetof (struct row, digest) },
                                           { COLUMN_INT64, offsetof (struct row, size_bytes) },
                                           { COLUMN_BOOL, offsetof (struct row, unused) } };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  *count = 0;
  parameters_init (&parameters, NULL);
  parameter_text (&parameters, NULL == after ? SLICE ("") : digest_slice (after));
  parameter_int64 (&parameters, before_ms);
  parameter_int64 (&parameters, (int64_t)most);
  code = store_query (&result, connection, &statements[PAGE], &parameters, err);
  for (size_t i = 0; ERR_OK == code && i < result_count (&result) && i < most; i++)
  {
    code = result_row (&row, &result, i, columns, COLUMN_COUNT (columns), err);
    if (ERR_OK == code && sizeof (blobs[i].digest.bytes) != row.digest.len)
      code = err_set_cause (err, ERR_INTERNAL_ERROR, "a digest of another length", "internal error");
    if (ERR_OK != code)
      break;
    memcpy (blobs[i].digest.bytes, row.digest.data, row.digest.len);
    blobs[i].size_bytes = row.size_bytes;
    blobs[i].unused = row.unused;
    *count = i + 1;
  }
  result_free (&result);
  return code;
}

enum err_code
store_blob_known (bool *known, struct store_connection *connection, const struct digest *digests, size_t count,
                  struct arena *arena, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, 0 } };
  struct slice *items = arena_array (arena, count, sizeof (*items));
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  if (NULL == items)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < count; i++)
  {
    items[i] = digest_slice (&digests[i]);
    known[i] = false;
  }
  parameters_init (&parameters, arena);
  parameter_bytea_array (&parameters, items, count);
  code = store_query (&result, connection, &statements[KNOWN], &parameters, err);
  for (size_t i = 0; ERR_OK == code && i < result_count (&result); i++)
  {
    int64_t place;

    code = result_row (&place, &result, i, columns, COLUMN_COUNT (columns), err);
    if (ERR_OK == code && place >= 1 && (size_t)place <= count)
      known[place - 1] = true;
  }
  result_free (&result);
  return code;
}

struct removal
{
  const struct digest *digest;
  int64_t before_ms;
  store_blob_remove remove;
  void *context;
  bool removed;
};

/* Whether a statement with the digest, and perhaps a time, finds a row. */
static enum err_code
finds (bool *found, struct store_connection *connection, int statement, const struct removal *removal, struct err *err)
{
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, digest_slice (removal->digest));
  if (statements[statement].parameters > 1)
    parameter_int64 (&parameters, removal->before_ms);
  code = store_query (&result, connection, &statements[statement], &parameters, err);
  *found = ERR_OK == code && result_count (&result) > 0;
  result_free (&result);
  return code;
}

static enum err_code
change (bool *changed, struct store_connection *connection, int statement, const struct removal *removal,
        struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, digest_slice (removal->digest));
  return store_change (changed, connection, &statements[statement], &parameters, err);
}

/* The row goes first, so that its reference from a name, if there is one after all, forbids it before a byte is lost.
   When the commit fails the row stays without bytes: nothing names it, and who does later publishes it again. */
static enum err_code
release_work (struct store_connection *connection, void *context, struct err *err)
{
  struct removal *removal = context;
  bool locked;
  bool named = true;
  bool gone = false;
  enum err_code code = finds (&locked, connection, LOCK, removal, err);

  removal->removed = false;
  if (ERR_OK == code && locked)
    code = finds (&named, connection, IS_NAMED, removal, err);
  if (ERR_OK != code || named)
    return code;
  code = change (&gone, connection, FORGET, removal, err);
  if (ERR_OK == code && gone)
    code = removal->remove (removal->context, removal->digest, err);
  removal->removed = ERR_OK == code && gone;
  return code;
}

enum err_code
store_blob_release (bool *removed, struct store_connection *connection, const struct digest *digest, int64_t before_ms,
                    store_blob_remove remove, void *context, struct err *err)
{
  struct removal removal = { digest, before_ms, remove, context, false };
  enum err_code code = store_transaction (connection, STORE_WRITE, release_work, &removal, err);

  *removed = ERR_OK == code && removal.removed;
  return code;
}

/* A row of our own keeps others from making one until the end of the transaction, where it is gone again. */
static enum err_code
stray_work (struct store_connection *connection, void *context, struct err *err)
{
  struct removal *removal = context;
  bool claimed = false;
  enum err_code code = change (&claimed, connection, CLAIM, removal, err);

  removal->removed = false;
  if (ERR_OK != code || ! claimed)
    return code;
  code = removal->remove (removal->context, removal->digest, err);
  if (ERR_OK == code)
    code = change (&removal->removed, connection, FORGET, removal, err);
  return code;
}

enum err_code
store_blob_remove_stray (bool *removed, struct store_connection *connection, const struct digest *digest,
                         store_blob_remove remove, void *context, struct err *err)
{
  struct removal removal = { digest, 0, remove, context, false };
  enum err_code code = store_transaction (connection, STORE_WRITE, stray_work, &removal, err);

  *removed = ERR_OK == code && removal.removed;
  return code;
}
