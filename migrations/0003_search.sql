-- Search keeps columns of runs in memory and reads again what transactions since its last look have changed
-- (docs/search.md): what they changed is found by experiment and transaction.

CREATE INDEX run_changed ON run (experiment_id, changed);

ALTER TABLE metric_tail ADD COLUMN experiment_id bigint NOT NULL DEFAULT -1;
UPDATE metric_tail t SET experiment_id = r.experiment_id FROM run r WHERE r.run_id = t.run_id;
ALTER TABLE metric_tail ALTER COLUMN experiment_id DROP DEFAULT;
COMMENT ON COLUMN metric_tail.experiment_id IS
  'Experiment of the run, which never changes; -1 in rows from before this column whose run is gone.';
CREATE INDEX metric_tail_changed ON metric_tail (experiment_id, changed);

CREATE TABLE metric_folded (
  run_id uuid PRIMARY KEY,
  experiment_id bigint NOT NULL,
  changed xid8 NOT NULL DEFAULT pg_current_xact_id()
) WITH (fillfactor = 80);
CREATE INDEX metric_folded_changed ON metric_folded (experiment_id, changed);
COMMENT ON TABLE metric_folded IS
  'When points of a run last went from metric_tail into its series: who has read the series before reads them again.';
COMMENT ON COLUMN metric_folded.run_id IS 'The run.';
COMMENT ON COLUMN metric_folded.experiment_id IS 'Its experiment.';
COMMENT ON COLUMN metric_folded.changed IS 'Transaction of the last fold.';

CREATE TABLE run_purged (
  experiment_id bigint PRIMARY KEY,
  changed xid8 NOT NULL DEFAULT pg_current_xact_id()
);
COMMENT ON TABLE run_purged IS
  'When a run of an experiment was last removed for good: who remembers its runs looks which of them still exist.';
COMMENT ON COLUMN run_purged.experiment_id IS 'The experiment.';
COMMENT ON COLUMN run_purged.changed IS 'Transaction of the last removal.';
