/* Identifiers: run ids are 16 random bytes shown as 32 hexadecimal digits; request ids are short and unique per
 * process. */
#ifndef BASE_ID_H
#define BASE_ID_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* A 128-bit identifier in its stored form. */
struct uuid
{
  unsigned char bytes[16];
};

/* Text form: 32 lower-case hexadecimal digits and NUL. */
#define UUID_TEXT_BYTES 33

/* A new random identifier (version 4 layout, so that tools recognise it). Thread-safe. False when the system gives no
 * randomness. */
bool uuid_random (struct uuid *id);

/* Write the 32 lower-case digits and NUL. */
void uuid_format (char text[UUID_TEXT_BYTES], const struct uuid *id);

/* Read exactly 32 hexadecimal digits in lower case; anything else is not an identifier of ours. */
bool uuid_parse (struct uuid *id, struct slice text);

/* Read an identifier that a client made: 32 hexadecimal digits of either case, with dashes where UUIDs have them
   (8-4-4-4-12) or without any; not the nil UUID, which stands for none. */
bool uuid_parse_given (struct uuid *id, struct slice text);

/* Fill `size` bytes with unpredictable data. Thread-safe. False when the system gives none. */
bool random_bytes (void *bytes, size_t size);

/* A readable run name such as "calm-otter-417", for runs that were given none. `text` holds at least 64 bytes. */
void id_run_name (char *text, size_t capacity);

#endif
