/* The setting model-source-pattern: which places the files of new model versions may have. */
#include "api/source_rule.h"

#include "search/pattern.h"

#include <stdlib.h>

/* A compiled expression takes some ten bytes for each of its own, but repetitions of groups are unrolled. */
#define RULE_ARENA_BYTES ((size_t)4 * 1024 * 1024)

struct source_rule
{
  struct arena *arena; /* of the pattern and its text */
  struct search_pattern *pattern;
};

enum err_code
source_rule_new (struct source_rule **out, const struct config *config, struct err *err)
{
  const char *where = "model-source-pattern";
  const char *text = config->model_source_pattern;
  struct source_rule *rule;
  struct err why = { 0 };
  enum err_code code;

  *out = NULL;
  if (NULL == text || '\0' == *text)
  {
    where = "MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX";
    text = getenv (where);
  }
  if (NULL == text || '\0' == *text)
    return ERR_OK;
  rule = calloc (1, sizeof (*rule));
  if (NULL != rule)
    rule->arena = arena_new (RULE_ARENA_BYTES);
  if (NULL == rule || NULL == rule->arena)
    code = err_set (&why, ERR_INTERNAL_ERROR, "out of memory");
  else
    code = search_pattern_regex (&rule->pattern, slice_of (arena_copy (rule->arena, text, strlen (text))), false,
                                 rule->arena, &why);
  if (ERR_OK == code)
    *out = rule;
  else
    source_rule_free (rule);
  return ERR_OK == code ? code : err_set (err, code, "%s: %s", where, why.message);
}

void
source_rule_free (struct source_rule *rule)
{
  if (NULL == rule)
    return;
  arena_free (rule->arena);
  free (rule);
}

enum err_code
source_rule_check (const struct source_rule *rule, struct slice source, struct err *err)
{
  struct err why = { 0 };
  bool matches = true;
  enum err_code code = NULL == rule ? ERR_OK : search_pattern_match (&matches, rule->pattern, source, &why);

  if (ERR_OK == code && matches)
    return ERR_OK;
  if (ERR_INTERNAL_ERROR == code)
    return err_set (err, code, "%s", why.message);
  /* The pattern itself is the operator's. */
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid model version source: '%.*s'.%s", SLICE_ARG (source),
                  ERR_OK == code ? "" : " To match it with model-source-pattern costs too much.");
}
