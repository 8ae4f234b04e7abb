/* libcurl, loaded when a store in S3 is opened: with its twenty libraries it would cost every daemon 0.7 MB of memory
   and 5 ms at its start, most of which keep artifacts in a directory. */
#ifndef BLOB_S3_CURL_H
#define BLOB_S3_CURL_H

#include "base/err.h"

#include <curl/curl.h>

/* The functions of libcurl that the client calls, under their names without "curl_". */
#define S3_CURL_FUNCTIONS(FUNCTION)                                                                                    \
  FUNCTION (global_init)                                                                                               \
  FUNCTION (easy_init)                                                                                                 \
  FUNCTION (easy_cleanup)                                                                                              \
  FUNCTION (easy_reset)                                                                                                \
  FUNCTION (easy_setopt)                                                                                               \
  FUNCTION (easy_perform)                                                                                              \
  FUNCTION (easy_strerror)                                                                                             \
  FUNCTION (slist_append)                                                                                              \
  FUNCTION (slist_free_all)

struct s3_curl
{
#define FUNCTION(name) __typeof__ (curl_##name) *name;
  S3_CURL_FUNCTIONS (FUNCTION)
#undef FUNCTION
};

/* Load and set up libcurl, once in the life of the process. Errors: INTERNAL_ERROR with the loader's text as cause.
   Thread-safe. */
enum err_code s3_curl_load (const struct s3_curl **curl, struct err *err);

#endif
