/* Aliases and stages that move through gates, checks and approvals: Tally's extensions of the registry. */
#include "decode.h"
#include "error.h"
#include "ping.h"
#include "registry.h"
#include "result.h"
#include "search.h"
#include "text.h"

#include "base/number.h"

#include <math.h>
#include <string.h>

void
tally_gate_result_free (struct tally_gate_result *result)
{
  result_free (result);
}

/* What the call says, also of a refusal by a gate or by the version that is expected; `code` is what it ended with. */
static enum tally_code
take_result (struct tally_gate_result **result, const json_t *answer, int64_t version, enum tally_code code,
             struct tally_error *err)
{
  void *made = NULL;
  enum tally_code decoded;

  if (NULL == result)
    return code;
  *result = NULL;
  if (TALLY_OK != code && TALLY_ERROR_GATE != code && TALLY_ERROR_CONFLICT != code)
    return code;
  decoded = decode_result (&made, sizeof (**result), decode_gate_result, answer, NULL, TALLY_OK == code ? err : NULL);
  *result = made;
  if (NULL != made && 0 == (*result)->version)
    (*result)->version = version;
  return TALLY_OK == code ? decoded : code;
}

/* What all moves have in common; transitions expect nothing. */
static bool
put_move (json_t *body, int64_t expect_version, const char *reason, const char *run_url)
{
  json_int_t expected = expect_version < 0 ? 0 : expect_version;

  return NULL != body && search_put_text (body, "reason", reason) && search_put_text (body, "run_url", run_url)
         && (0 == expect_version || 0 == json_object_set_new (body, "expect_version", json_integer (expected)));
}

static json_t *
promote_body (const struct tally_promotion *promotion)
{
  json_t *body = json_pack ("{s:s, s:I}", "alias", promotion->alias, "version", (json_int_t)promotion->version);

  if (! put_move (body, promotion->expect_version, promotion->reason, promotion->run_url)
      || (promotion->force && 0 != json_object_set_new (body, "force", json_true ())))
  {
    json_decref (body);
    return NULL;
  }
  return body;
}

enum tally_code
tally_model_promote (struct tally_gate_result **result, struct tally_client *client, const char *name,
                     const struct tally_promotion *promotion, struct tally_error *err)
{
  json_t *answer = NULL;
  enum tally_code code = client_check (client, err);

  if (NULL != result)
    *result = NULL;
  if (TALLY_OK == code && (NULL == promotion || NULL == promotion->alias || '\0' == promotion->alias[0]))
    code = error_set (err, TALLY_ERROR_ARGUMENT, "The alias is missing.");
  if (TALLY_OK == code)
    code = registry_check_version (promotion->version, err);
  if (TALLY_OK == code && promotion->force && (NULL == promotion->reason || '\0' == promotion->reason[0]))
    code = error_set (err, TALLY_ERROR_ARGUMENT, "To force a promotion needs a reason.");
  if (TALLY_OK == code)
    code = TEXT_CHECK (err, promotion->alias, promotion->reason, promotion->run_url);
  if (TALLY_OK != code)
    return code;
  code = registry_tally_call (&answer, client, "POST", "A promotion", name, "/promote", promote_body (promotion), err);
  code = take_result (result, answer, promotion->version, code, err);
  json_decref (answer);
  return code;
}

static json_t *
rollback_body (const struct tally_rollback *rollback)
{
  json_t *body = json_pack ("{s:s}", "alias", rollback->alias);
  int64_t at_ms;
  bool is_number = NULL != rollback->at && number_parse_int64 (slice_of (rollback->at), &at_ms);

  if (! put_move (body, rollback->expect_version, rollback->reason, rollback->run_url)
      || (is_number ? 0 != json_object_set_new (body, "at", json_integer (at_ms))
                    : ! search_put_text (body, "at", rollback->at)))
  {
    json_decref (body);
    return NULL;
  }
  return body;
}

enum tally_code
tally_model_rollback (struct tally_gate_result **result, struct tally_client *client, const char *name,
                      const struct tally_rollback *rollback, struct tally_error *err)
{
  json_t *answer = NULL;
  enum tally_code code = client_check (client, err);

  if (NULL != result)
    *result = NULL;
  if (TALLY_OK == code && (NULL == rollback || NULL == rollback->alias || '\0' == rollback->alias[0]))
    code = error_set (err, TALLY_ERROR_ARGUMENT, "The alias is missing.");
  if (TALLY_OK == code)
    code = TEXT_CHECK (err, rollback->alias, rollback->at, rollback->reason, rollback->run_url);
  if (TALLY_OK != code)
    return code;
  code = registry_tally_call (&answer, client, "POST", "A rollback", name, "/rollback", rollback_body (rollback), err);
  code = take_result (result, answer, 0, code, err);
  json_decref (answer);
  return code;
}

/* What gates say of what is guarded: of `value`, an alias or a stage as `what` tells. */
static enum tally_code
ask_gate (struct tally_gate_result **result, struct tally_client *client, const char *name, int64_t version,
          const char *what, const char *value, struct tally_error *err)
{
  struct arena *arena = NULL;
  const char *behind;
  json_t *answer = NULL;
  enum tally_code code = client_check (client, err);

  *result = NULL;
  if (TALLY_OK == code)
    code = registry_check_version (version, err);
  if (TALLY_OK == code && (NULL == value || '\0' == value[0]))
    code = error_set (err, TALLY_ERROR_ARGUMENT, "The %s is missing.", what);
  if (TALLY_OK == code && NULL == (arena = arena_new (ANSWER_ARENA_BYTES)))
    code = error_memory (err);
  if (TALLY_OK != code)
    return code;
  behind = arena_printf (arena, "/versions/%lld/gate?%s=%s", (long long)version, what, answer_encode (arena, value));
  code = decode_end (arena, err);
  if (TALLY_OK == code)
    code = registry_tally_call (&answer, client, "GET", "A gate", name, behind, NULL, err);
  code = take_result (result, answer, version, code, err);
  json_decref (answer);
  arena_free (arena);
  return code;
}

enum tally_code
tally_model_gate (struct tally_gate_result **result, struct tally_client *client, const char *name, int64_t version,
                  const char *alias, struct tally_error *err)
{
  return ask_gate (result, client, name, version, "alias", alias, err);
}

enum tally_code
tally_model_stage_gate (struct tally_gate_result **result, struct tally_client *client, const char *name,
                        int64_t version, const char *stage, struct tally_error *err)
{
  return ask_gate (result, client, name, version, "stage", stage, err);
}

/* MLflow takes and forgets what it does not know: a reason would be lost, a force be none. */
static enum tally_code
check_transition_server (struct tally_client *client, const struct tally_transition *transition,
                         struct tally_error *err)
{
  const struct tally_server *server;
  enum tally_code code;

  if (NULL == transition->reason && NULL == transition->run_url && ! transition->force)
    return TALLY_OK;
  code = ping_known (&server, client, err);
  if (TALLY_OK != code || server->is_tally)
    return code;
  return registry_explain (TALLY_ERROR_UNSUPPORTED, client, "A transition with reason, run_url or force", err);
}

static enum tally_code
check_transition (struct tally_client *client, const char *name, const struct tally_transition *transition,
                  struct tally_error *err)
{
  enum tally_code code = registry_check_name (name, err);

  if (TALLY_OK == code && (NULL == transition || NULL == transition->stage || '\0' == transition->stage[0]))
    code = error_set (err, TALLY_ERROR_ARGUMENT, "The stage is missing.");
  if (TALLY_OK == code)
    code = registry_check_version (transition->version, err);
  if (TALLY_OK == code && transition->force && (NULL == transition->reason || '\0' == transition->reason[0]))
    code = error_set (err, TALLY_ERROR_ARGUMENT, "To force a transition needs a reason.");
  if (TALLY_OK == code)
    code = TEXT_CHECK (err, transition->stage, transition->reason, transition->run_url);
  return TALLY_OK == code ? check_transition_server (client, transition, err) : code;
}

static json_t *
transition_body (const char *name, const struct tally_transition *transition)
{
  char number[24];
  json_t *body;

  snprintf (number, sizeof (number), "%lld", (long long)transition->version);
  body = json_pack ("{s:s, s:s, s:s, s:b}", "name", name, "version", number, "stage", transition->stage,
                    "archive_existing_versions", transition->archive_existing);
  if (put_move (body, 0, transition->reason, transition->run_url)
      && (! transition->force || 0 == json_object_set_new (body, "force", json_true ())))
    return body;
  json_decref (body);
  return NULL;
}

enum tally_code
tally_model_transition (struct tally_gate_result **result, struct tally_client *client, const char *name,
                        const struct tally_transition *transition, struct tally_error *err)
{
  json_t *answer = NULL;
  json_t *body;
  enum tally_code code = client_check (client, err);

  if (NULL != result)
    *result = NULL;
  if (TALLY_OK == code)
    code = check_transition (client, name, transition, err);
  if (TALLY_OK != code)
    return code;
  body = transition_body (name, transition);
  code = NULL == body ? error_memory (err)
                      : answer_call_details (&answer, client, "POST", "/api/2.0/mlflow/model-versions/transition-stage",
                                             body, err);
  code = take_result (result, answer, transition->version, code, err);
  json_decref (body);
  json_decref (answer);
  return code;
}

/* Post a body, whose reference is stolen, about a version. */
static enum tally_code
post (struct tally_client *client, const char *name, int64_t version, const char *what, const char *path, json_t *body,
      struct tally_error *err)
{
  char behind[64];
  json_t *answer = NULL;
  enum tally_code code = client_check (client, err);

  if (TALLY_OK == code)
    code = registry_check_version (version, err);
  if (TALLY_OK != code)
  {
    json_decref (body);
    return code;
  }
  snprintf (behind, sizeof (behind), "/versions/%lld/%s", (long long)version, path);
  code = registry_tally_call (&answer, client, "POST", what, name, behind, body, err);
  json_decref (answer);
  return code;
}

enum tally_code
tally_model_check (struct tally_client *client, const char *name, int64_t version, const struct tally_check *check,
                   struct tally_error *err)
{
  json_t *body;

  if (NULL == check || NULL == check->name || '\0' == check->name[0] || NULL == check->status)
    return error_set (err, TALLY_ERROR_ARGUMENT, "A check needs a name and a status.");
  if (check->has_value && ! isfinite (check->value))
    return error_set (err, TALLY_ERROR_ARGUMENT, "The value of a check is a finite number.");
  if (TALLY_OK != TEXT_CHECK (err, check->name, check->status, check->url, check->text))
    return TALLY_ERROR_ARGUMENT;
  body = json_pack ("{s:s, s:s}", "name", check->name, "status", check->status);
  if (NULL == body || ! search_put_text (body, "url", check->url) || ! search_put_text (body, "text", check->text)
      || (check->has_value && 0 != json_object_set_new (body, "value", json_real (check->value))))
  {
    json_decref (body);
    body = NULL;
  }
  return post (client, name, version, "A check", "checks", body, err);
}

enum tally_code
tally_model_approve (struct tally_client *client, const char *name, int64_t version, const char *comment,
                     struct tally_error *err)
{
  json_t *body;

  if (TALLY_OK != TEXT_CHECK (err, comment))
    return TALLY_ERROR_ARGUMENT;
  body = json_object ();
  if (NULL != body && ! search_put_text (body, "comment", comment))
  {
    json_decref (body);
    body = NULL;
  }
  return post (client, name, version, "An approval", "approvals", body, err);
}
