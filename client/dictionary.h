/* A dictionary: texts and the numbers that stand for them, in the order of their first use. */
#ifndef CLIENT_DICTIONARY_H
#define CLIENT_DICTIONARY_H

#include "base/slice.h"

#include <stdint.h>

/* Zeroed memory is an empty one. One owner at a time. */
struct dictionary
{
  struct slice *texts; /* owned copies, NUL-terminated */
  uint32_t *slots; /* index + 1 of a text, by its hash; 0: free */
  uint32_t count;
  uint32_t room;
  uint32_t slot_count; /* a power of two */
};

/* Behind the last index. */
#define DICTIONARY_NONE UINT32_MAX

/* The index of a text, or DICTIONARY_NONE. */
uint32_t dictionary_find (const struct dictionary *dictionary, struct slice text);
/* Add a text that is not in it; its index, or DICTIONARY_NONE when memory is out. */
uint32_t dictionary_add (struct dictionary *dictionary, struct slice text);
/* Free all; it is empty afterwards. */
void dictionary_clear (struct dictionary *dictionary);

#endif
