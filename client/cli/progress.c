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

struct item
{
  char *name;
  uint64_t done_bytes;
  uint64_t total_bytes;
};

struct progress
{
  struct cli *cli;
  pthread_mutex_t lock; /* guards the rest: files go side by side */
  struct item *items;
  size_t count;
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

static struct item *
item_of (struct progress *progress, const char *name)
{
  for (size_t i = progress->count; i-- > 0;)
    if (0 == strcmp (progress->items[i].name, name))
      return &progress->items[i];
  progress->items = cli_grow (progress->items, progress->count + 1, sizeof (progress->items[0]));
  progress->items[progress->count] = (struct item){ cli_copy (name, strlen (name)), 0, 0 };
  return &progress->items[progress->count++];
}

uint64_t
progress_bytes (const struct progress *progress)
{
  uint64_t bytes = 0;

  for (size_t i = 0; NULL != progress && i < progress->count; i++)
    bytes += progress->items[i].done_bytes;
  return bytes;
}

size_t
progress_files (const struct progress *progress)
{
  return NULL == progress ? 0 : progress->count;
}

double
progress_seconds (const struct progress *progress)
{
  return NULL == progress ? 0 : (double)(clock_monotonic_us () - progress->started_us) / 1e6;
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

/* Everything but the name, whose room is what is left. */
static void
draw (struct progress *progress, const struct item *item)
{
  struct terminal *err = &progress->cli->err;
  uint64_t bytes = progress_bytes (progress);
  double seconds = progress_seconds (progress);
  double rate = seconds > 0 ? (double)bytes / seconds : 0;
  const char *name = plain (item->name);
  struct buffer line;
  char *tail;
  size_t room;

  terminal_size (err, STDERR_FILENO);
  buffer_init (&line, 4096);
  if (item->total_bytes > 0)
  {
    double part = (double)item->done_bytes / (double)item->total_bytes;
    double left = rate > 0 ? (double)(item->total_bytes - item->done_bytes) / rate : 0;

    append_bar (&line, progress, part > 1 ? 1 : part);
    buffer_printf (&line, " %3.0f%%  %s/s  %s", 100 * part, bytes_text ((uint64_t)rate),
                   duration_text ((int64_t)(left * 1000)));
  }
  else
    buffer_printf (&line, "%s  %s/s", bytes_text (item->done_bytes), bytes_text ((uint64_t)rate));
  if (progress->count > 1)
    buffer_printf (&line, "  %zu files", progress->count);
  tail = buffer_steal (&line);
  /* Escapes have no columns, which only makes the name shorter than it could be. */
  room = err->columns > text_columns (tail) + 4 ? err->columns - text_columns (tail) - 4 : 8;
  fprintf (stderr, "\r\033[K%.*s  %s", (int)text_cut (name, room), name, tail);
  fflush (stderr);
  free (tail);
  progress->shown = true;
}

bool
progress_transfer (void *payload, const char *name, uint64_t done_bytes, uint64_t total_bytes)
{
  struct progress *progress = payload;
  uint64_t now_us = clock_monotonic_us ();
  struct item *item;

  pthread_mutex_lock (&progress->lock);
  item = item_of (progress, name);
  item->done_bytes = done_bytes;
  item->total_bytes = total_bytes;
  if (is_shown (progress) && now_us - progress->drawn_us >= DRAW_US)
  {
    progress->drawn_us = now_us;
    draw (progress, item);
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
  if (NULL == progress || ! progress->shown)
    return;
  fputs ("\r\033[K", stderr);
  fflush (stderr);
  progress->shown = false;
}
