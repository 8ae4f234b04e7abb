/* Names and values that servers take. */
#include "name.h"

#include "error.h"

#include "base/key.h"
#include "base/utf8.h"

/* What a byte of a key is; 0: not allowed, or the end. */
#define PLAIN 1
#define PATH 2 /* '/' and '.': the key must be checked as a path */
#define HIGH 4 /* of a character beyond ASCII */

static const unsigned char classes[256] = {
  ['a' ... 'z'] = PLAIN, ['A' ... 'Z'] = PLAIN, ['0' ... '9'] = PLAIN, ['_'] = PLAIN, ['-'] = PLAIN,
  [' '] = PLAIN,         [':'] = PLAIN,         ['.'] = PATH,          ['/'] = PATH,  [0x80 ... 0xff] = HIGH,
};

static bool
has_word_characters (struct slice key)
{
  uint32_t point;

  while (key.len > 0)
    if (! utf8_next (&key, &point) || (point >= 0x80 && ! utf8_is_word (point)))
      return false;
  return true;
}

/* A text of the caller's for a message: cut, so that the rest of the message is seen. */
#define SHOWN_BYTES 300

static struct slice
shown (const char *text)
{
  struct slice whole = { text, strnlen (text, SHOWN_BYTES * 4) };

  if (! utf8_valid (whole))
    return whole.len > SHOWN_BYTES ? (struct slice){ text, SHOWN_BYTES } : whole;
  return utf8_cut (whole, SHOWN_BYTES);
}

static enum tally_code
refuse (const char *text, const char *what, size_t seen, struct tally_error *err)
{
  struct slice key = shown (text);
  size_t characters;

  if ('\0' == text[0])
    return error_set (err, TALLY_ERROR_ARGUMENT, "The key of a %s must not be empty.", what);
  if (! utf8_valid (slice_of (text)))
    return error_set (err, TALLY_ERROR_ARGUMENT, "The key of a %s is not UTF-8.", what);
  if (0 == seen)
    return error_set (err, TALLY_ERROR_ARGUMENT,
                      "The key '%.*s' of a %s has a character that is not allowed: letters, digits and _ - . space : / "
                      "are.",
                      SLICE_ARG (key), what);
  characters = utf8_length (slice_of (text));
  if (characters > KEY_MAX)
    return error_set (err, TALLY_ERROR_ARGUMENT, "The key '%.*s' of a %s has %zu characters; at most %d are allowed.",
                      SLICE_ARG (key), what, characters, KEY_MAX);
  return error_set (err, TALLY_ERROR_ARGUMENT,
                    "The key '%.*s' of a %s has an empty part, a part of dots or a slash at an end: servers take keys "
                    "as paths.",
                    SLICE_ARG (key), what);
}

enum tally_code
name_check (struct slice *key, const char *text, const char *what, struct tally_error *err)
{
  unsigned seen = 0;
  size_t len = 0;

  if (NULL == text)
    return error_set (err, TALLY_ERROR_ARGUMENT, "The key of a %s must not be NULL.", what);
  for (unsigned kind; 0 != (kind = classes[(unsigned char)text[len]]); len++)
    seen |= kind;
  *key = (struct slice){ text, len };
  if ('\0' != text[len] || 0 == len || (0 != (seen & HIGH) && ! has_word_characters (*key)))
    return refuse (text, what, 0, err);
  if ((len > KEY_MAX && utf8_length (*key) > KEY_MAX) || (0 != (seen & PATH) && ! key_is_normal_path (*key)))
    return refuse (text, what, seen, err);
  return TALLY_OK;
}

enum tally_code
name_check_value (struct slice *value, const char *text, size_t max, const char *what, struct slice key,
                  struct tally_error *err)
{
  const char *of = slice_filled (key) ? " of " : "";
  size_t characters;

  if (NULL == text)
    return error_set (err, TALLY_ERROR_ARGUMENT, "The %s%s%.*s must not be NULL.", what, of, SLICE_ARG (key));
  *value = slice_of (text);
  if (! utf8_valid (*value))
    return error_set (err, TALLY_ERROR_ARGUMENT, "The %s%s%.*s is not UTF-8.", what, of, SLICE_ARG (key));
  characters = value->len > max ? utf8_length (*value) : 0;
  if (characters > max)
    return error_set (err, TALLY_ERROR_ARGUMENT, "The %s%s%.*s has %zu characters; at most %zu are allowed.", what, of,
                      SLICE_ARG (key), characters, max);
  return TALLY_OK;
}
