/* A server in this process that says whatever a test wants it to say; where the test has no wish, its answer is one
   that fits every question: a JSON object with the members of all answers. */
#ifndef PROOF_FAKE_H
#define PROOF_FAKE_H

#include "message.h"

#include <stdbool.h>
#include <stddef.h>

struct fake;

struct fake_request
{
  const char *method; /* NUL-terminated */
  const char *path; /* with its query; NUL-terminated */
  struct slice head;
  struct slice body;
};

/* Answer a request on `fd` with fake_send and the like. False: the connection ends. Called from many threads. */
typedef bool fake_answer (void *payload, int fd, const struct fake_request *request);

/* Start it; NULL on failure. `answer` NULL: fake_default for all. */
struct fake *fake_start (fake_answer *answer, void *payload);
/* Start one that answers by fake_default, in a process that ends with this one. False when that is not possible. */
bool fake_start_apart (char url[64]);
/* "http://127.0.0.1:<port>"; borrowed. */
const char *fake_url (const struct fake *fake);
/* Connections and requests so far. */
unsigned fake_connections (const struct fake *fake);
unsigned fake_requests (const struct fake *fake);
/* Close everything and wait for its threads. */
void fake_stop (struct fake *fake);

/* True when all bytes were taken. */
bool fake_send (int fd, const void *data, size_t bytes);
/* A whole answer; `headers` are lines ended by \r\n, may be "". */
bool fake_reply (int fd, int status, const char *headers, const char *body, size_t bytes);
bool fake_json (int fd, int status, const char *json);
/* The answer that fits. */
bool fake_default (void *payload, int fd, const struct fake_request *request);

/* What files hold, of 5 bytes, and the SHA-256 of that. */
#define FAKE_FILE "hello"
#define FAKE_FILE_SHA256 "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
/* How large the parts of uploads are: the smallest that there are. */
#define FAKE_PART_BYTES 5242880
#define FAKE_RUN "0123456789abcdef0123456789abcdef"
#define FAKE_MODEL "m-0123456789abcdef0123456789abcdef"

#endif
