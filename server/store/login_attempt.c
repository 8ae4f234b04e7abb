/* Logins that are at the provider, in PostgreSQL. */
#include "store/login_attempt.h"

#include "store/pipeline.h"

#include <stddef.h>

/* How many expired ones go with each new one: the table shrinks while it is used. */
#define SWEEP_ROWS 100

enum
{
  SWEEP,
  ADD,
  TAKE
};

static const struct statement statements[] = {
  [SWEEP] = { "login_attempt_sweep",
              "DELETE FROM login_attempt WHERE state_sha256 IN (SELECT state_sha256 FROM login_attempt"
              " WHERE expires_at_ms <= $1::int8 ORDER BY expires_at_ms LIMIT $2::int8 FOR UPDATE SKIP LOCKED)",
              2 },
  [ADD] = { "login_attempt_add",
            "INSERT INTO login_attempt (state_sha256, browser_sha256, nonce, verifier, next_path, expires_at_ms)"
            " VALUES ($1::bytea, $2::bytea, $3::text, $4::text, $5::text, $6::int8)",
            6 },
  [TAKE] = { "login_attempt_take",
             "DELETE FROM login_attempt WHERE state_sha256 = $1::bytea AND browser_sha256 = $2::bytea"
             " RETURNING state_sha256, browser_sha256, nonce, verifier, next_path, expires_at_ms",
             2 },
};

const struct statement_table store_login_attempt_statements = { statements,
                                                                sizeof (statements) / sizeof (statements[0]) };

enum err_code
store_login_attempt_add (struct store_connection *connection, const struct store_login_attempt *attempt, int64_t now_ms,
                         struct err *err)
{
  struct parameters *parameters;
  struct pipeline pipeline;

  pipeline_init (&pipeline, connection, NULL);
  parameters = pipeline_add (NULL, &pipeline, &statements[SWEEP]);
  parameter_int64 (parameters, now_ms);
  parameter_int64 (parameters, SWEEP_ROWS);
  parameters = pipeline_add (NULL, &pipeline, &statements[ADD]);
  parameter_text (parameters, digest_slice (&attempt->state));
  parameter_text (parameters, digest_slice (&attempt->browser));
  parameter_text (parameters, attempt->nonce);
  parameter_text (parameters, attempt->verifier);
  parameter_text (parameters, attempt->next_path);
  parameter_int64 (parameters, attempt->expires_at_ms);
  return pipeline_run (&pipeline, err);
}

enum err_code
store_login_attempt_take (struct store_login_attempt *attempt, struct store_connection *connection,
                          const struct digest *state, const struct digest *browser, int64_t now_ms, struct arena *arena,
                          struct err *err)
{
  static const struct column columns[] = {
    { COLUMN_DIGEST, offsetof (struct store_login_attempt, state) },
    { COLUMN_DIGEST, offsetof (struct store_login_attempt, browser) },
    { COLUMN_TEXT, offsetof (struct store_login_attempt, nonce) },
    { COLUMN_TEXT, offsetof (struct store_login_attempt, verifier) },
    { COLUMN_TEXT, offsetof (struct store_login_attempt, next_path) },
    { COLUMN_INT64, offsetof (struct store_login_attempt, expires_at_ms) },
  };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, digest_slice (state));
  parameter_text (&parameters, digest_slice (browser));
  code = store_query_one (attempt, &result, connection, &statements[TAKE], &parameters, columns, COLUMN_COUNT (columns),
                          err);
  if (ERR_OK == code && attempt->expires_at_ms <= now_ms)
    code = ERR_RESOURCE_DOES_NOT_EXIST;
  if (ERR_OK == code)
  {
    attempt->nonce.data = arena_string (arena, attempt->nonce);
    attempt->verifier.data = arena_string (arena, attempt->verifier);
    attempt->next_path.data = arena_string (arena, attempt->next_path);
    if (arena_overflowed (arena))
      code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  }
  result_free (&result);
  return code;
}
