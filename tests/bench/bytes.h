/* Bytes that grow, for requests that are put together piece by piece. */
#ifndef BENCH_BYTES_H
#define BENCH_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed before the first use. */
struct bytes
{
  char *data;
  size_t length;
  size_t capacity;
};

/* Append. Both end the program when memory runs out. */
void bytes_add (struct bytes *bytes, const char *data, size_t length);
void bytes_add_number (struct bytes *bytes, uint64_t number);

#endif
