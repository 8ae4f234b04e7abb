/* Where clients find this server. */
#include "api/public_url.h"

#include <strings.h>

static struct slice
without_slashes (const char *text)
{
  struct slice slice = slice_of (text);

  while (slice.len > 0 && '/' == slice.data[slice.len - 1])
    slice.len--;
  return slice;
}

struct slice
api_static_prefix (const struct config *config)
{
  return without_slashes (config->static_prefix);
}

enum err_code
api_public_url (struct buffer *url, const struct api_call *call, const char *what, struct err *err)
{
  const struct config *config = call->service->config;
  struct slice public = without_slashes (config->public_url);
  struct slice host = call->headers[CALL_HOST];
  struct slice proto = call->headers[CALL_FORWARDED_PROTO];
  bool is_https = proto.len >= 5 && 0 == strncasecmp (proto.data, "https", 5);

  if (public.len > 0)
    buffer_append (url, public.data, public.len);
  else if (0 == host.len)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "%s needs the name of the server: send a Host header, or set public-url.", what);
  else
    buffer_printf (url, "%s://%.*s%.*s", is_https ? "https" : "http", SLICE_ARG (host),
                   SLICE_ARG (api_static_prefix (config)));
  return ERR_OK;
}
