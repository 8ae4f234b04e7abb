/* Why an account may do what it may, and who may, in PostgreSQL. */
#ifndef STORE_ACCESS_EXPLAIN_H
#define STORE_ACCESS_EXPLAIN_H

#include "store/access_grant.h"

extern const struct statement_table store_access_explain_statements;

/* A grant that concerns an account and an object. */
struct store_concerning_grant
{
  int16_t rule; /* enum store_access_rule; never STORE_RULE_DEFAULT */
  int16_t level;
  int16_t actions;
  struct slice group; /* absent: the account itself has it */
};

#define STORE_CONCERNING_COLUMNS 4
extern const struct column store_concerning_columns[STORE_CONCERNING_COLUMNS];

/* All grants that concern an account and an object, by rule and from the highest level down; decoded with
   store_concerning_columns. The workspace must be given of an experiment too. The caller frees. */
enum err_code store_access_concerning (struct result *result, struct store_connection *connection, int64_t account_id,
                                       const struct store_grant_object *object, struct err *err);

/* Somebody who a grant on an object, or on its workspace, is about. */
struct store_access_holder
{
  struct slice username;
  bool is_service;
  int16_t level; /* by the rule that decides */
  int16_t rule;
};

#define STORE_HOLDER_COLUMNS 4
extern const struct column store_holder_columns[STORE_HOLDER_COLUMNS];

/* Up to `limit` of them behind the name `after` (absent: from the first), in the order of their names, who have at
   least a level; neither administrators nor who is disabled. Decoded with store_holder_columns. The caller frees. */
enum err_code store_access_holders (struct result *result, struct store_connection *connection,
                                    const struct store_grant_object *object, int16_t least, struct slice after,
                                    int64_t limit, struct err *err);

/* The name of a workspace, in the arena. ERR_RESOURCE_DOES_NOT_EXIST, without a message. */
enum err_code store_access_workspace_name (struct slice *name, struct store_connection *connection,
                                           int64_t workspace_id, struct arena *arena, struct err *err);

/* Names of the administrators who are not disabled, in order: one column, text. The caller frees. */
enum err_code store_access_administrators (struct result *result, struct store_connection *connection, struct err *err);

#endif
