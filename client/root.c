/* Roots and names, as MLflow's clients write them. */
#include "root.h"

#include "error.h"

#include "base/hex.h"
#include "base/number.h"
#include "base/utf8.h"

#include <string.h>
#include <strings.h>

/* Characters of an id behind "m-". */
#define MODEL_ID_DIGITS 32
/* MLflow's pattern for run ids allows as many. */
#define RUN_ID_MAX_BYTES 256

static size_t
model_id_length (const char *text)
{
  size_t digits = 0;

  if (0 != strncmp (text, "m-", 2))
    return 0;
  while (digits < MODEL_ID_DIGITS && hex_value (text[2 + digits]) >= 0)
    digits++;
  return MODEL_ID_DIGITS == digits && ('\0' == text[2 + digits] || '/' == text[2 + digits]) ? 2 + digits : 0;
}

bool
root_model_id_valid (const char *id)
{
  size_t length = model_id_length (id);

  return length > 0 && '\0' == id[length];
}

static bool
is_id_character (char c)
{
  return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') || '_' == c || '-' == c;
}

static size_t
run_id_length (const char *text)
{
  size_t length = 0;

  while (length <= RUN_ID_MAX_BYTES && is_id_character (text[length]))
    length++;
  return length <= RUN_ID_MAX_BYTES && ('\0' == text[length] || '/' == text[length]) ? length : 0;
}

bool
root_run_id_valid (const char *id)
{
  size_t length = run_id_length (id);

  return length > 0 && '\0' == id[length];
}

static bool
part_valid (struct slice part)
{
  for (size_t i = 0; i < part.len; i++)
    if ((unsigned char)part.data[i] < 0x20 || 0x7f == part.data[i] || '\\' == part.data[i])
      return false;
  return part.len > 0 && ! slice_is (part, ".") && ! slice_is (part, "..");
}

bool
artifact_name_valid (const char *name)
{
  size_t depth = 0;

  if (strlen (name) > ARTIFACT_NAME_MAX_BYTES || ! utf8_valid (slice_of (name)))
    return false;
  for (;;)
  {
    size_t length = strcspn (name, "/");

    if (! part_valid ((struct slice){ name, length }) || ++depth > ARTIFACT_DEPTH_MAX)
      return false;
    if ('\0' == name[length])
      return true;
    name += length + 1;
  }
}

/* What stands behind an id of `length` characters: nothing, or a slash and a name. False for another thing. */
static bool
take_id (struct root *root, struct arena *arena, const char *text, size_t length)
{
  const char *path = '/' == text[length] ? text + length + 1 : "";

  if (0 == length || ('/' == text[length] && ! artifact_name_valid (path)))
    return false;
  root->id = arena_copy (arena, text, length);
  root->path = arena_copy (arena, path, strlen (path));
  return true;
}

/* A stage in any case, as MLflow's clients take it; NULL: none. */
static const char *
stage_of (const char *text)
{
  static const char *const stages[] = { "None", "Staging", "Production", "Archived" };

  for (size_t i = 0; i < sizeof (stages) / sizeof (stages[0]); i++)
    if (0 == strcasecmp (stages[i], text))
      return stages[i];
  return NULL;
}

static bool
take_version (struct root *root, struct arena *arena, const char *text, const char *slash)
{
  root->name = arena_copy (arena, text, (size_t)(slash - text));
  root->stage = stage_of (slash + 1);
  if (NULL != root->stage)
    root->kind = ROOT_STAGE;
  else
    root->kind = 0 == strcmp (slash + 1, "latest") ? ROOT_LATEST : ROOT_VERSION;
  return slash > text
         && (ROOT_VERSION != root->kind
             || (number_parse_int64 (slice_of (slash + 1), &root->version) && root->version > 0));
}

static bool
take_alias (struct root *root, struct arena *arena, const char *text)
{
  const char *at = strrchr (text, '@');

  if (NULL == at || at == text || '\0' == at[1])
    return false;
  root->name = arena_copy (arena, text, (size_t)(at - text));
  root->alias = arena_copy (arena, at + 1, strlen (at + 1));
  root->kind = 0 == strcmp (root->alias == NULL ? "" : root->alias, "latest") ? ROOT_LATEST : ROOT_ALIAS;
  return true;
}

static bool
take_model (struct root *root, struct arena *arena, const char *text)
{
  const char *slash = strchr (text, '/');

  if (model_id_length (text) > 0)
  {
    root->kind = ROOT_LOGGED_MODEL;
    return take_id (root, arena, text, model_id_length (text));
  }
  return NULL != slash ? take_version (root, arena, text, slash) : take_alias (root, arena, text);
}

static bool
has_control (const char *text)
{
  for (; '\0' != *text; text++)
    if ((unsigned char)*text < 0x20 || 0x7f == *text)
      return true;
  return false;
}

enum tally_code
root_parse (struct root *root, struct arena *arena, const char *uri, struct tally_error *err)
{
  bool fine = false;

  memset (root, 0, sizeof (*root));
  if (NULL == uri || strlen (uri) > ARTIFACT_NAME_MAX_BYTES * 2 || has_control (uri) || ! utf8_valid (slice_of (uri)))
    return error_set (err, TALLY_ERROR_ARGUMENT, "A URI is text of at most %d bytes without control characters.",
                      ARTIFACT_NAME_MAX_BYTES * 2);
  if (0 == strncmp (uri, "runs:/", 6))
  {
    root->kind = ROOT_RUN;
    fine = take_id (root, arena, uri + 6, run_id_length (uri + 6));
  }
  else if (0 == strncmp (uri, "models:/", 8))
    fine = take_model (root, arena, uri + 8);
  if (arena_overflowed (arena))
    return error_memory (err);
  if (fine)
    return TALLY_OK;
  return error_set (err, TALLY_ERROR_ARGUMENT,
                    "'%s' is none of runs:/<run id>, models:/m-<id>, models:/<name>/<version>, models:/<name>/latest, "
                    "models:/<name>/<stage>, models:/<name>@<alias>.",
                    uri);
}
