/* What a command prints: passed through, and its beginning and end kept. */
#ifndef CLI_CAPTURE_H
#define CLI_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes kept of the beginning, and as many of the end: enough for any log that a person reads. */
#define CAPTURE_BYTES ((size_t)4 << 20)

struct capture
{
  int to; /* file descriptor that it is passed through to */
  int from; /* read end; -1 once it is closed */
  int child; /* the command's end; -1 in the parent after the start */
  bool is_terminal; /* both ends are a pseudo-terminal */
  bool keep;

  char *head;
  size_t head_bytes;
  char *tail; /* a ring */
  size_t tail_at;
  uint64_t total_bytes;
  char last; /* byte; nothing yet: a line end */
};

/* A pipe, or a pseudo-terminal when `to` is a terminal, so that the command prints as it would without us. False with
   errno. */
bool capture_init (struct capture *capture, int to, bool keep);

/* Read what is there and pass it on. False at the end. */
bool capture_read (struct capture *capture);

/* Give the pseudo-terminal the size of the terminal. */
void capture_resize (struct capture *capture);

/* What was kept, with a line in between that says how much was left out. NULL: nothing was printed. The caller frees
   it. */
char *capture_content (const struct capture *capture, size_t *bytes);

void capture_free (struct capture *capture);

#endif
