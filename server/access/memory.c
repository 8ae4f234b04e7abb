/* Tables of what is remembered. Untouched pages of them cost nothing. */
#include "access/memory.h"

#include "access/access_private.h"
#include "base/clock.h"
#include "base/hash.h"

#include <stdlib.h>

/* Bursts: ten seconds' worth of requests. */
#define BURST_S 10
#define MICRO 1000000
#define DAY_S 86400

bool
memory_init (struct memory *memory)
{
  *memory = (struct memory){ .turn = 0 };
  lock_init (&memory->lock);
  memory->credentials = calloc (MEMORY_CREDENTIALS, sizeof (*memory->credentials));
  memory->verified = calloc (MEMORY_VERIFIED, sizeof (*memory->verified));
  memory->runs = calloc (MEMORY_RUNS, sizeof (*memory->runs));
  memory->rights = calloc (MEMORY_RIGHTS, sizeof (*memory->rights));
  memory->workspaces = calloc (MEMORY_WORKSPACES, sizeof (*memory->workspaces));
  memory->quotas = calloc (MEMORY_QUOTAS, sizeof (*memory->quotas));
  return NULL != memory->credentials && NULL != memory->verified && NULL != memory->runs && NULL != memory->rights
         && NULL != memory->workspaces && NULL != memory->quotas;
}

void
memory_free (struct memory *memory)
{
  for (size_t i = 0; NULL != memory->credentials && i < MEMORY_CREDENTIALS; i++)
    free (memory->credentials[i].username);
  free (memory->credentials);
  free (memory->verified);
  free (memory->runs);
  free (memory->rights);
  free (memory->workspaces);
  free (memory->quotas);
  lock_destroy (&memory->lock);
}

/* The first of the places of a key. */
static size_t
first_place (uint64_t hash, size_t size)
{
  /* The low bits of FNV are its best mixed after this. */
  hash ^= hash >> 32;
  return (size_t)(hash & (size / MEMORY_WAYS - 1)) * MEMORY_WAYS;
}

static size_t
next_victim (struct memory *memory)
{
  return memory->turn++ % MEMORY_WAYS;
}

/* --- credentials ---------------------------------------------------------------------------------------------------
 */

static struct memory_credential *
find_credential (struct memory *memory, const struct digest *digest)
{
  size_t first = first_place (hash_bytes (HASH_START, digest->bytes, sizeof (digest->bytes)), MEMORY_CREDENTIALS);

  for (size_t i = first; i < first + MEMORY_WAYS; i++)
    if (0 != memory->credentials[i].stamp && digest_equal (&memory->credentials[i].digest, digest))
      return &memory->credentials[i];
  return NULL;
}

bool
access_recall (struct access_identity *identity, struct access *access, const struct digest *credential,
               struct arena *arena)
{
  struct memory *memory = &access->memory;
  int64_t now_ms = clock_wall_ms ();
  struct memory_credential *entry;
  bool found;

  if (! access_is_fresh (access))
    return false;
  lock_acquire (&memory->lock);
  entry = find_credential (memory, credential);
  found = NULL != entry && entry->stamp == access_version (access)
          && (0 == entry->identity.expires_at_ms || now_ms < entry->identity.expires_at_ms);
  if (found)
  {
    *identity = entry->identity;
    identity->username.data = arena_copy (arena, entry->username, entry->identity.username.len);
    entry->used_at_ms = now_ms;
    found = NULL != identity->username.data;
  }
  lock_release (&memory->lock);
  return found;
}

void
access_remember (struct access *access, const struct digest *credential, const struct access_identity *identity,
                 uint64_t version)
{
  struct memory *memory = &access->memory;
  char *username = malloc (identity->username.len + 1);
  struct memory_credential *entry;
  int64_t noted_at_ms = 0;

  if (NULL == username)
    return;
  memcpy (username, identity->username.data, identity->username.len);
  username[identity->username.len] = '\0';
  lock_acquire (&memory->lock);
  entry = find_credential (memory, credential);
  if (NULL != entry)
    noted_at_ms = entry->noted_at_ms;
  else
  {
    size_t first =
        first_place (hash_bytes (HASH_START, credential->bytes, sizeof (credential->bytes)), MEMORY_CREDENTIALS);

    entry = &memory->credentials[first + next_victim (memory)];
    for (size_t i = first; i < first + MEMORY_WAYS; i++)
      if (memory->credentials[i].stamp != access_version (access))
        entry = &memory->credentials[i];
  }
  free (entry->username);
  *entry = (struct memory_credential){ .digest = *credential,
                                       .stamp = version,
                                       .identity = *identity,
                                       .username = username,
                                       .used_at_ms = clock_wall_ms (),
                                       .noted_at_ms = noted_at_ms };
  entry->identity.username = (struct slice){ username, identity->username.len };
  lock_release (&memory->lock);
}

/* --- right passwords -----------------------------------------------------------------------------------------------
 */

static struct memory_verified *
find_verified (struct memory *memory, const struct digest *credential)
{
  size_t first = first_place (hash_bytes (HASH_START, credential->bytes, sizeof (credential->bytes)), MEMORY_VERIFIED);

  for (size_t i = first; i < first + MEMORY_WAYS; i++)
    if (digest_equal (&memory->verified[i].credential, credential))
      return &memory->verified[i];
  return NULL;
}

bool
access_has_verified (struct access *access, const struct digest *credential)
{
  struct memory *memory = &access->memory;
  bool found;

  lock_acquire (&memory->lock);
  found = NULL != find_verified (memory, credential);
  lock_release (&memory->lock);
  return found;
}

bool
access_is_verified (struct access *access, const struct digest *credential, struct slice stored)
{
  struct memory *memory = &access->memory;
  struct memory_verified *entry;
  struct digest digest;
  bool same;

  if (NULL == stored.data || ! digest_of (&digest, stored))
    return false;
  lock_acquire (&memory->lock);
  entry = find_verified (memory, credential);
  same = NULL != entry && digest_equal (&entry->stored, &digest);
  /* It was changed: the next try is checked in the login lane again. */
  if (NULL != entry && ! same)
    *entry = (struct memory_verified){ .credential = { { 0 } } };
  lock_release (&memory->lock);
  return same;
}

void
access_note_verified (struct access *access, const struct digest *credential, struct slice stored)
{
  struct memory *memory = &access->memory;
  struct memory_verified *entry;
  struct digest digest;

  if (! digest_of (&digest, stored))
    return;
  lock_acquire (&memory->lock);
  entry = find_verified (memory, credential);
  if (NULL == entry)
    entry = &memory->verified[first_place (hash_bytes (HASH_START, credential->bytes, sizeof (credential->bytes)),
                                           MEMORY_VERIFIED)
                              + next_victim (memory)];
  *entry = (struct memory_verified){ *credential, digest };
  lock_release (&memory->lock);
}

size_t
memory_take_uses (int64_t *token_ids, int64_t *used_at_ms, size_t capacity, struct memory *memory)
{
  size_t count = 0;

  lock_acquire (&memory->lock);
  for (size_t i = 0; i < MEMORY_CREDENTIALS && count < capacity; i++)
  {
    struct memory_credential *entry = &memory->credentials[i];

    if (0 == entry->stamp || 0 == entry->identity.token_id || entry->used_at_ms <= entry->noted_at_ms)
      continue;
    token_ids[count] = entry->identity.token_id;
    used_at_ms[count++] = entry->used_at_ms;
    entry->noted_at_ms = entry->used_at_ms;
  }
  lock_release (&memory->lock);
  return count;
}

/* --- runs ----------------------------------------------------------------------------------------------------------
 */

bool
access_recall_run (int64_t *experiment_id, struct access *access, const struct uuid *run_id)
{
  struct memory *memory = &access->memory;
  size_t first = first_place (hash_bytes (HASH_START, run_id, sizeof (*run_id)), MEMORY_RUNS);
  bool found = false;

  lock_acquire (&memory->lock);
  for (size_t i = first; i < first + MEMORY_WAYS && ! found; i++)
  {
    found = 0 != memory->runs[i].experiment && 0 == memcmp (&memory->runs[i].run_id, run_id, sizeof (*run_id));
    if (found)
      *experiment_id = memory->runs[i].experiment - 1;
  }
  lock_release (&memory->lock);
  return found;
}

void
access_remember_run (struct access *access, const struct uuid *run_id, int64_t experiment_id)
{
  struct memory *memory = &access->memory;
  size_t first = first_place (hash_bytes (HASH_START, run_id, sizeof (*run_id)), MEMORY_RUNS);
  struct memory_run *entry;

  lock_acquire (&memory->lock);
  entry = &memory->runs[first + next_victim (memory)];
  for (size_t i = first; i < first + MEMORY_WAYS; i++)
    if (0 == memory->runs[i].experiment || 0 == memcmp (&memory->runs[i].run_id, run_id, sizeof (*run_id)))
      entry = &memory->runs[i];
  *entry = (struct memory_run){ *run_id, experiment_id + 1 };
  lock_release (&memory->lock);
}

/* --- rights --------------------------------------------------------------------------------------------------------
 */

static size_t
rights_place (int64_t account_id, int64_t experiment_id)
{
  int64_t key[] = { account_id, experiment_id };

  return first_place (hash_bytes (HASH_START, key, sizeof (key)), MEMORY_RIGHTS);
}

bool
access_recall_rights (struct access_rights *rights, int64_t *workspace_id, struct access *access, int64_t account_id,
                      int64_t experiment_id)
{
  struct memory *memory = &access->memory;
  size_t first = rights_place (account_id, experiment_id);
  bool found = false;

  if (! access_is_fresh (access))
    return false;
  lock_acquire (&memory->lock);
  for (size_t i = first; i < first + MEMORY_WAYS && ! found; i++)
  {
    const struct memory_rights *entry = &memory->rights[i];

    found = entry->stamp == access_version (access) && entry->account_id == account_id
            && entry->experiment_id == experiment_id;
    if (found)
    {
      *rights = entry->rights;
      *workspace_id = entry->workspace_id;
    }
  }
  lock_release (&memory->lock);
  return found;
}

void
access_remember_rights (struct access *access, int64_t account_id, int64_t experiment_id, struct access_rights rights,
                        int64_t workspace_id, uint64_t version)
{
  struct memory *memory = &access->memory;
  size_t first = rights_place (account_id, experiment_id);
  struct memory_rights *entry;

  lock_acquire (&memory->lock);
  entry = &memory->rights[first + next_victim (memory)];
  for (size_t i = first; i < first + MEMORY_WAYS; i++)
    if (memory->rights[i].stamp != access_version (access)
        || (memory->rights[i].account_id == account_id && memory->rights[i].experiment_id == experiment_id))
      entry = &memory->rights[i];
  *entry = (struct memory_rights){ account_id, experiment_id, workspace_id, rights, version };
  lock_release (&memory->lock);
}

/* --- workspaces ----------------------------------------------------------------------------------------------------
 */

bool
access_recall_workspace (int64_t *workspace_id, struct access *access, struct slice name)
{
  struct memory *memory = &access->memory;
  size_t first = first_place (hash_bytes (HASH_START, name.data, name.len), MEMORY_WORKSPACES);
  bool found = false;

  if (! access_is_fresh (access))
    return false;
  lock_acquire (&memory->lock);
  for (size_t i = first; i < first + MEMORY_WAYS && ! found; i++)
  {
    found = memory->workspaces[i].stamp == access_version (access) && slice_is (name, memory->workspaces[i].name);
    if (found)
      *workspace_id = memory->workspaces[i].workspace_id;
  }
  lock_release (&memory->lock);
  return found;
}

void
access_remember_workspace (struct access *access, struct slice name, int64_t workspace_id, uint64_t version)
{
  struct memory *memory = &access->memory;
  size_t first = first_place (hash_bytes (HASH_START, name.data, name.len), MEMORY_WORKSPACES);
  struct memory_workspace *entry;

  if (name.len >= sizeof (entry->name))
    return;
  lock_acquire (&memory->lock);
  entry = &memory->workspaces[first + next_victim (memory)];
  *entry = (struct memory_workspace){ .workspace_id = workspace_id, .stamp = version };
  memcpy (entry->name, name.data, name.len);
  lock_release (&memory->lock);
}

/* --- quotas --------------------------------------------------------------------------------------------------------
 */

/* The account's place; made anew, with all of its quota, when there is none. */
static struct memory_quota *
quota_of (struct memory *memory, const struct access_identity *identity, uint64_t now_us)
{
  size_t first =
      first_place (hash_bytes (HASH_START, &identity->account_id, sizeof (identity->account_id)), MEMORY_QUOTAS);
  struct memory_quota *entry = NULL;

  for (size_t i = first; i < first + MEMORY_WAYS; i++)
  {
    if (memory->quotas[i].account_id == identity->account_id)
      return &memory->quotas[i];
    if (0 == memory->quotas[i].account_id)
      entry = &memory->quotas[i];
  }
  if (NULL == entry)
    entry = &memory->quotas[first + next_victim (memory)];
  *entry = (struct memory_quota){ .account_id = identity->account_id,
                                  .micro_requests = identity->requests_per_s * BURST_S * MICRO,
                                  .filled_us = now_us };
  return entry;
}

bool
access_take_quota (unsigned *retry_after_s, struct access *access, const struct access_identity *identity,
                   int64_t bytes)
{
  struct memory *memory = &access->memory;
  uint64_t now_us;
  int64_t now_s;
  int64_t most = identity->requests_per_s * BURST_S * MICRO;
  struct memory_quota *quota;
  bool allowed = true;

  *retry_after_s = 0;
  if (0 == identity->account_id || (0 == identity->requests_per_s && 0 == identity->bytes_per_day))
    return true;
  lock_acquire (&memory->lock);
  /* Behind the lock: who waited for it may not come with a time before the last one's. */
  now_us = clock_monotonic_us ();
  now_s = clock_wall_ms () / 1000;
  quota = quota_of (memory, identity, now_us);
  if (identity->requests_per_s > 0)
  {
    uint64_t passed_us = now_us - quota->filled_us;

    /* Longer than it takes to fill. */
    if (passed_us > (uint64_t)BURST_S * MICRO)
      quota->micro_requests = most;
    else
      quota->micro_requests += (int64_t)passed_us * identity->requests_per_s;
    if (quota->micro_requests > most)
      quota->micro_requests = most;
    quota->filled_us = now_us;
    allowed = quota->micro_requests >= MICRO;
    if (! allowed)
      *retry_after_s = 1;
  }
  if (allowed && identity->bytes_per_day > 0 && 0 != bytes)
  {
    if (quota->day != now_s / DAY_S)
    {
      quota->day = now_s / DAY_S;
      quota->bytes = 0;
    }
    allowed = bytes < 0 ? quota->bytes < identity->bytes_per_day : bytes <= identity->bytes_per_day - quota->bytes;
    if (! allowed)
      *retry_after_s = (unsigned)(DAY_S - now_s % DAY_S);
    else if (bytes > 0)
      quota->bytes += bytes;
  }
  if (allowed && identity->requests_per_s > 0)
    quota->micro_requests -= MICRO;
  lock_release (&memory->lock);
  return allowed;
}

void
access_count_bytes (struct access *access, const struct access_identity *identity, int64_t bytes)
{
  struct memory *memory = &access->memory;

  if (0 == identity->account_id || 0 == identity->bytes_per_day)
    return;
  lock_acquire (&memory->lock);
  quota_of (memory, identity, clock_monotonic_us ())->bytes += bytes;
  lock_release (&memory->lock);
}
