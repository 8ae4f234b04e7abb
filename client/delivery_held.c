/* Runs that nobody knows yet: their records wait beside the window, so that those of other runs go on.

   DESIGN: when the server has no such run, all records of it leave the window for a list of their own, and so do those
   that come later. From time to time the first of them is tried. When the run is there, or is given up, its list is the
   next window: its records keep their order, and nothing of it overtakes them. Meanwhile the spool is told that all up
   to the last window is done except these runs (spool_pass): what the others have had is not sent again after a
   restart, and what waits stays in the spool. When too much waits nothing more is read, and all wait. */
#include "delivery_parts.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

/* Longest time between two tries of a run. */
#define TRY_PAUSE_MAX_MS 1000

/* Most memory of records that wait, about: as much as eight windows of text. */
#define HELD_MAX_BYTES ((size_t)32 << 20)

/* What a record costs in the spool's memory at least: the first block of its arena. */
#define RECORD_MIN_BYTES ((size_t)4096)

#define FIRST_ROOM 16

struct held_run
{
  struct held_run *next;
  struct run_key run;
  struct item *items; /* owned */
  size_t count;
  size_t room;
  size_t bytes; /* of all items, about */
  int64_t due_ms; /* of CLOCK_MONOTONIC: the next try */
  unsigned attempt;
  struct tally_error why;
};

static size_t
bytes_of (const struct record *record)
{
  size_t points = RECORD_POINTS == record->kind ? record->points.count : 0;

  return RECORD_MIN_BYTES + points * sizeof (struct record_point) + delivery_text_bytes (record);
}

static bool
is_of (const struct item *item, const struct run_key *run)
{
  return run_key_equal (&item->record.run, run) && item->taken < record_entries (&item->record);
}

static struct held_run *
find (const struct delivery *delivery, const struct run_key *run)
{
  struct held_run *held = delivery->held;

  while (NULL != held && ! run_key_equal (&held->run, run))
    held = held->next;
  return held;
}

bool
delivery_is_held (const struct delivery *delivery, const struct run_key *run)
{
  return NULL != find (delivery, run);
}

bool
delivery_held_full (const struct delivery *delivery)
{
  return delivery->held_bytes >= HELD_MAX_BYTES;
}

bool
delivery_not_there (enum tally_code code, const struct tally_error *why)
{
  return TALLY_ERROR_NOT_FOUND == code && why->retryable;
}

static void
note_try (struct held_run *held, const struct tally_error *why)
{
  held->why = *why;
  held->due_ms = clock_monotonic_ms () + transport_pause_ms (++held->attempt, TRY_PAUSE_MAX_MS, -1);
}

/* The list of a run, begun when there is none. NULL: no memory, or too many runs. */
static struct held_run *
obtain (struct delivery *delivery, const struct run_key *run)
{
  struct held_run *held = find (delivery, run);

  if (NULL != held || SPOOL_MAX_LEFT == delivery->held_count)
    return held;
  held = calloc (1, sizeof (*held));
  if (NULL == held)
    return NULL;
  held->run = *run;
  held->next = delivery->held;
  delivery->held = held;
  delivery->held_count++;
  return held;
}

static bool
make_room (struct held_run *held, size_t more)
{
  size_t room = 0 == held->room ? FIRST_ROOM : held->room;
  struct item *items;

  while (room - held->count < more)
    room *= 2;
  if (room == held->room)
    return true;
  items = realloc (held->items, room * sizeof (*items));
  if (NULL == items)
    return false;
  held->items = items;
  held->room = room;
  return true;
}

static void
remove_run (struct delivery *delivery, struct held_run *held)
{
  struct held_run **link = &delivery->held;

  while (*link != held)
    link = &(*link)->next;
  *link = held->next;
  delivery->held_count--;
  delivery->held_bytes -= held->bytes;
  free (held->items);
  free (held);
}

bool
delivery_hold (struct delivery *delivery, const struct run_key *run, const struct tally_error *why)
{
  struct held_run *held = obtain (delivery, run);
  size_t more = 0;

  if (NULL == held)
    return false;
  for (size_t i = delivery->next; i < delivery->count; i++)
    more += is_of (&delivery->items[i], run) ? 1 : 0;
  if (! make_room (held, more))
  {
    if (0 == held->count)
      remove_run (delivery, held);
    return false;
  }
  if (NULL != why)
    note_try (held, why);
  for (size_t i = delivery->next; i < delivery->count; i++)
  {
    struct item *item = &delivery->items[i];

    if (! is_of (item, run))
      continue;
    held->items[held->count++] = *item;
    held->bytes += bytes_of (&item->record);
    delivery->held_bytes += bytes_of (&item->record);
    item->taken = record_entries (&item->record);
  }
  return true;
}

enum tally_code
delivery_leave_held (struct delivery *delivery, struct tally_error *err)
{
  bool all = true;

  if (NULL == delivery->held)
    return TALLY_OK;
  for (size_t i = 0; i < delivery->count; i++)
  {
    const struct item *item = &delivery->items[i];

    if (item->taken < record_entries (&item->record) && delivery_is_held (delivery, &item->record.run)
        && ! delivery_hold (delivery, &item->record.run, NULL))
      return error_memory (err);
    all = all && item->taken == record_entries (&item->record);
  }
  if (all)
    delivery->count = 0;
  return TALLY_OK;
}

/* Let the records of a run be the window, which is empty. */
static void
release (struct delivery *delivery, struct held_run *held)
{
  delivery->released = held->items;
  delivery->items = held->items;
  delivery->count = held->count;
  delivery->next = 0;
  held->items = NULL;
  remove_run (delivery, held);
}

/* Try the first record of a run. */
static enum tally_code
try_run (struct delivery *delivery, struct held_run *held, struct tally_error *err)
{
  char id[TALLY_RUN_ID_BYTES];
  struct item *first = &held->items[0];
  struct tally_error why;
  enum tally_code code;

  if (! batch_takes (first->record.kind))
    code = delivery_send_single (delivery, first, &why);
  else
  {
    code = delivery_run_id (id, delivery, &held->run, &why);
    /* Refused for good: sending it tells so of each record. */
    if (RUN_REFUSED == run_table_get (NULL, delivery->settings.runs, &held->run, NULL))
      code = TALLY_OK;
  }
  if (delivery_not_there (code, &why))
    note_try (held, &why);
  else if (TALLY_OK != code)
  {
    *err = why;
    return code;
  }
  else
    release (delivery, held);
  return TALLY_OK;
}

enum tally_code
delivery_try_held (struct delivery *delivery, struct tally_error *err)
{
  int64_t now_ms = clock_monotonic_ms ();
  enum tally_code code = TALLY_OK;

  for (struct held_run *held = delivery->held, *next; NULL != held && 0 == delivery->count && TALLY_OK == code;
       held = next)
  {
    next = held->next;
    if (held->due_ms <= now_ms)
      code = try_run (delivery, held, err);
  }
  return code;
}

enum tally_code
delivery_held_error (const struct delivery *delivery, struct tally_error *err)
{
  *err = delivery->held->why;
  return err->code;
}

void
delivery_pass (struct delivery *delivery)
{
  struct run_key left[SPOOL_MAX_LEFT];
  size_t count = 0;
  struct tally_error ignored;

  for (const struct held_run *held = delivery->held; NULL != held; held = held->next)
    left[count++] = held->run;
  spool_pass (delivery->settings.spool, delivery->read, left, count, &ignored);
  free (delivery->released);
  delivery->released = NULL;
  delivery->items = delivery->window;
  delivery->count = 0;
  delivery->next = 0;
}

void
delivery_free_held (struct delivery *delivery)
{
  while (NULL != delivery->held)
    remove_run (delivery, delivery->held);
  free (delivery->released);
  delivery->released = NULL;
}
