/* Encoding of records: compact, in a context that writer and reader build alike from the records before. */
#ifndef CLIENT_RECORD_CODE_H
#define CLIENT_RECORD_CODE_H

#include "dictionary.h"
#include "record.h"

#include "base/arena.h"
#include "base/buffer.h"

/* DESIGN: little-endian; varints have 7 bits a byte, lowest first; signed ones in zigzag form.

     record   kind (1 byte), count of points (varint; of POINTS only), run, then
              POINTS: each point
              others: time against that of the record before (signed), number (varint), texts
     run      index + 1 in the dictionary of runs, or 0 and 16 bytes
     text     length + 1 and the bytes, or 0 when absent
     point    flags (1 byte): bit 0: the key is the one that followed the key before last time; bit 1: the step is as
              far from the one before of the key as that from the one before; bit 2: the time is that of the point
              before; bits 3 and 4: form of the value; bit 5: three texts follow (model, name and digest of the data
   set) then what the flags leave open: key (index + 1, or 0 and a text), step and time against the one before (signed),
   value (4 bytes: a float that is the same number; 8 bytes; signed integer; none: as the one before of the key), texts

   A point of one key whose step grows by one has 9 to 11 bytes when its value needs all of a double. */

/* What reading and writing a segment remember; zeroed memory is where each segment begins. One owner at a time. */
struct record_context
{
  struct dictionary runs;
  struct dictionary keys;
  struct key_state *states; /* of each key */
  uint32_t state_room;
  uint32_t last_key; /* index + 1; 0: none */
  int64_t point_time_ms; /* of the last point */
  int64_t time_ms; /* of the last record of another kind */
};

void record_context_clear (struct record_context *context);

/* Append a record. False when memory is out or the buffer full: the context is then of no more use. */
bool record_encode (struct buffer *out, struct record_context *context, const struct record *record);

enum record_verdict
{
  RECORD_GOOD,
  RECORD_BROKEN, /* not what record_encode makes */
  RECORD_NO_MEMORY
};

/* Read a record made of the whole of `bytes`, in memory of the arena; its `entry` is set from `entry_before`. After
   anything but GOOD the context is of no more use. */
enum record_verdict record_decode (struct record **record, struct record_context *context, struct slice bytes,
                                   uint64_t entry_before, struct arena *arena);

/* Entries of an encoded record, without reading all of it; 0: broken. */
size_t record_count_encoded (struct slice bytes);

/* Varints, for what lies beside records. */
void varint_put (struct buffer *out, uint64_t value);
/* False at the end and for one that is too long. */
bool varint_get (uint64_t *value, struct slice *rest);

#endif
