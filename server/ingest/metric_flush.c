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
  struct commit_item **kept; /* the items that have not failed, sorted by run */
  size_t kept_count;
  struct metric_entry **entries;
  size_t entry_count;
  struct uuid *run_ids; /* distinct, sorted */
  struct slice *values; /* one per distinct run */
  size_t *ends; /* where each value ends in `packed` */
  size_t *points; /* of each value; 0 when the run was refused */
  size_t run_count;
  struct metric_link *links; /* of runs with contexts */
  size_t link_count;
  size_t links_wanted; /* points with a model */
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

static bool
needs_link (const struct metric_entry *entry)
{
  return NULL != entry->context && slice_filled (entry->context->model_id);
}

/* Whether a point of a run needs another link than the last one that was made. */
static bool
is_other (const struct metric_link *last, const struct uuid *run_id, const struct metric_context *context)
{
  if (NULL == last || 0 != memcmp (&last->run_id, run_id, sizeof (*run_id)))
    return true;
  return last->context != context
         && ! (slice_equal (last->context->model_id, context->model_id)
               && slice_equal (last->context->dataset_name, context->dataset_name)
               && slice_equal (last->context->dataset_digest, context->dataset_digest));
}

size_t
metric_links_wanted (const struct metric_write *write)
{
  size_t wanted = 0;

  for (size_t i = 0; i < write->count; i++)
    wanted += needs_link (&write->entries[i]);
  return wanted;
}

void
metric_links_add (struct metric_link *links, size_t *count, const struct metric_write *write)
{
  for (size_t i = 0; i < write->count; i++)
  {
    const struct metric_context *context = write->entries[i].context;

    if (needs_link (&write->entries[i]) && is_other (*count > 0 ? &links[*count - 1] : NULL, &write->run_id, context))
      links[(*count)++] = (struct metric_link){ .run_id = write->run_id, .context = context };
  }
}

enum err_code
metric_links_check (const struct metric_link *links, size_t *at, const struct metric_write *write, struct err *err)
{
  enum err_code code = ERR_OK;

  for (size_t i = 0; i < write->count; i++)
  {
    const struct metric_context *context = write->entries[i].context;

    if (! needs_link (&write->entries[i]))
      continue;
    if (is_other (*at > 0 ? &links[*at - 1] : NULL, &write->run_id, context))
      (*at)++;
    if (links[*at - 1].refused && ERR_OK == code)
      code = metric_model_unknown (err, context->model_id);
  }
  return code;
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

static const struct metric_write *
write_of (const struct commit_item *item)
{
  return item->payload;
}

static int
compare_runs (const void *a, const void *b)
{
  const struct commit_item *const *left = a;
  const struct commit_item *const *right = b;

  return memcmp (&write_of (*left)->run_id, &write_of (*right)->run_id, sizeof (struct uuid));
}

static bool
make_arrays (struct group *group)
{
  size_t count = group->count;

  for (size_t i = 0; i < count; i++)
    group->entry_count += write_of (group->items[i])->count;
  group->kept = arena_array (group->arena, count, sizeof (group->kept[0]));
  group->entries = arena_array (group->arena, group->entry_count, sizeof (group->entries[0]));
  group->run_ids = arena_array (group->arena, count, sizeof (group->run_ids[0]));
  group->values = arena_array (group->arena, count, sizeof (group->values[0]));
  group->ends = arena_array (group->arena, count, sizeof (group->ends[0]));
  group->points = arena_array (group->arena, count, sizeof (group->points[0]));
  return ! arena_overflowed (group->arena);
}

/* The items that have not failed, and their entries. */
static void
collect (struct group *group)
{
  group->kept_count = 0;
  group->entry_count = 0;
  group->links_wanted = 0;
  for (size_t i = 0; i < group->count; i++)
  {
    const struct metric_write *write = write_of (group->items[i]);

    if (ERR_OK != group->items[i]->err->code)
      continue;
    group->kept[group->kept_count++] = group->items[i];
    for (size_t j = 0; j < write->count; j++)
    {
      group->entries[group->entry_count++] = &write->entries[j];
      group->links_wanted += needs_link (&write->entries[j]);
    }
  }
  qsort (group->kept, group->kept_count, sizeof (group->kept[0]), compare_runs);
}

/* Points of models are linked with their run, once for each context of it. Items that name a model which does not exist
   fail. */
static enum err_code
link_models (struct group *group, const struct metric_sink *sink, struct store_connection *connection, struct err *err)
{
  size_t at = 0;
  enum err_code code;

  if (0 == group->links_wanted)
    return ERR_OK;
  group->links = arena_array (group->arena, group->links_wanted, sizeof (group->links[0]));
  if (NULL == group->links)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < group->kept_count; i++)
    metric_links_add (group->links, &group->link_count, write_of (group->kept[i]));
  code = metric_contexts_resolve (sink->contexts, connection, group->links, group->link_count, group->arena, err);
  for (size_t i = 0; ERR_OK == code && i < group->kept_count; i++)
    (void)metric_links_check (group->links, &at, write_of (group->kept[i]), group->kept[i]->err);
  if (ERR_OK == code)
    collect (group);
  return code;
}

/* Requests of the same run share one row. */
static enum err_code
pack_group (struct group *group, struct err *err)
{
  struct pack_writer writer;
  size_t start = 0;

  for (size_t i = 0; i < group->kept_count; i++)
  {
    const struct metric_write *write = write_of (group->kept[i]);

    if (0 == i || 0 != compare_runs (&group->kept[i - 1], &group->kept[i]))
    {
      group->run_ids[group->run_count++] = write->run_id;
      pack_start (&writer, &group->packed);
    }
    pack_into (&writer, write);
    if (i + 1 == group->kept_count || 0 != compare_runs (&group->kept[i], &group->kept[i + 1]))
      pack_finish (&writer);
    group->ends[group->run_count - 1] = group->packed.len;
    group->points[group->run_count - 1] += write->count;
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

/* What of the links was written: those of runs that got their points. */
static void
remember_links (const struct group *group, struct metric_contexts *contexts)
{
  for (size_t i = 0; i < group->link_count; i++)
  {
    const struct metric_link *link = &group->links[i];
    const struct uuid *found = 0 == link->context_id ? NULL
                                                     : bsearch (&link->run_id, group->run_ids, group->run_count,
                                                                sizeof (group->run_ids[0]), compare_ids);

    if (NULL != found && group->points[found - group->run_ids] > 0)
      metric_contexts_remember (contexts, link);
  }
}

static enum err_code
write_group (struct group *group, struct store_connection *connection, struct err *err)
{
  struct store_context_links links = { NULL, NULL, 0 };
  enum err_code code = pack_group (group, err);

  if (ERR_OK == code && group->link_count > 0)
    links = metric_links_new (group->links, group->link_count, group->arena);
  if (ERR_OK == code && arena_overflowed (group->arena))
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (ERR_OK == code)
    code = store_metric_append (connection, group->run_ids, group->values, group->run_count, &links, refuse, group,
                                group->arena, err);
  return code;
}

enum err_code
metric_flush (struct store_connection *connection, struct commit_item *const *items, size_t count, void *context,
              struct err *err)
{
  const struct metric_sink *sink = context;
  struct group group = { .arena = arena_new (GROUP_ARENA_BYTES), .items = items, .count = count };
  enum err_code code = ERR_OK;

  buffer_init (&group.packed, GROUP_PACKED_BYTES);
  if (NULL == group.arena || ! make_arrays (&group))
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (ERR_OK == code)
  {
    collect (&group);
    code = link_models (&group, sink, connection, err);
  }
  if (ERR_OK == code && group.kept_count > 0)
    code = metric_keys_resolve (sink->keys, connection, group.entries, group.entry_count, group.arena, err);
  if (ERR_OK == code && group.kept_count > 0)
    code = write_group (&group, connection, err);
  if (ERR_OK == code)
    stats_add (&stats.metric_points, (int64_t)group.entry_count);
  for (size_t i = 0; ERR_OK == code && i < group.run_count; i++)
    if (group.points[i] > 0)
      folder_note (sink->folder, &group.run_ids[i], 1, group.points[i]);
  if (ERR_OK == code)
    remember_links (&group, sink->contexts);
  buffer_free (&group.packed);
  arena_free (group.arena);
  return code;
}
