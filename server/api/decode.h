/* Arguments of a request into a struct, by a const array of fields: the JSON mapping of protocol buffers with the
   checks and messages that MLflow's clients know. */
#ifndef API_DECODE_H
#define API_DECODE_H

#include "api/call.h"
#include "store/result.h"

struct schema;

enum field_type
{
  FIELD_STRING, /* -> struct slice; absent when not given */
  FIELD_INT64, /* -> struct optional_int64 */
  FIELD_DOUBLE, /* -> struct optional_double */
  FIELD_BOOL, /* -> struct optional_int64, 0 or 1 */
  FIELD_ENUM, /* -> struct optional_int64; names[i] is the name of number i, NULL where there is none */
  FIELD_STRINGS, /* -> struct slices */
  FIELD_OBJECT, /* -> void *: a struct of `schema`, NULL when not given */
  FIELD_OBJECTS /* -> struct objects of `schema` */
};

struct optional_double
{
  bool present;
  double value;
};

struct slices
{
  struct slice *items;
  size_t count;
};

struct objects
{
  void *items; /* an array of structs of the field's schema */
  size_t count;
};

enum field_flag
{
  FIELD_REQUIRED = 1,
  FIELD_NUL = 2, /* U+0000 is judged by the handler: the rules of keys have a message for it */
  FIELD_EMPTY = 4, /* the empty string is judged by the handler */
  FIELD_SECRET = 8, /* messages do not quote it */
  FIELD_SPELLED = 16 /* a boolean of a body may be the text true or false, as MLflow's R client sends it */
};

struct field
{
  const char *name; /* snake_case; lowerCamelCase is accepted too */
  enum field_type type;
  unsigned flags;
  size_t offset;
  const struct schema *schema; /* of FIELD_OBJECT and FIELD_OBJECTS */
  const char *const *names; /* of FIELD_ENUM */
  size_t name_count;
  const char *deprecated_name; /* read when the field itself is absent; NULL for none */
};

struct schema
{
  const struct field *fields;
  size_t count;
  size_t bytes; /* of the struct */
};

#define SCHEMA(fields, type)                                                                                           \
  {                                                                                                                    \
    (fields), sizeof (fields) / sizeof ((fields)[0]), sizeof (type)                                                    \
  }

/* Decode the arguments of the call (query of a GET, body otherwise) into `out`, which is zeroed first. Texts live in
   the call's arena or arguments. Errors: INVALID_PARAMETER_VALUE naming the field. */
enum err_code api_decode (void *out, struct api_call *call, const struct schema *schema, struct err *err);

/* The value of an argument under its snake_case name or in lowerCamelCase; NULL when it is not there, or null.
   Borrowed. Errors: INVALID_PARAMETER_VALUE when it is there in both spellings. */
enum err_code api_argument (json_t **value, const json_t *arguments, const char *name, struct err *err);

/* The JSON text of a value as Python's json.dumps prints it with sorted keys and no spaces, cut to a length that fits
   into a message. In the arena. */
const char *api_python_json (const json_t *value, struct arena *arena);

/* A string as Python's repr prints it, for messages that quote lists and dictionaries of Python. In the arena. */
const char *api_python_repr (struct slice text, struct arena *arena);

/* As api_python_json for a string. */
const char *api_python_string (struct slice text, struct arena *arena);

#endif
