/* Rules of names and lengths. */
#include "api/names.h"

#include "api/decode.h"
#include "base/key.h"
#include "base/number.h"
#include "base/utf8.h"

static bool
is_key_character (uint32_t point)
{
  if (point < 0x80)
    return (point >= 'a' && point <= 'z') || (point >= 'A' && point <= 'Z') || (point >= '0' && point <= '9')
           || (0 != point && NULL != strchr ("_-. :/", (int)point));
  return utf8_is_word (point);
}

static bool
has_key_characters (struct slice key)
{
  uint32_t point;

  while (key.len > 0)
    if (! utf8_next (&key, &point) || ! is_key_character (point))
      return false;
  return true;
}

/* The normal form, as Python's posixpath.normpath gives it. */
static const char *
normal_path (struct slice key, struct arena *arena)
{
  char *out = arena_alloc (arena, key.len + 2);
  size_t length = 0;
  size_t root = 0;
  size_t start = 0;

  if (NULL == out)
    return "";
  /* One or three and more slashes at the start are one, exactly two stay two (POSIX, section 4.13). */
  if (key.len > 0 && '/' == key.data[0])
  {
    out[length++] = '/';
    if (key.len > 1 && '/' == key.data[1] && (key.len == 2 || '/' != key.data[2]))
      out[length++] = '/';
  }
  root = length;
  for (size_t at = 0; at <= key.len; at++)
  {
    struct slice segment = { key.data + start, at - start };

    if (at < key.len && '/' != key.data[at])
      continue;
    start = at + 1;
    if (0 == segment.len || slice_is (segment, "."))
      continue;
    if (slice_is (segment, ".."))
    {
      size_t cut = length;

      while (cut > root && '/' != out[cut - 1])
        cut--;
      if (length > root && ! slice_is ((struct slice){ out + cut, length - cut }, ".."))
      {
        length = cut > root ? cut - 1 : root;
        continue;
      }
      if (root > 0)
        continue;
    }
    if (length > root)
      out[length++] = '/';
    memcpy (out + length, segment.data, segment.len);
    length += segment.len;
  }
  if (0 == length)
    out[length++] = '.';
  out[length] = '\0';
  return out;
}

enum err_code
names_check_key (struct slice key, const char *parameter, struct arena *arena, struct err *err)
{
  if (! has_key_characters (key))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %s for parameter '%s' supplied: Names may only contain alphanumerics, underscores "
                    "(_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).",
                    api_python_string (key, arena), parameter);
  return names_check_path (key, parameter, arena, err);
}

enum err_code
names_check_path (struct slice text, const char *parameter, struct arena *arena, struct err *err)
{
  if (! key_is_normal_path (text))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %s for parameter '%s' supplied: Names may be treated as files in certain cases, and "
                    "must not resolve to other names when treated as such. This name would resolve to '%s'",
                    api_python_string (text, arena), parameter, normal_path (text, arena));
  return ERR_OK;
}

bool
names_key_is_fine (struct slice key)
{
  return has_key_characters (key) && key_is_normal_path (key) && (key.len <= KEY_MAX || utf8_length (key) <= KEY_MAX);
}

enum err_code
names_check_length (struct slice text, const char *what, size_t max, struct err *err)
{
  if (text.len > max && utf8_length (text) > max)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "'%s' exceeds the maximum length of %zu characters", what, max);
  return ERR_OK;
}

enum err_code
names_experiment_id (int64_t *id, struct slice text, struct err *err)
{
  struct slice digits = text;

  *id = 0;
  if (0 == text.len)
    return ERR_OK;
  if (number_parse_int64 (text, id))
    return ERR_OK;
  if ('-' == digits.data[0] || '+' == digits.data[0])
    digits = (struct slice){ digits.data + 1, digits.len - 1 };
  for (size_t i = 0; i < digits.len; i++)
    if (digits.data[i] < '0' || digits.data[i] > '9')
      digits.len = 0;
  if (0 == digits.len)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid experiment ID '%.*s'. Experiment ID must be a valid integer.", SLICE_ARG (text));
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "No Experiment with id=%.*s exists", SLICE_ARG (text));
}

enum err_code
names_experiment_ids (int64_t *ids, size_t *count, const struct slice *texts, size_t text_count, struct err *err)
{
  *count = 0;
  for (size_t i = 0; i < text_count; i++)
  {
    enum err_code code = names_experiment_id (&ids[*count], texts[i], err);

    if (ERR_OK == code)
      (*count)++;
    else if (ERR_RESOURCE_DOES_NOT_EXIST == code)
      err_clear (err);
    else
      return code;
  }
  return ERR_OK;
}
