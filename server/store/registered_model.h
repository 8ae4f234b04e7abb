/* Registered models in PostgreSQL. */
#ifndef STORE_REGISTERED_MODEL_H
#define STORE_REGISTERED_MODEL_H

#include "base/arena.h"
#include "store/connection.h"

extern const struct statement_table store_registered_model_statements;

/* One row; texts live in the result it was read from. */
struct store_registered_model
{
  int64_t registered_model_id;
  int64_t workspace_id;
  struct slice name;
  struct slice description; /* absent: none */
  int64_t created_at_ms;
  int64_t updated_at_ms;
  int64_t last_version;
  struct slice tags; /* JSON object of strings */
  bool is_prompt;
};

/* The columns of a select list that store_registered_model_columns decode. */
#define STORE_REGISTERED_MODEL_SELECT                                                                                  \
  "registered_model_id, workspace_id, name, description, created_at_ms, updated_at_ms, last_version, tags, is_prompt"
#define STORE_REGISTERED_MODEL_COLUMNS 9
extern const struct column store_registered_model_columns[STORE_REGISTERED_MODEL_COLUMNS];

/* Read one by its name. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none. */
enum err_code store_registered_model_get (struct store_registered_model *model, struct result *result,
                                          struct store_connection *connection, int64_t workspace_id, struct slice name,
                                          struct err *err);

/* The same, and hold it until the transaction ends: every change of a model, its versions, aliases, checks and
   approvals does this first. */
enum err_code store_registered_model_hold (struct store_registered_model *model, struct result *result,
                                           struct store_connection *connection, int64_t workspace_id, struct slice name,
                                           struct err *err);

/* What a new one is made of. */
struct store_new_registered_model
{
  int64_t workspace_id;
  int64_t account_id; /* who makes it, and may do everything with it, unless a grant of the name says else; 0: nobody */
  struct slice name;
  struct slice description; /* absent: none */
  struct slice tags; /* JSON object of strings */
};

/* The changes below are for transactions, and of models that are held. Names and tags are checked by the caller. */

/* Make one. Its workspace is held, so that it is not deleted meanwhile. Errors: RESOURCE_ALREADY_EXISTS without a
   message when the name is taken, RESOURCE_DOES_NOT_EXIST without one when the workspace is gone. */
enum err_code store_registered_model_create (int64_t *registered_model_id, struct store_connection *connection,
                                             const struct store_new_registered_model *fresh, int64_t now_ms,
                                             struct err *err);

/* Rename one. Its versions do not count as changed by it, however many there are. What was granted moves along, except
   where the new name had a grant to the same holder. ERR_RESOURCE_ALREADY_EXISTS, with PostgreSQL's message, when the
   name is taken. */
enum err_code store_registered_model_rename (struct store_connection *connection,
                                             const struct store_registered_model *model, struct slice new_name,
                                             int64_t now_ms, struct err *err);

/* Set the description; absent: none. Counts as a change of the model, tags do not (as in MLflow). */
enum err_code store_registered_model_describe (struct store_connection *connection, int64_t registered_model_id,
                                               struct slice description, int64_t now_ms, struct err *err);

/* Set a tag; absent: remove it. */
enum err_code store_registered_model_tag (struct store_connection *connection, int64_t registered_model_id,
                                          struct slice key, struct slice value, struct err *err);

/* Remove one, with its versions, aliases, checks and approvals, and what was granted. `versions` receives how many
   versions it had that were not deleted. */
enum err_code store_registered_model_delete (int64_t *versions, struct store_connection *connection,
                                             const struct store_registered_model *model, struct err *err);

/* Which versions of a model are the newest in each stage. For each of some models those that there are, the highest
   number first; decoded with store_model_version_columns (store/model_version.h). The caller frees. */
enum err_code store_registered_model_latest (struct result *result, struct store_connection *connection,
                                             const int64_t *registered_model_ids, size_t count, struct arena *arena,
                                             struct err *err);

/* --- all of a workspace that is held --- */

/* What is there: registered models, gates, and the names of the first ten models that the workspace default has too,
   quoted and separated by commas. Texts live in `result`. */
struct store_workspace_registry
{
  int64_t models;
  int64_t gates;
  struct slice names;
};

enum err_code store_registered_model_survey (struct store_workspace_registry *survey, struct result *result,
                                             struct store_connection *connection, int64_t workspace_id,
                                             struct err *err);

/* Hold all of them, by name; decoded with store_registered_model_columns. The caller frees. */
enum err_code store_registered_model_all (struct result *result, struct store_connection *connection,
                                          int64_t workspace_id, struct err *err);

/* Move them to the workspace default, with what was granted, except where that had a grant of the name to the same
   holder. ERR_RESOURCE_ALREADY_EXISTS, with PostgreSQL's message, when a name is taken there. */
enum err_code store_registered_model_move_all (struct store_connection *connection, int64_t workspace_id,
                                               struct err *err);

/* A select list item over registered_model: its aliases as a JSON array of {"alias", "version"}, the number as text. */
#define STORE_REGISTERED_MODEL_ALIASES                                                                                 \
  "(SELECT coalesce(jsonb_agg(jsonb_build_object('alias', a.alias, 'version', a.version::text) ORDER BY a.alias),"     \
  " '[]') FROM model_alias AS a WHERE a.registered_model_id = registered_model.registered_model_id)"

/* As store_registered_model_get, with that. */
enum err_code store_registered_model_get_whole (struct store_registered_model *model, struct slice *aliases,
                                                struct result *result, struct store_connection *connection,
                                                int64_t workspace_id, struct slice name, struct err *err);

#endif
