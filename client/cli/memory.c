/* Memory of a program that ends soon: texts in one arena, arrays that their users may free; running out ends it. */
#include "cli/cli.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Threads of the client make texts too: what they tell is printed. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct arena *texts;

static void *
there (void *memory)
{
  if (NULL == memory)
  {
    fputs ("tally: Out of memory.\n", stderr);
    exit (CLI_LOCAL);
  }
  return memory;
}

char *
cli_copy (const char *text, size_t len)
{
  char *copy;

  pthread_mutex_lock (&lock);
  if (NULL == texts)
    texts = there (arena_new (SIZE_MAX / 2));
  copy = there (arena_copy (texts, text, strnlen (text, len)));
  pthread_mutex_unlock (&lock);
  return copy;
}

char *
cli_printf (const char *format, ...)
{
  char *text = NULL;
  va_list arguments;
  char *copy;
  int len;

  va_start (arguments, format);
  len = vasprintf (&text, format, arguments);
  va_end (arguments);
  there (len < 0 ? NULL : text);
  copy = cli_copy (text, (size_t)len);
  free (text);
  return copy;
}

struct arena_mark
cli_mark (void)
{
  cli_copy ("", 0);
  return arena_mark (texts);
}

void
cli_rewind (const struct arena_mark *mark)
{
  pthread_mutex_lock (&lock);
  arena_rewind (texts, mark);
  pthread_mutex_unlock (&lock);
}

void *
cli_array (size_t count, size_t size)
{
  return there (calloc (0 == count ? 1 : count, size));
}

void *
cli_grow (void *array, size_t count, size_t size)
{
  return there (reallocarray (array, 0 == count ? 1 : count, size));
}
