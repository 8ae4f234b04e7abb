/* Access control of one daemon: start, stop, and the thread that looks for changes and writes what waits. */
#include "access/access_private.h"

#include "access/backoff.h"
#include "access/password.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/stats.h"

#include <stdlib.h>

/* How often access_version is read, and how long what it said counts: a right that is gone is gone after FRESH_US on
   every daemon. */
#define WATCH_US ((uint64_t)250 * 1000)
#define FRESH_US ((uint64_t)1000 * 1000)
/* How often the last use of tokens is written. */
#define USES_US ((uint64_t)60 * 1000000)
#define USES_MAX 1024
/* A round of the watcher: less than FRESH_US, so that one slow round is not waited for. */
#define ROUND_US ((uint64_t)900 * 1000)
/* Where nobody waits for the next round, and for the last one: time to connect to a database that is busy. */
#define PATIENT_ROUND_US ((uint64_t)5 * 1000 * 1000)
/* Texts of one round. */
#define ROUND_ARENA_BYTES ((size_t)16 * 1024 * 1024)

bool
access_is_on (const struct access *access)
{
  return access->is_on;
}

bool
access_has_workspaces (const struct access *access)
{
  return access->has_workspaces;
}

uint64_t
access_version (struct access *access)
{
  return atomic_load (&access->stamp);
}

void
access_changed (struct access *access)
{
  atomic_fetch_add (&access->stamp, 1);
}

bool
access_is_fresh (const struct access *access)
{
  return clock_monotonic_us () < atomic_load_explicit (&access->fresh_until_us, memory_order_relaxed);
}

/* --- refusals ------------------------------------------------------------------------------------------------------
 */

static void
free_texts (struct store_audit *entry)
{
  free ((void *)(uintptr_t)entry->actor.data);
  free ((void *)(uintptr_t)entry->address.data);
  free ((void *)(uintptr_t)entry->action.data);
  free ((void *)(uintptr_t)entry->object.data);
  free ((void *)(uintptr_t)entry->detail.data);
}

static bool
own_text (struct slice *text)
{
  char *copy = malloc (text->len + 1);

  if (NULL != copy && text->len > 0)
    memcpy (copy, text->data, text->len);
  text->data = copy;
  return NULL != copy;
}

static bool
same_refusal (const struct store_audit *a, const struct store_audit *b)
{
  return a->account_id == b->account_id && a->token_id == b->token_id && slice_equal (a->actor, b->actor)
         && slice_equal (a->address, b->address) && slice_equal (a->action, b->action)
         && slice_equal (a->object, b->object) && slice_equal (a->detail, b->detail);
}

void
access_note_refusal (struct access *access, const struct store_audit *entry)
{
  struct store_audit *place = NULL;

  lock_acquire (&access->lock);
  for (size_t i = 0; i < access->refusal_count && NULL == place; i++)
    if (same_refusal (&access->refusals[i], entry))
      place = &access->refusals[i];
  if (NULL != place)
    place->times++;
  else if (access->refusal_count < ACCESS_REFUSALS_MAX)
  {
    bool whole = true;

    place = &access->refusals[access->refusal_count];
    *place = *entry;
    place->at_ms = clock_wall_ms ();
    place->times = 1;
    place->refused = true;
    for (struct slice *text[] = { &place->actor, &place->address, &place->action, &place->object, &place->detail },
                      **at = text;
         at < text + sizeof (text) / sizeof (text[0]); at++)
    {
      if (NULL == (*at)->data)
        **at = at == text + 4 ? SLICE ("{}") : SLICE ("");
      whole = own_text (*at) && whole;
    }
    if (whole)
    {
      access->refusal_count++;
      if (! access->remembers)
        condition_broadcast (&access->changed);
    }
    else
    {
      free_texts (place);
      stats_add (&stats.audit_dropped, 1);
    }
  }
  else
    stats_add (&stats.audit_dropped, 1);
  lock_release (&access->lock);
}

/* Put refusals back before those that came meanwhile, of which the last are dropped when there is no room for all. */
static void
keep_refusals (struct access *access, const struct store_audit *taken, size_t count)
{
  size_t room = ACCESS_REFUSALS_MAX - count;

  lock_acquire (&access->lock);
  while (access->refusal_count > room)
  {
    free_texts (&access->refusals[--access->refusal_count]);
    stats_add (&stats.audit_dropped, 1);
  }
  memmove (access->refusals + count, access->refusals, access->refusal_count * sizeof (taken[0]));
  memcpy (access->refusals, taken, count * sizeof (taken[0]));
  access->refusal_count += count;
  lock_release (&access->lock);
}

/* Write the refusals that wait. Those that come meanwhile wait for the next round, and all of them while the database
   is away: unless this is the last round. */
static void
write_refusals (struct access *access, struct store_connection *connection, bool last, struct arena *arena)
{
  struct store_audit taken[ACCESS_REFUSALS_MAX];
  struct err err = { 0 };
  enum err_code code;
  bool kept;
  size_t count;

  lock_acquire (&access->lock);
  count = access->refusal_count;
  memcpy (taken, access->refusals, count * sizeof (taken[0]));
  access->refusal_count = 0;
  lock_release (&access->lock);
  if (0 == count)
    return;
  code = store_audit_write (connection, taken, count, arena, &err);
  kept = ERR_TEMPORARILY_UNAVAILABLE == code && ! last;
  /* The log has had a line of each; of an outage one tells. */
  if (ERR_OK != code && ! (kept && access->audit_waits))
    log_line (EVENT_audit_failed, LOG_NUMBER ("entries", count), LOG_TEXT ("kept", kept ? "true" : "false"),
              LOG_TEXT ("message", err.message), LOG_TEXT ("cause", err.cause));
  access->audit_waits = kept;
  if (kept)
  {
    keep_refusals (access, taken, count);
    return;
  }
  if (ERR_OK != code)
    stats_add (&stats.audit_dropped, (int64_t)count);
  for (size_t i = 0; i < count; i++)
    free_texts (&taken[i]);
}

static void
write_uses (struct access *access, struct store_connection *connection, struct arena *arena)
{
  int64_t *token_ids = arena_array (arena, USES_MAX, sizeof (int64_t));
  int64_t *used_at_ms = arena_array (arena, USES_MAX, sizeof (int64_t));
  struct err err = { 0 };
  size_t count;

  if (NULL == token_ids || NULL == used_at_ms)
    return;
  count = memory_take_uses (token_ids, used_at_ms, USES_MAX, &access->memory);
  /* What fails is only late: it is noted at the next use. */
  if (count > 0)
    (void)store_access_used (connection, token_ids, used_at_ms, count, arena, &err);
}

/* --- the watcher ---------------------------------------------------------------------------------------------------
 */

static void
watch (struct access *access, struct store_connection *connection, uint64_t *seen)
{
  uint64_t start_us = clock_monotonic_us ();
  uint64_t version = 0;
  struct err err = { 0 };

  if (ERR_OK != store_access_version (&version, connection, &err))
    return;
  if (version != *seen)
    access_changed (access);
  *seen = version;
  /* After the stamp: nobody may use what is old because the version was just read. */
  atomic_store (&access->fresh_until_us, start_us + FRESH_US);
}

/* Where there is nothing to watch a round begins with a refusal. */
static bool
wait_for_round (struct access *access)
{
  uint64_t next_us;
  bool stopping;

  lock_acquire (&access->lock);
  while (! access->remembers && ! access->stopping && 0 == access->refusal_count)
    condition_wait (&access->changed, &access->lock);
  next_us = clock_monotonic_us () + WATCH_US;
  while (! access->stopping && condition_wait_until (&access->changed, &access->lock, next_us))
    ;
  stopping = access->stopping;
  lock_release (&access->lock);
  return ! stopping;
}

static void *
run (void *context)
{
  struct access *access = context;
  struct store_connection *connection = store_connection_new (access->store);
  struct arena *arena = arena_new (ROUND_ARENA_BYTES);
  uint64_t seen = 0;
  uint64_t uses_us = clock_monotonic_us () + USES_US;
  bool going = true;

  if (NULL == connection || NULL == arena)
    abort (); /* only at start-up */
  while (going)
  {
    struct arena_mark mark = arena_mark (arena);

    store_start_request (connection, clock_monotonic_us () + ROUND_US);
    if (access->remembers)
      watch (access, connection, &seen);
    (void)store_end_request (connection);
    going = wait_for_round (access);
    store_start_request (connection,
                         clock_monotonic_us () + (access->remembers && going ? ROUND_US : PATIENT_ROUND_US));
    write_refusals (access, connection, ! going, arena);
    if (access->remembers && (! going || clock_monotonic_us () >= uses_us))
    {
      write_uses (access, connection, arena);
      uses_us = clock_monotonic_us () + USES_US;
    }
    (void)store_end_request (connection);
    arena_rewind (arena, &mark);
  }
  arena_free (arena);
  store_connection_free (connection);
  return NULL;
}

/* --- start and stop ------------------------------------------------------------------------------------------------
 */

/* There is somebody who may do everything. */
static enum err_code
bootstrap (struct access *access, struct err *err)
{
  struct store_connection *connection = store_connection_new (access->store);
  enum err_code code;

  if (NULL == connection)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  store_start_request (connection, clock_monotonic_us () + (uint64_t)access->config->work_timeout_ms * 1000);
  code = password_bootstrap (connection, access->config, err);
  (void)store_end_request (connection);
  store_connection_free (connection);
  return code;
}

enum err_code
access_start (struct access **out, struct store *store, const struct config *config, struct err *err)
{
  struct access *access = calloc (1, sizeof (*access));
  enum access_level level;

  *out = access;
  if (NULL == access)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  access->store = store;
  access->config = config;
  access->is_on = config->auth;
  access->has_workspaces = config->workspaces;
  atomic_store (&access->stamp, 1);
  lock_init (&access->lock);
  condition_init (&access->changed);
  if (! access_level_parse (&level, slice_of (config->default_permission)))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "default-permission '%s' must be NO_PERMISSIONS, READ, USE, EDIT or MANAGE",
                    config->default_permission);
  access->fallback = (int16_t)level;
  access->remembers = access->is_on || access->has_workspaces;
  /* Otherwise no memory is taken for it. */
  if (access->remembers)
    access->backoff = backoff_new ();
  if (access->remembers && (! memory_init (&access->memory) || NULL == access->backoff))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (access->is_on && ERR_OK != provider_new (&access->provider, config, err))
    return err->code;
  if (access->is_on && ERR_OK != bootstrap (access, err))
    return err->code;
  access->watching = 0 == pthread_create (&access->watcher, NULL, run, access);
  return access->watching ? ERR_OK : err_set (err, ERR_INTERNAL_ERROR, "threads cannot be started");
}

void
access_stop (struct access *access)
{
  if (NULL == access)
    return;
  if (access->watching)
  {
    lock_acquire (&access->lock);
    access->stopping = true;
    condition_broadcast (&access->changed);
    lock_release (&access->lock);
    (void)pthread_join (access->watcher, NULL);
  }
  for (size_t i = 0; i < access->refusal_count; i++)
    free_texts (&access->refusals[i]);
  provider_free (access->provider);
  memory_free (&access->memory);
  backoff_free (access->backoff);
  condition_destroy (&access->changed);
  lock_destroy (&access->lock);
  free (access);
}

int16_t
access_fallback (const struct access *access)
{
  return access->fallback;
}

struct backoff *
access_backoff (struct access *access)
{
  return access->backoff;
}
