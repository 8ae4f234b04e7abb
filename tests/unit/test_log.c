/* Tests of the log: both forms, their escaping, levels, and lines of several threads; stderr is a pipe meanwhile. */
#include "base/log.h"

#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Far above what one test writes. */
#define CAPTURED_BYTES ((size_t)1024 * 1024)

static char captured[CAPTURED_BYTES];
static FILE *file;
static int saved = -1;

/* A file rather than a pipe: it takes as much as comes. */
static void
set_up (void)
{
  file = tmpfile ();
  ck_assert_ptr_nonnull (file);
  fflush (stderr);
  saved = dup (STDERR_FILENO);
  ck_assert_int_ge (saved, 0);
  ck_assert_int_ge (dup2 (fileno (file), STDERR_FILENO), 0);
}

static void
tear_down (void)
{
  if (saved >= 0)
  {
    (void)dup2 (saved, STDERR_FILENO);
    close (saved);
    saved = -1;
  }
  fclose (file);
}

/* What was written so far, without flushing. */
static const char *
read_written (void)
{
  ssize_t length = pread (fileno (file), captured, CAPTURED_BYTES - 1, 0);

  ck_assert_int_ge (length, 0);
  captured[length] = '\0';
  return captured;
}

static const char *
read_log (void)
{
  log_flush ();
  return read_written ();
}

static const struct
{
  struct slice value;
  const char *logfmt;
  const char *json;
} texts[] = {
  { { "plain", 5 }, "plain", "\"plain\"" },
  { { "a/b?c:d", 7 }, "a/b?c:d", "\"a/b?c:d\"" },
  { { "", 0 }, "\"\"", "\"\"" },
  { { "two words", 9 }, "\"two words\"", "\"two words\"" },
  { { "a=b", 3 }, "\"a=b\"", "\"a=b\"" },
  { { "say \"x\"", 7 }, "\"say \\\"x\\\"\"", "\"say \\\"x\\\"\"" },
  { { "a\\b", 3 }, "\"a\\\\b\"", "\"a\\\\b\"" },
  { { "a\nlevel=error", 13 }, "\"a\\u000alevel=error\"", "\"a\\u000alevel=error\"" },
  { { "\r\t\x1B[31m", 7 }, "\"\\u000d\\u0009\\u001b[31m\"", "\"\\u000d\\u0009\\u001b[31m\"" },
  { { "a\0b", 3 }, "\"a\\u0000b\"", "\"a\\u0000b\"" },
  { { "\x7F", 1 }, "\"\\u007f\"", "\"\\u007f\"" },
  { { "\xC3\xA9", 2 }, "\"\xC3\xA9\"", "\"\xC3\xA9\"" },
  { { "NULL", 4 }, "NULL", "\"NULL\"" },
  { { "5", 1 }, "5", "\"5\"" },
};

#define TEXTS (sizeof (texts) / sizeof (texts[0]))

START_TEST (writes_logfmt)
{
  ck_assert (log_configure ("logfmt", "info"));
  for (size_t i = 0; i < TEXTS; i++)
  {
    char expected[256];
    const char *line;

    ck_assert_int_eq (ftruncate (fileno (file), 0), 0);
    ck_assert_int_eq (lseek (STDERR_FILENO, 0, SEEK_SET), 0);
    log_line (EVENT_stopped, LOG_SLICE ("value", texts[i].value), LOG_NUMBER ("number", INT64_MIN));
    line = read_log ();
    snprintf (expected, sizeof (expected), " level=info event=stopped value=%s number=-9223372036854775808\n",
              texts[i].logfmt);
    ck_assert_msg (strlen (line) > 32 && 0 == strcmp (line + 32, expected), "%s", line);
  }
}
END_TEST

START_TEST (writes_json)
{
  ck_assert (log_configure ("json", "info"));
  for (size_t i = 0; i < TEXTS; i++)
  {
    char expected[256];
    const char *line;
    json_t *json;

    ck_assert_int_eq (ftruncate (fileno (file), 0), 0);
    ck_assert_int_eq (lseek (STDERR_FILENO, 0, SEEK_SET), 0);
    log_line (EVENT_stopped, LOG_SLICE ("value", texts[i].value), LOG_NUMBER ("number", 7));
    line = read_log ();
    snprintf (expected, sizeof (expected), ",\"level\":\"info\",\"event\":\"stopped\",\"value\":%s,\"number\":7}\n",
              texts[i].json);
    ck_assert_msg (NULL != strstr (line, expected), "%s", line);
    json = json_loads (line, JSON_ALLOW_NUL, NULL);
    ck_assert_ptr_nonnull (json);
    ck_assert_uint_eq (json_string_length (json_object_get (json, "value")), texts[i].value.len);
    ck_assert_mem_eq (json_string_value (json_object_get (json, "value")), texts[i].value.data, texts[i].value.len);
    json_decref (json);
  }
}
END_TEST

/* Whatever the bytes, a line must stay one line that parsers take: JSON is UTF-8. */
START_TEST (writes_utf8_only)
{
  json_t *json;

  ck_assert (log_configure ("json", "info"));
  log_line (EVENT_stopped, LOG_TEXT ("value", "a\xFF\xC3(\xED\xA0\x80z"));
  json = json_loads (read_log (), 0, NULL);
  ck_assert_msg (json_is_object (json), "%s", captured);
  json_decref (json);
}
END_TEST

START_TEST (tells_the_time)
{
  struct tm parts = { 0 };
  int fraction = -1;
  time_t now = time (NULL);
  time_t logged;

  ck_assert (log_configure ("logfmt", "info"));
  log_line (EVENT_stopped);
  ck_assert_int_eq (sscanf (read_log (), "time=%4d-%2d-%2dT%2d:%2d:%2d.%6dZ level=info event=stopped", &parts.tm_year,
                            &parts.tm_mon, &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &fraction),
                    7);
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  logged = timegm (&parts);
  ck_assert_int_ge (logged, now - 1);
  ck_assert_int_le (logged, now + 60);
  ck_assert_int_ge (fraction, 0);
  ck_assert_str_eq (captured + 31, "Z level=info event=stopped\n");
}
END_TEST

START_TEST (keeps_to_its_level)
{
  static const char *const levels[] = { "debug", "info", "warning", "error" };
  static const struct
  {
    enum log_event event;
    int level;
    const char *name;
  } events[] = { { EVENT_http_library, 0, "http_library" },
                 { EVENT_stopped, 1, "stopped" },
                 { EVENT_database_lost, 2, "database_lost" },
                 { EVENT_internal_error, 3, "internal_error" } };

  ck_assert (log_configure ("logfmt", levels[_i]));
  for (size_t i = 0; i < 4; i++)
  {
    ck_assert_int_eq (log_wanted (events[i].event), events[i].level >= _i);
    log_line (events[i].event);
  }
  (void)read_log ();
  for (size_t i = 0; i < 4; i++)
  {
    char text[64];

    snprintf (text, sizeof (text), " level=%s event=%s\n", levels[events[i].level], events[i].name);
    ck_assert_msg ((NULL != strstr (captured, text)) == (events[i].level >= _i), "%s", captured);
  }
}
END_TEST

START_TEST (refuses_unknown_words)
{
  ck_assert (! log_configure ("xml", "info"));
  ck_assert (! log_configure ("", "info"));
  ck_assert (! log_configure ("logfmt", "loud"));
  ck_assert (! log_configure ("logfmt", ""));
  ck_assert (! log_configure ("JSON", "info"));
}
END_TEST

START_TEST (describes_every_event)
{
  for (enum log_event event = 0; event < EVENT_COUNT; event++)
  {
    const char *name = NULL;
    const char *level = NULL;
    const char *doc = NULL;

    log_event_describe (event, &name, &level, &doc);
    ck_assert (NULL != name && NULL != level && NULL != doc && strlen (doc) > 10);
  }
}
END_TEST

#define THREADS 4
#define LINES 500

static void *
write_lines (void *context)
{
  const char *name = context;

  for (int i = 0; i < LINES; i++)
    log_line (EVENT_request, LOG_TEXT ("thread", name), LOG_NUMBER ("number", i));
  return NULL;
}

START_TEST (keeps_lines_of_threads_whole)
{
  static const char *const names[THREADS] = { "a", "b", "c", "d" };
  pthread_t threads[THREADS];
  int next[THREADS] = { 0 };
  size_t lines = 0;

  ck_assert (log_configure ("logfmt", "info"));
  for (size_t i = 0; i < THREADS; i++)
    ck_assert_int_eq (pthread_create (&threads[i], NULL, write_lines, (void *)(uintptr_t)names[i]), 0);
  for (size_t i = 0; i < THREADS; i++)
    ck_assert_int_eq (pthread_join (threads[i], NULL), 0);
  for (const char *line = read_log (); '\0' != *line; lines++)
  {
    char thread;
    int number;
    int length = 0;

    ck_assert_msg (
        2 == sscanf (line + 32, " level=info event=request thread=%c number=%d%n", &thread, &number, &length), "%.100s",
        line);
    ck_assert_int_eq (line[32 + length], '\n');
    ck_assert (thread >= 'a' && thread < 'a' + THREADS);
    ck_assert_int_eq (number, next[thread - 'a']++);
    line += 32 + length + 1;
  }
  ck_assert_uint_eq (lines, THREADS * LINES);
}
END_TEST

START_TEST (takes_endless_values)
{
  static char text[200000];

  ck_assert (log_configure ("logfmt", "info"));
  memset (text, 'x', sizeof (text) - 1);
  log_line (EVENT_stopped, LOG_TEXT ("value", text));
  log_line (EVENT_stopped, LOG_TEXT ("value", "short"));
  ck_assert_uint_gt (strlen (read_log ()), sizeof (text));
  ck_assert_ptr_nonnull (strstr (captured, "x\n"));
  ck_assert_ptr_nonnull (strstr (captured, " value=short\n"));
}
END_TEST

Suite *log_suite (void);

Suite *
log_suite (void)
{
  Suite *suite = suite_create ("log");
  TCase *lines = tcase_create ("lines");

  tcase_add_checked_fixture (lines, set_up, tear_down);
  tcase_add_test (lines, writes_logfmt);
  tcase_add_test (lines, writes_json);
  tcase_add_test (lines, writes_utf8_only);
  tcase_add_test (lines, tells_the_time);
  tcase_add_loop_test (lines, keeps_to_its_level, 0, 4);
  tcase_add_test (lines, refuses_unknown_words);
  tcase_add_test (lines, describes_every_event);
  tcase_add_test (lines, keeps_lines_of_threads_whole);
  tcase_add_test (lines, takes_endless_values);
  suite_add_tcase (suite, lines);
  return suite;
}
