/* Bodies of requests; private to the room http. */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "http/request.h"

/* Judge the declared size against the limit of the route and the room there is, and take that room. Errors:
   REQUEST_TOO_LARGE, TEMPORARILY_UNAVAILABLE. */
enum err_code body_check_size (struct request *request, struct err *err);

/* Keep what has arrived, or drop it when the request has failed; gives how many bytes were taken: fewer than there are
   when a piece is full. */
size_t body_take (struct request *request, const char *body, size_t bytes);

/* Take from the caller's quota what came of a body that was not announced: the gate could not. Before the answer goes,
   so that whoever has it finds the quota taken; and at the end what came behind it. */
void body_count (struct request *request);

/* Whether the request has a route that takes its body in pieces. */
bool body_is_stream (const struct request *request);

/* Whether a piece of a STREAM is ready for the artifact lane. */
bool body_piece_is_full (const struct request *request);

/* Whether a client goes on sending where there was nothing more to expect, and must be cut off. */
bool body_must_stop (const struct request *request);

/* Refused: whether to answer before the body, which ends the connection, or after reading it to its end. The first when
   the body may be large, or when the client waits to be told to send it. */
bool body_must_answer_now (const struct request *request);

/* The errors of bodies. */
enum err_code body_too_large (const struct request *request, struct err *err);
enum err_code body_no_room (struct err *err);

#endif
