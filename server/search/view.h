/* Which life-cycle stages a search shows; the numbers are those of the protocol. */
#ifndef SEARCH_VIEW_H
#define SEARCH_VIEW_H

enum search_view
{
  VIEW_ACTIVE_ONLY = 1,
  VIEW_DELETED_ONLY = 2,
  VIEW_ALL = 3,
  VIEW_COUNT
};

/* Names on the wire, by number; the first is NULL. */
extern const char *const search_view_names[VIEW_COUNT];

/* " AND ..." for a table with deleted_at_ms. */
const char *search_view_sql (enum search_view view);

#endif
