/* Paths of artifacts: what a client sends, judged before anything is stored or read.

   DESIGN
   Names are rows, so no path leads out of the store. Hostile ones are refused all the same, because clients make files
   of them: whoever downloads a directory joins the names below it to a folder of his own. A client, or a proxy on the
   way, may decode once more than we do, so a path is judged as it is and as every further decoding makes it; what is
   stored is the path as it was given. */
#include "api/artifact_path.h"

#include "base/hex.h"
#include "base/utf8.h"
#include "store/artifact.h"
#include "store/artifact_uri.h"

#include <ctype.h>
#include <strings.h>

/* Rounds of percent decoding after which a text counts as hostile; MLflow uses the same number. */
#define DECODE_ROUNDS 10

/* Longest part of a path that a message repeats. */
#define QUOTED_BYTES 200

static bool
starts_with (struct slice text, const char *prefix)
{
  size_t length = strlen (prefix);

  return text.len >= length && 0 == strncasecmp (text.data, prefix, length);
}

static enum err_code
refuse (struct err *err, const char *field, struct slice given, const char *why)
{
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid path: '%.*s'%s in '%s' %s.",
                  (int)(given.len < QUOTED_BYTES ? given.len : QUOTED_BYTES), NULL == given.data ? "" : given.data,
                  given.len > QUOTED_BYTES ? "..." : "", field, why);
}

static enum err_code
too_long (struct err *err, const char *field, size_t bytes)
{
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid path: '%s' has %zu bytes; the limit is %d bytes.", field,
                  bytes, STORE_ARTIFACT_PATH_MAX_BYTES);
}

/* Why no program should make a file of this text; NULL when it may. */
static const char *
hostility (struct slice text)
{
  size_t segment = 0;

  if (text.len > 0 && '/' == text.data[0])
    return "is absolute";
  if (text.len > 1 && isalpha ((unsigned char)text.data[0]) && ':' == text.data[1]
      && (2 == text.len || '/' == text.data[2] || '\\' == text.data[2]))
    return "begins with a drive letter";
  if (starts_with (text, "file:"))
    return "is a file URI";
  for (size_t i = 0; i <= text.len; i++)
  {
    unsigned char c = i == text.len ? '/' : (unsigned char)text.data[i];
    size_t length = i - segment;

    if (c < 0x20 || 0x7F == c || (0xC2 == c && i + 1 < text.len && (unsigned char)text.data[i + 1] < 0xA0))
      return "holds a control character";
    if ('\\' == c)
      return "holds a backslash";
    /* Bytes that only overlong forms have, for decoders that take them. */
    if (0xC0 == c || 0xC1 == c)
      return "is not UTF-8";
    if ('/' != c)
      continue;
    if ((1 == length && '.' == text.data[segment])
        || (2 == length && '.' == text.data[segment] && '.' == text.data[segment + 1]))
      return "holds a segment of dots";
    segment = i + 1;
  }
  return NULL;
}

/* Decode what can be decoded, and leave other percent signs; false when there was nothing. */
static bool
decode_some (char *text, size_t *length)
{
  size_t out = 0;

  for (size_t i = 0; i < *length; i++, out++)
  {
    int high = '%' == text[i] && i + 2 < *length ? hex_value (text[i + 1]) : -1;
    int low = high < 0 ? -1 : hex_value (text[i + 2]);

    text[out] = low < 0 ? text[i] : (char)(unsigned char)(high * 16 + low);
    i += low < 0 ? 0 : 2;
  }
  if (out == *length)
    return false;
  *length = out;
  return true;
}

/* One slash between segments, none at the end. */
static void
remove_slashes (char *text, size_t *length)
{
  size_t out = 0;

  for (size_t i = 0; i < *length; i++)
    if ('/' != text[i] || (out > 0 && '/' != text[out - 1]))
      text[out++] = text[i];
  if (out > 0 && '/' == text[out - 1])
    out--;
  text[out] = '\0';
  *length = out;
}

enum err_code
artifact_path_check (struct slice *path, struct slice given, const char *field, bool may_be_empty, struct arena *arena,
                     struct err *err)
{
  const char *why = NULL;
  unsigned rounds = 0;
  char *text;
  size_t length = given.len;

  if (given.len > STORE_ARTIFACT_PATH_MAX_BYTES)
    return too_long (err, field, given.len);
  if (! utf8_valid (given))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid path: '%s' is not valid UTF-8.", field);
  text = arena_copy (arena, NULL == given.data ? "" : given.data, given.len);
  if (NULL == text)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  do
    why = hostility ((struct slice){ text, length });
  while (NULL == why && ++rounds <= DECODE_ROUNDS && decode_some (text, &length));
  if (NULL == why && rounds > DECODE_ROUNDS)
    why = "is encoded too often";
  if (NULL != why)
    return refuse (err, field, given, why);
  text = arena_copy (arena, NULL == given.data ? "" : given.data, given.len);
  if (NULL == text)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  length = given.len;
  remove_slashes (text, &length);
  if (0 == length && ! may_be_empty)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid path: '%s' is empty.", field);
  *path = (struct slice){ text, length };
  return ERR_OK;
}

enum err_code
artifact_path_join (struct slice *joined, struct slice directory, struct slice path, struct arena *arena,
                    struct err *err)
{
  const char *slash = directory.len > 0 && path.len > 0 ? "/" : "";
  size_t length = directory.len + strlen (slash) + path.len;
  const char *text;

  if (length > STORE_ARTIFACT_PATH_MAX_BYTES)
    return too_long (err, "path", length);
  text = arena_printf (arena, "%.*s%s%.*s", SLICE_ARG (directory), slash, SLICE_ARG (path));
  if (NULL == text)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  *joined = (struct slice){ text, length };
  return ERR_OK;
}

/* --- artifact URIs ------------------------------------------------------------------------------------------------ */

enum err_code
artifact_path_of_uri (struct slice *directory, struct slice uri, struct arena *arena, struct err *err)
{
  struct slice path;
  enum err_code code = store_artifact_directory (&path, uri, arena, err);

  if (ERR_OK == code && NULL == path.data)
    code = err_set (err, ERR_NOT_IMPLEMENTED,
                    "The artifacts are at '%.*s', which this server does not read; use a client that can reach it.",
                    SLICE_ARG (uri));
  return ERR_OK == code ? artifact_path_check (directory, path, "artifact_uri", true, arena, err) : code;
}

/* --- media types -------------------------------------------------------------------------------------------------- */

#define TEXT "text/plain; charset=utf-8"
#define BINARY "application/octet-stream"

/* The first table has its extensions in the case in which MLflow has them, and names without one
   (mlflow/utils/mime_type_utils.py); the second ones of any case. */
static const char *const text_extensions[] = { "txt", "log",        "err",   "cfg",     "conf",     "cnf",  "cf",
                                               "ini", "properties", "prop",  "hocon",   "toml",     "yaml", "yml",
                                               "xml", "json",       "js",    "py",      "py3",      "csv",  "tsv",
                                               "md",  "rst",        "ipynb", "MLmodel", "MLproject" };

static const struct
{
  const char *extension;
  const char *type;
} types[] = {
  { "htm", "text/html; charset=utf-8" },
  { "html", "text/html; charset=utf-8" },
  { "css", "text/css; charset=utf-8" },
  { "txt", TEXT },
  { "log", TEXT },
  { "c", TEXT },
  { "h", TEXT },
  { "csv", "text/csv; charset=utf-8" },
  { "json", "application/json" },
  { "xml", "text/xml" },
  { "js", "application/javascript" },
  { "mjs", "application/javascript" },
  { "wasm", "application/wasm" },
  { "svg", "image/svg+xml" },
  { "png", "image/png" },
  { "jpg", "image/jpeg" },
  { "jpeg", "image/jpeg" },
  { "gif", "image/gif" },
  { "webp", "image/webp" },
  { "avif", "image/avif" },
  { "bmp", "image/bmp" },
  { "ico", "image/vnd.microsoft.icon" },
  { "tif", "image/tiff" },
  { "tiff", "image/tiff" },
  { "mp3", "audio/mpeg" },
  { "wav", "audio/x-wav" },
  { "ogg", "audio/ogg" },
  { "flac", "audio/flac" },
  { "mp4", "video/mp4" },
  { "webm", "video/webm" },
  { "mpeg", "video/mpeg" },
  { "mov", "video/quicktime" },
  { "avi", "video/x-msvideo" },
  { "pdf", "application/pdf" },
  { "zip", "application/zip" },
  { "tar", "application/x-tar" },
  { "gz", "application/gzip" },
  { "tgz", "application/gzip" },
  { "bz2", "application/x-bzip2" },
  { "xz", "application/x-xz" },
  { "zst", "application/zstd" },
  { "h5", "application/x-hdf5" },
  { "hdf5", "application/x-hdf5" },
  { "parquet", "application/vnd.apache.parquet" },
  { "woff", "font/woff" },
  { "woff2", "font/woff2" },
};

const char *
artifact_media_type (struct slice path)
{
  const char *slash = 0 == path.len ? NULL : memrchr (path.data, '/', path.len);
  struct slice name = NULL == slash ? path : (struct slice){ slash + 1, path.len - (size_t)(slash + 1 - path.data) };
  const char *dot = 0 == name.len ? NULL : memrchr (name.data, '.', name.len);
  struct slice extension;

  /* A point at the beginning begins no extension. */
  extension =
      NULL == dot || dot == name.data ? name : (struct slice){ dot + 1, name.len - (size_t)(dot + 1 - name.data) };
  for (size_t i = 0; i < sizeof (text_extensions) / sizeof (text_extensions[0]); i++)
    if (slice_is (extension, text_extensions[i]))
      return TEXT;
  for (size_t i = 0; NULL != dot && dot != name.data && i < sizeof (types) / sizeof (types[0]); i++)
    if (strlen (types[i].extension) == extension.len
        && 0 == strncasecmp (extension.data, types[i].extension, extension.len))
      return types[i].type;
  return BINARY;
}
