/* Requests of delivery: one try each, because the caller comes again. */
#include "delivery_parts.h"

#include "json_read.h"

#include <string.h>

bool
delivery_refused (const struct tally_error *why)
{
  return TALLY_ERROR_REFUSED == why->code || TALLY_ERROR_NOT_FOUND == why->code || TALLY_ERROR_EXISTS == why->code
         || TALLY_ERROR_CONFLICT == why->code || TALLY_ERROR_GATE == why->code;
}

enum tally_code
delivery_ask (json_t **object, struct delivery *delivery, const struct transport_request *request,
              struct tally_error *err)
{
  struct transport_answer answer;
  json_t *parsed = NULL;
  bool out_of_memory = false;
  enum tally_code code;

  if (NULL != object)
    *object = NULL;
  atomic_fetch_add (delivery->settings.requests, 1);
  code = transport_send (&answer, delivery->settings.transport, request, err);
  delivery->retry_after_ms = answer.retry_after_ms;
  if (TALLY_OK == code && NULL != answer.body.data)
    parsed = json_read (&out_of_memory, buffer_slice (&answer.body));
  if (TALLY_OK == code && out_of_memory)
    code = error_memory (err);
  else if (TALLY_OK == code && ! json_is_object (parsed))
    code = error_set (err, TALLY_ERROR_PROTOCOL, "The answer to %s is no JSON object: is %s the right address?",
                      request->method, transport_server (delivery->settings.transport));
  if (TALLY_OK == code || ('\0' != err->server_code[0] && TALLY_ERROR_UNSUPPORTED != code))
    delivery->proven = true;
  if (TALLY_OK == code && NULL != object)
  {
    *object = parsed;
    parsed = NULL;
  }
  json_decref (parsed);
  transport_answer_free (&answer);
  return code;
}

enum tally_code
delivery_get (json_t **object, struct delivery *delivery, struct tally_error *err)
{
  struct transport_request request = { .method = "GET",
                                       .path = delivery->path.data,
                                       .timeout_ms = delivery->settings.request_timeout_ms };

  return delivery->path.failed ? error_memory (err) : delivery_ask (object, delivery, &request, err);
}

enum tally_code
delivery_post (json_t **object, struct delivery *delivery, const char *path, struct tally_error *err)
{
  struct transport_request request = { .method = "POST",
                                       .path = path,
                                       .body = buffer_slice (&delivery->body),
                                       .timeout_ms = delivery->settings.request_timeout_ms };

  /* A second run of a request that curl repeated by itself would never be found again. */
  request.once = 0 == strcmp (path, DELIVERY_CREATE_PATH);
  return delivery->body.failed ? error_memory (err) : delivery_ask (object, delivery, &request, err);
}
