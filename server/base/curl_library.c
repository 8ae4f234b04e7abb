/* Loads libcurl. */
#include "base/curl_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* The name of libcurl's interface, unchanged since 2006. */
#define LIBRARY "libcurl.so.4"

static pthread_once_t once = PTHREAD_ONCE_INIT;
/* Written once, under `once`. */
static struct curl_library functions;
static bool loaded;
static char failure[200];

/* The library stays: nothing could be won by unloading it at the end of the process. */
static void
load (void)
{
  void *library = dlopen (LIBRARY, RTLD_NOW | RTLD_LOCAL);
  bool complete = NULL != library;

  /* POSIX wants a pointer to an object converted so, because ISO C does not know it. */
#define FUNCTION(name)                                                                                                 \
  if (complete)                                                                                                        \
  {                                                                                                                    \
    void *address = dlsym (library, "curl_" #name);                                                                    \
                                                                                                                       \
    memcpy (&functions.name, &address, sizeof (address));                                                              \
    complete = NULL != address;                                                                                        \
  }
  CURL_LIBRARY_FUNCTIONS (FUNCTION)
#undef FUNCTION
  if (! complete)
  {
    const char *text = dlerror ();

    snprintf (failure, sizeof (failure), "%s", NULL == text ? LIBRARY : text);
    return;
  }
  loaded = CURLE_OK == functions.global_init (CURL_GLOBAL_DEFAULT);
  if (! loaded)
    snprintf (failure, sizeof (failure), "curl_global_init failed");
}

enum err_code
curl_library_load (const struct curl_library **curl, const char *who, struct err *err)
{
  pthread_once (&once, load);
  if (! loaded)
    return err_set_cause (err, ERR_INTERNAL_ERROR, failure, "%s needs libcurl, which cannot be loaded", who);
  *curl = &functions;
  return ERR_OK;
}
