/* Charts: some series reduced to what a width in pixels can show, without reading all of their points.

   DESIGN
   The range of x is cut into columns. Of each column up to four real points are shown: its first, least, greatest and
   last, which draw the same line as all of its points would. The summaries of chunks have these four for each block of
   points; a block that fits into a column, or sticks out of it by less than half a column, is taken from there, and
   only chunks with wider blocks are read. So the cost follows the width, not the number of points.

   A cursor remembers the columns, and of each series how many points it had and how many of them lie before its last
   column. Points are never changed or removed, so equal numbers mean equal points: who asks again with the cursor gets
   the last column and what follows, unless points came in before it. */
#ifndef INGEST_CHART_H
#define INGEST_CHART_H

#include "ingest/view.h"

enum chart_x
{
  CHART_STEP,
  CHART_TIME,
  CHART_RELATIVE /* timestamp minus the origin of the run */
};

/* Most columns that may be asked for. */
#define CHART_WIDTH_MAX 10000

struct chart_question
{
  enum chart_x x;
  size_t width; /* columns; 1 to CHART_WIDTH_MAX */
  bool ranged; /* start and end were given, at least one of them */
  int64_t start; /* of x, both included */
  int64_t end;
  const struct slice *key_names; /* of the keys, for the log */
  const int64_t *starts_ms; /* of each run, its start as the client gave it; 0: unknown */
};

/* What a cursor says of one series. */
struct chart_mark
{
  uint64_t points;
  uint64_t before; /* points before append_from */
  int64_t append_from; /* where its last column starts */
  int64_t origin; /* of its x */
};

/* The columns of a chart, and where each of its series stood; `marks` in the order of the views. */
struct chart_cursor
{
  int64_t low; /* where the first column starts */
  uint64_t column; /* width of a column in units of x; 0: there were no points */
  struct chart_mark *marks;
};

struct chart_series
{
  bool shown; /* false: no points, or nothing new */
  bool append; /* only what comes from mark.append_from of the cursor on */
  int64_t append_from;
  int64_t origin;
  uint64_t points; /* in the range */
  uint64_t nan_points; /* of those that were looked at */
  size_t count; /* of x and y */
  int64_t *x;
  double *y;
};

struct chart
{
  struct chart_series *series; /* in the order of the views: run by run, key by key */
  struct chart_cursor cursor;
  size_t damaged; /* chunks that could not be read */
};

/* Make a chart of some series, all keys of all runs. `since` may be NULL; its marks are as many as there are series.
   Inside a snapshot. The result lives in the arena. Errors: those of the database; INVALID_PARAMETER_VALUE when the
   arena is full. */
enum err_code chart_make (struct chart *chart, struct store_connection *connection, const struct uuid *run_ids,
                          size_t run_count, const uint32_t *key_ids, size_t key_count,
                          const struct chart_question *question, const struct chart_cursor *since, struct arena *arena,
                          struct err *err);

#endif
