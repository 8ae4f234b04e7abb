/* Parts of the transport: what an answer's headers say, and errors made of answers. */
#ifndef CLIENT_TRANSPORT_ANSWER_H
#define CLIENT_TRANSPORT_ANSWER_H

#include "error.h"
#include "transport.h"

/* Longest pause that a server may ask for: an hour of silence because of a wrong header would look like a loss. */
#define TRANSPORT_RETRY_AFTER_MAX_MS 300000

/* Start with nothing. */
void transport_answer_init (struct transport_answer *answer);

/* Take one header line, as it came; status lines start the headers anew (after "100 Continue"). */
void transport_answer_header (struct transport_answer *answer, struct slice line);

/* Make the error of an answer whose status is not 2xx. `location` is where a redirect points, or NULL. */
enum tally_code transport_answer_error (const struct transport_answer *answer, const struct transport_request *request,
                                        const char *location, struct tally_error *err);

#endif
