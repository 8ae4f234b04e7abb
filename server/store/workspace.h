/* Workspaces in PostgreSQL, and what accounts may do in all of one. */
#ifndef STORE_WORKSPACE_H
#define STORE_WORKSPACE_H

#include "store/pipeline.h"

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

/* Make one; of `workspace` the texts count. `entry` is written with it. ERR_RESOURCE_ALREADY_EXISTS, without a message,
   when the name is taken. */
struct store_audit;
enum err_code store_workspace_create (struct store_connection *connection, const struct store_workspace *workspace,
                                      int64_t now_ms, const struct store_audit *entry, struct err *err);

/* What a change sets: absent texts stay as they are, an empty root becomes none. */
struct store_workspace_change
{
  struct slice name; /* which one */
  struct slice description;
  struct slice default_artifact_root;
};

/* Change one, and read what it is then. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none. */
enum err_code store_workspace_update (struct store_workspace *workspace, struct result *result,
                                      struct store_connection *connection, const struct store_workspace_change *change,
                                      const struct store_audit *entry, struct err *err);

/* What happens to the experiments of a workspace that is deleted. Names and numbers are MLflow's. */
enum store_workspace_mode
{
  STORE_WORKSPACE_SET_DEFAULT, /* they move to the workspace default */
  STORE_WORKSPACE_CASCADE, /* they are marked deleted, with their runs and logged models */
  STORE_WORKSPACE_RESTRICT, /* there may be none */
  STORE_WORKSPACE_MODE_COUNT
};

/* Why a workspace was not deleted. */
struct store_workspace_refusal
{
  int64_t experiments; /* RESTRICT: how many it has, deleted ones too */
  struct slice names; /* SET_DEFAULT: JSON array of up to ten names that the workspace default has too */
};

/* Delete one that is not the workspace default. What accounts were granted in it goes too, except for experiments that
   move. Whoever makes an experiment in it at the same time is before it or finds no workspace.
   ERR_RESOURCE_DOES_NOT_EXIST without a message when there is none; ERR_RESOURCE_CONFLICT with `refusal`, whose texts
   are in the arena. */
enum err_code store_workspace_delete (struct store_workspace_refusal *refusal, struct store_connection *connection,
                                      struct slice name, enum store_workspace_mode mode, int64_t now_ms,
                                      const struct store_audit *entry, struct arena *arena, struct err *err);

/* --- what accounts may do in a workspace --- */

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

/* What is there before a change of a grant. */
struct store_workspace_subject
{
  int64_t workspace_id; /* 0: there is no such workspace */
  int64_t account_id; /* 0: there is no such account */
  int16_t level; /* of the grant */
  bool granted; /* there is one */
};

/* Look and lock, inside of a transaction: until its end neither the workspace nor the account goes, and nobody else
   changes grants of the account that begin so. */
enum err_code store_workspace_grant_lock (struct store_workspace_subject *subject, struct store_connection *connection,
                                          struct slice workspace, struct slice username, struct err *err);

/* Set the level of a grant, or take it away. Protected actions of a grant stay, unless the level is the lowest. */
void store_workspace_queue_grant (struct pipeline *pipeline, const struct store_workspace_subject *subject,
                                  int16_t level);
void store_workspace_queue_revoke (struct pipeline *pipeline, const struct store_workspace_subject *subject);

#endif
