/* Life-cycle stages of a search. */
#include "search/view.h"

#include <stddef.h>

const char *const search_view_names[VIEW_COUNT] = { NULL, "ACTIVE_ONLY", "DELETED_ONLY", "ALL" };

const char *
search_view_sql (enum search_view view)
{
  static const char *const sql[VIEW_COUNT] = { "", " AND deleted_at_ms IS NULL", " AND deleted_at_ms IS NOT NULL", "" };

  return sql[view];
}
