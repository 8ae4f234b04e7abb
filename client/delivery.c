/* Delivery: takes records of a stream and sends them, until each is acknowledged or refused.

   DESIGN: records are looked at through a window, as many as the spool has, up to a limit. Inside of it the points,
   params and tags of one run are gathered into a batch although those of other runs lie between, so that ranks and
   threads that log at once do not make small requests; the order of each run is kept, because a record of another kind
   ends its batch. The window is acknowledged as a whole: what is sent twice after a crash changes nothing on the
   server. While one batch is under way the next one is encoded. Runs that are not there yet: see delivery_held.c. */
#include "delivery_parts.h"

#include <stdlib.h>
#include <string.h>

/* Records of a window, and how many entries and bytes end it: enough for 16 batches; some MiB of memory. */
#define WINDOW_RECORDS 4096
#define WINDOW_ENTRIES 16384
#define WINDOW_TEXT_BYTES (4u << 20)

/* Longest body and path of a request that is no batch: a data set's description may have 17 MB (MLflow's limits). */
#define BODY_MAX_BYTES (32u << 20)

enum tally_code
delivery_new (struct delivery **delivery, const struct delivery_settings *settings, struct tally_error *err)
{
  struct delivery *made = calloc (1, sizeof (*made));
  enum tally_code code;

  *delivery = NULL;
  if (NULL == made)
    return error_memory (err);
  made->settings = *settings;
  made->retry_after_ms = -1;
  buffer_init (&made->params, BODY_MAX_BYTES);
  buffer_init (&made->tags, BODY_MAX_BYTES);
  buffer_init (&made->prefix, BODY_MAX_BYTES);
  buffer_init (&made->body, BODY_MAX_BYTES);
  buffer_init (&made->path, BODY_MAX_BYTES);
  made->window = calloc (WINDOW_RECORDS, sizeof (*made->window));
  made->items = made->window;
  code = NULL == made->window ? error_memory (err) : batch_new (&made->current, err);
  if (TALLY_OK == code)
    code = batch_new (&made->ahead, err);
  if (TALLY_OK == code)
    *delivery = made;
  else
    delivery_free (made);
  return code;
}

void
delivery_free (struct delivery *delivery)
{
  if (NULL == delivery)
    return;
  delivery_forget_experiments (delivery);
  batch_free (delivery->current);
  batch_free (delivery->ahead);
  buffer_free (&delivery->params);
  buffer_free (&delivery->tags);
  buffer_free (&delivery->prefix);
  buffer_free (&delivery->body);
  buffer_free (&delivery->path);
  delivery_free_held (delivery);
  free (delivery->window);
  free (delivery);
}

int64_t
delivery_retry_after_ms (const struct delivery *delivery)
{
  return delivery->retry_after_ms;
}

uint64_t
delivery_sent (const struct delivery *delivery)
{
  return delivery->sent;
}

void
delivery_reject (struct delivery *delivery, const struct record *record, const struct tally_error *why)
{
  struct tally_error ignored;

  /* When the disk does not take it either, the event and the counter are what is left. */
  spool_reject (delivery->settings.spool, record, why, &ignored);
  if (NULL != delivery->settings.rejected)
    delivery->settings.rejected (delivery->settings.payload, record, why);
}

/* --- the window --- */

size_t
delivery_text_bytes (const struct record *record)
{
  return RECORD_DATASET == record->kind                               ? record->dataset.json.len
         : RECORD_PARAM == record->kind || RECORD_TAG == record->kind ? record->pair.value.len
                                                                      : 0;
}

/* Take what the spool has. */
static enum tally_code
fill (struct delivery *delivery, struct tally_error *err)
{
  struct spool *spool = delivery->settings.spool;
  uint64_t last = spool_last (spool);
  const struct record *record = NULL;
  size_t entries = 0;
  size_t bytes = 0;
  enum tally_code code = TALLY_OK;

  delivery->count = 0;
  delivery->next = 0;
  if (delivery_held_full (delivery))
    return TALLY_OK;
  while (delivery->count < WINDOW_RECORDS && entries < WINDOW_ENTRIES && bytes < WINDOW_TEXT_BYTES)
  {
    code = spool_next (&record, spool, err);
    if (TALLY_OK != code || NULL == record)
      break;
    entries += record_entries (record);
    bytes += delivery_text_bytes (record);
    delivery->items[delivery->count++] = (struct item){ .record = *record };
  }
  if (delivery->count > 0)
  {
    delivery->read = delivery->items[delivery->count - 1].record.entry;
    return TALLY_OK;
  }
  /* What was appended before and does not come is damaged. */
  if (TALLY_OK == code && NULL == delivery->held && spool_acked (spool) < last)
    code = spool_ack (spool, last, err);
  return code;
}

static void
pass_taken (struct delivery *delivery)
{
  while (delivery->next < delivery->count
         && delivery->items[delivery->next].taken == record_entries (&delivery->items[delivery->next].record))
    delivery->next++;
}

/* --- sending --- */

/* Gather and encode the next batch, while the server works on the current one. */
void
delivery_meanwhile (void *payload)
{
  struct delivery *delivery = payload;
  const struct record *record;

  pass_taken (delivery);
  if (delivery->next >= delivery->count || delivery->ahead->range_count > 0)
    return;
  record = &delivery->items[delivery->next].record;
  if (! batch_takes (record->kind) || delivery_is_held (delivery, &record->run)
      || RUN_KNOWN != run_table_get (delivery->ahead->id, delivery->settings.runs, &record->run, NULL))
    return;
  batch_gather (delivery->ahead, delivery, delivery->next);
  /* When memory is out it is encoded again later. */
  batch_encode (delivery->ahead, delivery, NULL);
}

static const struct sending
{
  enum tally_code (*send) (struct delivery *delivery, const struct record *record, struct tally_error *err);
} sendings[] = {
  [RECORD_RUN] = { delivery_create_run },
  [RECORD_RESUME] = { delivery_resume_run },
  [RECORD_END] = { delivery_finish_run },
  [RECORD_DATASET] = { delivery_dataset },
};

enum tally_code
delivery_send_single (struct delivery *delivery, struct item *item, struct tally_error *err)
{
  enum tally_code code = sendings[item->record.kind].send (delivery, &item->record, err);

  if (TALLY_OK == code)
    delivery->sent++;
  else if (TALLY_ERROR_MEMORY != code
           && RUN_REFUSED == run_table_get (NULL, delivery->settings.runs, &item->record.run, NULL))
    delivery_reject (delivery, &item->record, err);
  else if (delivery_refused (err) && ! err->retryable)
    delivery_reject (delivery, &item->record, err);
  else
    return code;
  item->taken = 1;
  return TALLY_OK;
}

/* Points of a run that was refused. */
static void
reject_item (struct delivery *delivery, struct item *item, const struct tally_error *why)
{
  struct record record = item->record;

  for (; item->taken < record_entries (&item->record); item->taken++)
  {
    if (RECORD_POINTS == record.kind)
    {
      record.points.items = item->record.points.items + item->taken;
      record.points.count = 1;
      record.entry = item->record.entry - (item->record.points.count - 1 - item->taken);
    }
    delivery_reject (delivery, &record, why);
  }
}

/* Begin a batch with the next record. */
static enum tally_code
send_batch (struct delivery *delivery, struct tally_error *err)
{
  struct item *item = &delivery->items[delivery->next];
  struct tally_error why;
  enum tally_code code;

  code = delivery_run_id (delivery->current->id, delivery, &item->record.run, &why);
  if (RUN_REFUSED == run_table_get (NULL, delivery->settings.runs, &item->record.run, &why))
  {
    reject_item (delivery, item, &why);
    return TALLY_OK;
  }
  if (TALLY_OK != code)
  {
    *err = why;
    return code;
  }
  batch_gather (delivery->current, delivery, delivery->next);
  return batch_send (delivery->current, delivery, err);
}

/* The next record, or the batch that begins with it. One of a run that is not there yet is left behind. */
static enum tally_code
send_item (struct delivery *delivery, struct item *item, struct tally_error *err)
{
  struct tally_error why;
  enum tally_code code;

  if (delivery_is_held (delivery, &item->record.run))
    return delivery_hold (delivery, &item->record.run, NULL) ? TALLY_OK : error_memory (err);
  code = batch_takes (item->record.kind) ? send_batch (delivery, &why) : delivery_send_single (delivery, item, &why);
  if (delivery_not_there (code, &why) && delivery_hold (delivery, &item->record.run, &why))
    return TALLY_OK;
  if (TALLY_OK != code)
    *err = why;
  return code;
}

/* The next request of the window, which is not empty. */
static enum tally_code
send_next (struct delivery *delivery, struct tally_error *err)
{
  if (0 == delivery->current->range_count && delivery->ahead->range_count > 0)
  {
    struct batch *ahead = delivery->ahead;

    delivery->ahead = delivery->current;
    delivery->current = ahead;
  }
  if (delivery->current->range_count > 0)
    return batch_send (delivery->current, delivery, err);
  pass_taken (delivery);
  if (delivery->next >= delivery->count)
    return TALLY_OK;
  return send_item (delivery, &delivery->items[delivery->next], err);
}

/* Something to send into the window, which is empty. */
static enum tally_code
refill (bool *more, struct delivery *delivery, struct tally_error *err)
{
  enum tally_code code = delivery_try_held (delivery, err);
  bool again = TALLY_OK == code && 0 == delivery->count;

  while (again)
  {
    code = fill (delivery, err);
    again = delivery->count > 0;
    if (TALLY_OK == code)
      code = delivery_leave_held (delivery, err);
    again = again && TALLY_OK == code && 0 == delivery->count;
  }
  if (TALLY_OK == code && 0 == delivery->count && NULL != delivery->held)
    code = delivery_held_error (delivery, err);
  *more = TALLY_OK != code || delivery->count > 0;
  return code;
}

enum tally_code
delivery_step (bool *more, struct delivery *delivery, struct tally_error *err)
{
  struct tally_error why;
  enum tally_code code = TALLY_OK;

  *more = true;
  delivery->retry_after_ms = -1;
  if (0 == delivery->count)
    code = refill (more, delivery, &why);
  if (TALLY_OK == code && delivery->count > 0)
    code = send_next (delivery, &why);
  pass_taken (delivery);
  if (TALLY_OK == code && delivery->count > 0 && delivery->next == delivery->count
      && 0 == delivery->current->range_count && 0 == delivery->ahead->range_count)
    delivery_pass (delivery);
  if (TALLY_OK != code && NULL != err)
    *err = why;
  return code;
}
