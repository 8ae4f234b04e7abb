/* libcurl, loaded when something is to be fetched: with its twenty libraries it would cost every daemon 0.7 MB of
   memory and 5 ms at its start, most of which keep artifacts in a directory and know their users themselves. */
#ifndef BASE_CURL_LIBRARY_H
#define BASE_CURL_LIBRARY_H

#include "base/err.h"

#include <curl/curl.h>

/* The functions of libcurl that are called, under their names without "curl_". */
#define CURL_LIBRARY_FUNCTIONS(FUNCTION)                                                                               \
  FUNCTION (global_init)                                                                                               \
  FUNCTION (easy_init)                                                                                                 \
  FUNCTION (easy_cleanup)                                                                                              \
  FUNCTION (easy_reset)                                                                                                \
  FUNCTION (easy_setopt)                                                                                               \
  FUNCTION (easy_getinfo)                                                                                              \
  FUNCTION (easy_perform)                                                                                              \
  FUNCTION (easy_strerror)                                                                                             \
  FUNCTION (slist_append)                                                                                              \
  FUNCTION (slist_free_all)

struct curl_library
{
#define FUNCTION(name) __typeof__ (curl_##name) *name;
  CURL_LIBRARY_FUNCTIONS (FUNCTION)
#undef FUNCTION
};

/* Load and set up libcurl, once in the life of the process. `who` needs it, such as "an artifact-store in S3". Errors:
   INTERNAL_ERROR with the loader's text as cause. Thread-safe. */
enum err_code curl_library_load (const struct curl_library **curl, const char *who, struct err *err);

#endif
