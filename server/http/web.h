/* The dashboard's files: found at start, served from memory maps, pre-compressed, with ETag. */
#ifndef HTTP_WEB_H
#define HTTP_WEB_H

#include "base/config.h"
#include "base/slice.h"

struct web;

/* One form of a file. */
struct web_body
{
  const void *data; /* mapped; NULL when there is no such form */
  size_t size;
  char etag[40]; /* with its quotes */
};

struct web_file
{
  struct web_file *next;
  char *path; /* as in a URL, such as "/assets/index-1a2b.js" */
  const char *type;
  bool immutable; /* the name holds a hash of the content */
  struct web_body plain;
  struct web_body gzip;
  struct web_body brotli;
};

/* Find the files below the setting web-root, or beside the program. The caller frees. Errors: INVALID_PARAMETER_VALUE
   when a folder was named and cannot be read. Without any folder there are simply no files. */
enum err_code web_open (struct web **web, const struct config *config, struct err *err);
void web_close (struct web *web);

/* True when there is a dashboard. */
bool web_exists (const struct web *web);

/* The file of a path ("/" is index.html); NULL when there is none. Thread-safe. */
const struct web_file *web_find (const struct web *web, struct slice path);

/* The best form that an Accept-Encoding header allows, and its name for Content-Encoding (NULL: none). */
const struct web_body *web_choose (const char **encoding, const struct web_file *file, const char *accept_encoding);

#endif
