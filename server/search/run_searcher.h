/* What searches of runs share. */
#ifndef SEARCH_RUN_SEARCHER_H
#define SEARCH_RUN_SEARCHER_H

struct run_memory;
struct metric_keys;

struct run_searcher
{
  struct run_memory *memory;
  struct metric_keys *keys;
};

#endif
