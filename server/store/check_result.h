/* Results of checks on versions of registered models, in PostgreSQL. */
#ifndef STORE_CHECK_RESULT_H
#define STORE_CHECK_RESULT_H

#include "store/promotion_gate.h"

extern const struct statement_table store_check_result_statements;

/* Numbers of check_result.status. */
enum check_status
{
  CHECK_PENDING,
  CHECK_SUCCESS,
  CHECK_FAILURE,
  CHECK_STATUS_COUNT
};

/* Their names on the wire, by number. */
extern const char *const check_status_names[CHECK_STATUS_COUNT];

/* One row; texts live in the result it was read from. */
struct store_check_result
{
  int64_t check_id;
  struct slice name;
  int16_t status;
  bool has_value;
  double value;
  struct slice url; /* empty: none */
  struct slice message; /* empty: none */
  struct slice actor; /* empty: not known */
  int64_t account_id; /* 0: the actor is what the client claims */
  int64_t created_at_ms;
};

#define STORE_CHECK_RESULT_COLUMNS 10
extern const struct column store_check_result_columns[STORE_CHECK_RESULT_COLUMNS];

/* Add one; check_id is filled in. */
enum err_code store_check_add (struct store_check_result *check, struct store_connection *connection,
                               int64_t registered_model_id, int64_t version, struct err *err);

/* The newest of each name, by name behind `after` (absent: from the first). The caller frees. */
enum err_code store_check_newest (struct result *result, struct store_connection *connection,
                                  int64_t registered_model_id, int64_t version, struct slice after, int64_t most,
                                  struct err *err);

/* Every one before a number (INT64_MAX: from the last on), newest first. The caller frees. */
enum err_code store_check_all (struct result *result, struct store_connection *connection, int64_t registered_model_id,
                               int64_t version, int64_t before, int64_t most, struct err *err);

/* The status of the newest of a name; -1: there is none. With `people` (may be NULL) only what one of them posted
   counts; `claims`: also what was claimed. */
enum err_code store_check_counting (int16_t *status, struct store_connection *connection, int64_t registered_model_id,
                                    int64_t version, struct slice name, const struct store_people *people, bool claims,
                                    struct arena *arena, struct err *err);

#endif
