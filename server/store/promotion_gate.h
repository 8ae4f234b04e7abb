/* Gates of registered models in PostgreSQL, and what their rules ask of the registry. */
#ifndef STORE_PROMOTION_GATE_H
#define STORE_PROMOTION_GATE_H

#include "store/connection.h"

extern const struct statement_table store_promotion_gate_statements;

/* A condition: a gate (an alias of promotion_gate) binds models of a name (an expression). A * of its pattern stands
   for any characters, everything else for itself. */
#define STORE_GATE_BINDS(gate, name)                                                                                   \
  name " LIKE replace(replace(replace(replace(" gate                                                                   \
       ".model_pattern, '\\', '\\\\'), '%', '\\%'), '_', '\\_'), '*', '%')"

/* One row; texts live in the result it was read from. */
struct store_promotion_gate
{
  int64_t gate_id;
  struct slice model_pattern;
  struct slice alias; /* absent: it guards a stage */
  int16_t stage; /* enum model_stage; 0: it guards an alias */
  struct slice rules; /* JSON object */
  int64_t created_at_ms;
  int64_t updated_at_ms;
};

#define STORE_PROMOTION_GATE_COLUMNS 7
extern const struct column store_promotion_gate_columns[STORE_PROMOTION_GATE_COLUMNS];

/* What a gate is found by: the alias, or else the stage, of the models of a pattern in a workspace. */
struct store_gate_key
{
  int64_t workspace_id;
  struct slice model_pattern;
  struct slice alias; /* absent: the stage */
  int16_t stage;
};

/* Wait for moves under way and hold off others until the transaction ends, before gates change: else a move could be
   committed behind a gate that it never saw. */
enum err_code store_gate_exclude_moves (struct store_connection *connection, struct err *err);

/* The gates that bind an alias or stage of the models of a name (model_pattern of the key), in the order in which they
   were made. `holds_off`: changes of gates wait until the transaction ends. The caller frees. */
enum err_code store_gate_binding (struct result *result, struct store_connection *connection,
                                  const struct store_gate_key *key, bool holds_off, struct err *err);

/* Gates of a workspace by number, behind `after`; with `model` only those that bind it. The caller frees. */
enum err_code store_gate_list (struct result *result, struct store_connection *connection, int64_t workspace_id,
                               struct slice model, int64_t after, int64_t most, struct err *err);

/* Read exactly one. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none. */
enum err_code store_gate_get (struct store_promotion_gate *gate, struct result *result,
                              struct store_connection *connection, const struct store_gate_key *key, struct err *err);

/* Make one, or give it other rules. */
enum err_code store_gate_set (struct store_promotion_gate *gate, struct result *result,
                              struct store_connection *connection, const struct store_gate_key *key, struct slice rules,
                              int64_t now_ms, struct err *err);

/* Remove one. */
enum err_code store_gate_delete (struct store_connection *connection, const struct store_gate_key *key,
                                 struct err *err);

/* An alias or stage that some version of a model has, and a gate about it. */
struct store_gate_held
{
  struct slice alias; /* absent: the stage */
  int16_t stage;
  int64_t version;
  struct slice model_pattern; /* of the gate */
};

#define STORE_GATE_HELD_COLUMNS 4
extern const struct column store_gate_held_columns[STORE_GATE_HELD_COLUMNS];

/* Aliases and stages that versions of a model have and that a gate binds under one name but neither it nor one with the
   same rules under another; gates of exactly the first name are left out with `patterns_only`. The caller frees. */
enum err_code store_gate_differing (struct result *result, struct store_connection *connection, int64_t workspace_id,
                                    int64_t registered_model_id, struct slice bound, struct slice unbound,
                                    bool patterns_only, int64_t most, struct err *err);

/* --- what rules ask --- */

/* What a version says of itself. */
struct store_gate_version
{
  struct slice user_id; /* who registered it; empty: not known */
  struct slice run_id; /* empty: none */
  struct slice model_id; /* empty: none */
  struct slice tags; /* JSON object of strings */
};

/* Read one that is not deleted. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none. */
enum err_code store_gate_version (struct store_gate_version *version, struct result *result,
                                  struct store_connection *connection, int64_t registered_model_id, int64_t number,
                                  struct err *err);

/* Since when a version has an alias, ms; 0: it has not. */
enum err_code store_gate_since (int64_t *moved_at_ms, struct store_connection *connection, int64_t registered_model_id,
                                struct slice alias, int64_t version, struct err *err);

/* Users and groups by name. */
struct store_people
{
  const struct slice *users;
  size_t user_count;
  const struct slice *groups;
  size_t group_count;
};

/* Whether a name is one of some people: itself, or by a group of the account of that name that is not disabled. */
enum err_code store_gate_is_among (bool *is_among, struct store_connection *connection, struct slice name,
                                   const struct store_people *people, struct arena *arena, struct err *err);

#endif
