/* Grants in PostgreSQL: what an account or group may do with an experiment, a registered model or a workspace. */
#ifndef STORE_ACCESS_GRANT_H
#define STORE_ACCESS_GRANT_H

#include "store/audit.h"
#include "store/connection.h"

extern const struct statement_table store_access_grant_statements;

/* What a grant is about: the experiment, when `experiment_id` is not negative; else the registered model of the
   workspace, when `model_name` is there, whether there is such a model or not; else the workspace itself. */
struct store_grant_object
{
  int64_t experiment_id;
  int64_t workspace_id; /* not needed with an experiment */
  struct slice model_name;
  struct slice workspace; /* its name; needed of a workspace only, for the audit trail */
};

/* Bind the object of statements on grants: experiment, name of a model, workspace; two of them NULL where they say
   nothing. */
void store_grant_object_bind (struct parameters *parameters, const struct store_grant_object *object);

/* Who gets it: exactly one is there. */
struct store_grant_holder
{
  struct slice username;
  struct slice group;
};

/* One row; texts live in the result it was read from. */
struct store_grant
{
  int64_t grant_id;
  int64_t workspace_id;
  struct slice workspace; /* its name */
  struct optional_int64 experiment_id;
  struct slice experiment; /* its name; absent: about something else */
  struct slice model_name;
  struct optional_int64 account_id;
  struct slice username;
  struct slice group;
  int16_t level;
  int16_t actions;
};

#define STORE_GRANT_COLUMNS 11
extern const struct column store_grant_columns[STORE_GRANT_COLUMNS];

enum store_grant_found
{
  STORE_GRANT_DONE,
  STORE_GRANT_NO_OBJECT, /* there is no such experiment */
  STORE_GRANT_NO_HOLDER, /* there is no such account or group */
  STORE_GRANT_EXISTS, /* and the mode wants a new one */
  STORE_GRANT_MISSING /* and the mode wants one that is there */
};

enum store_grant_mode
{
  STORE_GRANT_SET, /* as it was before does not matter */
  STORE_GRANT_CREATE,
  STORE_GRANT_UPDATE
};

/* Both changes write to the audit trail in their transaction, as those of store/account.h do, and could take rights
   away: also a grant that is new, when it is lower than what held before. */

/* Set a grant: grant.set. `actions` -1: those it has, or none. `found` says whether it was written. `account_id`
   receives the holder's number, 0 of a group. */
enum err_code store_access_grant_set (enum store_grant_found *found, int64_t *account_id,
                                      struct store_connection *connection, const struct store_grant_object *object,
                                      const struct store_grant_holder *holder, int16_t level, int16_t actions,
                                      enum store_grant_mode mode, const struct store_audit *who, struct arena *arena,
                                      struct err *err);

/* Remove one: grant.delete. */
enum err_code store_access_grant_delete (enum store_grant_found *found, struct store_connection *connection,
                                         const struct store_grant_object *object,
                                         const struct store_grant_holder *holder, const struct store_audit *who,
                                         struct arena *arena, struct err *err);

/* Read one. `grant` is filled when `found` is STORE_GRANT_DONE; NO_HOLDER and MISSING are told apart. `result` holds
   its texts; the caller frees it. */
enum err_code store_access_grant_get (enum store_grant_found *found, struct store_grant *grant, struct result *result,
                                      struct store_connection *connection, const struct store_grant_object *object,
                                      const struct store_grant_holder *holder, struct err *err);

/* Whether there is such an account or group, and whether an account is it or in it. */
enum err_code store_access_grant_holder (bool *exists, bool *is_member, struct store_connection *connection,
                                         const struct store_grant_holder *holder, int64_t account_id, struct err *err);

/* Up to `limit` grants behind number `after` (0: from the first), of an object or to a holder, in the order they were
   made in; decoded with store_grant_columns. Of a holder those are left out that are about what `reader_id` may not
   read (0: none), with the default permission `fallback`. The caller frees. */
enum err_code store_access_grant_of_object (struct result *result, struct store_connection *connection,
                                            const struct store_grant_object *object, int64_t after, int64_t limit,
                                            struct err *err);
enum err_code store_access_grant_of_holder (struct result *result, struct store_connection *connection,
                                            const struct store_grant_holder *holder, int64_t reader_id,
                                            int16_t fallback, int64_t after, int64_t limit, struct err *err);

#endif
