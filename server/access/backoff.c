/* Slowing down who guesses passwords. */
#include "access/backoff.h"

#include "base/id.h"
#include "base/lock.h"
#include "base/lru.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SECOND_US ((uint64_t)1000000)
/* A person mistypes a password a few times; a guesser gets 4 tries free, then less than 200 a day for a name. */
#define PAIR_FREE_FAILURES 4
#define PAIR_MAX_US (600 * SECOND_US)
/* Many people may share an address, and one of their programs may have a wrong password: more is free, and the wait is
   shorter. */
#define ADDRESS_FREE_FAILURES 50
#define ADDRESS_MAX_US (60 * SECOND_US)
/* The first wait. */
#define FIRST_US SECOND_US
/* What failed so long ago is forgotten: longer than the longest wait, so that nobody gains by waiting. */
#define FORGET_US (3600 * SECOND_US)
/* Entries of a table, a power of two; what a botnet has in addresses, and several names for each. */
#define PAIRS 16384
#define ADDRESSES 4096
/* Wrong passwords that a name and address are known to send again and again; as many as are free. */
#define WRONG_COUNT 4

enum kind
{
  KIND_PAIR,
  KIND_ADDRESS,
  KIND_COUNT
};

struct entry
{
  struct lru_link link; /* by its last use */
  struct entry *next; /* of the same slot */
  struct digest key;
  uint64_t failed_us;
  uint64_t wrong[WRONG_COUNT]; /* digests of credentials and stored texts; 0: none; of a pair */
  unsigned wrong_next; /* the oldest of them */
  unsigned failures;
  bool has_succeeded; /* of a pair */
};

struct table
{
  struct entry *entries;
  struct entry **slots; /* as many */
  size_t capacity;
  size_t used; /* entries that are taken */
  struct lru order;
  unsigned free_failures;
  uint64_t max_us;
};

struct backoff
{
  struct lock lock; /* guards the tables; a leaf */
  unsigned char secret[32]; /* constant */
  _Atomic uint64_t all_open_us; /* when the last of the doors that are shut opens */
  struct table tables[KIND_COUNT];
};

struct backoff *
backoff_new (void)
{
  static const struct table empty[KIND_COUNT] = {
    [KIND_PAIR] = { .capacity = PAIRS, .free_failures = PAIR_FREE_FAILURES, .max_us = PAIR_MAX_US },
    [KIND_ADDRESS] = { .capacity = ADDRESSES, .free_failures = ADDRESS_FREE_FAILURES, .max_us = ADDRESS_MAX_US },
  };
  struct backoff *backoff = calloc (1, sizeof (*backoff));
  bool made;

  if (NULL == backoff)
    return NULL;
  lock_init (&backoff->lock);
  made = random_bytes (backoff->secret, sizeof (backoff->secret));
  for (int kind = 0; kind < KIND_COUNT; kind++)
  {
    struct table *table = &backoff->tables[kind];

    *table = empty[kind];
    table->entries = calloc (table->capacity, sizeof (struct entry));
    table->slots = calloc (table->capacity, sizeof (struct entry *));
    made = made && NULL != table->entries && NULL != table->slots;
  }
  if (! made)
  {
    backoff_free (backoff);
    backoff = NULL;
  }
  return backoff;
}

void
backoff_free (struct backoff *backoff)
{
  if (NULL == backoff)
    return;
  for (int kind = 0; kind < KIND_COUNT; kind++)
  {
    free (backoff->tables[kind].entries);
    free (backoff->tables[kind].slots);
  }
  lock_destroy (&backoff->lock);
  free (backoff);
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

/* An address as it counts, NUL-terminated: IPv4 whole, also when it is written as IPv6, of IPv6 the first 64 bits. What
   is no address counts as it is. */
static void
address_text (char text[INET6_ADDRSTRLEN], struct slice address)
{
  struct in6_addr six;
  size_t length = address.len < INET6_ADDRSTRLEN - 1 ? address.len : INET6_ADDRSTRLEN - 1;

  if (length > 0)
    memcpy (text, address.data, length);
  text[length] = '\0';
  if (1 != inet_pton (AF_INET6, text, &six))
    return;
  if (IN6_IS_ADDR_V4MAPPED (&six))
    (void)inet_ntop (AF_INET, &six.s6_addr[12], text, INET6_ADDRSTRLEN);
  else
  {
    memset (&six.s6_addr[8], 0, 8);
    (void)inet_ntop (AF_INET6, &six, text, INET6_ADDRSTRLEN);
  }
}

/* The keys of a try in both tables. Without memory for that: those of nothing, which fail together. */
static void
make_keys (struct digest keys[KIND_COUNT], const struct backoff *backoff, struct slice username, struct slice address)
{
  struct slice secret = { (const char *)backoff->secret, sizeof (backoff->secret) };
  struct digest name = { { 0 } };
  char text[INET6_ADDRSTRLEN + sizeof (name.bytes)];
  size_t length;

  memset (keys, 0, KIND_COUNT * sizeof (keys[0]));
  address_text (text, address);
  length = strlen (text);
  (void)digest_keyed (&keys[KIND_ADDRESS], secret, (struct slice){ text, length });
  (void)digest_keyed (&name, secret, username);
  memcpy (text + length, name.bytes, sizeof (name.bytes));
  (void)digest_keyed (&keys[KIND_PAIR], secret, (struct slice){ text, length + sizeof (name.bytes) });
}

/* --- tables, under the lock --------------------------------------------------------------------------------------- */

/* Where the entry of a key hangs, or NULL hangs where it would. */
static struct entry **
find (const struct table *table, const struct digest *key)
{
  uint64_t hash;
  struct entry **place;

  memcpy (&hash, key->bytes, sizeof (hash));
  place = &table->slots[hash & (table->capacity - 1)];
  while (NULL != *place && ! digest_equal (&(*place)->key, key))
    place = &(*place)->next;
  return place;
}

/* A new entry for a key that has none; the one that was used longest ago gives way. */
static struct entry *
add (struct table *table, const struct digest *key)
{
  struct entry *entry = (struct entry *)table->order.oldest;
  struct entry **place;

  if (table->used < table->capacity)
    entry = &table->entries[table->used++];
  else
  {
    *find (table, &entry->key) = entry->next;
    lru_remove (&table->order, &entry->link);
  }
  *entry = (struct entry){ .key = *key };
  place = find (table, key);
  *place = entry;
  lru_add (&table->order, &entry->link);
  return entry;
}

/* The entry of a key, which is now the latest. */
static struct entry *
use (struct table *table, const struct digest *key)
{
  struct entry *entry = *find (table, key);

  if (NULL == entry)
    return add (table, key);
  lru_remove (&table->order, &entry->link);
  lru_add (&table->order, &entry->link);
  return entry;
}

/* How long the last failure shuts the door. */
static uint64_t
shut_us (const struct table *table, unsigned failures)
{
  uint64_t shut = FIRST_US;

  if (failures <= table->free_failures)
    return 0;
  for (unsigned i = table->free_failures + 1; i < failures && shut < table->max_us; i++)
    shut *= 2;
  return shut < table->max_us ? shut : table->max_us;
}

static uint64_t
open_us (const struct table *table, const struct entry *entry)
{
  return NULL == entry ? 0 : entry->failed_us + shut_us (table, entry->failures);
}

static bool
is_wrong (const struct entry *entry, uint64_t print)
{
  for (size_t i = 0; i < WRONG_COUNT; i++)
    if (entry->wrong[i] == print)
      return true;
  return false;
}

/* --- the interface ------------------------------------------------------------------------------------------------ */

unsigned
backoff_wait_s (struct backoff *backoff, struct slice username, struct slice address, uint64_t now_us)
{
  const struct table *tables = backoff->tables;
  struct digest keys[KIND_COUNT];
  const struct entry *pair;
  uint64_t until_us;

  if (now_us >= atomic_load (&backoff->all_open_us))
    return 0;
  make_keys (keys, backoff, username, address);
  lock_acquire (&backoff->lock);
  pair = *find (&tables[KIND_PAIR], &keys[KIND_PAIR]);
  until_us = open_us (&tables[KIND_PAIR], pair);
  if (NULL == pair || ! pair->has_succeeded)
  {
    uint64_t address_us = open_us (&tables[KIND_ADDRESS], *find (&tables[KIND_ADDRESS], &keys[KIND_ADDRESS]));

    until_us = until_us > address_us ? until_us : address_us;
  }
  lock_release (&backoff->lock);
  return until_us <= now_us ? 0 : (unsigned)((until_us - now_us + SECOND_US - 1) / SECOND_US);
}

/* What a wrong credential is known by, together with the text that it was checked with; never 0. */
static uint64_t
make_print (const struct backoff *backoff, const struct digest *credential, struct slice stored)
{
  struct slice secret = { (const char *)backoff->secret, sizeof (backoff->secret) };
  struct digest both[2] = { *credential };
  struct digest keyed = { { 0 } };
  uint64_t print;

  if (NULL != stored.data)
    (void)digest_of (&both[1], stored);
  (void)digest_keyed (&keyed, secret, (struct slice){ (const char *)both, sizeof (both) });
  memcpy (&print, keyed.bytes, sizeof (print));
  return print | 1;
}

bool
backoff_is_known_wrong (struct backoff *backoff, struct slice username, struct slice address,
                        const struct digest *credential, struct slice stored)
{
  uint64_t print = make_print (backoff, credential, stored);
  struct digest keys[KIND_COUNT];
  const struct entry *pair;
  bool known;

  make_keys (keys, backoff, username, address);
  lock_acquire (&backoff->lock);
  pair = *find (&backoff->tables[KIND_PAIR], &keys[KIND_PAIR]);
  known = NULL != pair && is_wrong (pair, print);
  lock_release (&backoff->lock);
  return known;
}

void
backoff_failed (struct backoff *backoff, struct slice username, struct slice address, const struct digest *credential,
                struct slice stored, uint64_t now_us)
{
  uint64_t print = make_print (backoff, credential, stored);
  struct digest keys[KIND_COUNT];

  make_keys (keys, backoff, username, address);
  lock_acquire (&backoff->lock);
  for (int kind = 0; kind < KIND_COUNT; kind++)
  {
    struct table *table = &backoff->tables[kind];
    struct entry *entry = use (table, &keys[kind]);

    if (now_us > entry->failed_us + FORGET_US)
      entry->failures = 0;
    entry->failures += entry->failures < UINT16_MAX;
    entry->failed_us = now_us;
    if (KIND_PAIR == kind && ! is_wrong (entry, print))
    {
      entry->wrong[entry->wrong_next] = print;
      entry->wrong_next = (entry->wrong_next + 1) % WRONG_COUNT;
    }
    if (open_us (table, entry) > atomic_load (&backoff->all_open_us))
      atomic_store (&backoff->all_open_us, open_us (table, entry));
  }
  lock_release (&backoff->lock);
}

void
backoff_succeeded (struct backoff *backoff, struct slice username, struct slice address)
{
  struct digest keys[KIND_COUNT];
  struct entry *pair;

  make_keys (keys, backoff, username, address);
  lock_acquire (&backoff->lock);
  pair = use (&backoff->tables[KIND_PAIR], &keys[KIND_PAIR]);
  pair->failures = 0;
  pair->has_succeeded = true;
  lock_release (&backoff->lock);
}
