/* The dashboard's files, mapped so that memory is used only for what is served. */
#include "http/web.h"

#include "base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Folders open at once while the tree is walked. */
#define WALK_DESCRIPTORS 8

struct web
{
  struct web_file *files;
  bool exists;
};

/* Content types of what a built dashboard holds; everything else is only bytes. */
static const struct
{
  const char *ending;
  const char *type;
} types[] = {
  { ".html", "text/html; charset=utf-8" },
  { ".js", "text/javascript; charset=utf-8" },
  { ".css", "text/css; charset=utf-8" },
  { ".svg", "image/svg+xml" },
  { ".png", "image/png" },
  { ".ico", "image/x-icon" },
  { ".json", "application/json" },
  { ".webmanifest", "application/manifest+json" },
  { ".txt", "text/plain; charset=utf-8" },
  { ".woff2", "font/woff2" },
  { ".map", "application/json" },
};

static bool
ends_with (const char *text, const char *ending)
{
  size_t length = strlen (text);
  size_t tail = strlen (ending);

  return length >= tail && 0 == strcmp (text + length - tail, ending);
}

static const char *
type_of (const char *path)
{
  for (size_t i = 0; i < sizeof (types) / sizeof (types[0]); i++)
    if (ends_with (path, types[i].ending))
      return types[i].type;
  return "application/octet-stream";
}

static void
unmap (struct web_body *body)
{
  if (NULL != body->data && body->size > 0)
    (void)munmap ((void *)(uintptr_t)body->data, body->size);
  body->data = NULL;
}

/* Map a file and compute its ETag. False when it cannot be read. */
static bool
map_file (struct web_body *body, const char *path)
{
  char text[DIGEST_TEXT_BYTES];
  struct digest digest;
  struct stat status;
  void *data;
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  bool mapped = false;

  if (fd < 0)
    return false;
  if (0 != fstat (fd, &status) || ! S_ISREG (status.st_mode))
    goto out;
  if (0 == status.st_size)
    data = (void *)(uintptr_t) "";
  else
    data = mmap (NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (MAP_FAILED == data)
    goto out;
  *body = (struct web_body){ .data = data, .size = (size_t)status.st_size };
  if (! digest_of (&digest, (struct slice){ data, body->size }))
    goto out;
  digest_format (text, &digest);
  /* Sixteen bytes of the digest tell versions of one file apart. */
  snprintf (body->etag, sizeof (body->etag), "\"%.32s\"", text);
  /* Hashing has touched every page; only what is served should stay in memory. */
  if (body->size > 0)
    (void)madvise (data, body->size, MADV_DONTNEED);
  mapped = true;
out:
  close (fd);
  return mapped;
}

/* nftw has no argument for its callback; the walk runs once, at start, on one thread. */
static struct
{
  struct web *web;
  size_t root_length;
  bool failed;
} walk;

static int
visit (const char *path, const struct stat *status, int kind, struct FTW *position)
{
  struct web_file *file;
  char compressed[PATH_MAX];

  (void)status;
  (void)position;
  if (FTW_F != kind || ends_with (path, ".gz") || ends_with (path, ".br"))
    return 0;
  file = calloc (1, sizeof (*file));
  if (NULL == file)
    goto fail;
  file->next = walk.web->files;
  walk.web->files = file;
  file->path = strdup (path + walk.root_length);
  file->type = type_of (path);
  file->immutable = 0 == strncmp (path + walk.root_length, "/assets/", 8);
  if (NULL == file->path || ! map_file (&file->plain, path))
    goto fail;
  snprintf (compressed, sizeof (compressed), "%s.gz", path);
  (void)map_file (&file->gzip, compressed);
  snprintf (compressed, sizeof (compressed), "%s.br", path);
  (void)map_file (&file->brotli, compressed);
  walk.web->exists = walk.web->exists || 0 == strcmp (file->path, "/index.html");
  return 0;

fail:
  walk.failed = true;
  return 1;
}

/* The folder beside the program, or in the share folder of an installation; false when there is none. */
static bool
default_root (char root[PATH_MAX])
{
  static const char *const places[] = { "web", "../share/tally/web" };
  char program[PATH_MAX];
  ssize_t length = readlink ("/proc/self/exe", program, sizeof (program) - 1);
  char *slash;

  if (length <= 0)
    return false;
  program[length] = '\0';
  slash = strrchr (program, '/');
  if (NULL == slash)
    return false;
  *slash = '\0';
  for (size_t i = 0; i < sizeof (places) / sizeof (places[0]); i++)
  {
    char candidate[2 * PATH_MAX];

    snprintf (candidate, sizeof (candidate), "%s/%s", program, places[i]);
    if (NULL != realpath (candidate, root))
      return true;
  }
  return false;
}

enum err_code
web_open (struct web **out, const struct config *config, struct err *err)
{
  struct web *web = calloc (1, sizeof (*web));
  char root[PATH_MAX];

  *out = web;
  if (NULL == web)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if ('\0' == config->web_root[0])
  {
    if (! default_root (root))
      return ERR_OK;
  }
  else if (NULL == realpath (config->web_root, root))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "web-root %s: %s", config->web_root, strerror (errno));
  walk.web = web;
  walk.root_length = strlen (root);
  walk.failed = false;
  if (0 != nftw (root, visit, WALK_DESCRIPTORS, FTW_PHYS) || walk.failed)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "web-root %s: cannot be read", root);
  return ERR_OK;
}

void
web_close (struct web *web)
{
  if (NULL == web)
    return;
  while (NULL != web->files)
  {
    struct web_file *file = web->files;

    web->files = file->next;
    unmap (&file->plain);
    unmap (&file->gzip);
    unmap (&file->brotli);
    free (file->path);
    free (file);
  }
  free (web);
}

bool
web_exists (const struct web *web)
{
  return web->exists;
}

const struct web_file *
web_find (const struct web *web, struct slice path)
{
  if (slice_is (path, "/"))
    path = SLICE ("/index.html");
  /* A built dashboard has a few dozen files. */
  for (const struct web_file *file = web->files; NULL != file; file = file->next)
    if (slice_is (path, file->path))
      return file;
  return NULL;
}

/* Whether a coding is named in Accept-Encoding and not refused with q=0. */
static bool
accepts (const char *header, const char *coding)
{
  size_t length = strlen (coding);

  while (NULL != header && '\0' != *header)
  {
    size_t item;
    const char *quality;

    header += strspn (header, " \t,");
    item = strcspn (header, ",");
    if (item >= length && 0 == strncasecmp (header, coding, length)
        && (item == length || NULL != strchr (" \t;", header[length])))
    {
      /* RFC 9110, section 12.4.2: the weight's name is case-insensitive, and 0 refuses. */
      quality = memmem (header, item, "q=", 2);
      if (NULL == quality)
        quality = memmem (header, item, "Q=", 2);
      return NULL == quality || strtod (quality + 2, NULL) > 0;
    }
    header += item;
  }
  return false;
}

const struct web_body *
web_choose (const char **encoding, const struct web_file *file, const char *accept_encoding)
{
  if (NULL != file->brotli.data && accepts (accept_encoding, "br"))
  {
    *encoding = "br";
    return &file->brotli;
  }
  if (NULL != file->gzip.data && accepts (accept_encoding, "gzip"))
  {
    *encoding = "gzip";
    return &file->gzip;
  }
  *encoding = NULL;
  return &file->plain;
}
