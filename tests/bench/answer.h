/* Just enough of an HTTP/1.1 client's reading side to tell where an answer ends and what its status is. */
#ifndef BENCH_ANSWER_H
#define BENCH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest head of an answer in bytes; servers in this benchmark send some hundred. */
#define ANSWER_HEAD_BYTES 8192
/* What is kept of a body for a message. */
#define ANSWER_START_BYTES 300

enum answer_state
{
  ANSWER_HEAD,
  ANSWER_BODY,
  ANSWER_CHUNK_SIZE,
  ANSWER_CHUNK,
  ANSWER_CHUNK_END,
  ANSWER_TRAILER,
  ANSWER_DONE,
  ANSWER_BROKEN
};

struct answer
{
  enum answer_state state;
  unsigned status;
  bool close; /* the server ends the connection after this answer */
  uint64_t left_bytes; /* of the body or chunk */
  uint64_t body_bytes;
  size_t head_length; /* also: length of the line in a chunked body */
  size_t start_length;
  char head[ANSWER_HEAD_BYTES];
  char start[ANSWER_START_BYTES];
};

/* Make ready for the next answer. */
void answer_reset (struct answer *answer);

/* Take in bytes; gives how many belong to this answer. ANSWER_DONE and ANSWER_BROKEN are final states. */
size_t answer_feed (struct answer *answer, const char *data, size_t length);

#endif
