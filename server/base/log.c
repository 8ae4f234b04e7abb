/* Structured log: lines are formatted into one buffer that the housekeeper flushes. */
#include "base/log.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/number.h"
#include "base/utf8.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Flushed when this full, whoever writes: a pipe's capacity on Linux is 64 KiB. */
#define FLUSH_BYTES ((size_t)32 * 1024)
/* A stuck reader of stderr must not grow us: lines beyond this are dropped and counted. */
#define BUFFER_MAX_BYTES ((size_t)1024 * 1024)

static const struct
{
  const char *name;
  enum log_level level;
  const char *doc;
} events[EVENT_COUNT] = {
#define EVENT(name, level, doc) { #name, level, doc },
#include "table/events.def"
#undef EVENT
};

static const char *const level_names[] = { "debug", "info", "warning", "error" };

static struct
{
  struct lock lock; /* guards the buffer; a leaf: nothing is locked under it */
  struct buffer buffer; /* lines that nobody writes yet */
  int64_t dropped; /* lines for which there was no room */
  struct lock write_lock; /* guards what follows; taken before `lock`, held while stderr is written */
  struct buffer writing; /* lines on their way out */
  bool json;
  enum log_level level;
} sink;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
set_up (void)
{
  lock_init (&sink.lock);
  lock_init (&sink.write_lock);
  buffer_init (&sink.buffer, BUFFER_MAX_BYTES);
  buffer_init (&sink.writing, BUFFER_MAX_BYTES);
  sink.level = LOG_INFO;
}

bool
log_configure (const char *format, const char *level)
{
  pthread_once (&once, set_up);
  if (0 == strcmp (format, "json"))
    sink.json = true;
  else if (0 != strcmp (format, "logfmt"))
    return false;
  for (size_t i = 0; i < sizeof (level_names) / sizeof (level_names[0]); i++)
    if (0 == strcmp (level, level_names[i]))
    {
      sink.level = (enum log_level)i;
      return true;
    }
  return false;
}

bool
log_wanted (enum log_event event)
{
  pthread_once (&once, set_up);
  return events[event].level >= sink.level;
}

static void
write_all (const char *at, size_t left)
{
  while (left > 0)
  {
    ssize_t written = write (STDERR_FILENO, at, left);

    if (written < 0 && EINTR == errno)
      continue;
    if (written <= 0)
      break; /* nobody reads: there is nowhere to complain */
    at += written;
    left -= (size_t)written;
  }
}

/* Take the lines out and write them without holding up those who log meanwhile. */
static void
flush_locked (void)
{
  struct buffer full;

  lock_assert_held (&sink.write_lock);
  lock_acquire (&sink.lock);
  full = sink.buffer;
  sink.buffer = sink.writing;
  sink.writing = full;
  lock_release (&sink.lock);
  write_all (sink.writing.data, sink.writing.len);
  buffer_clear (&sink.writing);
}

void
log_flush (void)
{
  pthread_once (&once, set_up);
  lock_acquire (&sink.write_lock);
  flush_locked ();
  lock_release (&sink.write_lock);
}

/* As log_flush, but leave it to the thread that is writing already, if there is one. */
static void
try_flush (void)
{
  if (! lock_try (&sink.write_lock))
    return;
  flush_locked ();
  lock_release (&sink.write_lock);
}

/* "2026-01-31T12:00:00.123456Z"; the part up to the second is remembered per thread. */
static void
write_time (struct buffer *out)
{
  static _Thread_local time_t last_second;
  static _Thread_local char text[32];
  int64_t now_us = clock_wall_us ();
  time_t second = (time_t)(now_us / 1000000);

  int fraction = (int)(now_us % 1000000);
  char digits[] = ".000000Z";

  if (second != last_second || '\0' == text[0])
  {
    struct tm parts;

    gmtime_r (&second, &parts);
    strftime (text, sizeof (text), "%Y-%m-%dT%H:%M:%S", &parts);
    last_second = second;
  }
  for (int i = 6; i > 0; i--, fraction /= 10)
    digits[i] = (char)('0' + fraction % 10);
  buffer_text (out, text);
  buffer_append (out, digits, sizeof (digits) - 1);
}

/* A quoted value: JSON escapes serve both forms. */
static void
write_quoted (struct buffer *out, struct slice text)
{
  size_t length;

  buffer_byte (out, '"');
  for (; text.len > 0; text = (struct slice){ text.data + length, text.len - length })
  {
    unsigned char byte = (unsigned char)text.data[0];

    length = utf8_sequence (text);
    if ('"' == byte || '\\' == byte)
    {
      buffer_byte (out, '\\');
      buffer_byte (out, (char)byte);
    }
    else if (byte < 0x20 || 0x7F == byte)
      buffer_printf (out, "\\u%04x", byte);
    else if (length > 0)
      buffer_append (out, text.data, length);
    else
    {
      /* What a client sent may be anything; a line of the log is always UTF-8. */
      buffer_text (out, "\\ufffd");
      length = 1;
    }
  }
  buffer_byte (out, '"');
}

static bool
is_plain (struct slice text)
{
  for (size_t i = 0; i < text.len; i++)
  {
    unsigned char byte = (unsigned char)text.data[i];

    if (byte <= ' ' || '"' == byte || '=' == byte || '\\' == byte || byte >= 0x7F)
      return false;
  }
  return text.len > 0;
}

static void
write_field (struct buffer *out, const struct log_field *field)
{
  char number[NUMBER_INT64_BYTES];

  /* Not through printf: a line is written for every request. */
  buffer_text (out, sink.json ? ",\"" : " ");
  buffer_text (out, field->name);
  buffer_text (out, sink.json ? "\":" : "=");
  if (NULL == field->text.data)
    buffer_append (out, number, number_format_int64 (number, field->number));
  else if (! sink.json && is_plain (field->text))
    buffer_append (out, field->text.data, field->text.len);
  else
    write_quoted (out, field->text);
}

static void
write_line (struct buffer *out, enum log_event event, const struct log_field *fields, size_t count)
{
  buffer_text (out, sink.json ? "{\"time\":\"" : "time=");
  write_time (out);
  buffer_text (out, sink.json ? "\",\"level\":\"" : " level=");
  buffer_text (out, level_names[events[event].level]);
  buffer_text (out, sink.json ? "\",\"event\":\"" : " event=");
  buffer_text (out, events[event].name);
  if (sink.json)
    buffer_byte (out, '"');
  for (size_t i = 0; i < count; i++)
    write_field (out, &fields[i]);
  buffer_text (out, sink.json ? "}\n" : "\n");
}

/* Add a whole line or nothing; what found no room is told of in the first line that does. */
static void
add_line_locked (enum log_event event, const struct log_field *fields, size_t count)
{
  struct buffer *out = &sink.buffer;
  size_t before = out->len;

  lock_assert_held (&sink.lock);
  if (sink.dropped > 0)
    write_line (out, EVENT_log_dropped, &LOG_NUMBER ("lines", sink.dropped), 1);
  write_line (out, event, fields, count);
  if (out->failed)
  {
    out->failed = false;
    out->len = before;
    sink.dropped++;
  }
  else
    sink.dropped = 0;
}

void
log_fields (enum log_event event, const struct log_field *fields, size_t count)
{
  bool flush;

  if (! log_wanted (event))
    return;
  lock_acquire (&sink.lock);
  add_line_locked (event, fields, count);
  flush = sink.buffer.len >= FLUSH_BYTES || events[event].level >= LOG_WARNING || EVENT_listening == event;
  lock_release (&sink.lock);
  if (flush)
    try_flush ();
}

void
log_event_describe (enum log_event event, const char **name, const char **level, const char **doc)
{
  *name = events[event].name;
  *level = level_names[events[event].level];
  *doc = events[event].doc;
}
