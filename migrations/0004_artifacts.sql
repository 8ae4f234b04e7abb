-- Files of runs and logged models: bytes named by their SHA-256, names as rows; logged models themselves.

CREATE TABLE blob (
  sha256 bytea PRIMARY KEY CHECK (octet_length(sha256) = 32),
  size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
  used_at_ms bigint NOT NULL
);
COMMENT ON TABLE blob IS
  'Contents in the artifact store. Whoever adds or removes the bytes of one holds its row, so that neither meets the other.';
COMMENT ON COLUMN blob.sha256 IS 'SHA-256 of the content, which names it in the store.';
COMMENT ON COLUMN blob.size_bytes IS 'Size of the content, bytes.';
COMMENT ON COLUMN blob.used_at_ms IS 'When a name was last given to it or taken from it, ms; garbage collection waits from here.';

CREATE TABLE artifact (
  workspace_id bigint NOT NULL DEFAULT 1 REFERENCES workspace,
  path text COLLATE "C" NOT NULL CHECK (octet_length(path) BETWEEN 1 AND 2048),
  sha256 bytea NOT NULL REFERENCES blob,
  size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
  created_at_ms bigint NOT NULL,
  PRIMARY KEY (workspace_id, path)
);
COMMENT ON TABLE artifact IS 'A file: its name and the content it has. Directories are what paths have in common.';
COMMENT ON COLUMN artifact.workspace_id IS 'Owning workspace.';
COMMENT ON COLUMN artifact.path IS
  'Path from the root of the store, such as 0/<run id>/artifacts/model/MLmodel; no empty, . or .. segments, never a path of the disk.';
COMMENT ON COLUMN artifact.sha256 IS 'The content.';
COMMENT ON COLUMN artifact.size_bytes IS 'Its size, bytes.';
COMMENT ON COLUMN artifact.created_at_ms IS 'When the name was last given a content, ms.';
CREATE INDEX artifact_content ON artifact (sha256, workspace_id, path);

CREATE TABLE artifact_upload (
  upload_id uuid PRIMARY KEY,
  workspace_id bigint NOT NULL DEFAULT 1 REFERENCES workspace,
  path text COLLATE "C" NOT NULL CHECK (octet_length(path) BETWEEN 1 AND 2048),
  store_upload text COLLATE "C" NOT NULL,
  part_count integer NOT NULL CHECK (part_count BETWEEN 1 AND 10000),
  created_at_ms bigint NOT NULL,
  expires_at_ms bigint NOT NULL,
  sha256 bytea CHECK (octet_length(sha256) = 32)
);
CREATE INDEX artifact_upload_expires ON artifact_upload (expires_at_ms);
COMMENT ON TABLE artifact_upload IS
  'Uploads in parts that were begun and not aborted; completed ones stay until they expire, so that completing may be repeated.';
COMMENT ON COLUMN artifact_upload.upload_id IS 'Random identifier.';
COMMENT ON COLUMN artifact_upload.workspace_id IS 'Owning workspace.';
COMMENT ON COLUMN artifact_upload.path IS 'Where the file will be.';
COMMENT ON COLUMN artifact_upload.store_upload IS 'How the artifact store calls the upload; empty: by upload_id.';
COMMENT ON COLUMN artifact_upload.part_count IS 'How many parts were announced.';
COMMENT ON COLUMN artifact_upload.created_at_ms IS 'When it was begun, ms.';
COMMENT ON COLUMN artifact_upload.expires_at_ms IS 'When what was sent of it may be swept, ms.';
COMMENT ON COLUMN artifact_upload.sha256 IS 'The content it became; NULL until it is completed.';

CREATE TABLE signing_key (
  key_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  purpose text COLLATE "C" NOT NULL UNIQUE,
  secret bytea NOT NULL,
  created_at_ms bigint NOT NULL
);
COMMENT ON TABLE signing_key IS
  'Secrets that all daemons of a database share, each made when it is first needed: for signed URLs (HMAC) and for manifests (Ed25519).';
COMMENT ON COLUMN signing_key.key_id IS 'Identifier, which signatures name.';
COMMENT ON COLUMN signing_key.purpose IS 'What it signs: url or manifest.';
COMMENT ON COLUMN signing_key.secret IS '32 random bytes: the HMAC key, or the Ed25519 private key.';
COMMENT ON COLUMN signing_key.created_at_ms IS 'When it was made, ms.';

CREATE TABLE logged_model (
  model_id text COLLATE "C" PRIMARY KEY,
  experiment_id bigint NOT NULL REFERENCES experiment,
  name text COLLATE "C" NOT NULL CHECK (char_length(name) BETWEEN 1 AND 500),
  model_type text COLLATE "C" NOT NULL DEFAULT '',
  source_run_id text COLLATE "C" NOT NULL DEFAULT '',
  status smallint NOT NULL CHECK (status BETWEEN 0 AND 3),
  status_message text,
  artifact_uri text COLLATE "C" NOT NULL,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  deleted_at_ms bigint,
  params jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(params) = 'object'),
  tags jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(tags) = 'object')
) WITH (fillfactor = 80);
CREATE INDEX logged_model_created ON logged_model (experiment_id, created_at_ms DESC, model_id);
COMMENT ON TABLE logged_model IS 'A model that a run made, or that was logged on its own.';
COMMENT ON COLUMN logged_model.model_id IS 'Random identifier: m- and 32 hexadecimal digits.';
COMMENT ON COLUMN logged_model.experiment_id IS 'Owning experiment.';
COMMENT ON COLUMN logged_model.name IS 'Name; not unique.';
COMMENT ON COLUMN logged_model.model_type IS 'Free text of the client; empty when not given.';
COMMENT ON COLUMN logged_model.source_run_id IS 'Run that made it, as the client names it; empty when not given.';
COMMENT ON COLUMN logged_model.status IS '0 UNSPECIFIED, 1 PENDING, 2 READY, 3 UPLOAD_FAILED.';
COMMENT ON COLUMN logged_model.status_message IS 'What is to be said of the status; NULL: nothing.';
COMMENT ON COLUMN logged_model.artifact_uri IS 'Root of the artifacts of the model.';
COMMENT ON COLUMN logged_model.created_at_ms IS 'Time of creation, ms.';
COMMENT ON COLUMN logged_model.updated_at_ms IS 'Time of the last change, ms.';
COMMENT ON COLUMN logged_model.deleted_at_ms IS 'Time of deletion, ms; NULL while active.';
COMMENT ON COLUMN logged_model.params IS 'Object of key to string; a key is written once.';
COMMENT ON COLUMN logged_model.tags IS 'Object of key to string.';

CREATE TABLE metric_context_run (
  context_id integer NOT NULL,
  run_id uuid NOT NULL,
  PRIMARY KEY (context_id, run_id)
);
CREATE INDEX metric_context_run_run ON metric_context_run (run_id);
COMMENT ON TABLE metric_context_run IS
  'Which runs have points of a context that names a logged model, written with the first of them: so the points of a model are found also while they are in metric_tail.';
COMMENT ON COLUMN metric_context_run.context_id IS 'The context, in metric_context.';
COMMENT ON COLUMN metric_context_run.run_id IS 'The run.';
INSERT INTO metric_context_run
  SELECT DISTINCT s.context_id, s.run_id FROM metric_series s JOIN metric_context c ON c.context_id = s.context_id
  WHERE s.context_id <> 0 AND c.model_id <> '';
CREATE INDEX metric_context_model ON metric_context (model_id) WHERE model_id <> '';

ALTER TABLE run_purge ADD COLUMN artifact_directory text COLLATE "C";
COMMENT ON COLUMN run_purge.artifact_directory IS
  'Directory in the artifact store whose names are removed too; NULL when its artifacts are elsewhere.';
