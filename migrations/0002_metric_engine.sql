-- Where points go from metric_tail: one row for each series, and chunks of some thousand points.

CREATE TABLE metric_context (
  context_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
  model_id text COLLATE "C" NOT NULL,
  dataset_name text COLLATE "C" NOT NULL,
  dataset_digest text COLLATE "C" NOT NULL
);
COMMENT ON TABLE metric_context IS
  'What else points were measured for: a logged model, on a data set. Rows are never changed or deleted, so any process may remember them.';
COMMENT ON COLUMN metric_context.context_id IS 'Number that stands for the three texts; 0, without a row, means none of them.';
COMMENT ON COLUMN metric_context.digest IS 'SHA-256 over the three texts, each behind its length: they may be longer than an index takes.';
COMMENT ON COLUMN metric_context.model_id IS 'The logged model, as the client names it; empty: none.';
COMMENT ON COLUMN metric_context.dataset_name IS 'Name of the data set; empty: none.';
COMMENT ON COLUMN metric_context.dataset_digest IS 'Digest of the data set; empty: none.';

CREATE TABLE metric_series (
  run_id uuid NOT NULL,
  key_id integer NOT NULL,
  context_id integer NOT NULL DEFAULT 0,
  latest_step bigint NOT NULL,
  latest_timestamp_ms bigint NOT NULL,
  latest_value double precision NOT NULL,
  first_step bigint NOT NULL,
  first_timestamp_ms bigint NOT NULL,
  first_value double precision NOT NULL,
  min_timestamp_ms bigint NOT NULL,
  max_timestamp_ms bigint NOT NULL,
  point_count bigint NOT NULL CHECK (point_count > 0),
  nan_count bigint NOT NULL CHECK (nan_count BETWEEN 0 AND point_count),
  min_value double precision,
  max_value double precision,
  chunk_points bigint NOT NULL CHECK (chunk_points BETWEEN 0 AND point_count),
  stray_points bigint NOT NULL CHECK (stray_points BETWEEN 0 AND chunk_points),
  chunk_end_step bigint,
  chunk_end_timestamp_ms bigint,
  recent bytea,
  changed xid8 NOT NULL DEFAULT pg_current_xact_id(),
  PRIMARY KEY (run_id, key_id, context_id)
) WITH (fillfactor = 80, toast_tuple_target = 8160);
-- Packed already.
ALTER TABLE metric_series ALTER COLUMN recent SET STORAGE EXTERNAL;
COMMENT ON TABLE metric_series IS
  'One series: the points of a metric of a run, or of those among them that belong to a context. Written by the fold only, one at a time for a run; what is still in metric_tail is not counted here.';
COMMENT ON COLUMN metric_series.run_id IS 'Owning run. Not a foreign key: its rows go in steps after the run.';
COMMENT ON COLUMN metric_series.key_id IS 'Name, in metric_key.';
COMMENT ON COLUMN metric_series.context_id IS '0: all points of the metric; else those of that metric_context.';
COMMENT ON COLUMN metric_series.latest_step IS 'Step of the latest point, by (step, timestamp, value); no step is larger.';
COMMENT ON COLUMN metric_series.latest_timestamp_ms IS 'Timestamp of the latest point, ms.';
COMMENT ON COLUMN metric_series.latest_value IS 'Value of the latest point.';
COMMENT ON COLUMN metric_series.first_step IS 'Step of the first point in the same order; no step is smaller.';
COMMENT ON COLUMN metric_series.first_timestamp_ms IS 'Timestamp of the first point, ms.';
COMMENT ON COLUMN metric_series.first_value IS 'Value of the first point.';
COMMENT ON COLUMN metric_series.min_timestamp_ms IS 'Least timestamp, ms.';
COMMENT ON COLUMN metric_series.max_timestamp_ms IS 'Greatest timestamp, ms.';
COMMENT ON COLUMN metric_series.point_count IS 'Distinct points, NaN included.';
COMMENT ON COLUMN metric_series.nan_count IS 'Points whose value is NaN.';
COMMENT ON COLUMN metric_series.min_value IS 'Least value, NaN left out; NULL when all are NaN.';
COMMENT ON COLUMN metric_series.max_value IS 'Greatest value, NaN left out; NULL when all are NaN.';
COMMENT ON COLUMN metric_series.chunk_points IS 'How many of the points are in metric_chunk; the others are in recent.';
COMMENT ON COLUMN metric_series.stray_points IS 'How many of those are in stray chunks.';
COMMENT ON COLUMN metric_series.chunk_end_step IS 'Step of the last point in chunks; NULL without chunks.';
COMMENT ON COLUMN metric_series.chunk_end_timestamp_ms IS 'Timestamp of the last point in chunks, ms; NULL without chunks.';
COMMENT ON COLUMN metric_series.recent IS
  'Points that are too few for a chunk, in the format of chunks (server/ingest/chunk.h); NULL when all are in chunks, or when the only point is the latest.';
COMMENT ON COLUMN metric_series.changed IS 'Transaction that last wrote the row; tells caches what to read again.';
-- The series of a logged model are found by its contexts.
CREATE INDEX metric_series_context ON metric_series (context_id) WHERE context_id <> 0;

CREATE TABLE metric_chunk (
  run_id uuid NOT NULL,
  key_id integer NOT NULL,
  context_id integer NOT NULL,
  first_step bigint NOT NULL,
  first_timestamp_ms bigint NOT NULL,
  chunk_id bigint GENERATED ALWAYS AS IDENTITY,
  last_step bigint NOT NULL,
  last_timestamp_ms bigint NOT NULL,
  min_timestamp_ms bigint NOT NULL,
  max_timestamp_ms bigint NOT NULL,
  min_value double precision,
  max_value double precision,
  point_count integer NOT NULL CHECK (point_count > 0),
  stray boolean NOT NULL,
  summary bytea NOT NULL,
  points bytea NOT NULL,
  PRIMARY KEY (run_id, key_id, context_id, first_step, first_timestamp_ms, chunk_id)
);
-- The summary is read without the points: it stays in the row, they go where long values go. Both are packed already.
ALTER TABLE metric_chunk ALTER COLUMN summary SET STORAGE PLAIN;
ALTER TABLE metric_chunk ALTER COLUMN points SET STORAGE EXTERNAL;
COMMENT ON TABLE metric_chunk IS 'Points of a series, up to some thousand in a row, ordered by (step, timestamp, value).';
COMMENT ON COLUMN metric_chunk.run_id IS 'Owning run.';
COMMENT ON COLUMN metric_chunk.key_id IS 'Name, in metric_key.';
COMMENT ON COLUMN metric_chunk.context_id IS 'As in metric_series.';
COMMENT ON COLUMN metric_chunk.first_step IS 'Step of the first point.';
COMMENT ON COLUMN metric_chunk.first_timestamp_ms IS 'Timestamp of the first point, ms.';
COMMENT ON COLUMN metric_chunk.chunk_id IS 'Identifier.';
COMMENT ON COLUMN metric_chunk.last_step IS 'Step of the last point.';
COMMENT ON COLUMN metric_chunk.last_timestamp_ms IS 'Timestamp of the last point, ms.';
COMMENT ON COLUMN metric_chunk.min_timestamp_ms IS 'Least timestamp, ms.';
COMMENT ON COLUMN metric_chunk.max_timestamp_ms IS 'Greatest timestamp, ms.';
COMMENT ON COLUMN metric_chunk.min_value IS 'Least value, NaN left out; NULL when all are NaN.';
COMMENT ON COLUMN metric_chunk.max_value IS 'Greatest value, NaN left out; NULL when all are NaN.';
COMMENT ON COLUMN metric_chunk.point_count IS 'Points in the row.';
COMMENT ON COLUMN metric_chunk.stray IS
  'True for late points that were too few to write the chunks anew between whose points they belong; may overlap others.';
COMMENT ON COLUMN metric_chunk.summary IS 'First, last, least and greatest of each block of points; the format is in server/ingest/chunk.h.';
COMMENT ON COLUMN metric_chunk.points IS 'The points; the format is in server/ingest/chunk.h.';

CREATE TABLE metric_damaged (
  damaged_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id uuid NOT NULL,
  found_at_ms bigint NOT NULL,
  points bytea NOT NULL
);
COMMENT ON TABLE metric_damaged IS 'Rows of metric_tail that could not be read, kept as they were.';
COMMENT ON COLUMN metric_damaged.damaged_id IS 'Identifier.';
COMMENT ON COLUMN metric_damaged.run_id IS 'The run.';
COMMENT ON COLUMN metric_damaged.found_at_ms IS 'Time it was put here, ms.';
COMMENT ON COLUMN metric_damaged.points IS 'The bytes as they stood in metric_tail.';

-- The tail is a queue now: its rows go with the next fold. Statistics of a moment say nothing of the next one, and dead rows must go soon.
ALTER TABLE metric_tail SET (autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE run_purge (
  run_id uuid PRIMARY KEY,
  started_at_ms bigint NOT NULL
);
COMMENT ON TABLE run_purge IS 'Runs that are gone for good while rows of their metrics are still being removed, in steps.';
COMMENT ON COLUMN run_purge.run_id IS 'The run; it has no row in run any more.';
COMMENT ON COLUMN run_purge.started_at_ms IS 'Time its removal began, ms.';
