/* Writes the points of a whole group of requests with one statement: one row per run. */
#include "ingest/metric_flush.h"

#include "base/stats.h"
#include "ingest/pack.h"
#include "store/metric.h"

#include <stdlib.h>

/* Arrays of one group: ids, pointers and the statement's parameters; the points themselves belong to the requests. */
#define GROUP_ARENA_BYTES ((size_t)256 * 1024 * 1024)
/* Packed points of one group; far above what group_max_bytes of JSON can turn into. */
#define GROUP_PACKED_BYTES ((size_t)256 * 1024 * 1024)

struct group
{
  struct arena *arena;
  struct commit_item *const *items;
  size_t count;
  struct buffer packed;
  const struct metric_write **writes; /* sorted by run */
  struct metric_entry **entries;
  size_t entry_count;
  struct uuid *run_ids; /* distinct, sorted */
  struct slice *values; /* one per distinct run */
  size_t *ends; /* where each value ends in `packed` */
  size_t *points; /* of each value; 0 when the run was refused */
  size_t run_count;
};

enum err_code
metric_run_refused (struct err *err, const struct uuid *run_id, bool deleted)
{
  char text[UUID_TEXT_BYTES];

  uuid_format (text, run_id);
  if (deleted)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "The run %s must be in the 'active' state. Current state is deleted.", text);
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "Run with id=%s not found", text);
}

static int
compare_ids (const void *a, const void *b)
{
  return memcmp (a, b, sizeof (struct uuid));
}

static void
refuse (void *context, const struct uuid *run_id, bool deleted)
{
  struct group *group = context;
  const struct uuid *found =
      bsearch (run_id, group->run_ids, group->run_count, sizeof (group->run_ids[0]), compare_ids);

  if (NULL != found)
    group->points[found - group->run_ids] = 0;
  for (size_t i = 0; i < group->count; i++)
  {
    const struct metric_write *write = group->items[i]->payload;

    if (0 == memcmp (&write->run_id, run_id, sizeof (*run_id)))
      (void)metric_run_refused (group->items[i]->err, run_id, deleted);
  }
}

static void
pack_into (struct pack_writer *writer, const struct metric_write *write)
{
  for (size_t i = 0; i < write->count; i++)
    pack_point (writer, &write->entries[i].point, write->entries[i].context);
}

bool
metric_write_pack (struct buffer *out, const struct metric_write *write)
{
  struct pack_writer writer;

  pack_start (&writer, out);
  pack_into (&writer, write);
  pack_finish (&writer);
  return ! out->failed;
}

static int
compare_runs (const void *a, const void *b)
{
  const struct metric_write *const *left = a;
  const struct metric_write *const *right = b;

  return memcmp (&(*left)->run_id, &(*right)->run_id, sizeof (struct uuid));
}

static enum err_code
collect (struct group *group, struct err *err)
{
  struct commit_item *const *items = group->items;
  size_t count = group->count;
  size_t at = 0;

  for (size_t i = 0; i < count; i++)
    group->entry_count += ((const struct metric_write *)items[i]->payload)->count;
  group->writes = arena_array (group->arena, count, sizeof (group->writes[0]));
  group->entries = arena_array (group->arena, group->entry_count, sizeof (group->entries[0]));
  group->run_ids = arena_array (group->arena, count, sizeof (group->run_ids[0]));
  group->values = arena_array (group->arena, count, sizeof (group->values[0]));
  group->ends = arena_array (group->arena, count, sizeof (group->ends[0]));
  group->points = arena_array (group->arena, count, sizeof (group->points[0]));
  if (arena_overflowed (group->arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < count; i++)
  {
    const struct metric_write *write = items[i]->payload;

    group->writes[i] = write;
    for (size_t j = 0; j < write->count; j++)
      group->entries[at++] = &write->entries[j];
  }
  qsort (group->writes, count, sizeof (group->writes[0]), compare_runs);
  return ERR_OK;
}

/* Requests of the same run share one row. */
static enum err_code
pack_group (struct group *group, struct err *err)
{
  struct pack_writer writer;
  size_t start = 0;

  for (size_t i = 0; i < group->count; i++)
  {
    if (0 == i || 0 != compare_runs (&group->writes[i - 1], &group->writes[i]))
    {
      group->run_ids[group->run_count++] = group->writes[i]->run_id;
      pack_start (&writer, &group->packed);
    }
    pack_into (&writer, group->writes[i]);
    if (i + 1 == group->count || 0 != compare_runs (&group->writes[i], &group->writes[i + 1]))
      pack_finish (&writer);
    group->ends[group->run_count - 1] = group->packed.len;
    group->points[group->run_count - 1] += group->writes[i]->count;
  }
  if (group->packed.failed)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  /* Only now, when the buffer does not move any more. */
  for (size_t i = 0; i < group->run_count; i++)
  {
    group->values[i] = (struct slice){ group->packed.data + start, group->ends[i] - start };
    start = group->ends[i];
  }
  return ERR_OK;
}

enum err_code
metric_flush (struct store_connection *connection, struct commit_item *const *items, size_t count, void *context,
              struct err *err)
{
  const struct metric_sink *sink = context;
  struct group group = { .arena = arena_new (GROUP_ARENA_BYTES), .items = items, .count = count };
  enum err_code code;

  buffer_init (&group.packed, GROUP_PACKED_BYTES);
  if (NULL == group.arena)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = collect (&group, err);
  if (ERR_OK == code)
    code = metric_keys_resolve (sink->keys, connection, group.entries, group.entry_count, group.arena, err);
  if (ERR_OK == code)
    code = pack_group (&group, err);
  if (ERR_OK == code)
    code = store_metric_append (connection, group.run_ids, group.values, group.run_count, refuse, &group, group.arena,
                                err);
  if (ERR_OK == code)
    stats_add (&stats.metric_points, (int64_t)group.entry_count);
  for (size_t i = 0; ERR_OK == code && i < group.run_count; i++)
    if (group.points[i] > 0)
      folder_note (sink->folder, &group.run_ids[i], 1, group.points[i]);
  buffer_free (&group.packed);
  arena_free (group.arena);
  return code;
}
