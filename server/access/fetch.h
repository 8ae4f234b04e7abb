/* Asks an OpenID Connect provider: one short request at a time, bounded in time and size. */
#ifndef ACCESS_FETCH_H
#define ACCESS_FETCH_H

#include "base/buffer.h"
#include "base/err.h"

/* Zeroed members are those that a request has not. Borrowed. */
struct fetch_request
{
  const char *url;
  bool may_be_plain; /* http:// is allowed beside https:// */
  const char *form; /* application/x-www-form-urlencoded body of a POST; NULL: a GET */
  const char *authorization; /* value of the header */
};

struct fetch_answer
{
  int status;
  bool is_json; /* says its content type */
  struct buffer body;
};

/* An empty answer to fill; the caller frees it. */
void fetch_answer_init (struct fetch_answer *answer);
void fetch_answer_free (struct fetch_answer *answer);

/* Send a request and wait for its answer, whatever its status. Redirects are not followed: what a provider says of
   itself holds for the addresses that it names. Errors: TEMPORARILY_UNAVAILABLE with the reason as cause (no
   connection, time over, an answer that is too long), INTERNAL_ERROR. Only in the login lane. Thread-safe. */
enum err_code fetch (struct fetch_answer *answer, const struct fetch_request *request, struct err *err);

/* "The provider cannot be used": TEMPORARILY_UNAVAILABLE with Retry-After. */
enum err_code fetch_unavailable (struct err *err, const char *cause);

#endif
