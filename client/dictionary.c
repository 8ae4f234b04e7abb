/* A dictionary: an array of texts and a table of their hashes. */
#include "dictionary.h"

#include "base/hash.h"

#include <stdlib.h>

#define FIRST_ROOM 16

static uint32_t *
slot_of (const struct dictionary *dictionary, struct slice text)
{
  uint32_t at = (uint32_t)hash_bytes (HASH_START, text.data, text.len);

  for (;; at++)
  {
    uint32_t *slot = &dictionary->slots[at & (dictionary->slot_count - 1)];

    if (0 == *slot || slice_equal (dictionary->texts[*slot - 1], text))
      return slot;
  }
}

uint32_t
dictionary_find (const struct dictionary *dictionary, struct slice text)
{
  uint32_t slot = 0 == dictionary->slot_count ? 0 : *slot_of (dictionary, text);

  return 0 == slot ? DICTIONARY_NONE : slot - 1;
}

/* Room for one more text, and twice as many slots as texts. */
static bool
grow (struct dictionary *dictionary)
{
  uint32_t room = 0 == dictionary->room ? FIRST_ROOM : 2 * dictionary->room;
  struct slice *texts;
  uint32_t *slots;

  if (dictionary->count < dictionary->room)
    return true;
  if (room > UINT32_MAX / 4)
    return false;
  texts = realloc (dictionary->texts, room * sizeof (*texts));
  if (NULL == texts)
    return false;
  dictionary->texts = texts;
  slots = calloc (2 * (size_t)room, sizeof (*slots));
  if (NULL == slots)
    return false;
  free (dictionary->slots);
  dictionary->slots = slots;
  dictionary->slot_count = 2 * room;
  dictionary->room = room;
  for (uint32_t i = 0; i < dictionary->count; i++)
    *slot_of (dictionary, dictionary->texts[i]) = i + 1;
  return true;
}

uint32_t
dictionary_add (struct dictionary *dictionary, struct slice text)
{
  char *copy;

  if (! grow (dictionary))
    return DICTIONARY_NONE;
  copy = malloc (text.len + 1);
  if (NULL == copy)
    return DICTIONARY_NONE;
  if (text.len > 0)
    memcpy (copy, text.data, text.len);
  copy[text.len] = '\0';
  dictionary->texts[dictionary->count] = (struct slice){ copy, text.len };
  *slot_of (dictionary, text) = dictionary->count + 1;
  return dictionary->count++;
}

void
dictionary_clear (struct dictionary *dictionary)
{
  for (uint32_t i = 0; i < dictionary->count; i++)
    free ((char *)(uintptr_t)dictionary->texts[i].data);
  free (dictionary->texts);
  free (dictionary->slots);
  memset (dictionary, 0, sizeof (*dictionary));
}
