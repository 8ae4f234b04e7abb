/* The gate: no request reaches its route's functions before it is known who sends it and that they may.

   DESIGN
   The route table names for each route the permission and the object whose rights count (enum route_object), and this
   is the only place that judges them. It does so in two steps. gate_enter runs when the headers are there, before any
   byte of the body: who sends it, quotas, and objects that the path or query names. gate_body runs when the body is
   there, before `handle`, for objects that it names. Both first try what is remembered (on the connection's thread,
   never waiting), and else ask the database on a thread that may wait.
   Routes with an admit function name the object that they found in the body to gate_admit_run or
   gate_admit_experiment, and api_commit refuses a call that did not pass.
   What the caller may not even read is answered as what does not exist, in the same words. */
#ifndef API_GATE_H
#define API_GATE_H

#include "access/access.h"
#include "api/call.h"

/* What somebody may want of an object. */
enum route_permission
{
  PERMISSION_PUBLIC, /* anybody; nobody is looked at */
  PERMISSION_GUEST, /* anybody; who is known is told apart */
  PERMISSION_SELF, /* anybody who is known; what it shows or changes is the caller's own, or the same for all */
  PERMISSION_READ,
  PERMISSION_USE,
  PERMISSION_EDIT,
  PERMISSION_MANAGE,
  PERMISSION_PROMOTE, /* the protected actions: MANAGE, or EDIT with a grant of the action */
  PERMISSION_FORCE, /* a grant of the action, beside EDIT */
  PERMISSION_DELETE,
  PERMISSION_WEBHOOKS,
  PERMISSION_ADMIN,
  PERMISSION_COUNT
};

/* Where the object comes from. */
enum route_object
{
  OBJECT_NONE, /* there is none: PUBLIC, GUEST, SELF and ADMIN */
  OBJECT_WORKSPACE, /* the workspace of the request */
  OBJECT_NEW_EXPERIMENT, /* the workspace of the request, where anybody may make experiments unless a grant says less */
  OBJECT_EXPERIMENT, /* argument experiment_id */
  OBJECT_EXPERIMENT_NAME, /* argument experiment_name, in the workspace of the request */
  OBJECT_RUN, /* argument run_id, or run_uuid */
  OBJECT_QUERY_RUN, /* the same, in the query although it is no GET */
  OBJECT_RUNS, /* argument run_ids, or several run_id: each of them */
  OBJECT_RUN_OR_MODEL, /* argument run_id or model_id */
  OBJECT_PATH_RUN, /* first value of the path */
  OBJECT_PATH_MODEL, /* first value of the path: a logged model */
  OBJECT_PATH_WORKSPACE, /* first value of the path: a workspace */
  OBJECT_ARTIFACT, /* first value of the path: a path from the root of the artifact store */
  OBJECT_DIRECTORY, /* argument path: the same, or empty for the root */
  OBJECT_BROWSE, /* argument run_id, model_id, or else path */
  OBJECT_UPLOAD_PATH, /* first value of the path, a directory, and the file name in argument path */
  OBJECT_UPLOAD, /* argument upload_id: where that upload goes; and as OBJECT_UPLOAD_PATH */
  OBJECT_PATH_UPLOAD, /* first value of the path: an upload */
  OBJECT_DOWNLOAD, /* first value of the path, as api_download reads it */
  OBJECT_REGISTERED_MODEL, /* argument name, in the workspace of the request */
  OBJECT_NEW_REGISTERED_MODEL, /* the workspace of the request, where anybody may register models unless a grant says
                                  less */
  OBJECT_PATH_REGISTERED_MODEL, /* first value of the path: the name of a registered model */
  OBJECT_GRANTED, /* argument experiment_id, registered_model or workspace: what a grant is about */
  OBJECT_VISIBLE, /* many: the handle function leaves out what the caller may not read, with gate_visible_account
                     or gate_keep_readable, and the answer is refused if it did not */
  OBJECT_COUNT
};

/* Who asks, where from, and what for. In the call; read-only for handle functions. */
struct gate_pass
{
  struct access_identity who;
  int64_t workspace_id; /* that the request is about */
  struct slice workspace; /* its name */
  struct access_rights rights; /* with the object of the route, when there is one */
  int64_t experiment_id; /* of the object of the route; -1 when there is none */
  bool known; /* who asks was found out */
  bool open; /* the route's functions may run */
  bool narrowed; /* of OBJECT_VISIBLE */
};

/* What credentials and circumstances the request comes with; filled by whoever reads the connection. Texts last as long
   as the call. */
struct gate_headers
{
  struct slice authorization;
  struct slice cookie;
  struct slice csrf_token; /* X-Tally-CSRF-Token */
  struct slice workspace; /* X-MLFLOW-WORKSPACE */
  struct slice proxy_user; /* of the setting proxy-user-header; only from trusted proxies */
  struct slice proxy_groups;
  struct slice address; /* of the client, as far as it can be trusted */
  struct slice actor; /* X-Tally-Actor: who a client claims to be, where nobody is asked */
  struct slice run_url; /* X-Tally-Run-URL: the CI job that the request comes from */
  struct slice client; /* User-Agent */
  bool is_secure; /* over TLS, here or at a trusted proxy */
  bool changes_state; /* POST, PUT, PATCH or DELETE */
  bool is_local; /* the Host header names a loopback address */
  bool is_own_origin; /* the Origin is absent, exactly this server's, or spelled out in allowed-origins */
  bool differs; /* one of them is there twice and differently */
  bool is_page; /* a browser's page asks (Sec-Fetch-Mode): no dialog for a password */
  int64_t body_bytes; /* declared; -1 for a body without a length */
};

enum gate_next
{
  GATE_OPEN, /* go on */
  GATE_REFUSED, /* the error is in the call */
  GATE_ASK, /* have gate_enter_slowly run on a worker */
  GATE_LOGIN /* have it run in the login lane: it hashes a password or asks another server */
};

/* When the headers are there. On the connection's thread; never waits. */
enum gate_next gate_enter (struct api_call *call);
/* The same with a database connection. Errors: UNAUTHENTICATED, PERMISSION_DENIED, RESOURCE_DOES_NOT_EXIST,
   REQUEST_LIMIT_EXCEEDED, INVALID_PARAMETER_VALUE, those of the database. */
enum err_code gate_enter_slowly (struct api_call *call, struct err *err);

/* When the body is there; on a worker, before handle. */
enum err_code gate_body (struct api_call *call, struct err *err);

/* After a handle function that did not fail: an OBJECT_VISIBLE answer was narrowed. */
enum err_code gate_check_narrowed (const struct api_call *call, struct err *err);

/* For admit functions: whether the caller is known to have the route's permission for the run or experiment; false
   sends the call to a worker, where gate_body asks. */
bool gate_admit_run (struct api_call *call, const struct uuid *run_id);
bool gate_admit_experiment (struct api_call *call, int64_t experiment_id);

/* Whether no object is judged: all are the caller's, and there is one workspace. */
bool gate_owns_all (const struct api_call *call);

/* --- for handle functions: objects beside that of the route --- */

/* Refuse unless the caller has the permission for all of these. Errors: RESOURCE_DOES_NOT_EXIST as for an object that
   is not there, PERMISSION_DENIED, those of the database. */
enum err_code gate_require_runs (struct api_call *call, const struct uuid *run_ids, size_t count,
                                 enum route_permission permission, struct err *err);
enum err_code gate_require_models (struct api_call *call, const struct slice *model_ids, size_t count,
                                   enum route_permission permission, struct err *err);
enum err_code gate_require_experiments (struct api_call *call, const int64_t *experiment_ids, size_t count,
                                        enum route_permission permission, struct err *err);
enum err_code gate_require_model_name (struct api_call *call, struct slice name, enum route_permission permission,
                                       struct err *err);
enum err_code gate_require_workspace (struct api_call *call, struct slice name, enum route_permission permission,
                                      struct err *err);

/* Keep those of some experiments that the caller may read and that are in the workspace of the request, in their order.
   For OBJECT_VISIBLE. */
enum err_code gate_keep_readable (int64_t *experiment_ids, size_t *count, struct api_call *call, struct err *err);

/* The account for STORE_ACCESS_MAY_READ_EXPERIMENT in a statement that filters by itself, 0 when everything in the
   workspace may be read; with the default permission as the other parameter. For OBJECT_VISIBLE. */
int64_t gate_visible_account (struct api_call *call, int16_t *fallback);

/* The change is committed: note it in the audit trail's words. Fills actor, account, token, method and address. */
struct store_audit gate_audit_entry (const struct api_call *call, const char *action, struct slice object);

/* "user:anna", the object of entries about an account, also of a name that is none: as much of it as a name can have.
   In the arena; absent when memory is out. */
struct slice gate_user_object (const struct api_call *call, struct slice username);

/* Count, log and note in the audit trail that something was refused for a reason of the route's own. `object` may be
   absent. */
void gate_note_refused (const struct api_call *call, const char *action, struct slice object, const struct err *err);

/* How error messages call a permission: "EDIT", "the action delete", "an administrator". */
const char *gate_permission_name (enum route_permission permission);

#endif
