/* Which objects a request is about: where the gate looks for their ids. */
#ifndef API_OBJECT_H
#define API_OBJECT_H

#include "api/gate.h"

enum target_kind
{
  TARGET_EXPERIMENT,
  TARGET_EXPERIMENT_NAME,
  TARGET_RUN,
  TARGET_LOGGED_MODEL,
  TARGET_PATH, /* of the artifact store, from its root; empty for the root itself */
  TARGET_WORKSPACE,
  TARGET_WORKSPACE_NAME,
  TARGET_REGISTERED_MODEL
};

/* One object, and what was found out about it. */
struct target
{
  enum target_kind kind;
  struct slice text; /* the id, name or path, as it stands in messages */
  struct uuid run_id;
  int64_t experiment_id; /* of an experiment; later of whatever belongs to one, -1 for none */
  int64_t workspace_id;
  struct access_rights rights;
  bool exists;
};

/* Whether the object is named by what comes with the headers. */
bool object_is_early (const struct route *route);

/* The objects of a call, in its arena. With a database connection only for uploads (object_needs_database); the body
   must be there unless object_is_early. Errors: INVALID_PARAMETER_VALUE for an id that is missing, or is there twice
   and differently; RESOURCE_DOES_NOT_EXIST for one that cannot be. */
enum err_code object_targets (struct target **targets, size_t *count, struct api_call *call, struct err *err);
bool object_needs_database (enum route_object object);

/* The experiment that a path of the artifact store names by its first segments, or by those behind workspaces/<name>;
   -1 for none. `workspace` receives that name, absent otherwise. */
int64_t object_experiment_of_path (struct slice *workspace, struct slice path);

/* Whether a path is the directory that those of other workspaces than default are in. */
bool object_holds_workspaces (struct slice path);

/* "No Experiment with id=12 exists" and the like, the same words whether it is not there or may not be seen. */
enum err_code object_not_found (const struct target *target, struct err *err);

/* "experiment:12" and the like, for the audit trail and for explanations. In the arena. */
struct slice object_name (const struct target *target, struct arena *arena);

#endif
