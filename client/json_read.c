/* JSON text into a jansson tree: scanned by the server's scanner, built by jansson's functions, which all tell when
   memory is out. */
#include "json_read.h"

#include "base/arena.h"
#include "base/json_scan.h"

#include <string.h>

/* Strings with escapes take less than the text; each is rounded up to 16 bytes. */
#define ARENA_FACTOR 16
#define ARENA_SLACK_BYTES 65536

/* Names of members are shorter as a rule; longer ones go into the arena. */
#define NAME_BYTES 256

struct reader
{
  struct json_scan scan;
  struct arena *arena;
  bool out_of_memory;
};

static json_t *build (struct reader *reader);

/* The value, or NULL with the flag set. */
static json_t *
made (struct reader *reader, json_t *value)
{
  if (NULL == value)
    reader->out_of_memory = true;
  return value;
}

static json_t *
build_number (struct reader *reader, const struct json_scan_value *value)
{
  int64_t integer;
  double real;

  if (JSON_SCAN_INTEGER == value->kind)
    return json_scan_int64 (value, &integer) ? made (reader, json_integer (integer)) : NULL;
  return json_scan_double (value, &real) ? made (reader, json_real (real)) : NULL;
}

static json_t *
build_string (struct reader *reader, struct slice text)
{
  if (text.len > 0 && NULL != memchr (text.data, '\0', text.len))
    return NULL;
  return made (reader, json_stringn_nocheck (0 == text.len ? "" : text.data, text.len));
}

static bool
put (struct reader *reader, json_t *object, const char *name, json_t *value)
{
  if (NULL == value)
    return false;
  if (NULL != json_object_get (object, name))
  {
    json_decref (value);
    return false;
  }
  if (0 == json_object_set_new_nocheck (object, name, value))
    return true;
  reader->out_of_memory = true;
  return false;
}

static json_t *
build_object (struct reader *reader)
{
  json_t *object = made (reader, json_object ());
  struct slice name;
  bool fine = NULL != object;

  while (fine && json_scan_member (&reader->scan, &name))
  {
    char room[NAME_BYTES];
    const char *text = room;

    if (name.len >= sizeof (room))
      text = arena_string (reader->arena, name);
    else
      memcpy (room, 0 == name.len ? "" : name.data, name.len), room[name.len] = '\0';
    fine = NULL != text && put (reader, object, text, build (reader));
  }
  if (fine && ! json_scan_failed (&reader->scan))
    return object;
  json_decref (object);
  return NULL;
}

static json_t *
build_array (struct reader *reader)
{
  json_t *array = made (reader, json_array ());
  bool fine = NULL != array;

  while (fine && json_scan_element (&reader->scan))
  {
    json_t *value = build (reader);

    fine = NULL != value;
    if (fine && 0 != json_array_append_new (array, value))
      fine = false, reader->out_of_memory = true;
  }
  if (fine && ! json_scan_failed (&reader->scan))
    return array;
  json_decref (array);
  return NULL;
}

/* The next value; NULL when it is refused or memory is out. As deep as the scanner lets it. */
static json_t *
build (struct reader *reader)
{
  struct json_scan_value value;

  if (! json_scan_value (&reader->scan, &value))
    return NULL;
  switch (value.kind)
  {
  case JSON_SCAN_NULL:
    return json_null ();
  case JSON_SCAN_FALSE:
    return json_false ();
  case JSON_SCAN_TRUE:
    return json_true ();
  case JSON_SCAN_STRING:
    return build_string (reader, value.text);
  case JSON_SCAN_ARRAY:
    return build_array (reader);
  case JSON_SCAN_OBJECT:
    return build_object (reader);
  case JSON_SCAN_INTEGER:
  case JSON_SCAN_REAL:
    break;
  }
  return build_number (reader, &value);
}

json_t *
json_read (bool *out_of_memory, struct slice text)
{
  struct reader reader = { .arena = arena_new (text.len * ARENA_FACTOR + ARENA_SLACK_BYTES) };
  json_t *tree;

  *out_of_memory = NULL == reader.arena;
  if (NULL == reader.arena)
    return NULL;
  json_scan_init (&reader.scan, text, reader.arena, JSON_READ_MAX_DEPTH);
  tree = build (&reader);
  if (NULL != tree && ! json_scan_end (&reader.scan))
  {
    json_decref (tree);
    tree = NULL;
  }
  *out_of_memory = NULL == tree && (reader.out_of_memory || arena_overflowed (reader.arena));
  arena_free (reader.arena);
  return tree;
}
