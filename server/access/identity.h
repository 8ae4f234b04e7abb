/* Who sends a request, and the words for what one may do. */
#ifndef ACCESS_IDENTITY_H
#define ACCESS_IDENTITY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>

/* Permissions, each with all that is below it. Names and order are MLflow's (mlflow/server/auth/permissions.py). */
enum access_level
{
  ACCESS_NO_PERMISSIONS,
  ACCESS_READ,
  ACCESS_USE,
  ACCESS_EDIT,
  ACCESS_MANAGE,
  ACCESS_LEVEL_COUNT
};

/* Protected actions, a set of bits. MANAGE has all but force without a grant of its own. */
enum access_action
{
  ACCESS_PROMOTE = 1, /* move an alias or stage that is protected */
  ACCESS_FORCE = 2, /* promote past a gate */
  ACCESS_DELETE = 4, /* delete and restore */
  ACCESS_WEBHOOKS = 8, /* manage webhooks */
  ACCESS_ALL_ACTIONS = 15
};

/* How somebody was recognised; the numbers are those of the column audit.method. */
enum access_method
{
  ACCESS_BY_NOTHING,
  ACCESS_BY_PASSWORD,
  ACCESS_BY_TOKEN,
  ACCESS_BY_SESSION,
  ACCESS_BY_JWT,
  ACCESS_BY_PROXY,
  ACCESS_BY_COMMAND,
  ACCESS_METHOD_COUNT
};

/* What one may do with one object. */
struct access_rights
{
  enum access_level level;
  unsigned actions; /* of enum access_action */
};

/* Somebody. With authentication off, everybody is the account 0, an administrator without a name. */
struct access_identity
{
  int64_t account_id; /* 0: nobody */
  struct slice username;
  bool is_admin; /* may do what only administrators may: the account is one, and its token may use it */
  bool has_all_objects; /* of an administrator, also with a narrower token: no grant is asked for */
  bool is_service;
  enum access_method method;
  int64_t token_id; /* 0: none */
  struct access_rights most; /* what the credential allows at most: everything, unless it is a narrower token */
  int64_t expires_at_ms; /* of the credential; 0: never */
  int64_t requests_per_s; /* quotas; 0: none */
  int64_t bytes_per_day;
};

/* What a user name must be: 1 to 255 characters of UTF-8 without control characters and colons, which Basic credentials
   cannot hold, without a space at its ends, and not like an API token. Errors: INVALID_PARAMETER_VALUE. Thread-safe. */
enum err_code access_check_username (struct slice username, struct err *err);

/* Names on the wire: "NO_PERMISSIONS" to "MANAGE". */
const char *access_level_name (enum access_level level);
/* False when there is no such permission; exact spelling. */
bool access_level_parse (enum access_level *level, struct slice name);

/* "promote", "force", "delete", "webhooks"; `action` is one bit. */
const char *access_action_name (enum access_action action);
/* 0 when there is no such action. */
unsigned access_action_parse (struct slice name);

/* "none", "password", "token", "session", "jwt", "proxy", "command". */
const char *access_method_name (enum access_method method);

/* The narrower of what somebody was granted and what the credential allows. */
struct access_rights access_rights_limit (struct access_rights granted, const struct access_identity *identity);

#endif
