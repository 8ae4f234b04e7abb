/* Encoding of records. */
#include "record_code.h"

#include "fixed.h"

#include <math.h>
#include <stdlib.h>

struct key_state
{
  int64_t step;
  int64_t step_change;
  uint64_t value; /* bits of the double */
  uint32_t follower; /* index of the key that came next last time */
};

#define POINT_KEY 0x01
#define POINT_STEP 0x02
#define POINT_TIME 0x04
#define POINT_VALUE_SHIFT 3
#define POINT_VALUE_MASK 3
#define POINT_TEXTS 0x20
#define POINT_FLAGS 0x3f

enum value_form
{
  VALUE_SAME,
  VALUE_FLOAT,
  VALUE_DOUBLE,
  VALUE_INTEGER
};

/* Integers up to this are shorter as varints than as floats, or are no floats. */
#define INTEGER_MOST 1e15

void
record_context_clear (struct record_context *context)
{
  dictionary_clear (&context->runs);
  dictionary_clear (&context->keys);
  free (context->states);
  memset (context, 0, sizeof (*context));
}

/* --- numbers; differences wrap around, so that every pair of them has one --- */

static int64_t
add_wrapping (int64_t a, int64_t b)
{
  return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t
subtract_wrapping (int64_t a, int64_t b)
{
  return (int64_t)((uint64_t)a - (uint64_t)b);
}

void
varint_put (struct buffer *out, uint64_t value)
{
  for (; value >= 0x80; value >>= 7)
    buffer_byte (out, (char)(value | 0x80));
  buffer_byte (out, (char)value);
}

bool
varint_get (uint64_t *value, struct slice *rest)
{
  uint64_t result = 0;

  for (unsigned shift = 0; shift < 64 && rest->len > 0; shift += 7)
  {
    unsigned char byte = (unsigned char)*rest->data;

    rest->data++;
    rest->len--;
    if (63 == shift && byte > 1)
      return false;
    result |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80)
    {
      *value = result;
      return true;
    }
  }
  return false;
}

static void
put_signed (struct buffer *out, int64_t value)
{
  varint_put (out, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static bool
get_signed (int64_t *value, struct slice *rest)
{
  uint64_t zigzag;

  if (! varint_get (&zigzag, rest))
    return false;
  *value = (int64_t)(zigzag >> 1 ^ (0 - (zigzag & 1)));
  return true;
}

static bool
get_bytes (void *out, struct slice *rest, size_t bytes)
{
  if (rest->len < bytes)
    return false;
  memcpy (out, rest->data, bytes);
  rest->data += bytes;
  rest->len -= bytes;
  return true;
}

static void
put_text (struct buffer *out, struct slice text)
{
  varint_put (out, NULL == text.data ? 0 : text.len + 1);
  buffer_append (out, text.data, text.len);
}

/* Borrowed from `rest`. */
static bool
get_text (struct slice *text, struct slice *rest)
{
  uint64_t len;

  *text = (struct slice){ NULL, 0 };
  if (! varint_get (&len, rest))
    return false;
  if (0 == len)
    return true;
  if (len - 1 > rest->len)
    return false;
  *text = (struct slice){ rest->data, (size_t)(len - 1) };
  rest->data += text->len;
  rest->len -= text->len;
  return true;
}

/* --- keys and runs --- */

static uint32_t
add_key (struct record_context *context, struct slice key)
{
  if (context->keys.count == context->state_room)
  {
    uint32_t room = 0 == context->state_room ? 16 : 2 * context->state_room;
    struct key_state *states = realloc (context->states, room * sizeof (*states));

    if (NULL == states)
      return DICTIONARY_NONE;
    context->states = states;
    context->state_room = room;
  }
  /* Steps begin at 0 as a rule, and grow by one. */
  context->states[context->keys.count] =
      (struct key_state){ .step = -1, .step_change = 1, .follower = context->keys.count };
  return dictionary_add (&context->keys, key);
}

static bool
put_key (struct buffer *out, uint32_t *index, struct record_context *context, struct slice key)
{
  *index = dictionary_find (&context->keys, key);
  if (DICTIONARY_NONE != *index)
  {
    varint_put (out, *index + UINT64_C (1));
    return true;
  }
  varint_put (out, 0);
  put_text (out, key);
  *index = add_key (context, key);
  return DICTIONARY_NONE != *index;
}

static enum record_verdict
get_key (uint32_t *index, struct record_context *context, struct slice *rest)
{
  uint64_t number;
  struct slice text;

  if (! varint_get (&number, rest) || number > context->keys.count)
    return RECORD_BROKEN;
  *index = (uint32_t)number - 1;
  if (number > 0)
    return RECORD_GOOD;
  if (! get_text (&text, rest) || NULL == text.data || text.len > RECORD_MAX_KEY_BYTES
      || DICTIONARY_NONE != dictionary_find (&context->keys, text))
    return RECORD_BROKEN;
  *index = add_key (context, text);
  return DICTIONARY_NONE == *index ? RECORD_NO_MEMORY : RECORD_GOOD;
}

static bool
put_run (struct buffer *out, struct record_context *context, const struct run_key *run)
{
  struct slice bytes = { (const char *)run->bytes, sizeof (run->bytes) };
  uint32_t index = dictionary_find (&context->runs, bytes);

  varint_put (out, DICTIONARY_NONE == index ? 0 : index + UINT64_C (1));
  if (DICTIONARY_NONE != index)
    return true;
  buffer_append (out, bytes.data, bytes.len);
  return DICTIONARY_NONE != dictionary_add (&context->runs, bytes);
}

static enum record_verdict
get_run (struct run_key *run, struct record_context *context, struct slice *rest)
{
  uint64_t number;

  if (! varint_get (&number, rest) || number > context->runs.count)
    return RECORD_BROKEN;
  if (number > 0)
  {
    memcpy (run->bytes, context->runs.texts[number - 1].data, sizeof (run->bytes));
    return RECORD_GOOD;
  }
  if (! get_bytes (run->bytes, rest, sizeof (run->bytes)))
    return RECORD_BROKEN;
  return DICTIONARY_NONE == dictionary_add (&context->runs, (struct slice){ (char *)run->bytes, sizeof (run->bytes) })
             ? RECORD_NO_MEMORY
             : RECORD_GOOD;
}

/* Note the key of a point; the one before it remembers what followed. */
static struct key_state *
follow (struct record_context *context, uint32_t index)
{
  if (context->last_key > 0)
    context->states[context->last_key - 1].follower = index;
  context->last_key = index + 1;
  return &context->states[index];
}

/* --- values --- */

static uint64_t
bits_of (double value)
{
  uint64_t bits;

  memcpy (&bits, &value, sizeof (bits));
  return bits;
}

static double
double_of (uint64_t bits)
{
  double value;

  memcpy (&value, &bits, sizeof (value));
  return value;
}

static enum value_form
form_of (double value, uint64_t before)
{
  float narrow;

  if (bits_of (value) == before)
    return VALUE_SAME;
  if (fabs (value) <= INTEGER_MOST && bits_of ((double)(int64_t)value) == bits_of (value))
    return VALUE_INTEGER;
  /* A conversion beyond the range of float is undefined, and one of NaN may change its bits. */
  if (! (fabs (value) <= 3.4e38))
    return VALUE_DOUBLE;
  narrow = (float)value;
  return bits_of ((double)narrow) == bits_of (value) ? VALUE_FLOAT : VALUE_DOUBLE;
}

static void
put_value (struct buffer *out, enum value_form form, double value)
{
  float narrow = VALUE_FLOAT == form ? (float)value : 0;
  unsigned char bytes[sizeof (uint64_t)];
  uint32_t bits;

  if (VALUE_INTEGER == form)
    put_signed (out, (int64_t)value);
  else if (VALUE_DOUBLE == form)
  {
    fixed64_put (bytes, bits_of (value));
    buffer_append (out, bytes, sizeof (uint64_t));
  }
  else if (VALUE_FLOAT == form)
  {
    memcpy (&bits, &narrow, sizeof (bits));
    fixed32_put (bytes, bits);
    buffer_append (out, bytes, sizeof (uint32_t));
  }
}

static bool
get_value (double *value, enum value_form form, uint64_t before, struct slice *rest)
{
  unsigned char bytes[sizeof (uint64_t)] = { 0 };
  int64_t integer = 0;
  uint32_t bits;
  float narrow;
  bool ok = true;

  *value = double_of (before);
  if (VALUE_INTEGER == form)
  {
    ok = get_signed (&integer, rest) && integer >= -(int64_t)INTEGER_MOST && integer <= (int64_t)INTEGER_MOST;
    *value = (double)integer;
  }
  else if (VALUE_DOUBLE == form)
  {
    ok = get_bytes (bytes, rest, sizeof (uint64_t));
    *value = double_of (fixed64_get (bytes));
  }
  else if (VALUE_FLOAT == form)
  {
    ok = get_bytes (bytes, rest, sizeof (uint32_t));
    bits = fixed32_get (bytes);
    memcpy (&narrow, &bits, sizeof (narrow));
    *value = (double)narrow;
  }
  return ok;
}

/* --- points --- */

static bool
has_texts (const struct record_point *point)
{
  return slice_filled (point->model_id) || slice_filled (point->dataset_name) || slice_filled (point->dataset_digest);
}

/* Index of the key that is expected next; DICTIONARY_NONE for the first. */
static uint32_t
expected_key (const struct record_context *context)
{
  return 0 == context->last_key ? DICTIONARY_NONE : context->states[context->last_key - 1].follower;
}

static bool
encode_point (struct buffer *out, struct record_context *context, const struct record_point *point)
{
  uint32_t index = expected_key (context);
  bool same_key = DICTIONARY_NONE != index && slice_equal (context->keys.texts[index], point->key);
  size_t flags_at = out->len;
  unsigned flags = same_key ? POINT_KEY : 0;
  struct key_state *state;
  enum value_form form;
  int64_t change;

  buffer_byte (out, 0);
  if (! same_key && ! put_key (out, &index, context, point->key))
    return false;
  state = follow (context, index);
  change = subtract_wrapping (point->step, state->step);
  if (change == state->step_change)
    flags |= POINT_STEP;
  else
    put_signed (out, change);
  if (point->timestamp_ms == context->point_time_ms)
    flags |= POINT_TIME;
  else
    put_signed (out, subtract_wrapping (point->timestamp_ms, context->point_time_ms));
  form = form_of (point->value, state->value);
  put_value (out, form, point->value);
  flags |= (unsigned)form << POINT_VALUE_SHIFT;
  if (has_texts (point))
  {
    flags |= POINT_TEXTS;
    put_text (out, point->model_id);
    put_text (out, point->dataset_name);
    put_text (out, point->dataset_digest);
  }
  *state = (struct key_state){ point->step, change, bits_of (point->value), state->follower };
  context->point_time_ms = point->timestamp_ms;
  if (out->failed)
    return false;
  out->data[flags_at] = (char)flags;
  return true;
}

static bool
get_texts (struct record_point *point, struct slice *rest)
{
  return get_text (&point->model_id, rest) && get_text (&point->dataset_name, rest)
         && get_text (&point->dataset_digest, rest);
}

/* A point whose key is still the context's and whose texts are still those of `rest`. */
static enum record_verdict
decode_point (struct record_point *point, struct record_context *context, struct slice *rest)
{
  uint32_t index = expected_key (context);
  enum record_verdict verdict = RECORD_GOOD;
  struct key_state *state;
  unsigned char flags;

  if (! get_bytes (&flags, rest, 1) || 0 != (flags & ~POINT_FLAGS))
    return RECORD_BROKEN;
  if (0 == (flags & POINT_KEY))
    verdict = get_key (&index, context, rest);
  else if (DICTIONARY_NONE == index)
    verdict = RECORD_BROKEN;
  if (RECORD_GOOD != verdict)
    return verdict;
  state = follow (context, index);
  if (0 == (flags & POINT_STEP) && ! get_signed (&state->step_change, rest))
    return RECORD_BROKEN;
  point->step = add_wrapping (state->step, state->step_change);
  point->timestamp_ms = context->point_time_ms;
  if (0 == (flags & POINT_TIME))
  {
    if (! get_signed (&point->timestamp_ms, rest))
      return RECORD_BROKEN;
    point->timestamp_ms = add_wrapping (point->timestamp_ms, context->point_time_ms);
  }
  if (! get_value (&point->value, (enum value_form) (flags >> POINT_VALUE_SHIFT & POINT_VALUE_MASK), state->value, rest)
      || (0 != (flags & POINT_TEXTS) && ! get_texts (point, rest)))
    return RECORD_BROKEN;
  state->step = point->step;
  state->value = bits_of (point->value);
  context->point_time_ms = point->timestamp_ms;
  point->key = context->keys.texts[index];
  return RECORD_GOOD;
}

static bool
own (struct slice *text, struct arena *arena)
{
  if (NULL == text->data)
    return true;
  text->data = arena_copy (arena, text->data, text->len);
  return NULL != text->data;
}

/* Copy the keys into the arena; consecutive points of one key share one copy. */
static bool
own_texts (struct record_point *points, size_t count, struct arena *arena)
{
  struct slice from = { NULL, 0 };
  struct slice copy = { NULL, 0 };

  for (size_t i = 0; i < count; i++)
  {
    if (points[i].key.data != from.data)
    {
      from = points[i].key;
      copy = from;
      if (! own (&copy, arena))
        return false;
    }
    points[i].key = copy;
    if (! own (&points[i].model_id, arena) || ! own (&points[i].dataset_name, arena)
        || ! own (&points[i].dataset_digest, arena))
      return false;
  }
  return true;
}

static enum record_verdict
decode_points (struct record *record, struct record_context *context, struct slice rest, uint64_t count,
               struct arena *arena)
{
  struct record_point *points;

  if (0 == count || count > RECORD_MAX_POINTS || count > rest.len)
    return RECORD_BROKEN;
  points = arena_array (arena, count, sizeof (*points));
  if (NULL == points)
    return RECORD_NO_MEMORY;
  for (size_t i = 0; i < count; i++)
  {
    enum record_verdict verdict = decode_point (&points[i], context, &rest);

    if (RECORD_GOOD != verdict)
      return verdict;
  }
  if (rest.len > 0)
    return RECORD_BROKEN;
  record->points.items = points;
  record->points.count = count;
  record->time_ms = points[count - 1].timestamp_ms;
  return own_texts (points, count, arena) ? RECORD_GOOD : RECORD_NO_MEMORY;
}

/* --- records --- */

static bool
encode_points (struct buffer *out, struct record_context *context, const struct record *record)
{
  for (size_t i = 0; i < record->points.count; i++)
    if (! encode_point (out, context, &record->points.items[i]))
      return false;
  return true;
}

bool
record_encode (struct buffer *out, struct record_context *context, const struct record *record)
{
  struct record copy = *record;
  struct slice *texts[RECORD_MAX_TEXTS];
  size_t count = record_texts (texts, &copy);

  buffer_byte (out, (char)record->kind);
  if (RECORD_POINTS == record->kind)
    varint_put (out, record->points.count);
  if (! put_run (out, context, &record->run))
    return false;
  if (RECORD_POINTS == record->kind)
    return encode_points (out, context, record) && ! out->failed;
  put_signed (out, subtract_wrapping (record->time_ms, context->time_ms));
  context->time_ms = record->time_ms;
  varint_put (out, record_number (record));
  for (size_t i = 0; i < count; i++)
    put_text (out, *texts[i]);
  return ! out->failed;
}

static enum record_verdict
decode_other (struct record *record, struct record_context *context, struct slice rest, struct arena *arena)
{
  struct slice *texts[RECORD_MAX_TEXTS];
  size_t count = record_texts (texts, record);
  uint64_t number;

  if (! get_signed (&record->time_ms, &rest) || ! varint_get (&number, &rest) || number > UINT32_MAX
      || ! record_set_number (record, (unsigned)number))
    return RECORD_BROKEN;
  record->time_ms = add_wrapping (record->time_ms, context->time_ms);
  context->time_ms = record->time_ms;
  for (size_t i = 0; i < count; i++)
    if (! get_text (texts[i], &rest))
      return RECORD_BROKEN;
  if (rest.len > 0)
    return RECORD_BROKEN;
  for (size_t i = 0; i < count; i++)
    if (! own (texts[i], arena))
      return RECORD_NO_MEMORY;
  return RECORD_GOOD;
}

static bool
get_head (unsigned char *kind, uint64_t *count, struct slice *rest)
{
  *count = 1;
  return get_bytes (kind, rest, 1) && *kind >= RECORD_RUN && *kind <= RECORD_DATASET
         && (RECORD_POINTS != *kind || (varint_get (count, rest) && *count > 0 && *count <= RECORD_MAX_POINTS));
}

size_t
record_count_encoded (struct slice bytes)
{
  unsigned char kind;
  uint64_t count;

  return get_head (&kind, &count, &bytes) ? (size_t)count : 0;
}

enum record_verdict
record_decode (struct record **record, struct record_context *context, struct slice bytes, uint64_t entry_before,
               struct arena *arena)
{
  struct record *made = arena_alloc (arena, sizeof (*made));
  enum record_verdict verdict;
  unsigned char kind;
  uint64_t count;

  *record = NULL;
  if (NULL == made)
    return RECORD_NO_MEMORY;
  if (! get_head (&kind, &count, &bytes))
    return RECORD_BROKEN;
  made->kind = (enum record_kind)kind;
  made->entry = entry_before + count;
  verdict = get_run (&made->run, context, &bytes);
  if (RECORD_GOOD == verdict)
    verdict = RECORD_POINTS == made->kind ? decode_points (made, context, bytes, count, arena)
                                          : decode_other (made, context, bytes, arena);
  if (RECORD_GOOD == verdict)
    *record = made;
  return verdict;
}
