/* Identifiers and random names. */
#include "base/id.h"

#include <openssl/rand.h>
#include <stdio.h>

/* Random bytes are fetched this many at a time per thread: one call to the generator costs more than 16 bytes are
 * worth. */
#define POOL_BYTES 1024

bool
random_bytes (void *bytes, size_t size)
{
  static _Thread_local unsigned char pool[POOL_BYTES];
  static _Thread_local size_t left;

  if (size > POOL_BYTES)
    return size <= (size_t)INT32_MAX && 1 == RAND_bytes (bytes, (int)size);
  if (left < size)
  {
    if (1 != RAND_bytes (pool, POOL_BYTES))
      return false;
    left = POOL_BYTES;
  }
  left -= size;
  memcpy (bytes, pool + left, size);
  /* What was handed out must not be found in memory twice. */
  memset (pool + left, 0, size);
  return true;
}

bool
uuid_random (struct uuid *id)
{
  if (! random_bytes (id->bytes, sizeof (id->bytes)))
    return false;
  /* RFC 9562, section 5.4: version 4, variant 10. */
  id->bytes[6] = (unsigned char)((id->bytes[6] & 0x0F) | 0x40);
  id->bytes[8] = (unsigned char)((id->bytes[8] & 0x3F) | 0x80);
  return true;
}

void
id_run_name (char *text, size_t capacity)
{
  static const char *const adjectives[] = {
    "able",   "agile",  "amber",  "bold",  "brave",  "bright", "brisk",  "calm",   "clear",  "clever",  "coral",
    "crisp",  "deft",   "eager",  "early", "fair",   "fleet",  "fluent", "fond",   "frank",  "fresh",   "gentle",
    "glad",   "golden", "grand",  "handy", "hardy",  "honest", "humble", "jolly",  "keen",   "kind",    "lively",
    "lucid",  "lucky",  "mellow", "merry", "mighty", "mild",   "neat",   "nimble", "noble",  "patient", "placid",
    "plucky", "polite", "proud",  "quick", "quiet",  "rapid",  "ready",  "robust", "serene", "sharp",   "silver",
    "smart",  "snug",   "solid",  "spry",  "steady", "sunny",  "swift",  "tidy",   "vivid"
  };
  static const char *const nouns[] = { "alder",  "badger",  "beaver",  "birch", "bison",  "crane",  "cedar",  "colt",
                                       "comet",  "cove",    "dove",    "eagle", "egret",  "elk",    "ember",  "falcon",
                                       "fern",   "finch",   "fjord",   "fox",   "gale",   "glade",  "grove",  "gull",
                                       "harbor", "hare",    "hawk",    "heron", "ibis",   "island", "jay",    "kestrel",
                                       "lark",   "linden",  "lynx",    "maple", "marten", "meadow", "moose",  "newt",
                                       "oak",    "orchard", "osprey",  "otter", "owl",    "panda",  "petrel", "pine",
                                       "plover", "puffin",  "quail",   "raven", "reef",   "river",  "robin",  "salmon",
                                       "seal",   "shrew",   "sparrow", "stork", "swan",   "tern",   "thrush", "wren" };
  unsigned char random[4] = { 0, 0, 0, 0 };

  /* Without randomness the name is dull but the run is still made. */
  (void)random_bytes (random, sizeof (random));
  snprintf (text, capacity, "%s-%s-%u", adjectives[random[0] % (sizeof (adjectives) / sizeof (adjectives[0]))],
            nouns[random[1] % (sizeof (nouns) / sizeof (nouns[0]))], ((unsigned)random[2] << 8 | random[3]) % 1000u);
}
