/* A line on stderr that tells how far a transfer is. */
#include "cli/progress.h"

#include "cli/interrupt.h"
#include "cli/output.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Between two drawings: more often nobody can read. */
#define DRAW_US 100000

/* Cells of the bar. */
#define BAR_CELLS 24

struct progress
{
  struct cli *cli;
  pthread_mutex_t lock; /* guards the rest: files go side by side */
  uint64_t done_bytes; /* of all files */
  uint64_t total_bytes; /* 0: not known */
  uint64_t started_us;
  uint64_t drawn_us;
  bool shown;
};

struct progress *
progress_new (struct cli *cli)
{
  struct progress *progress = cli_array (1, sizeof (*progress));

  progress->cli = cli;
  progress->started_us = clock_monotonic_us ();
  pthread_mutex_init (&progress->lock, NULL);
  return progress;
}

static bool
is_shown (const struct progress *progress)
{
  return progress->cli->err.is_terminal && ! progress->cli->quiet;
}

uint64_t
progress_bytes (const struct progress *progress)
{
  return progress->done_bytes;
}

double
progress_seconds (const struct progress *progress)
{
  return (double)(clock_monotonic_us () - progress->started_us) / 1e6;
}

static void
append_bar (struct buffer *out, const struct progress *progress, double part)
{
  const struct terminal *err = &progress->cli->err;
  unsigned filled = (unsigned)(part * BAR_CELLS);

  buffer_text (out, style_begin (err, STYLE_LIVE));
  for (unsigned i = 0; i < BAR_CELLS; i++)
    if (err->utf8)
      buffer_text (out, i < filled ? "\xe2\x94\x81" : i == filled ? "\xe2\x95\xb8" : " ");
    else
      buffer_byte (out, i < filled ? '=' : i == filled ? '>' : ' ');
  buffer_text (out, style_end (err));
}

/* What is left of the line when the name is taken off. */
static char *
tail_text (const struct progress *progress)
{
  double seconds = progress_seconds (progress);
  double rate = seconds > 0 ? (double)progress->done_bytes / seconds : 0;
  struct buffer line;

  buffer_init (&line, 4096);
  if (progress->total_bytes > 0)
  {
    double part = (double)progress->done_bytes / (double)progress->total_bytes;
    double left = rate > 0 && part < 1 ? (double)(progress->total_bytes - progress->done_bytes) / rate : 0;

    append_bar (&line, progress, part > 1 ? 1 : part);
    buffer_printf (&line, " %3.0f%%  %s/s  %s", part > 1 ? 100 : 100 * part, bytes_text ((uint64_t)rate),
                   0 == rate ? "" : duration_text ((int64_t)(left * 1000)));
  }
  else
    buffer_printf (&line, "%s  %s/s", bytes_text (progress->done_bytes), bytes_text ((uint64_t)rate));
  return buffer_steal (&line);
}

static void
draw (struct progress *progress, const char *name)
{
  struct terminal *err = &progress->cli->err;
  struct arena_mark mark = cli_mark ();
  const char *text = plain (name);
  char *tail = tail_text (progress);
  /* Escapes have no columns, which only makes the name shorter than it could be. */
  size_t room;

  terminal_size (err, STDERR_FILENO);
  room = err->columns > text_columns (tail) + 4 ? err->columns - text_columns (tail) - 4 : 8;
  fprintf (stderr, "\r\033[K%.*s  %s", (int)text_cut (text, room), text, tail);
  fflush (stderr);
  free (tail);
  cli_rewind (&mark);
  progress->shown = true;
}

bool
progress_transfer (void *payload, const char *name, uint64_t done_bytes, uint64_t total_bytes)
{
  struct progress *progress = payload;
  uint64_t now_us = clock_monotonic_us ();

  pthread_mutex_lock (&progress->lock);
  progress->done_bytes = done_bytes;
  progress->total_bytes = total_bytes;
  if (is_shown (progress) && now_us - progress->drawn_us >= DRAW_US)
  {
    progress->drawn_us = now_us;
    draw (progress, name);
  }
  pthread_mutex_unlock (&progress->lock);
  return ! interrupted ();
}

void
progress_text (struct progress *progress, const char *text)
{
  if (! is_shown (progress))
    return;
  terminal_size (&progress->cli->err, STDERR_FILENO);
  fprintf (stderr, "\r\033[K%.*s", (int)text_cut (text, progress->cli->err.columns - 1), text);
  fflush (stderr);
  progress->shown = true;
}

void
progress_end (struct progress *progress)
{
  if (! progress->shown)
    return;
  fputs ("\r\033[K", stderr);
  fflush (stderr);
  progress->shown = false;
}
