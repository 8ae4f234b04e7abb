/* Bytes that grow: twice what is needed, so that a request of a kind that was sent before needs no memory. */
#include "bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
bytes_add (struct bytes *bytes, const char *data, size_t length)
{
  if (bytes->length + length > bytes->capacity)
  {
    size_t capacity = 2 * (bytes->length + length) + 256;
    char *grown = realloc (bytes->data, capacity);

    if (NULL == grown)
    {
      fputs ("load: no memory\n", stderr);
      exit (2);
    }
    bytes->data = grown;
    bytes->capacity = capacity;
  }
  if (0 < length)
    memcpy (bytes->data + bytes->length, data, length);
  bytes->length += length;
}

void
bytes_add_number (struct bytes *bytes, uint64_t number)
{
  char digits[20]; /* 2^64 has twenty */
  size_t start = sizeof digits;

  do
  {
    digits[--start] = (char)('0' + number % 10);
    number /= 10;
  } while (0 < number);
  bytes_add (bytes, digits + start, sizeof digits - start);
}
