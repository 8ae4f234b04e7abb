/* Aliases of registered models in PostgreSQL. For models that are held (store_registered_model_hold). */
#ifndef STORE_MODEL_ALIAS_H
#define STORE_MODEL_ALIAS_H

#include "store/connection.h"

extern const struct statement_table store_model_alias_statements;

/* One row; the text lives in the result it was read from. */
struct store_model_alias
{
  struct slice alias;
  int64_t version;
};

#define STORE_MODEL_ALIAS_COLUMNS 2
extern const struct column store_model_alias_columns[STORE_MODEL_ALIAS_COLUMNS];

/* The version that has an alias; 0: none. */
enum err_code store_model_alias_holder (int64_t *version, struct store_connection *connection,
                                        int64_t registered_model_id, struct slice alias, struct err *err);

/* Give an alias to a version, and tell which one had it (0: none). ERR_RESOURCE_DOES_NOT_EXIST, without a message, when
   there is no such version, or it is deleted. */
enum err_code store_model_alias_set (int64_t *previous, struct store_connection *connection,
                                     int64_t registered_model_id, struct slice alias, int64_t version, int64_t now_ms,
                                     struct err *err);

/* Take an alias away, and tell which version had it; 0: none, so that nothing was done. */
enum err_code store_model_alias_delete (int64_t *previous, struct store_connection *connection,
                                        int64_t registered_model_id, struct slice alias, struct err *err);

/* All of a model by name, or with `version` (not 0) those of one version; decoded with store_model_alias_columns. The
   caller frees. */
enum err_code store_model_alias_list (struct result *result, struct store_connection *connection,
                                      int64_t registered_model_id, int64_t version, struct err *err);

#endif
