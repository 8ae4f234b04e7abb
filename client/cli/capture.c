/* What a command prints: passed through, and its beginning and end kept. */
#include "cli/capture.h"

#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* Of one read: what a pipe holds on Linux. */
#define READ_BYTES ((size_t)64 << 10)

static bool
open_terminal (struct capture *capture)
{
  struct winsize size = { 0 };
  struct termios settings;

  ioctl (capture->to, TIOCGWINSZ, &size);
  if (openpty (&capture->from, &capture->child, NULL, NULL, &size) < 0)
    return false;
  /* The real terminal turns line ends; here bytes stay as the command wrote them. */
  if (0 == tcgetattr (capture->child, &settings))
  {
    settings.c_oflag &= ~(tcflag_t)OPOST;
    settings.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr (capture->child, TCSANOW, &settings);
  }
  fcntl (capture->from, F_SETFD, FD_CLOEXEC);
  fcntl (capture->child, F_SETFD, FD_CLOEXEC);
  return true;
}

bool
capture_init (struct capture *capture, int to, bool keep)
{
  int ends[2];

  memset (capture, 0, sizeof (*capture));
  capture->to = to;
  capture->last = '\n';
  capture->keep = keep;
  capture->is_terminal = isatty (to);
  if (capture->is_terminal && ! open_terminal (capture))
    capture->is_terminal = false;
  if (! capture->is_terminal)
  {
    if (pipe2 (ends, O_CLOEXEC) < 0)
      return false;
    capture->from = ends[0];
    capture->child = ends[1];
  }
  return true;
}

void
capture_resize (struct capture *capture)
{
  struct winsize size;

  if (capture->is_terminal && capture->from >= 0 && 0 == ioctl (capture->to, TIOCGWINSZ, &size))
    ioctl (capture->from, TIOCSWINSZ, &size);
}

static void
keep (struct capture *capture, const char *data, size_t bytes)
{
  size_t room = CAPTURE_BYTES - capture->head_bytes;
  size_t first = bytes < room ? bytes : room;

  capture->total_bytes += bytes;
  capture->last = data[bytes - 1];
  if (! capture->keep)
    return;
  if (NULL == capture->head)
  {
    /* Pages that are not written cost nothing. */
    capture->head = cli_array (1, CAPTURE_BYTES);
    capture->tail = cli_array (1, CAPTURE_BYTES);
  }
  memcpy (capture->head + capture->head_bytes, data, first);
  capture->head_bytes += first;
  for (size_t i = first; i < bytes;)
  {
    size_t at = capture->tail_at % CAPTURE_BYTES;
    size_t len = bytes - i < CAPTURE_BYTES - at ? bytes - i : CAPTURE_BYTES - at;

    memcpy (capture->tail + at, data + i, len);
    capture->tail_at += len;
    i += len;
  }
}

/* When nobody reads us any more the command goes on, and is still kept. */
static void
pass_on (struct capture *capture, const char *data, size_t bytes)
{
  while (bytes > 0 && capture->to >= 0)
  {
    ssize_t written = write (capture->to, data, bytes);

    if (written < 0 && EAGAIN == errno)
    {
      struct pollfd room = { capture->to, POLLOUT, 0 };

      poll (&room, 1, -1);
    }
    else if (written < 0 && EINTR != errno)
      capture->to = -1;
    else if (written > 0)
    {
      data += written;
      bytes -= (size_t)written;
    }
  }
}

bool
capture_read (struct capture *capture)
{
  char data[READ_BYTES];
  ssize_t bytes = read (capture->from, data, sizeof (data));

  if (bytes < 0 && (EINTR == errno || EAGAIN == errno))
    return true;
  /* The end of a pseudo-terminal is EIO. */
  if (bytes <= 0)
  {
    close (capture->from);
    capture->from = -1;
    return false;
  }
  pass_on (capture, data, (size_t)bytes);
  keep (capture, data, (size_t)bytes);
  return true;
}

char *
capture_content (const struct capture *capture, size_t *bytes)
{
  size_t kept = capture->tail_at < CAPTURE_BYTES ? capture->tail_at : CAPTURE_BYTES;
  size_t begin = capture->tail_at < CAPTURE_BYTES ? 0 : capture->tail_at % CAPTURE_BYTES;
  uint64_t left_out = capture->total_bytes - capture->head_bytes - kept;
  char line[96] = "";
  char *content;
  size_t len;

  *bytes = 0;
  if (0 == capture->head_bytes)
    return NULL;
  if (left_out > 0)
    snprintf (line, sizeof (line), "\n[... %" PRIu64 " bytes left out ...]\n", left_out);
  len = strlen (line);
  content = cli_array (1, capture->head_bytes + len + kept);
  memcpy (content, capture->head, capture->head_bytes);
  memcpy (content + capture->head_bytes, line, len);
  for (size_t i = 0; i < kept; i++)
    content[capture->head_bytes + len + i] = capture->tail[(begin + i) % CAPTURE_BYTES];
  *bytes = capture->head_bytes + len + kept;
  return content;
}

void
capture_free (struct capture *capture)
{
  if (capture->from >= 0)
    close (capture->from);
  if (capture->child >= 0)
    close (capture->child);
  free (capture->head);
  free (capture->tail);
}
