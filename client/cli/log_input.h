/* Lines of points: CSV with a head, or JSON lines. */
#ifndef CLI_LOG_INPUT_H
#define CLI_LOG_INPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A point of a line. */
struct input_point
{
  const char *key; /* valid until the next line */
  double value;
  int64_t step;
  int64_t timestamp_ms; /* negative: none was told */
};

enum input_format
{
  INPUT_AUTO,
  INPUT_CSV,
  INPUT_JSON
};

struct log_input;
struct log_input *log_input_new (enum input_format format);
void log_input_free (struct log_input *input);

/* Longest description of a mistake in bytes. */
#define INPUT_MISTAKE_BYTES 256

/* Read a line without its end; it may be changed. False with `mistake` filled when it is wrong: it has no points then.
   `*points` are borrowed until the next call, `*count` may be 0: an empty line, or the head of CSV. */
bool log_input_line (const struct input_point **points, size_t *count, struct log_input *input, char *line, size_t len,
                     char mistake[INPUT_MISTAKE_BYTES]);

#endif
