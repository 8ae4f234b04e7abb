-- Clients may choose the ids of their runs: one that was removed for good is not given again.

CREATE TABLE run_gone (
  run_id uuid PRIMARY KEY,
  experiment_id bigint NOT NULL
);
COMMENT ON TABLE run_gone IS
  'Runs that were removed for good: a repeated creation must not bring one back, and what a daemon remembers of an id stays true.';
COMMENT ON COLUMN run_gone.run_id IS 'The run; it has no row in run any more, and never will.';
COMMENT ON COLUMN run_gone.experiment_id IS 'The experiment it was in.';
