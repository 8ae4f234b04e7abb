/* Memory of a program that ends soon: never freed, and running out of it ends the program. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
cli_printf (const char *format, ...)
{
  char *text = NULL;
  va_list arguments;
  int len;

  va_start (arguments, format);
  len = vasprintf (&text, format, arguments);
  va_end (arguments);
  return there (len < 0 ? NULL : text);
}

char *
cli_copy (const char *text, size_t len)
{
  return there (strndup (text, len));
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
