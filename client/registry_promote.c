/* Promotion through gates: Tally's extension of the registry. */
#include "decode.h"
#include "error.h"
#include "registry.h"
#include "result.h"
#include "search.h"
#include "text.h"

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

static json_t *
promote_body (const struct tally_promotion *promotion)
{
  json_t *body = json_pack ("{s:s, s:I}", "alias", promotion->alias, "version", (json_int_t)promotion->version);
  json_int_t expected = promotion->expect_version < 0 ? 0 : promotion->expect_version;

  if (NULL == body || ! search_put_text (body, "reason", promotion->reason)
      || ! search_put_text (body, "run_url", promotion->run_url)
      || (0 != promotion->expect_version && 0 != json_object_set_new (body, "expect_version", json_integer (expected)))
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

enum tally_code
tally_model_rollback (struct tally_gate_result **result, struct tally_client *client, const char *name,
                      const char *alias, const char *reason, struct tally_error *err)
{
  json_t *answer = NULL;
  json_t *body;
  enum tally_code code = client_check (client, err);

  if (NULL != result)
    *result = NULL;
  if (TALLY_OK == code && (NULL == alias || '\0' == alias[0]))
    code = error_set (err, TALLY_ERROR_ARGUMENT, "The alias is missing.");
  if (TALLY_OK == code)
    code = TEXT_CHECK (err, alias, reason);
  if (TALLY_OK != code)
    return code;
  body = json_pack ("{s:s}", "alias", alias);
  if (NULL != body && ! search_put_text (body, "reason", reason))
  {
    json_decref (body);
    body = NULL;
  }
  code = registry_tally_call (&answer, client, "POST", "A rollback", name, "/rollback", body, err);
  code = take_result (result, answer, 0, code, err);
  json_decref (answer);
  return code;
}

enum tally_code
tally_model_gate (struct tally_gate_result **result, struct tally_client *client, const char *name, int64_t version,
                  const char *alias, struct tally_error *err)
{
  struct arena *arena = NULL;
  const char *behind;
  json_t *answer = NULL;
  enum tally_code code = client_check (client, err);

  *result = NULL;
  if (TALLY_OK == code)
    code = registry_check_version (version, err);
  if (TALLY_OK == code && (NULL == alias || '\0' == alias[0]))
    code = error_set (err, TALLY_ERROR_ARGUMENT, "The alias is missing.");
  if (TALLY_OK == code && NULL == (arena = arena_new (ANSWER_ARENA_BYTES)))
    code = error_memory (err);
  if (TALLY_OK != code)
    return code;
  behind = arena_printf (arena, "/versions/%lld/gate?alias=%s", (long long)version, answer_encode (arena, alias));
  code = decode_end (arena, err);
  if (TALLY_OK == code)
    code = registry_tally_call (&answer, client, "GET", "A gate", name, behind, NULL, err);
  code = take_result (result, answer, version, code, err);
  json_decref (answer);
  arena_free (arena);
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

  if (NULL == check || NULL == check->name || NULL == check->status)
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
