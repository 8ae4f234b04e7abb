/* Ids of runs as text: 16 bytes shown as 32 hexadecimal digits; needs no other library. Thread-safe. */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include "base/slice.h"

#include <stdbool.h>

/* A 128-bit identifier in its stored form. */
struct uuid
{
  unsigned char bytes[16];
};

/* Text form: 32 lower-case hexadecimal digits and NUL. */
#define UUID_TEXT_BYTES 33

/* Write the 32 lower-case digits and NUL. */
void uuid_format (char text[UUID_TEXT_BYTES], const struct uuid *id);

/* Read exactly 32 hexadecimal digits in lower case; anything else is not an identifier of ours. */
bool uuid_parse (struct uuid *id, struct slice text);

/* Read an identifier that a client made: 32 hexadecimal digits of either case, with dashes where UUIDs have them
   (8-4-4-4-12) or without any; not the nil UUID, which stands for none. */
bool uuid_parse_given (struct uuid *id, struct slice text);

#endif
