/* Slowing down who guesses passwords. */
#include "access/backoff.h"

#include "base/arena.h"
#include "base/digest.h"
#include "base/id.h"
#include "base/lock.h"
#include "base/lru.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
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

enum kind
{
  KIND_PAIR,
  KIND_ADDRESS,
  KIND_COUNT
};

struct entry
{
  struct lru_link link; /* by the last failure */
  struct entry *next; /* of the same slot, or free */
  struct digest key;
  uint64_t failed_us;
  unsigned failures;
};

struct table
{
  struct entry *entries;
  struct entry **slots; /* as many */
  size_t capacity;
  size_t used; /* entries that were ever taken */
  struct entry *free;
  struct lru order;
  unsigned free_failures;
  uint64_t max_us;
};

struct backoff
{
  struct lock lock; /* guards the tables; a leaf */
  unsigned char secret[32]; /* constant */
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

static void
forget (struct table *table, struct entry **place)
{
  struct entry *entry = *place;

  *place = entry->next;
  lru_remove (&table->order, &entry->link);
  entry->next = table->free;
  table->free = entry;
}

/* A new entry for a key that has none; the one that failed longest ago gives way. */
static struct entry *
add (struct table *table, const struct digest *key)
{
  struct entry **place;
  struct entry *entry;

  if (NULL == table->free && table->used == table->capacity)
    forget (table, find (table, &((struct entry *)table->order.oldest)->key));
  entry = table->free;
  if (NULL != entry)
    table->free = entry->next;
  else
    entry = &table->entries[table->used++];
  place = find (table, key);
  *entry = (struct entry){ .key = *key };
  *place = entry;
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

/* --- the interface ------------------------------------------------------------------------------------------------ */

unsigned
backoff_wait_s (struct backoff *backoff, struct slice username, struct slice address, uint64_t now_us)
{
  struct digest keys[KIND_COUNT];
  uint64_t wait_us = 0;

  make_keys (keys, backoff, username, address);
  lock_acquire (&backoff->lock);
  for (int kind = 0; kind < KIND_COUNT; kind++)
  {
    const struct table *table = &backoff->tables[kind];
    const struct entry *entry = *find (table, &keys[kind]);
    uint64_t open_us = NULL == entry ? 0 : entry->failed_us + shut_us (table, entry->failures);

    if (open_us > now_us && open_us - now_us > wait_us)
      wait_us = open_us - now_us;
  }
  lock_release (&backoff->lock);
  return (unsigned)((wait_us + SECOND_US - 1) / SECOND_US);
}

void
backoff_failed (struct backoff *backoff, struct slice username, struct slice address, uint64_t now_us)
{
  struct digest keys[KIND_COUNT];

  make_keys (keys, backoff, username, address);
  lock_acquire (&backoff->lock);
  for (int kind = 0; kind < KIND_COUNT; kind++)
  {
    struct table *table = &backoff->tables[kind];
    struct entry *entry = *find (table, &keys[kind]);

    if (NULL == entry)
      entry = add (table, &keys[kind]);
    else
    {
      lru_remove (&table->order, &entry->link);
      lru_add (&table->order, &entry->link);
      if (now_us > entry->failed_us + FORGET_US)
        entry->failures = 0;
    }
    entry->failures += entry->failures < UINT16_MAX;
    entry->failed_us = now_us;
  }
  lock_release (&backoff->lock);
}

void
backoff_succeeded (struct backoff *backoff, struct slice username, struct slice address)
{
  struct digest keys[KIND_COUNT];
  struct table *table = &backoff->tables[KIND_PAIR];
  struct entry **place;

  make_keys (keys, backoff, username, address);
  lock_acquire (&backoff->lock);
  place = find (table, &keys[KIND_PAIR]);
  if (NULL != *place)
    forget (table, place);
  lock_release (&backoff->lock);
}
