/* The model registry: versions, aliases, checks, promotion through gates; these calls wait for the server. */
#ifndef TALLY_REGISTRY_H
#define TALLY_REGISTRY_H

#include "tally/artifact.h"
#include "tally/search.h"

TALLY_BEGIN

struct tally_model_version
{
  const char *name;
  int64_t version;
  const char *source;
  const char *run_id; /* "" when none */
  const char *model_id; /* of the logged model; "" when none */
  const char *status; /* "READY" */
  const char *stage; /* "None", "Staging", … */
  const char *description;
  const char *user;
  int64_t created_ms;
  int64_t updated_ms;
  const struct tally_pair *tags;
  size_t tag_count;
  const char *const *aliases;
  size_t alias_count;
};

/* Make a registered model; EXISTS when there is one. `description` may be NULL. */
TALLY_API enum tally_code tally_model_create (struct tally_client *client, const char *name, const char *description,
                                              struct tally_error *err);
TALLY_API enum tally_code tally_model_delete (struct tally_client *client, const char *name, struct tally_error *err);

/* Register a version of a model, which is made when there is none. `source`: "runs:/<run id>/<path>",
   "models:/m-<id>", or a URI that the server allows. `run_id`, `model_id`, `description` may be NULL. Registered once,
   also when an answer is lost: the version has an id of this call in its tag "tally.registration_id". */
TALLY_API enum tally_code tally_model_register (int64_t *version, struct tally_client *client, const char *name,
                                                const char *source, const char *run_id, const char *model_id,
                                                const char *description, struct tally_error *err);

/* A version by its number, alias or "latest", as "models:/<name>/<version>", "models:/<name>@<alias>" or
   "models:/<name>/latest"; or the newest in a stage, as "models:/<name>/Production". Free with
   tally_model_version_free. */
TALLY_API enum tally_code tally_model_version_get (struct tally_model_version **version, struct tally_client *client,
                                                   const char *uri, struct tally_error *err);
TALLY_API void tally_model_version_free (struct tally_model_version *version);

TALLY_API enum tally_code tally_model_version_set_tag (struct tally_client *client, const char *name, int64_t version,
                                                       const char *key, const char *value, struct tally_error *err);
TALLY_API enum tally_code tally_model_version_delete (struct tally_client *client, const char *name, int64_t version,
                                                      struct tally_error *err);

/* Versions that meet a filter ("name = 'm'"; NULL: all), newest first by default. */
TALLY_API enum tally_code tally_search_model_versions (struct tally_search **search, struct tally_client *client,
                                                       const char *filter, const char *order_by, size_t max_results,
                                                       struct tally_error *err);
TALLY_API enum tally_code tally_search_next_model_version (const struct tally_model_version **version,
                                                           struct tally_search *search, struct tally_error *err);

/* Point an alias at a version, or take it away, through the plain API; on a Tally server gates hold here too: GATE. */
TALLY_API enum tally_code tally_model_set_alias (struct tally_client *client, const char *name, const char *alias,
                                                 int64_t version, struct tally_error *err);
TALLY_API enum tally_code tally_model_delete_alias (struct tally_client *client, const char *name, const char *alias,
                                                    struct tally_error *err);

/* One thing that a gate misses. */
struct tally_missing
{
  const char *rule; /* kind of the rule: "check", "metric", "approvals", … */
  const char *message; /* a sentence */
};

/* What became of a promotion or transition, or what a gate says of one. */
struct tally_gate_result
{
  bool met; /* the gate lets it through */
  bool moved; /* the alias points at `version` now, or `version` is in the stage */
  bool forced;
  int64_t version; /* asked for */
  int64_t previous; /* that held the alias before; 0: none, and with stages, which several versions have */
  int64_t current; /* that holds it now; 0: the same */
  const struct tally_missing *missing;
  size_t missing_count;
};

struct tally_promotion
{
  const char *alias; /* required */
  int64_t version; /* required */
  int64_t expect_version; /* that must hold the alias now; 0: whichever, -1: none */
  const char *reason; /* NULL: none; required with `force` */
  const char *run_url; /* of the CI job; NULL: none */
  bool force; /* past the gate; needs the right */
};

/* Promote: compare and set through the gate (Tally only: UNSUPPORTED elsewhere). `result` (may be NULL) is set also
   when GATE or CONFLICT is returned. Free with tally_gate_result_free. */
TALLY_API enum tally_code tally_model_promote (struct tally_gate_result **result, struct tally_client *client,
                                               const char *name, const struct tally_promotion *promotion,
                                               struct tally_error *err);

struct tally_rollback
{
  const char *alias; /* required */
  const char *at; /* back to who had the alias then: RFC 3339, or ms since 1970; NULL: to the version before */
  int64_t expect_version; /* that must hold the alias now; 0: whichever, -1: none */
  const char *reason; /* NULL: none */
  const char *run_url; /* of the CI job; NULL: none */
};

/* Back to the version that held the alias before, or at a time (Tally only). NOT_FOUND: none did that is still there.
   `result` as of tally_model_promote. */
TALLY_API enum tally_code tally_model_rollback (struct tally_gate_result **result, struct tally_client *client,
                                                const char *name, const struct tally_rollback *rollback,
                                                struct tally_error *err);

/* What the gate of an alias would say of a version; TALLY_OK also when it is not met. */
TALLY_API enum tally_code tally_model_gate (struct tally_gate_result **result, struct tally_client *client,
                                            const char *name, int64_t version, const char *alias,
                                            struct tally_error *err);

struct tally_transition
{
  const char *stage; /* required: "Staging", "Production", "Archived", or "None" to leave */
  int64_t version; /* required */
  bool archive_existing; /* what else is in the stage goes to "Archived" */
  const char *reason; /* NULL: none; required with `force` */
  const char *run_url; /* of the CI job; NULL: none */
  bool force; /* past the gate; needs the right */
};

/* Move a version to a stage, on a Tally server through its gates. Reason, run_url and force are Tally's: UNSUPPORTED
   elsewhere. `result` (may be NULL) is set also when GATE is returned. Free with tally_gate_result_free. */
TALLY_API enum tally_code tally_model_transition (struct tally_gate_result **result, struct tally_client *client,
                                                  const char *name, const struct tally_transition *transition,
                                                  struct tally_error *err);

/* What the gate of a stage would say of a version; TALLY_OK also when it is not met (Tally only). */
TALLY_API enum tally_code tally_model_stage_gate (struct tally_gate_result **result, struct tally_client *client,
                                                  const char *name, int64_t version, const char *stage,
                                                  struct tally_error *err);
TALLY_API void tally_gate_result_free (struct tally_gate_result *result);

struct tally_check
{
  const char *name; /* required */
  const char *status; /* "success", "failure" or "pending" */
  bool has_value;
  double value;
  const char *url; /* NULL: none */
  const char *text; /* NULL: none */
};

/* Post the result of a check on a version (Tally only). */
TALLY_API enum tally_code tally_model_check (struct tally_client *client, const char *name, int64_t version,
                                             const struct tally_check *check, struct tally_error *err);

/* Approve a version, with a comment (NULL: none) (Tally only). */
TALLY_API enum tally_code tally_model_approve (struct tally_client *client, const char *name, int64_t version,
                                               const char *comment, struct tally_error *err);

/* Fetch the files of a version into `folder`, each checked against the manifest of the server where it has one. `uri`
   as for tally_model_version_get, also "models:/m-<id>". */
TALLY_API enum tally_code tally_model_download (struct tally_client *client, const char *uri, const char *folder,
                                                const struct tally_transfer *transfer, struct tally_error *err);

/* Compare a folder with the manifest of a version: DIGEST naming the first file that differs, is missing or too many
   (Tally only). */
TALLY_API enum tally_code tally_model_verify (struct tally_client *client, const char *uri, const char *folder,
                                              struct tally_error *err);

TALLY_END

#endif
