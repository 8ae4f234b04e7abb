/* Which registered models a search may find: those that the caller may read, and prompts only when it asks for them. */
#ifndef SEARCH_REGISTRY_SCOPE_H
#define SEARCH_REGISTRY_SCOPE_H

#include "search/filter.h"
#include "store/connection.h"

struct registry_scope
{
  int64_t workspace_id;
  int64_t account_id; /* who must be able to read what is found; 0: nobody in particular */
  int16_t fallback; /* the default permission */
};

/* Parameters that a condition names: $1 and $2. */
#define REGISTRY_SCOPE_NUMBERS 2

/* Choose the condition on registered models, over the columns workspace_id, name and is_prompt, whose parameters are
   the workspace and the account. `prompts`: these are wanted. In the arena. Errors: those of the database. */
enum err_code registry_scope_condition (const char **condition, const struct registry_scope *scope, bool prompts,
                                        struct store_connection *connection, struct arena *arena, struct err *err);

/* Whether a filter asks for prompts, as MLflow judges it: mlflow.prompt.is_prompt is 'true', or not 'false'. Without
   the tag, what is no prompt passes as 'false': so its tests get `value` for the tag (an SQL expression). */
bool registry_scope_prompts (struct filter *filter, const struct search_attribute *value);

/* The one name that everything which passes the filter has; absent: there may be several. */
struct slice registry_scope_name (const struct filter *filter);

#endif
