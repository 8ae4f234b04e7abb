/* Which registered models a search may find.

   DESIGN
   As in experiment_search.c: what the workspace itself gives is asked once, and then only grants that say otherwise are
   left. */
#include "search/registry_scope.h"

#include "store/access.h"

#include <strings.h>

#define PROMPT_TAG "mlflow.prompt.is_prompt"

/* The names in workspace $1 that grants of account $2 or of its groups are about, and what they say: an own one before
   the highest of groups. */
#define GRANTED                                                                                                        \
  "SELECT x.model_name FROM (SELECT y.model_name, coalesce(max(y.own), max(y.of_groups)) AS level FROM"                \
  "  (SELECT g.model_name, g.level AS own, NULL::int2 AS of_groups FROM access_grant AS g"                             \
  "   WHERE g.account_id = $2::int8 AND g.model_name IS NOT NULL AND g.workspace_id = $1::int8"                        \
  "   UNION ALL SELECT g.model_name, NULL, g.level FROM account_group_member AS a JOIN access_grant AS g"              \
  "    ON g.group_id = a.group_id AND g.model_name IS NOT NULL AND g.workspace_id = $1::int8"                          \
  "   WHERE a.account_id = $2::int8) AS y GROUP BY y.model_name) AS x WHERE x.level "

enum
{
  ALL,
  GRANTED_ONLY,
  ALL_BUT_DENIED
};

static const char *const conditions[] = {
  [ALL] = "workspace_id = $1::int8 AND $2::int8 = 0",
  [GRANTED_ONLY] = "workspace_id = $1::int8 AND name = ANY (ARRAY (" GRANTED ">= 1))",
  [ALL_BUT_DENIED] = "workspace_id = $1::int8 AND name NOT IN (" GRANTED "< 1)",
};

enum err_code
registry_scope_condition (const char **condition, const struct registry_scope *scope, bool prompts,
                          struct store_connection *connection, struct arena *arena, struct err *err)
{
  struct store_access_rights rights = { .level = 0 };
  int which = ALL;
  enum err_code code = ERR_OK;

  if (0 != scope->account_id)
  {
    code =
        store_access_of_workspace (&rights, connection, scope->account_id, scope->fallback, scope->workspace_id, err);
    which = rights.level >= 1 ? ALL_BUT_DENIED : GRANTED_ONLY;
  }
  if (ERR_OK != code)
    return code;
  *condition = arena_printf (arena, "%s%s", conditions[which], prompts ? "" : " AND NOT is_prompt");
  return NULL == *condition ? err_set (err, ERR_INTERNAL_ERROR, "out of memory") : ERR_OK;
}

static bool
is_word (struct slice text, const char *word)
{
  return text.len == strlen (word) && 0 == strncasecmp (text.data, word, text.len);
}

static bool
asks_for_prompts (const struct filter_node *node, size_t field)
{
  for (const struct filter_node *child = node->first; NULL != child; child = child->next)
    if (asks_for_prompts (child, field))
      return true;
  return FILTER_TEST == node->kind && node->field == field && FILTER_TEXT_LIST == node->test && 1 == node->count
         && is_word (node->texts[0], node->negated ? "false" : "true");
}

bool
registry_scope_prompts (struct filter *filter, const struct search_attribute *value)
{
  bool asked = false;

  for (size_t i = 0; i < filter->field_count; i++)
  {
    struct search_field *field = &filter->fields[i];

    if (SEARCH_TAG != field->entity || field->as_number || ! slice_is (field->key, PROMPT_TAG))
      continue;
    asked = NULL != filter->root && asks_for_prompts (filter->root, i);
    *field = (struct search_field){ .entity = SEARCH_ATTRIBUTE, .type = value->type, .attribute = value };
  }
  return asked;
}

struct slice
registry_scope_name (const struct filter *filter)
{
  const struct filter_node *node = filter->root;

  if (NULL != node && FILTER_AND == node->kind)
    node = node->first;
  else if (NULL == node || FILTER_TEST != node->kind)
    return (struct slice){ NULL, 0 };
  /* A lone test has no sibling. */
  for (; NULL != node; node = node->next)
  {
    const struct search_field *field = &filter->fields[node->field];

    if (FILTER_TEST == node->kind && FILTER_TEXT_LIST == node->test && ! node->negated && 1 == node->count
        && SEARCH_ATTRIBUTE == field->entity && NULL != field->attribute->name
        && slice_is (slice_of (field->attribute->name), "name"))
      return node->texts[0];
  }
  return (struct slice){ NULL, 0 };
}
