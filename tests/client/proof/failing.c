/* Allocations that fail. proof.mk links with --wrap for each function here, so that calls of the library come here;
   those of libcurl and jansson come by their own hooks. What the C library does inside of itself is not touched. */
#include "failing.h"

#include <curl/curl.h>
#include <jansson.h>

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What --wrap calls the real ones. */
void *__real_malloc (size_t size);
void *__real_calloc (size_t count, size_t size);
void *__real_realloc (void *old, size_t size);
char *__real_strdup (const char *text);
char *__real_strndup (const char *text, size_t bytes);
void *__real_aligned_alloc (size_t alignment, size_t size);
int __real_posix_memalign (void **memory, size_t alignment, size_t size);
void *__real_reallocarray (void *old, size_t count, size_t size);
int __real_vasprintf (char **text, const char *format, va_list list);
int __real___vasprintf_chk (char **text, int flag, const char *format, va_list list);
FILE *__real_fopen (const char *path, const char *mode);
FILE *__real_fdopen (int fd, const char *mode);
DIR *__real_opendir (const char *path);
DIR *__real_fdopendir (int fd);
int __real_pthread_create (pthread_t *thread, const pthread_attr_t *attributes, void *(*start) (void *), void *payload);
void *__real_mmap (void *address, size_t bytes, int protection, int flags, int fd, off_t offset);

void *__wrap_malloc (size_t size);
void *__wrap_calloc (size_t count, size_t size);
void *__wrap_realloc (void *old, size_t size);
char *__wrap_strdup (const char *text);
char *__wrap_strndup (const char *text, size_t bytes);
void *__wrap_aligned_alloc (size_t alignment, size_t size);
int __wrap_posix_memalign (void **memory, size_t alignment, size_t size);
void *__wrap_reallocarray (void *old, size_t count, size_t size);
int __wrap_asprintf (char **text, const char *format, ...) __attribute__ ((format (printf, 2, 3)));
int __wrap_vasprintf (char **text, const char *format, va_list list);
int __wrap___asprintf_chk (char **text, int flag, const char *format, ...) __attribute__ ((format (printf, 3, 4)));
int __wrap___vasprintf_chk (char **text, int flag, const char *format, va_list list);
FILE *__wrap_fopen (const char *path, const char *mode);
FILE *__wrap_fdopen (int fd, const char *mode);
DIR *__wrap_opendir (const char *path);
DIR *__wrap_fdopendir (int fd);
int __wrap_pthread_create (pthread_t *thread, const pthread_attr_t *attributes, void *(*start) (void *), void *payload);
void *__wrap_mmap (void *address, size_t bytes, int protection, int flags, int fd, off_t offset);

static atomic_bool armed;
static atomic_bool all_after;
static atomic_bool failed;
static atomic_bool failed_elsewhere;
static atomic_bool curl_spared;
static atomic_long left;

void
failing_arm (long at, bool and_all_after)
{
  atomic_store (&left, at);
  atomic_store (&all_after, and_all_after);
  atomic_store (&failed, false);
  atomic_store (&failed_elsewhere, false);
  atomic_store (&armed, true);
}

bool
failing_disarm (void)
{
  atomic_store (&armed, false);
  return atomic_load (&failed);
}

static bool
fails (void)
{
  long now;

  if (! atomic_load_explicit (&armed, memory_order_relaxed))
    return false;
  now = atomic_fetch_sub (&left, 1);
  if (0 != now && (now > 0 || ! atomic_load (&all_after)))
    return false;
  atomic_store (&failed, true);
  errno = ENOMEM;
  return true;
}

void *
__wrap_malloc (size_t size)
{
  return fails () ? NULL : __real_malloc (size);
}

void *
__wrap_calloc (size_t count, size_t size)
{
  return fails () ? NULL : __real_calloc (count, size);
}

void *
__wrap_realloc (void *old, size_t size)
{
  return fails () ? NULL : __real_realloc (old, size);
}

char *
__wrap_strdup (const char *text)
{
  return fails () ? NULL : __real_strdup (text);
}

char *
__wrap_strndup (const char *text, size_t bytes)
{
  return fails () ? NULL : __real_strndup (text, bytes);
}

void *
__wrap_aligned_alloc (size_t alignment, size_t size)
{
  return fails () ? NULL : __real_aligned_alloc (alignment, size);
}

int
__wrap_posix_memalign (void **memory, size_t alignment, size_t size)
{
  return fails () ? ENOMEM : __real_posix_memalign (memory, alignment, size);
}

void *
__wrap_reallocarray (void *old, size_t count, size_t size)
{
  return fails () ? NULL : __real_reallocarray (old, count, size);
}

int
__wrap_asprintf (char **text, const char *format, ...)
{
  va_list list;
  int length = -1;

  va_start (list, format);
  if (! fails ())
    length = __real_vasprintf (text, format, list);
  va_end (list);
  return length;
}

int
__wrap_vasprintf (char **text, const char *format, va_list list)
{
  return fails () ? -1 : __real_vasprintf (text, format, list);
}

int
__wrap___asprintf_chk (char **text, int flag, const char *format, ...)
{
  va_list list;
  int length = -1;

  va_start (list, format);
  if (! fails ())
    length = __real___vasprintf_chk (text, flag, format, list);
  va_end (list);
  return length;
}

int
__wrap___vasprintf_chk (char **text, int flag, const char *format, va_list list)
{
  return fails () ? -1 : __real___vasprintf_chk (text, flag, format, list);
}

FILE *
__wrap_fopen (const char *path, const char *mode)
{
  return fails () ? NULL : __real_fopen (path, mode);
}

FILE *
__wrap_fdopen (int fd, const char *mode)
{
  return fails () ? NULL : __real_fdopen (fd, mode);
}

DIR *
__wrap_opendir (const char *path)
{
  return fails () ? NULL : __real_opendir (path);
}

DIR *
__wrap_fdopendir (int fd)
{
  return fails () ? NULL : __real_fdopendir (fd);
}

int
__wrap_pthread_create (pthread_t *thread, const pthread_attr_t *attributes, void *(*start) (void *), void *payload)
{
  return fails () ? EAGAIN : __real_pthread_create (thread, attributes, start, payload);
}

void *
__wrap_mmap (void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
  return fails () ? (void *)-1 : __real_mmap (address, bytes, protection, flags, fd, offset);
}

/* jansson 2.14 ignores that its lexer has no room for the text of a string, and dies of an assertion when it takes that
   text up again (load.c, lex_save and lex_scan_string). So what looks like that buffer as it grows, a power of two from
   32 on, is not refused: nobody who uses that parser could do anything about it. */
static void *
json_malloc (size_t size)
{
  if ((size >= 32 && 0 == (size & (size - 1))) || ! fails ())
    return __real_malloc (size);
  atomic_store (&failed_elsewhere, true);
  return NULL;
}

bool
failing_was_elsewhere (void)
{
  return atomic_load (&failed_elsewhere);
}

/* libcurl's own: it may call what became of it a broken connection, which is tried again. With all that follow that
   would take the whole time of each call, so then they are left out. */
static bool
curl_fails (void)
{
  if (atomic_load (&all_after) || atomic_load (&curl_spared) || ! fails ())
    return false;
  atomic_store (&failed_elsewhere, true);
  return true;
}

void
failing_spare_curl (bool spare)
{
  atomic_store (&curl_spared, spare);
}

static void *
curl_malloc (size_t size)
{
  return curl_fails () ? NULL : __real_malloc (size);
}

static void *
curl_calloc (size_t count, size_t size)
{
  return curl_fails () ? NULL : __real_calloc (count, size);
}

static void *
curl_realloc (void *old, size_t size)
{
  return curl_fails () ? NULL : __real_realloc (old, size);
}

static char *
curl_strdup (const char *text)
{
  return curl_fails () ? NULL : __real_strdup (text);
}

void
failing_init (void)
{
  curl_global_init_mem (CURL_GLOBAL_DEFAULT, curl_malloc, free, curl_realloc, curl_strdup, curl_calloc);
  json_set_alloc_funcs (json_malloc, free);
}
