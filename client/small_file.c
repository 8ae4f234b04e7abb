/* Small files of the system and of repositories, read whole and within bounds. */
#include "small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Read at a time; files of /proc tell no size. */
#define PIECE_BYTES 4096

static bool
read_all (struct buffer *text, int fd)
{
  char piece[PIECE_BYTES];
  ssize_t got;

  for (;;)
  {
    got = read (fd, piece, sizeof (piece));
    if (got < 0 && EINTR == errno)
      continue;
    if (got <= 0)
      return 0 == got;
    if (! buffer_append (text, piece, (size_t)got))
      return false;
  }
}

bool
small_file_read (struct buffer *text, const char *path)
{
  struct stat status;
  /* Without O_NONBLOCK a pipe would be waited for. */
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  bool ok;

  if (fd < 0)
    return false;
  ok = 0 == fstat (fd, &status) && S_ISREG (status.st_mode) && read_all (text, fd);
  (void)close (fd);
  if (! ok)
    buffer_clear (text);
  return ok;
}

bool
small_file_read_format (struct buffer *text, const char *format, ...)
{
  char path[PATH_MAX];
  va_list arguments;
  int length;

  va_start (arguments, format);
  length = vsnprintf (path, sizeof (path), format, arguments);
  va_end (arguments);
  return length > 0 && (size_t)length < sizeof (path) && small_file_read (text, path);
}

bool
small_file_line (struct slice *line, struct slice *rest)
{
  const char *end;

  if (! slice_filled (*rest))
    return false;
  end = memchr (rest->data, '\n', rest->len);
  *line = (struct slice){ rest->data, NULL == end ? rest->len : (size_t)(end - rest->data) };
  if (NULL == end)
    *rest = (struct slice){ NULL, 0 };
  else
    *rest = (struct slice){ end + 1, rest->len - line->len - 1 };
  return true;
}

static bool
is_space (char c)
{
  return ' ' == c || '\t' == c || '\r' == c || '\n' == c;
}

struct slice
small_file_trim (struct slice text)
{
  while (text.len > 0 && is_space (text.data[0]))
    text = (struct slice){ text.data + 1, text.len - 1 };
  while (text.len > 0 && is_space (text.data[text.len - 1]))
    text.len--;
  return text;
}
