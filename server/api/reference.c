/* Pages of docs/reference, made from the tables of the program, so that they cannot say anything else. */
#include "api/reference.h"

#include "api/route.h"
#include "base/config.h"
#include "base/json_write.h"
#include "base/log.h"

static const char *
body_limit (enum route_body body)
{
  switch (body)
  {
  case BODY_ONE:
    return "`max-body-bytes`";
  case BODY_FOUR:
    return "4 × `max-body-bytes`";
  case BODY_STREAM:
    return "`max-artifact-bytes`";
  case BODY_NONE:
  default:
    return "none";
  }
}

static void
write_routes (struct buffer *out)
{
  buffer_text (out,
               "# Routes\n\nHEAD goes wherever GET does; OPTIONS tells the methods of a path. Routes below `/api/` are "
               "served below `/ajax-api/` too. Made by `tallyd reference routes`.\n\n| method | path | needs | on "
               "| body limit | what it does |\n| --- | --- | --- | --- | --- | --- |\n");
  for (size_t i = 0; i < routes_count; i++)
    buffer_printf (out, "| %s | `%s%s` | %s | %s | %s | %s |\n", route_method_name (routes[i].method),
                   route_prefix_paths (routes[i].prefix)[0], routes[i].path,
                   route_permission_name (routes[i].permission), route_object_doc (routes[i].object),
                   body_limit (routes[i].body), routes[i].doc);
}

static void
write_routes_json (struct buffer *out)
{
  struct json_write w;

  json_write_init (&w, out);
  json_write_array (&w);
  for (size_t i = 0; i < routes_count; i++)
  {
    struct buffer path;

    buffer_init (&path, 1024);
    buffer_printf (&path, "%s%s", route_prefix_paths (routes[i].prefix)[0], routes[i].path);
    json_write_object (&w);
    json_write_member_text (&w, "method", route_method_name (routes[i].method));
    json_write_member_string (&w, "path", buffer_slice (&path));
    json_write_member_text (&w, "permission", route_permission_name (routes[i].permission));
    json_write_member_text (&w, "object", route_object_name (routes[i].object));
    json_write_member_text (&w, "doc", routes[i].doc);
    json_write_object_end (&w);
    buffer_free (&path);
  }
  json_write_array_end (&w);
  buffer_byte (out, '\n');
}

static void
write_errors (struct buffer *out)
{
  buffer_text (out, "# Errors\n\nEvery failure is JSON with `error_code`, `message` and `request_id`. Made by `tallyd "
                    "reference errors`.\n\n| error_code | HTTP status | what to do |\n| --- | --- | --- |\n");
  for (int code = ERR_OK + 1; code < ERR_COUNT; code++)
    buffer_printf (out, "| %s | %u | %s |\n", err_name ((enum err_code)code), err_http_status ((enum err_code)code),
                   err_hint ((enum err_code)code));
}

static void
write_stats (struct buffer *out)
{
  static const struct
  {
    const char *name;
    const char *type;
    const char *doc;
  } table[] = {
#define GAUGE "gauge"
#define COUNTER "counter"
#define SECONDS "counter"
#define STAT(field, name, type, doc) { name, type, doc },
#include "table/stats.def"
#undef STAT
#undef GAUGE
#undef COUNTER
#undef SECONDS
    { "tally_http_requests_total", "counter", "Finished requests by route and class of status." },
    { "tally_http_request_bytes_total", "counter", "Bytes of request bodies, by route." },
    { "tally_http_response_bytes_total", "counter", "Bytes of response bodies, by route." },
    { "tally_http_request_duration_seconds", "histogram",
      "Time from the first byte of a request to the last of its answer, by route." },
  };

  buffer_text (out,
               "# Figures\n\n`GET /metrics` gives these in the text format of Prometheus. Made by `tallyd reference "
               "stats`.\n\n| name | type | meaning |\n| --- | --- | --- |\n");
  for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++)
  {
    buffer_printf (out, "| `%s` | %s | %s |\n", table[i].name, table[i].type, table[i].doc);
  }
}

static void
write_events (struct buffer *out)
{
  buffer_text (out, "# Log events\n\nOne line per event on stderr, as logfmt or JSON (setting `log-format`). Made by "
                    "`tallyd reference events`.\n\n| event | level | meaning |\n| --- | --- | --- |\n");
  for (int event = 0; event < EVENT_COUNT; event++)
  {
    const char *name;
    const char *level;
    const char *doc;

    log_event_describe ((enum log_event)event, &name, &level, &doc);
    buffer_printf (out, "| %s | %s | %s |\n", name, level, doc);
  }
}

bool
reference_write (struct buffer *out, const char *name, bool json)
{
  static const struct
  {
    const char *name;
    void (*write) (struct buffer *out);
  } pages[] = { { "routes", write_routes },
                { "errors", write_errors },
                { "config", config_write_reference },
                { "stats", write_stats },
                { "events", write_events } };

  if (json && 0 == strcmp (name, "routes"))
  {
    write_routes_json (out);
    return true;
  }
  for (size_t i = 0; ! json && i < sizeof (pages) / sizeof (pages[0]); i++)
    if (0 == strcmp (name, pages[i].name))
    {
      pages[i].write (out);
      return true;
    }
  return false;
}
