/* HTTP/1.1 messages as bytes: where one ends, and what its head says. For the proxy and the servers of the tests. */
#ifndef PROOF_MESSAGE_H
#define PROOF_MESSAGE_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct message
{
  size_t head_bytes; /* with the empty line */
  size_t bytes; /* head and body */
  int status; /* of answers */
  bool expects_continue;
  bool until_close; /* an answer that ends with its connection */
  bool closes; /* says "Connection: close" */
};

enum message_state
{
  MESSAGE_PARTIAL, /* more bytes are needed */
  MESSAGE_HEAD, /* the head is whole, the body is not */
  MESSAGE_WHOLE,
  MESSAGE_BROKEN
};

/* What the bytes hold. `is_answer` with `bodiless` for answers to HEAD. */
enum message_state message_scan (struct message *message, const char *data, size_t bytes, bool is_answer,
                                 bool bodiless);

/* The value of a header of the head, without spaces around it; data NULL when there is none. */
struct slice message_header (const char *data, size_t head_bytes, const char *name);

#endif
