/* A growable byte buffer with a named maximum and sticky failure: append freely, check once. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

/* Read `data` and `len` freely; change them only through the functions. Zeroed memory is not a valid buffer: init it.
   Not thread-safe: one owner at a time. */
struct buffer
{
  char *data; /* owned; NUL is kept behind the last byte once anything was appended */
  size_t len;
  size_t capacity;
  size_t max_bytes;
  bool failed;
  bool out_of_memory; /* failed for lack of memory, not because of the maximum */
};

/* An empty buffer that may grow to `max_bytes`; allocates nothing yet. */
void buffer_init (struct buffer *buffer, size_t max_bytes);

/* Free the bytes; the buffer is empty afterwards and can be used again. */
void buffer_free (struct buffer *buffer);

/* Forget the content and any failure, keep the memory. */
void buffer_clear (struct buffer *buffer);

/* Make room for `extra` more bytes. False, and failed from then on, when that passes the maximum or memory is out. */
bool buffer_reserve (struct buffer *buffer, size_t extra);

/* Append bytes; false once the buffer has failed. */
bool buffer_append (struct buffer *buffer, const void *data, size_t len);

/* Append a NUL-terminated string. */
bool buffer_text (struct buffer *buffer, const char *text);

/* Append one byte. */
static inline bool
buffer_byte (struct buffer *buffer, char byte)
{
  if (buffer->len + 1 >= buffer->capacity)
    return buffer_append (buffer, &byte, 1);
  if (buffer->failed)
    return false;
  buffer->data[buffer->len++] = byte;
  buffer->data[buffer->len] = '\0';
  return true;
}

/* Append formatted text. */
bool buffer_printf (struct buffer *buffer, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

/* Take the bytes out: the caller frees them with free (). NULL when nothing was appended. The buffer is empty
 * afterwards. */
char *buffer_steal (struct buffer *buffer);

/* The content as a borrowed slice, valid until the next change. */
static inline struct slice
buffer_slice (const struct buffer *buffer)
{
  return (struct slice){ buffer->data, buffer->len };
}

#endif
