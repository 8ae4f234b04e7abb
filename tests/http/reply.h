/* An answer of the server, and two ways to get one: libcurl for whole requests, a bare socket for broken ones. */
#ifndef HTTP_TESTS_REPLY_H
#define HTTP_TESTS_REPLY_H

#include "base/buffer.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdbool.h>

/* Zeroed is empty. */
struct reply
{
  long status; /* 0: none came */
  json_t *headers; /* owned; lower-case names to texts, repeated ones joined with ", " */
  struct buffer body;
};

/* Make it empty, ready to be filled. */
void reply_init (struct reply *reply);

/* Free what it holds; it can be filled again afterwards. */
void reply_clear (struct reply *reply);

/* Take one header line "Name: value" in, with or without its line end. */
void reply_header (struct reply *reply, const char *line, size_t length);

/* A header's text by its lower-case name, or "". */
const char *reply_header_text (const struct reply *reply, const char *name);

struct request
{
  const char *method;
  const char *url;
  const json_t *headers; /* object of texts; null takes a header away that would be sent by itself; may be NULL */
  const char *body; /* may be NULL: no body at all */
  size_t body_length;
};

/* Send a request on `curl`, whose connections stay open for the next ones.
   False with the reason in `why` when no answer came. The handle belongs to one thread. */
bool reply_fetch (struct reply *reply, CURL *curl, const struct request *request, struct buffer *why);

/* Run the steps of a raw exchange against host:port and collect the answers.

   steps       "text", or an array of {"send": text}, {"pause_ms": n}, {"shutdown": true}, {"read_until": text}
   heads       array with the request method of each answer, so that one to HEAD is known to have no body; may be NULL
   answers     gets `capacity` answers at most; interim ones (100) count
   count       how many came
   rest        bytes that came behind the last answer
   closed      whether the server closed the connection after them
   timeout_ms  how long to wait for each answer
   close_ms    how long to wait for the end of the connection

   False with the reason in `why` when the server cannot be reached. */
bool reply_exchange (struct reply *answers, size_t capacity, size_t *count, size_t *rest, bool *closed,
                     const char *host, const char *port, const json_t *steps, const json_t *heads, long timeout_ms,
                     long close_ms, struct buffer *why);

/* Whether connections from now on speak TLS below what is written and read. */
void reply_speak_tls (bool wanted);

/* A connection to host:port, or -1. */
int reply_connect (const char *host, const char *port);

/* Write all bytes; false when the other side is gone. */
bool reply_write (int fd, const char *data, size_t length);

/* Read the next answer from a socket. False when none came whole: closed, broken or too slow. */
bool reply_read (struct reply *reply, int fd, struct buffer *pending, bool head, long timeout_ms);

/* Milliseconds of a clock that only goes forward. */
long reply_now_ms (void);

#endif
