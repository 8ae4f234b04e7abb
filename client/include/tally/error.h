/* Errors: a code, a sentence for the person who reads it, and whether trying again can help. */
#ifndef TALLY_ERROR_H
#define TALLY_ERROR_H

#include "tally/export.h"

#include <stdbool.h>

TALLY_BEGIN

/* What went wrong. The numbers are part of the ABI and never change. */
enum tally_code
{
  TALLY_OK = 0,
  TALLY_ERROR_ARGUMENT = 1, /* a parameter is wrong; nothing was done */
  TALLY_ERROR_MEMORY = 2, /* no memory */
  TALLY_ERROR_CONFIGURATION = 3, /* an option, a variable or a file of settings is wrong */
  TALLY_ERROR_UNREACHABLE = 4, /* no connection to the server, or it broke */
  TALLY_ERROR_TIMEOUT = 5, /* the deadline passed */
  TALLY_ERROR_UNAUTHENTICATED = 6, /* the server does not know who asks (401) */
  TALLY_ERROR_FORBIDDEN = 7, /* the server knows, and refuses (403) */
  TALLY_ERROR_NOT_FOUND = 8, /* no such thing (404) */
  TALLY_ERROR_EXISTS = 9, /* there is one by this name */
  TALLY_ERROR_CONFLICT = 10, /* changed by somebody else meanwhile (409) */
  TALLY_ERROR_GATE = 11, /* a gate of the registry is not met (409) */
  TALLY_ERROR_REFUSED = 12, /* the server finds the request wrong (other 4xx) */
  TALLY_ERROR_OVERLOADED = 13, /* come back later (429, 503) */
  TALLY_ERROR_SERVER = 14, /* the server failed (other 5xx) */
  TALLY_ERROR_PROTOCOL = 15, /* the answer is not one of a Tally or MLflow server */
  TALLY_ERROR_UNSUPPORTED = 16, /* this server does not have it */
  TALLY_ERROR_FILE = 17, /* a local file or folder */
  TALLY_ERROR_DIGEST = 18, /* received bytes are not those that were promised */
  TALLY_ERROR_FULL = 19, /* memory and spool are full: the point was not taken */
  TALLY_ERROR_PENDING = 20, /* not everything was sent; it waits in the spool */
  TALLY_ERROR_FORKED = 21, /* the handle belongs to the parent process */
  TALLY_ERROR_CANCELLED = 22, /* a callback said stop */
  TALLY_ERROR_BUSY = 23 /* another process works on it */
};

/* Longest text in bytes with its NUL: an MLflow message with a quoted key of 250 four-byte characters fits. */
#define TALLY_MESSAGE_BYTES 1536
#define TALLY_SERVER_CODE_BYTES 64

/* Owned by the caller, on the stack as a rule: needs no initialisation and no freeing. Written whole by each function
   that fails, left alone by one that succeeds. */
struct tally_error
{
  enum tally_code code;
  int http_status; /* of the answer; 0 when there was none */
  bool retryable; /* the same call may succeed later */
  char reserved[7];
  char server_code[TALLY_SERVER_CODE_BYTES]; /* the server's error_code, "RESOURCE_DOES_NOT_EXIST"; "" without one */
  char message[TALLY_MESSAGE_BYTES]; /* one line of UTF-8 */
};

/* The name of a code, "TALLY_ERROR_GATE"; "TALLY_ERROR_UNKNOWN" for a number that is none. Static, never NULL. */
TALLY_API const char *tally_code_name (enum tally_code code);

/* The version of the library, "0.1.0". Static. */
TALLY_API const char *tally_version (void);

TALLY_END

#endif
