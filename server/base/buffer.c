/* A growable byte buffer with a maximum and sticky failure. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Smallest allocation: an empty answer with a little room. */
#define FIRST_CAPACITY_BYTES ((size_t)256)

void
buffer_init (struct buffer *buffer, size_t max_bytes)
{
  *buffer = (struct buffer){ .max_bytes = max_bytes };
}

void
buffer_free (struct buffer *buffer)
{
  size_t max_bytes = buffer->max_bytes;

  free (buffer->data);
  buffer_init (buffer, max_bytes);
}

void
buffer_clear (struct buffer *buffer)
{
  buffer->len = 0;
  buffer->failed = false;
  buffer->out_of_memory = false;
}

bool
buffer_reserve (struct buffer *buffer, size_t extra)
{
  size_t capacity = buffer->capacity;
  char *grown;

  if (buffer->failed || extra > buffer->max_bytes || buffer->len > buffer->max_bytes - extra)
    goto fail;
  /* One byte more than the content, for the NUL behind it. */
  if (buffer->len + extra < capacity)
    return true;
  if (0 == capacity)
    capacity = FIRST_CAPACITY_BYTES;
  while (capacity <= buffer->len + extra)
    capacity *= 2;
  /* No room beyond the maximum, because buffer_byte looks at the capacity only. */
  if (capacity - 1 > buffer->max_bytes)
    capacity = buffer->max_bytes + 1;
  grown = realloc (buffer->data, capacity);
  if (NULL == grown)
  {
    buffer->out_of_memory = true;
    goto fail;
  }
  buffer->data = grown;
  buffer->capacity = capacity;
  return true;

fail:
  buffer->failed = true;
  return false;
}

bool
buffer_append (struct buffer *buffer, const void *data, size_t len)
{
  if (! buffer_reserve (buffer, len))
    return false;
  if (len > 0)
    memcpy (buffer->data + buffer->len, data, len);
  buffer->len += len;
  buffer->data[buffer->len] = '\0';
  return true;
}

bool
buffer_text (struct buffer *buffer, const char *text)
{
  return buffer_append (buffer, text, strlen (text));
}

bool
buffer_printf (struct buffer *buffer, const char *format, ...)
{
  va_list arguments;
  va_list again;
  int length;

  va_start (arguments, format);
  va_copy (again, arguments);
  length = vsnprintf (NULL, 0, format, arguments);
  if (length < 0)
    buffer->failed = true;
  else if (buffer_reserve (buffer, (size_t)length))
  {
    vsnprintf (buffer->data + buffer->len, (size_t)length + 1, format, again);
    buffer->len += (size_t)length;
  }
  va_end (again);
  va_end (arguments);
  return ! buffer->failed;
}

char *
buffer_steal (struct buffer *buffer)
{
  char *data = buffer->data;

  buffer->data = NULL;
  buffer_init (buffer, buffer->max_bytes);
  return data;
}
