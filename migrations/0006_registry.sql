-- Registered models, their versions and aliases; gates, checks and approvals; the ledger of every change to them.

CREATE TABLE registered_model (
  registered_model_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  workspace_id bigint NOT NULL DEFAULT 1 REFERENCES workspace,
  name text COLLATE "C" NOT NULL CHECK (char_length(name) BETWEEN 1 AND 256),
  description text,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  last_version bigint NOT NULL DEFAULT 0 CHECK (last_version >= 0),
  tags jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(tags) = 'object'),
  is_prompt boolean NOT NULL GENERATED ALWAYS AS (coalesce(tags ->> 'mlflow.prompt.is_prompt', '') = 'true') STORED,
  UNIQUE (workspace_id, name)
) WITH (fillfactor = 70);
COMMENT ON TABLE registered_model IS 'A name under which versions of a model are published.';
COMMENT ON COLUMN registered_model.registered_model_id IS 'Identifier; never given out a second time.';
COMMENT ON COLUMN registered_model.workspace_id IS 'Owning workspace.';
COMMENT ON COLUMN registered_model.name IS 'Name as clients send it; it can change.';
COMMENT ON COLUMN registered_model.description IS 'Free text; NULL: none.';
COMMENT ON COLUMN registered_model.created_at_ms IS 'Time of creation, ms.';
COMMENT ON COLUMN registered_model.updated_at_ms IS 'Time of the last change of it, its versions, stages or aliases, ms.';
COMMENT ON COLUMN registered_model.last_version IS
  'Highest number ever given to a version, also to one that is deleted: numbers are not used twice.';
COMMENT ON COLUMN registered_model.tags IS 'Object of key to string.';
COMMENT ON COLUMN registered_model.is_prompt IS 'Whether it is a prompt, which clients keep as a model with this tag.';
CREATE INDEX registered_model_updated ON registered_model (workspace_id, updated_at_ms DESC, name);

CREATE TABLE model_version (
  registered_model_id bigint NOT NULL REFERENCES registered_model ON DELETE CASCADE,
  version bigint NOT NULL CHECK (version >= 1),
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  deleted_at_ms bigint,
  stage smallint NOT NULL DEFAULT 0 CHECK (stage BETWEEN 0 AND 3),
  user_id text COLLATE "C" NOT NULL DEFAULT '',
  description text,
  source text COLLATE "C" NOT NULL,
  storage_location text,
  run_id text COLLATE "C" NOT NULL DEFAULT '',
  model_id text COLLATE "C" NOT NULL DEFAULT '',
  run_link text NOT NULL DEFAULT '',
  status smallint NOT NULL DEFAULT 3 CHECK (status BETWEEN 1 AND 3),
  status_message text,
  tags jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(tags) = 'object'),
  PRIMARY KEY (registered_model_id, version)
) WITH (fillfactor = 80);
COMMENT ON TABLE model_version IS 'Versions of registered models. A deleted one keeps its row and nothing that it said.';
COMMENT ON COLUMN model_version.registered_model_id IS 'Owning registered model.';
COMMENT ON COLUMN model_version.version IS 'Number, from 1 on.';
COMMENT ON COLUMN model_version.created_at_ms IS 'Time of creation, ms.';
COMMENT ON COLUMN model_version.updated_at_ms IS 'Time of the last change, ms.';
COMMENT ON COLUMN model_version.deleted_at_ms IS 'Time of deletion, ms; NULL while it is there.';
COMMENT ON COLUMN model_version.stage IS '0 None, 1 Staging, 2 Production, 3 Archived.';
COMMENT ON COLUMN model_version.user_id IS 'Who registered it: the account, or what the client claims; empty: not known.';
COMMENT ON COLUMN model_version.description IS 'Free text; NULL: none.';
COMMENT ON COLUMN model_version.source IS 'Where its files are, as the client named it; may be models:/<name>/<version>.';
COMMENT ON COLUMN model_version.storage_location IS
  'Where its files are when source names another version or a logged model: what that meant at creation; else NULL.';
COMMENT ON COLUMN model_version.run_id IS 'Run that made it, as the client named it; empty: none.';
COMMENT ON COLUMN model_version.model_id IS 'Logged model that it publishes; empty: none.';
COMMENT ON COLUMN model_version.run_link IS 'Address of the run, free text; empty: none.';
COMMENT ON COLUMN model_version.status IS '1 PENDING_REGISTRATION, 2 FAILED_REGISTRATION, 3 READY.';
COMMENT ON COLUMN model_version.status_message IS 'What is to be said of the status; NULL: nothing.';
COMMENT ON COLUMN model_version.tags IS 'Object of key to string.';
-- The newest of each stage, the newest changed and made, and what came out of a run or logged model.
CREATE INDEX model_version_stage ON model_version (registered_model_id, stage, version DESC) WHERE deleted_at_ms IS NULL;
CREATE INDEX model_version_updated ON model_version (registered_model_id, updated_at_ms DESC, version DESC)
  WHERE deleted_at_ms IS NULL;
CREATE INDEX model_version_created ON model_version (registered_model_id, created_at_ms DESC) WHERE deleted_at_ms IS NULL;
CREATE INDEX model_version_all_updated ON model_version (updated_at_ms DESC) WHERE deleted_at_ms IS NULL;
CREATE INDEX model_version_run ON model_version (run_id) WHERE deleted_at_ms IS NULL AND run_id <> '';
CREATE INDEX model_version_model ON model_version (model_id) WHERE deleted_at_ms IS NULL AND model_id <> '';
CREATE INDEX model_version_source ON model_version (md5(source)) WHERE deleted_at_ms IS NULL;

-- What came out of a data set, a run or a logged model.
CREATE INDEX dataset_digest ON dataset (digest, name);
CREATE INDEX dataset_name ON dataset (name);
CREATE INDEX logged_model_source_run ON logged_model (source_run_id) WHERE source_run_id <> '';
CREATE INDEX run_model_model ON run_model (model_id);

CREATE TABLE model_alias (
  registered_model_id bigint NOT NULL,
  alias text COLLATE "C" NOT NULL CHECK (char_length(alias) BETWEEN 1 AND 255),
  version bigint NOT NULL,
  moved_at_ms bigint NOT NULL,
  PRIMARY KEY (registered_model_id, alias),
  FOREIGN KEY (registered_model_id, version) REFERENCES model_version ON DELETE CASCADE
) WITH (fillfactor = 70);
COMMENT ON TABLE model_alias IS 'Names that point at one version of a registered model.';
COMMENT ON COLUMN model_alias.registered_model_id IS 'The registered model.';
COMMENT ON COLUMN model_alias.alias IS 'Name.';
COMMENT ON COLUMN model_alias.version IS 'Version that it points at.';
COMMENT ON COLUMN model_alias.moved_at_ms IS 'Since when, ms.';
CREATE INDEX model_alias_version ON model_alias (registered_model_id, version);

CREATE TABLE check_result (
  check_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  registered_model_id bigint NOT NULL,
  version bigint NOT NULL,
  name text COLLATE "C" NOT NULL CHECK (char_length(name) BETWEEN 1 AND 250),
  status smallint NOT NULL CHECK (status BETWEEN 0 AND 2),
  value double precision,
  url text NOT NULL DEFAULT '',
  message text NOT NULL DEFAULT '',
  actor text COLLATE "C" NOT NULL,
  account_id bigint,
  created_at_ms bigint NOT NULL,
  FOREIGN KEY (registered_model_id, version) REFERENCES model_version ON DELETE CASCADE
);
COMMENT ON TABLE check_result IS 'What CI and others found out about versions. All are kept; the newest of a name counts.';
COMMENT ON COLUMN check_result.check_id IS 'Identifier, in the order of writing.';
COMMENT ON COLUMN check_result.registered_model_id IS 'The registered model.';
COMMENT ON COLUMN check_result.version IS 'The version.';
COMMENT ON COLUMN check_result.name IS 'Which check.';
COMMENT ON COLUMN check_result.status IS '0 pending, 1 success, 2 failure.';
COMMENT ON COLUMN check_result.value IS 'A number that was measured; NULL: none.';
COMMENT ON COLUMN check_result.url IS 'Where to read more; never fetched; empty: nowhere.';
COMMENT ON COLUMN check_result.message IS 'Free text; empty: none.';
COMMENT ON COLUMN check_result.actor IS 'Who posted it: the name of the account, or what the client claims with authentication off.';
COMMENT ON COLUMN check_result.account_id IS 'The account, which may be gone; NULL: claimed.';
COMMENT ON COLUMN check_result.created_at_ms IS 'When, ms.';
CREATE INDEX check_result_newest ON check_result (registered_model_id, version, name, check_id DESC);

CREATE TABLE approval (
  registered_model_id bigint NOT NULL,
  version bigint NOT NULL,
  actor text COLLATE "C" NOT NULL,
  account_id bigint,
  comment text NOT NULL DEFAULT '',
  created_at_ms bigint NOT NULL,
  PRIMARY KEY (registered_model_id, version, actor),
  FOREIGN KEY (registered_model_id, version) REFERENCES model_version ON DELETE CASCADE
);
COMMENT ON TABLE approval IS 'Who vouches for a version. One that is withdrawn has no row; the ledger keeps that it was there.';
COMMENT ON COLUMN approval.registered_model_id IS 'The registered model.';
COMMENT ON COLUMN approval.version IS 'The version.';
COMMENT ON COLUMN approval.actor IS 'Who approves: the name of the account, or what the client claims with authentication off.';
COMMENT ON COLUMN approval.account_id IS 'The account, which may be gone; NULL: claimed.';
COMMENT ON COLUMN approval.comment IS 'Free text.';
COMMENT ON COLUMN approval.created_at_ms IS 'When, ms.';

CREATE TABLE promotion_gate (
  gate_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  workspace_id bigint NOT NULL DEFAULT 1 REFERENCES workspace,
  model_pattern text COLLATE "C" NOT NULL CHECK (char_length(model_pattern) BETWEEN 1 AND 256),
  alias text COLLATE "C" CHECK (char_length(alias) BETWEEN 1 AND 255),
  stage smallint CHECK (stage BETWEEN 1 AND 3),
  rules json NOT NULL CHECK (json_typeof(rules) = 'object'),
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  CHECK ((alias IS NULL) <> (stage IS NULL))
);
COMMENT ON TABLE promotion_gate IS
  'What must be true before an alias or stage of some registered models may move. They bind by name, also names that are not there yet.';
COMMENT ON COLUMN promotion_gate.gate_id IS 'Identifier.';
COMMENT ON COLUMN promotion_gate.workspace_id IS 'Owning workspace.';
COMMENT ON COLUMN promotion_gate.model_pattern IS
  'Name of the registered model; * stands for any characters. One without a * is there under both names after its model is renamed.';
COMMENT ON COLUMN promotion_gate.alias IS 'The alias that it guards; NULL: it guards a stage.';
COMMENT ON COLUMN promotion_gate.stage IS 'The stage that it guards, as in model_version; NULL: it guards an alias.';
COMMENT ON COLUMN promotion_gate.rules IS 'The rules, see docs/gates.md; json, so that numbers stay as they are.';
COMMENT ON COLUMN promotion_gate.created_at_ms IS 'Time of creation, ms.';
COMMENT ON COLUMN promotion_gate.updated_at_ms IS 'Time of the last change, ms.';
CREATE UNIQUE INDEX promotion_gate_alias ON promotion_gate (workspace_id, model_pattern, alias) WHERE alias IS NOT NULL;
CREATE UNIQUE INDEX promotion_gate_stage ON promotion_gate (workspace_id, model_pattern, stage) WHERE stage IS NOT NULL;

-- What a row says is one text, over which its hash is taken; what it is found by is derived from that text, so that the
-- two cannot differ.
CREATE TABLE ledger (
  entry bigint PRIMARY KEY,
  at_ms bigint NOT NULL,
  content text NOT NULL,
  previous_sha256 bytea NOT NULL CHECK (octet_length(previous_sha256) = 32),
  sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
  workspace_id bigint NOT NULL GENERATED ALWAYS AS ((content::jsonb ->> 'workspace_id')::bigint) STORED,
  registered_model_id bigint GENERATED ALWAYS AS ((content::jsonb ->> 'registered_model_id')::bigint) STORED,
  model_name text COLLATE "C" GENERATED ALWAYS AS (content::jsonb ->> 'model') STORED,
  version bigint GENERATED ALWAYS AS ((content::jsonb ->> 'version')::bigint) STORED,
  alias text COLLATE "C" GENERATED ALWAYS AS (content::jsonb ->> 'alias') STORED,
  action text COLLATE "C" NOT NULL GENERATED ALWAYS AS (content::jsonb ->> 'action') STORED,
  actor text COLLATE "C" NOT NULL GENERATED ALWAYS AS (content::jsonb ->> 'actor') STORED
);
COMMENT ON TABLE ledger IS 'Every change of the registry, in order. Rows are only added; each holds the hash of the one before.';
COMMENT ON COLUMN ledger.entry IS 'Number, from 1 on, without gaps.';
COMMENT ON COLUMN ledger.at_ms IS 'When, ms; never earlier than the entry before.';
COMMENT ON COLUMN ledger.content IS 'JSON object: what was done, by whom, from where, before and after, and why.';
COMMENT ON COLUMN ledger.previous_sha256 IS 'sha256 of the entry before; zeros for the first.';
COMMENT ON COLUMN ledger.sha256 IS
  'SHA-256 of previous_sha256, entry and at_ms (8 bytes each, most significant first), and the UTF-8 of content.';
COMMENT ON COLUMN ledger.workspace_id IS 'Workspace of the object, from content.';
COMMENT ON COLUMN ledger.registered_model_id IS 'Registered model, from content; NULL: a gate.';
COMMENT ON COLUMN ledger.model_name IS 'Its name at that time, or the pattern of a gate, from content.';
COMMENT ON COLUMN ledger.version IS 'Version, from content; NULL: none.';
COMMENT ON COLUMN ledger.alias IS 'Alias, from content; NULL: none.';
COMMENT ON COLUMN ledger.action IS 'What was done, from content.';
COMMENT ON COLUMN ledger.actor IS 'By whom, from content.';
CREATE INDEX ledger_model ON ledger (registered_model_id, entry);
CREATE INDEX ledger_name ON ledger (workspace_id, model_name, entry);
CREATE INDEX ledger_alias ON ledger (registered_model_id, alias, entry) WHERE alias IS NOT NULL;
CREATE INDEX ledger_version ON ledger (registered_model_id, version, entry) WHERE version IS NOT NULL;
CREATE INDEX ledger_at ON ledger (at_ms, entry);
CREATE INDEX ledger_workspace ON ledger (workspace_id, entry);
CREATE INDEX ledger_action ON ledger (workspace_id, action, entry);
-- What was said of models themselves and of gates, however many versions there are.
CREATE INDEX ledger_model_itself ON ledger (registered_model_id, entry) WHERE version IS NULL AND alias IS NULL;
CREATE INDEX ledger_gate ON ledger (workspace_id, entry) WHERE registered_model_id IS NULL;

CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is only appended to' USING ERRCODE = 'restrict_violation';
END
$$;
COMMENT ON FUNCTION ledger_refuse_change() IS 'Refuses changes of the ledger.';
CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
ALTER TABLE ledger ENABLE ALWAYS TRIGGER ledger_is_append_only;

CREATE TABLE ledger_head (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  entry bigint NOT NULL,
  at_ms bigint NOT NULL,
  sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32)
) WITH (fillfactor = 10);
COMMENT ON TABLE ledger_head IS 'The last entry of the ledger; whoever appends holds this row.';
COMMENT ON COLUMN ledger_head.only_row IS 'There is one row.';
COMMENT ON COLUMN ledger_head.entry IS 'Its number; 0: there is none.';
COMMENT ON COLUMN ledger_head.at_ms IS 'Its time, ms.';
COMMENT ON COLUMN ledger_head.sha256 IS 'Its hash; zeros while there is none.';
INSERT INTO ledger_head (entry, at_ms, sha256) VALUES (0, 0, decode(repeat('00', 32), 'hex'));
