/* Errors as values: a code from table/errors.def and one line for the person who reads it. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

enum err_code
{
  ERR_OK = 0,
#define ERROR(name, status, fault, hint) ERR_##name,
#include "table/errors.def"
#undef ERROR
  ERR_COUNT
};

/* Longest message in bytes; long enough for the texts of MLflow with a quoted key of 250 characters in four bytes each.
 */
#define ERR_MESSAGE_BYTES 2048

/* Set once, at the lowest level that knows the cause. A zeroed struct means no error. */
struct err
{
  enum err_code code;
  unsigned retry_after_s; /* set with TEMPORARILY_UNAVAILABLE; 0: no Retry-After header */
  char message[ERR_MESSAGE_BYTES]; /* UTF-8, one line, NUL-terminated */
  char cause[256]; /* for the server log only, never sent: SQLSTATE, errno text */
};

/* Set `err` to `code` with a formatted message and return `code`, so that `return err_set (...)` reads well.
   A message that is too long is cut at a character boundary and ends in "...".
   `err` may be NULL, then only the code is returned. Keeps an error that is already set. */
enum err_code err_set (struct err *err, enum err_code code, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

/* As err_set, and also keep `cause` for the server log. */
enum err_code err_set_cause (struct err *err, enum err_code code, const char *cause, const char *format, ...)
    __attribute__ ((format (printf, 4, 5)));

/* Forget the error. */
void err_clear (struct err *err);

/* The name on the wire, e.g. "INVALID_PARAMETER_VALUE"; "OK" for ERR_OK. */
const char *err_name (enum err_code code);

/* The HTTP status of a code; 200 for ERR_OK. */
unsigned err_http_status (enum err_code code);

/* The hint of a code; "" for ERR_OK. */
const char *err_hint (enum err_code code);

/* True when the code means that this side failed, so that it must be logged as an alert. */
bool err_is_ours (enum err_code code);

#endif
