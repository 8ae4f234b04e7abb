/* Secrets that all daemons of a database share, in PostgreSQL. */
#include "store/signing_key.h"

#include "base/id.h"

#include <openssl/crypto.h>

enum
{
  GET,
  ADD
};

static const struct statement statements[] = {
  [GET] = { "signing_key_get", "SELECT key_id, secret FROM signing_key WHERE purpose = $1::text", 1 },
  [ADD] = { "signing_key_add",
            "INSERT INTO signing_key (purpose, secret, created_at_ms) VALUES ($1::text, $2::bytea, $3::int8)"
            " ON CONFLICT (purpose) DO NOTHING",
            3 },
};

const struct statement_table store_signing_key_statements = { statements,
                                                              sizeof (statements) / sizeof (statements[0]) };

static enum err_code
get (bool *found, struct store_signing_key *key, struct store_connection *connection, struct slice purpose,
     struct err *err)
{
  struct key_row
  {
    int64_t key_id;
    struct slice secret;
  } row;
  static const struct column columns[] = { { COLUMN_INT64, offsetof (struct key_row, key_id) },
                                           { COLUMN_BYTES, offsetof (struct key_row, secret) } };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, purpose);
  code = store_query (&result, connection, &statements[GET], &parameters, err);
  *found = ERR_OK == code && result_count (&result) > 0;
  if (*found)
    code = result_row (&row, &result, 0, columns, COLUMN_COUNT (columns), err);
  if (ERR_OK == code && *found)
  {
    if (STORE_SECRET_BYTES == row.secret.len)
    {
      key->key_id = row.key_id;
      memcpy (key->secret, row.secret.data, STORE_SECRET_BYTES);
    }
    else
      code = err_set_cause (err, ERR_INTERNAL_ERROR, "a signing key of another length", "internal error");
  }
  result_free (&result);
  return code;
}

static enum err_code
add (struct store_connection *connection, struct slice purpose, int64_t now_ms, struct err *err)
{
  unsigned char secret[STORE_SECRET_BYTES];
  struct parameters parameters;
  enum err_code code;

  if (! random_bytes (secret, sizeof (secret)))
    return err_set (err, ERR_INTERNAL_ERROR, "the system gives no randomness");
  parameters_init (&parameters, NULL);
  parameter_text (&parameters, purpose);
  parameter_text (&parameters, (struct slice){ (const char *)secret, sizeof (secret) });
  parameter_int64 (&parameters, now_ms);
  code = store_execute (NULL, connection, &statements[ADD], &parameters, err);
  OPENSSL_cleanse (secret, sizeof (secret));
  return code;
}

enum err_code
store_signing_key (struct store_signing_key *key, struct store_connection *connection, struct slice purpose,
                   int64_t now_ms, struct err *err)
{
  bool found;
  enum err_code code = get (&found, key, connection, purpose, err);

  if (ERR_OK != code || found)
    return code;
  code = add (connection, purpose, now_ms, err);
  if (ERR_OK == code)
    code = get (&found, key, connection, purpose, err);
  if (ERR_OK == code && ! found)
    code = err_set_cause (err, ERR_INTERNAL_ERROR, "a signing key that was made is gone", "internal error");
  return code;
}
