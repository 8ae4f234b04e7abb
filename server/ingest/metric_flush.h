/* Writes the points of one or many requests into metric_tail. */
#ifndef INGEST_METRIC_FLUSH_H
#define INGEST_METRIC_FLUSH_H

#include "base/buffer.h"
#include "base/id.h"
#include "ingest/committer.h"
#include "ingest/contexts.h"
#include "ingest/folder.h"
#include "ingest/keys.h"
#include "ingest/point.h"

/* What one request logs to one run. */
struct metric_write
{
  struct uuid run_id;
  struct metric_entry *entries; /* key set, key_id 0 */
  size_t count;
};

/* Where metric points go. */
struct metric_sink
{
  struct metric_keys *keys;
  struct folder *folder; /* is told what was written; may be NULL */
  struct metric_contexts *contexts; /* which links need not be written; may be NULL */
};

/* The commit_flush of metric requests: payload is a struct metric_write, context the struct metric_sink. */
enum err_code metric_flush (struct store_connection *connection, struct commit_item *const *items, size_t count,
                            void *context, struct err *err);

/* How many links the points of a write may need: 0 when none has a model. */
size_t metric_links_wanted (const struct metric_write *write);

/* Append the links of a write, neighbours that are equal once. */
void metric_links_add (struct metric_link *links, size_t *count, const struct metric_write *write);

/* Fail when one of the links of a write is refused. Writes are asked about in the order in which they were added; `at`
   begins at 0 and is kept between the calls. Errors: RESOURCE_DOES_NOT_EXIST. */
enum err_code metric_links_check (const struct metric_link *links, size_t *at, const struct metric_write *write,
                                  struct err *err);

/* Pack the points of one request, whose keys are resolved, into `out`. False when memory is out. */
bool metric_write_pack (struct buffer *out, const struct metric_write *write);

/* The failure of a run that cannot be written to: unknown, or deleted. */
enum err_code metric_run_refused (struct err *err, const struct uuid *run_id, bool deleted);

#endif
