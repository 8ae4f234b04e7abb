/* Workspaces in PostgreSQL, and what accounts may do in all of one. */
#ifndef STORE_WORKSPACE_H
#define STORE_WORKSPACE_H

#include "store/audit.h"

extern const struct statement_table store_workspace_statements;

/* The workspace that is always there. */
#define STORE_WORKSPACE_DEFAULT 1
#define STORE_WORKSPACE_DEFAULT_NAME "default"

/* One row; texts live in the result it was read from. */
struct store_workspace
{
  int64_t workspace_id;
  struct slice name;
  struct slice description; /* absent: none was given */
  struct slice default_artifact_root; /* absent: the server's */
};

/* Read those that an account has any right in, by name: by its own grants or those of its groups, of the workspace or
   of an object in it, or by the default permission `fallback` (a level), which holds in the workspace default. Account
   0 sees all. `workspaces` is in the arena, its texts in `result`, which the caller frees, also after a failure. */
enum err_code store_workspace_list (struct store_workspace **workspaces, size_t *count, struct result *result,
                                    struct store_connection *connection, int64_t account_id, int16_t fallback,
                                    struct arena *arena, struct err *err);

/* One of those. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none of that name among them. */
enum err_code store_workspace_get (struct store_workspace *workspace, struct result *result,
                                   struct store_connection *connection, struct slice name, int64_t account_id,
                                   int16_t fallback, struct err *err);

/* Each change below is written to the audit trail in its transaction: `who` says by whom (gate_audit_entry). `arena` is
   for what is built meanwhile. */

/* Make one; of `workspace` the texts count: workspace.create. Errors: RESOURCE_ALREADY_EXISTS without a message when
   the name is taken; RESOURCE_CONFLICT while there are files that a workspace of that name has left. */
enum err_code store_workspace_create (struct store_connection *connection, const struct store_workspace *workspace,
                                      int64_t now_ms, const struct store_audit *who, struct arena *arena,
                                      struct err *err);

/* What a change sets: absent texts stay as they are, an empty root becomes none. */
struct store_workspace_change
{
  struct slice name; /* which one */
  struct slice description;
  struct slice default_artifact_root;
};

/* Change one, and read what it is then: workspace.update. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is
   none. */
enum err_code store_workspace_update (struct store_workspace *workspace, struct result *result,
                                      struct store_connection *connection, const struct store_workspace_change *change,
                                      const struct store_audit *who, struct arena *arena, struct err *err);

/* What happens to what a workspace holds when it is deleted. Names and order are MLflow's. */
enum store_workspace_mode
{
  STORE_WORKSPACE_SET_DEFAULT, /* the experiments and registered models move to the workspace default */
  STORE_WORKSPACE_CASCADE, /* they are deleted, experiments with their runs and logged models; other files go */
  STORE_WORKSPACE_RESTRICT, /* there may be nothing */
  STORE_WORKSPACE_MODE_COUNT
};

extern const char *const store_workspace_mode_names[STORE_WORKSPACE_MODE_COUNT];

/* Deleting one that is not the workspace default, in two steps of one transaction, between which its registered models
   go (registry/workspace.h). Hold it and look whether it may go: whoever makes something in it at the same time comes
   before or finds no workspace. Files of no experiment, such as those of DVC, cannot move. ERR_RESOURCE_DOES_NOT_EXIST
   without a message when there is none; RESOURCE_CONFLICT when the mode does not allow it. */
enum err_code store_workspace_hold (int64_t *workspace_id, struct store_connection *connection, struct slice name,
                                    enum store_workspace_mode mode, struct err *err);

/* Remove it with its experiments: workspace.delete in the audit trail. What was granted in it goes too, except for
   what has moved. Errors: RESOURCE_CONFLICT when a name was taken meanwhile. */
enum err_code store_workspace_remove (struct store_connection *connection, int64_t workspace_id, struct slice name,
                                      enum store_workspace_mode mode, int64_t now_ms, const struct store_audit *who,
                                      struct arena *arena, struct err *err);

/* --- what accounts may do in all of a workspace (changes: store/access_grant.h) --- */

struct store_workspace_grant
{
  struct slice workspace;
  int64_t account_id;
  int16_t level;
};

/* Read the grants of a workspace to accounts, by username, or those of an account, by workspace: one of the two names
   is given. As store_workspace_list. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is no such workspace or
   account. */
enum err_code store_workspace_grants (struct store_workspace_grant **grants, size_t *count, struct result *result,
                                      struct store_connection *connection, struct slice workspace,
                                      struct slice username, struct arena *arena, struct err *err);

#endif
