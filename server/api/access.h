/* What somebody may do with an object, why, and who may. */
#ifndef API_ACCESS_H
#define API_ACCESS_H

#include "api/object.h"
#include "store/access.h"
#include "store/access_grant.h"

/* Handle functions of the routes /access, /access/explain and /access/who. */
enum err_code api_access_get (struct api_call *call, struct err *err);
enum err_code api_access_explain (struct api_call *call, struct err *err);
enum err_code api_access_who (struct api_call *call, struct err *err);

/* What a question of rights is about. */
struct access_subject
{
  struct target target;
  struct slice name; /* "experiment:12" and the like */
  struct store_grant_object object; /* whose grants count, with its workspace */
};

/* The object of a text such as experiment:12, run:<id>, logged-model:m-…, registered-model:NAME or workspace:NAME.
   Errors: INVALID_PARAMETER_VALUE. */
enum err_code access_subject_parse (struct access_subject *subject, struct slice text, struct arena *arena,
                                    struct err *err);

/* Find out whether it is there, and whose grants count. Errors: RESOURCE_DOES_NOT_EXIST, also for what is in another
   workspace than that of the request; those of the database. */
enum err_code access_subject_find (struct access_subject *subject, struct api_call *call, struct err *err);

/* What an account's grants come to, by the statements that the gate asks. */
enum err_code access_subject_rights (struct store_access_rights *rights, const struct access_subject *subject,
                                     struct store_connection *connection, int64_t account_id, int16_t fallback,
                                     struct arena *arena, struct err *err);

/* "account", "groups", "workspace-account", "workspace-groups" or "default". */
const char *access_rule_name (enum store_access_rule rule);

#endif
