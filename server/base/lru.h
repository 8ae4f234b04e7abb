/* A list of things by their last use, linked through a member of each. */
#ifndef BASE_LRU_H
#define BASE_LRU_H

#include <stddef.h>

/* Embed as the first member, so that a link is its thing by a cast. */
struct lru_link
{
  struct lru_link *newer;
  struct lru_link *older;
};

/* Zeroed is empty. Not thread-safe. */
struct lru
{
  struct lru_link *newest;
  struct lru_link *oldest;
};

/* Take a link out that is in the list. */
static inline void
lru_remove (struct lru *list, struct lru_link *link)
{
  *(NULL == link->newer ? &list->newest : &link->newer->older) = link->older;
  *(NULL == link->older ? &list->oldest : &link->older->newer) = link->newer;
}

/* Put a link in front that is not in the list: it is used now. */
static inline void
lru_add (struct lru *list, struct lru_link *link)
{
  link->newer = NULL;
  link->older = list->newest;
  *(NULL == link->older ? &list->oldest : &link->older->newer) = link;
  list->newest = link;
}

#endif
