/* One request of the server's API, for what has no function of its own. */
#include "handle.h"

#include <stdlib.h>
#include <string.h>

struct tally_reply
{
  struct transport_answer answer;
};

/* A method is a token (RFC 9110, 9.1) and a path begins at the server's root: nothing that could change the rest of
   the request. */
static enum tally_code
check_arguments (const char *method, const char *path, struct tally_error *err)
{
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

  if (NULL == method || '\0' == method[0] || '\0' != method[strspn (method, letters)])
    return error_set (err, TALLY_ERROR_ARGUMENT, "method must be one of HTTP, in capitals.");
  if (NULL == path || '/' != path[0])
    return error_set (err, TALLY_ERROR_ARGUMENT, "path must begin with '/'.");
  for (const char *c = path; '\0' != *c; c++)
    if ((unsigned char)*c <= 0x20 || 0x7f == *c || '#' == *c)
      return error_set (err, TALLY_ERROR_ARGUMENT, "path must not have spaces, control characters or '#'.");
  return TALLY_OK;
}

enum tally_code
tally_request (struct tally_reply **reply, struct tally_client *client, const char *method, const char *path,
               const char *json, struct tally_error *err)
{
  struct transport_request request = { .method = method, .path = path, .body = slice_of (json) };
  struct tally_reply *made;
  enum tally_code code = client_check (client, err);

  if (TALLY_OK == code && NULL == reply)
    code = error_set (err, TALLY_ERROR_ARGUMENT, "reply must not be NULL.");
  if (TALLY_OK == code)
    code = check_arguments (method, path, err);
  if (NULL != reply)
    *reply = NULL;
  if (TALLY_OK != code)
    return code;
  made = calloc (1, sizeof (*made));
  if (NULL == made)
    return error_memory (err);
  request.once = 0 == strcmp (method, "POST");
  code = transport_call (&made->answer, client->transport, &request,
                         options_number (client->options, OPTION_REQUEST_TIMEOUT_MS), err);
  if (0 != made->answer.status)
    *reply = made;
  else
    tally_reply_free (made);
  return code;
}

int
tally_reply_status (const struct tally_reply *reply)
{
  return NULL == reply ? 0 : reply->answer.status;
}

const char *
tally_reply_body (const struct tally_reply *reply, size_t *bytes)
{
  const struct buffer *body = NULL == reply ? NULL : &reply->answer.body;

  if (NULL != bytes)
    *bytes = NULL == body ? 0 : body->len;
  return NULL == body || NULL == body->data ? "" : body->data;
}

void
tally_reply_free (struct tally_reply *reply)
{
  if (NULL == reply)
    return;
  transport_answer_free (&reply->answer);
  free (reply);
}
