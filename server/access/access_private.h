/* The inside of struct access; private to the room access. */
#ifndef ACCESS_ACCESS_PRIVATE_H
#define ACCESS_ACCESS_PRIVATE_H

#include "access/access.h"
#include "access/memory.h"
#include "access/provider.h"

#include <pthread.h>
#include <stdatomic.h>

/* Refusals that wait to be written; equal ones share a place. */
#define ACCESS_REFUSALS_MAX 256

struct access
{
  struct store *store;
  const struct config *config;
  bool is_on;
  bool has_workspaces;
  bool remembers; /* one of both: else nobody is told apart, and nothing is remembered */
  int16_t fallback; /* default-permission */
  struct provider *provider; /* of OpenID Connect; NULL: none, or authentication is off */

  /* Raised by every change that this daemon makes or sees; what was looked up before bears an older number. */
  _Atomic uint64_t stamp;
  _Atomic uint64_t fresh_until_us; /* of clock_monotonic_us: until then what is remembered may be used */
  struct memory memory;
  struct backoff *backoff; /* has a lock of its own */

  struct lock lock; /* guards the members below; a leaf */
  struct condition changed;
  bool stopping;
  struct store_audit refusals[ACCESS_REFUSALS_MAX]; /* texts are owned */
  size_t refusal_count;

  pthread_t watcher;
  bool watching;
  bool audit_waits; /* the watcher's: the last refusals could not be written */
};

/* Whether what is remembered may be used. */
bool access_is_fresh (const struct access *access);

/* Tokens that were used since this was last asked, at most `capacity`; gives their number. */
size_t memory_take_uses (int64_t *token_ids, int64_t *used_at_ms, size_t capacity, struct memory *memory);

#endif
