/* The CRC-32C that closes a packed value: everything from its first byte on, then four bytes, little-endian. */
#ifndef INGEST_SEAL_H
#define INGEST_SEAL_H

#include "base/buffer.h"
#include "base/crc32c.h"
#include "ingest/varint.h"

#define SEAL_BYTES ((size_t)4)

/* Close the value that began at `start` of the buffer; false when that failed. */
static inline bool
seal_append (struct buffer *out, size_t start)
{
  unsigned char crc[SEAL_BYTES];

  if (out->failed)
    return false;
  put_fixed32 (crc, crc32c (out->data + start, out->len - start));
  return buffer_append (out, crc, sizeof (crc));
}

/* True when `data` ends in the check sum of what is before. */
static inline bool
seal_holds (struct slice data)
{
  return data.len >= SEAL_BYTES
         && get_fixed32 ((const unsigned char *)data.data + data.len - SEAL_BYTES)
                == crc32c (data.data, data.len - SEAL_BYTES);
}

#endif
