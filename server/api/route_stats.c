/* Figures of each route, as relaxed atomics. */
#include "api/route_stats.h"

#include "base/stats.h"

#include <inttypes.h>
#include <stdlib.h>

/* Upper bounds of the histogram in microseconds: from a request that never leaves the process to a search that
   meets its time budget. */
static const uint64_t bounds_us[] = { 250,   500,    1000,   2500,   5000,    10000,   25000,
                                      50000, 100000, 250000, 500000, 1000000, 2500000, 10000000 };

#define BOUND_COUNT (sizeof (bounds_us) / sizeof (bounds_us[0]))
#define CLASS_COUNT 5 /* 1xx to 5xx */

struct route_figures
{
  _Atomic int64_t by_class[CLASS_COUNT];
  _Atomic int64_t request_bytes;
  _Atomic int64_t response_bytes;
  _Atomic int64_t duration_us;
  _Atomic int64_t buckets[BOUND_COUNT + 1]; /* not yet summed up */
};

static struct route_figures *figures;

static const char *const other_names[ROUTE_STATS_OTHER_COUNT] = { "unmatched", "static" };

bool
route_stats_init (void)
{
  figures = calloc (routes_count + ROUTE_STATS_OTHER_COUNT, sizeof (figures[0]));
  return NULL != figures;
}

void
route_stats_add (const struct route *route, enum route_stats_other other, unsigned status, size_t request_bytes,
                 size_t response_bytes, uint64_t duration_us)
{
  struct route_figures *of = &figures[NULL == route ? routes_count + other : route_index (route)];
  unsigned class = status / 100;
  size_t bucket = 0;

  while (bucket < BOUND_COUNT && duration_us > bounds_us[bucket])
    bucket++;
  stats_add (&of->by_class[class >= 1 && class <= CLASS_COUNT ? class - 1 : CLASS_COUNT - 1], 1);
  stats_add (&of->request_bytes, (int64_t)request_bytes);
  stats_add (&of->response_bytes, (int64_t)response_bytes);
  stats_add (&of->duration_us, (int64_t)duration_us);
  stats_add (&of->buckets[bucket], 1);
}

/* method="POST",route="/api/2.0/mlflow/runs/create" */
static void
put_labels (struct buffer *out, size_t index)
{
  if (index >= routes_count)
    buffer_printf (out, "method=\"\",route=\"%s\"", other_names[index - routes_count]);
  else
    buffer_printf (out, "method=\"%s\",route=\"%s\"", route_method_name (routes[index].method),
                   route_name (&routes[index]));
}

static void
put_header (struct buffer *out, const char *name, const char *type, const char *help)
{
  buffer_printf (out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
put_bytes (struct buffer *out, const char *name, size_t offset, const char *help)
{
  put_header (out, name, "counter", help);
  for (size_t i = 0; i < routes_count + ROUTE_STATS_OTHER_COUNT; i++)
  {
    buffer_printf (out, "%s{", name);
    put_labels (out, i);
    buffer_printf (out, "} %" PRId64 "\n", stats_get ((_Atomic int64_t *)(void *)((char *)&figures[i] + offset)));
  }
}

static void
put_histogram (struct buffer *out, size_t index)
{
  static const char name[] = "tally_http_request_duration_seconds";
  struct route_figures *of = &figures[index];
  int64_t sum = 0;

  for (size_t i = 0; i <= BOUND_COUNT; i++)
  {
    sum += stats_get (&of->buckets[i]);
    buffer_printf (out, "%s_bucket{", name);
    put_labels (out, index);
    if (i < BOUND_COUNT)
      buffer_printf (out, ",le=\"%g\"} %" PRId64 "\n", (double)bounds_us[i] / 1e6, sum);
    else
      buffer_printf (out, ",le=\"+Inf\"} %" PRId64 "\n", sum);
  }
  buffer_printf (out, "%s_sum{", name);
  put_labels (out, index);
  buffer_printf (out, "} %.6f\n%s_count{", (double)stats_get (&of->duration_us) / 1e6, name);
  put_labels (out, index);
  buffer_printf (out, "} %" PRId64 "\n", sum);
}

void
route_stats_write (struct buffer *out)
{
  put_header (out, "tally_http_requests_total", "counter", "Finished requests by route and class of status.");
  for (size_t i = 0; i < routes_count + ROUTE_STATS_OTHER_COUNT; i++)
    for (unsigned class = 0; class < CLASS_COUNT; class ++)
    {
      int64_t count = stats_get (&figures[i].by_class[class]);

      /* Classes that never occurred would be four lines of zeros for each route; 2xx is always there. */
      if (0 == count && 1 != class)
        continue;
      buffer_text (out, "tally_http_requests_total{");
      put_labels (out, i);
      buffer_printf (out, ",status=\"%uxx\"} %" PRId64 "\n", class + 1, count);
    }
  put_bytes (out, "tally_http_request_bytes_total", offsetof (struct route_figures, request_bytes),
             "Bytes of request bodies.");
  put_bytes (out, "tally_http_response_bytes_total", offsetof (struct route_figures, response_bytes),
             "Bytes of response bodies.");
  put_header (out, "tally_http_request_duration_seconds", "histogram",
              "Time from the first byte of a request to the last of its answer.");
  for (size_t i = 0; i < routes_count + ROUTE_STATS_OTHER_COUNT; i++)
    put_histogram (out, i);
}
