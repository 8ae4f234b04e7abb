/* Structured log on stderr: one line per event, logfmt or JSON, buffered so that a request costs no system call. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/slice.h"

#include <stdint.h>

enum log_level
{
  LOG_DEBUG,
  LOG_INFO,
  LOG_WARNING,
  LOG_ERROR
};

enum log_event
{
#define EVENT(name, level, doc) EVENT_##name,
#include "table/events.def"
#undef EVENT
  EVENT_COUNT
};

/* One name and value of a line; `text.data == NULL` means that `number` is the value. */
struct log_field
{
  const char *name;
  struct slice text;
  int64_t number;
};

#define LOG_SLICE(name, value) ((struct log_field){ (name), (value), 0 })
#define LOG_TEXT(name, value) ((struct log_field){ (name), slice_of (value), 0 })
#define LOG_NUMBER(name, value) ((struct log_field){ (name), { NULL, 0 }, (int64_t)(value) })

/* Set form and threshold: "logfmt" or "json"; "debug", "info", "warning" or "error". False for another word.
   Called once before other threads start. */
bool log_configure (const char *format, const char *level);

/* Write one line. Lines of warning and above are flushed at once, others within a fraction of a second. Thread-safe. */
void log_fields (enum log_event event, const struct log_field *fields, size_t count);

#define log_line(event, ...)                                                                                           \
  log_fields ((event), (struct log_field[]){ __VA_ARGS__ },                                                            \
              sizeof ((struct log_field[]){ __VA_ARGS__ }) / sizeof (struct log_field))

/* True when lines of that event are written at all, to save the work of building them. */
bool log_wanted (enum log_event event);

/* Hand everything buffered to the system; called by the housekeeper and before exit. Thread-safe. */
void log_flush (void);

/* Name, level and meaning of an event, for the reference page. */
void log_event_describe (enum log_event event, const char **name, const char **level, const char **doc);

#endif
