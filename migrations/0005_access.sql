-- Who may do what: accounts, groups, tokens, sessions, grants and the audit trail. Workspaces become tenants.

ALTER TABLE workspace
  ALTER COLUMN name DROP NOT NULL,
  ADD COLUMN description text,
  ADD COLUMN default_artifact_root text COLLATE "C",
  ADD COLUMN created_at_ms bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN workspace.name IS
  'Name as clients send it; NULL: it was deleted with its experiments, and stays for them; nobody can name it any more.';
COMMENT ON COLUMN workspace.description IS 'Free text; NULL: none was given.';
COMMENT ON COLUMN workspace.default_artifact_root IS
  'Where artifacts of new experiments of the workspace go; NULL: below the default-artifact-root of the server.';
COMMENT ON COLUMN workspace.created_at_ms IS 'Time of creation, ms; 0 for the workspace that was always there.';

CREATE TABLE account (
  account_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  username text COLLATE "C" NOT NULL UNIQUE CHECK (char_length(username) BETWEEN 1 AND 255),
  is_admin boolean NOT NULL DEFAULT false,
  is_service boolean NOT NULL DEFAULT false,
  disabled_at_ms bigint,
  password text COLLATE "C",
  issuer text COLLATE "C",
  subject text COLLATE "C",
  requests_per_s bigint CHECK (requests_per_s >= 0),
  bytes_per_day bigint CHECK (bytes_per_day >= 0),
  created_at_ms bigint NOT NULL,
  last_login_at_ms bigint,
  UNIQUE (issuer, subject),
  CHECK ((issuer IS NULL) = (subject IS NULL))
);
COMMENT ON TABLE account IS 'A person or a service that can be told apart by its credentials.';
COMMENT ON COLUMN account.account_id IS 'Identifier; never given out a second time.';
COMMENT ON COLUMN account.username IS 'Name to log in with.';
COMMENT ON COLUMN account.is_admin IS 'Administrators may do everything.';
COMMENT ON COLUMN account.is_service IS 'A service account: it has tokens and no password.';
COMMENT ON COLUMN account.disabled_at_ms IS 'When it was shut out, ms; NULL: it may log in.';
COMMENT ON COLUMN account.password IS 'scrypt parameters, salt and hash; NULL: no password opens it.';
COMMENT ON COLUMN account.issuer IS 'OpenID Connect provider that vouches for it; NULL: none.';
COMMENT ON COLUMN account.subject IS 'Its identifier at that provider.';
COMMENT ON COLUMN account.requests_per_s IS 'Quota of its own; NULL: quota-requests-per-s holds.';
COMMENT ON COLUMN account.bytes_per_day IS 'Quota of its own; NULL: quota-bytes-per-day holds.';
COMMENT ON COLUMN account.created_at_ms IS 'Time of creation, ms.';
COMMENT ON COLUMN account.last_login_at_ms IS 'When it last logged in to the dashboard, ms; NULL: never.';

CREATE TABLE account_group (
  group_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE CHECK (char_length(name) BETWEEN 1 AND 255),
  created_at_ms bigint NOT NULL
);
COMMENT ON TABLE account_group IS 'A group of accounts.';
COMMENT ON COLUMN account_group.group_id IS 'Identifier.';
COMMENT ON COLUMN account_group.name IS 'Name; groups that a provider claims are found by it.';
COMMENT ON COLUMN account_group.created_at_ms IS 'Time of creation, ms.';

CREATE TABLE account_group_member (
  group_id bigint NOT NULL REFERENCES account_group ON DELETE CASCADE,
  account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
  source smallint NOT NULL DEFAULT 0 CHECK (source BETWEEN 0 AND 1),
  PRIMARY KEY (group_id, account_id)
);
COMMENT ON TABLE account_group_member IS 'Who is in which group.';
COMMENT ON COLUMN account_group_member.group_id IS 'The group.';
COMMENT ON COLUMN account_group_member.account_id IS 'The member.';
COMMENT ON COLUMN account_group_member.source IS
  '0: put in by an administrator; 1: claimed by the provider or proxy at the last login, and taken out when it claims it no more.';
CREATE INDEX account_group_member_account ON account_group_member (account_id, group_id);

CREATE TABLE api_token (
  token_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
  name text COLLATE "C" NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
  sha256 bytea NOT NULL UNIQUE CHECK (octet_length(sha256) = 32),
  hint text COLLATE "C" NOT NULL,
  level smallint NOT NULL CHECK (level BETWEEN 1 AND 4),
  actions smallint NOT NULL DEFAULT 0,
  is_admin boolean NOT NULL DEFAULT false,
  created_at_ms bigint NOT NULL,
  expires_at_ms bigint,
  last_used_at_ms bigint
);
COMMENT ON TABLE api_token IS 'Secrets for programs. A revoked token has no row; the audit trail keeps that it was there.';
COMMENT ON COLUMN api_token.token_id IS 'Identifier.';
COMMENT ON COLUMN api_token.account_id IS 'Whose it is: it can do at most what this account can.';
COMMENT ON COLUMN api_token.name IS 'What it is for; not unique.';
COMMENT ON COLUMN api_token.sha256 IS 'SHA-256 of the token, which has 256 random bits.';
COMMENT ON COLUMN api_token.hint IS 'The first characters of the token, to recognise it by.';
COMMENT ON COLUMN api_token.level IS 'Highest permission it can use: 1 READ, 2 USE, 3 EDIT, 4 MANAGE.';
COMMENT ON COLUMN api_token.actions IS 'Protected actions it can use: 1 promote, 2 force, 4 delete, 8 webhooks.';
COMMENT ON COLUMN api_token.is_admin IS 'Whether it can use what only administrators may do.';
COMMENT ON COLUMN api_token.created_at_ms IS 'Time of creation, ms.';
COMMENT ON COLUMN api_token.expires_at_ms IS 'When it ends, ms; NULL: never.';
COMMENT ON COLUMN api_token.last_used_at_ms IS 'When it was last used, ms, to the minute; NULL: never.';
CREATE INDEX api_token_account ON api_token (account_id, token_id);

CREATE TABLE login_session (
  sha256 bytea PRIMARY KEY CHECK (octet_length(sha256) = 32),
  account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
  created_at_ms bigint NOT NULL,
  expires_at_ms bigint NOT NULL,
  address text COLLATE "C" NOT NULL
);
COMMENT ON TABLE login_session IS 'Browsers that are logged in.';
COMMENT ON COLUMN login_session.sha256 IS 'SHA-256 of the cookie.';
COMMENT ON COLUMN login_session.account_id IS 'Who is logged in.';
COMMENT ON COLUMN login_session.created_at_ms IS 'Time of the login, ms.';
COMMENT ON COLUMN login_session.expires_at_ms IS 'When it ends, ms.';
COMMENT ON COLUMN login_session.address IS 'Address it was made from.';
CREATE INDEX login_session_account ON login_session (account_id);
CREATE INDEX login_session_expires ON login_session (expires_at_ms);

CREATE TABLE login_attempt (
  state_sha256 bytea PRIMARY KEY CHECK (octet_length(state_sha256) = 32),
  browser_sha256 bytea NOT NULL CHECK (octet_length(browser_sha256) = 32),
  nonce text COLLATE "C" NOT NULL,
  verifier text COLLATE "C" NOT NULL,
  next_path text COLLATE "C" NOT NULL,
  expires_at_ms bigint NOT NULL
);
COMMENT ON TABLE login_attempt IS 'Logins that were sent to the OpenID Connect provider and have not come back.';
COMMENT ON COLUMN login_attempt.state_sha256 IS 'SHA-256 of the state parameter; the row is taken out when it comes back.';
COMMENT ON COLUMN login_attempt.browser_sha256 IS 'SHA-256 of the cookie of the browser that began.';
COMMENT ON COLUMN login_attempt.nonce IS 'What the identity token must hold.';
COMMENT ON COLUMN login_attempt.verifier IS 'PKCE code verifier (RFC 7636).';
COMMENT ON COLUMN login_attempt.next_path IS 'Where the browser goes afterwards.';
COMMENT ON COLUMN login_attempt.expires_at_ms IS 'When it ends, ms.';
CREATE INDEX login_attempt_expires ON login_attempt (expires_at_ms);

CREATE TABLE access_grant (
  grant_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  workspace_id bigint NOT NULL REFERENCES workspace,
  experiment_id bigint REFERENCES experiment ON DELETE CASCADE,
  model_name text COLLATE "C" CHECK (char_length(model_name) BETWEEN 1 AND 256),
  account_id bigint REFERENCES account ON DELETE CASCADE,
  group_id bigint REFERENCES account_group ON DELETE CASCADE,
  level smallint NOT NULL CHECK (level BETWEEN 0 AND 4),
  actions smallint NOT NULL DEFAULT 0,
  CHECK (experiment_id IS NULL OR model_name IS NULL),
  CHECK ((account_id IS NULL) <> (group_id IS NULL))
);
COMMENT ON TABLE access_grant IS
  'What an account or group may do with an experiment, a registered model, or everything in a workspace.';
COMMENT ON COLUMN access_grant.grant_id IS 'Identifier.';
COMMENT ON COLUMN access_grant.workspace_id IS 'The workspace: of the object, or itself the object when neither of the next two is set.';
COMMENT ON COLUMN access_grant.experiment_id IS 'The experiment; NULL: another kind of object.';
COMMENT ON COLUMN access_grant.model_name IS 'The registered model of the workspace; NULL: another kind of object.';
COMMENT ON COLUMN access_grant.account_id IS 'Who gets it; NULL: a group does.';
COMMENT ON COLUMN access_grant.group_id IS 'The group that gets it; NULL: an account does.';
COMMENT ON COLUMN access_grant.level IS '0 NO_PERMISSIONS, 1 READ, 2 USE, 3 EDIT, 4 MANAGE.';
COMMENT ON COLUMN access_grant.actions IS 'Protected actions beside the level: 1 promote, 2 force, 4 delete, 8 webhooks.';
CREATE INDEX access_grant_experiment ON access_grant (experiment_id) WHERE experiment_id IS NOT NULL;
CREATE UNIQUE INDEX access_grant_experiment_account ON access_grant (account_id, experiment_id)
  WHERE experiment_id IS NOT NULL AND account_id IS NOT NULL;
CREATE UNIQUE INDEX access_grant_experiment_group ON access_grant (group_id, experiment_id)
  WHERE experiment_id IS NOT NULL AND group_id IS NOT NULL;
CREATE UNIQUE INDEX access_grant_model_account ON access_grant (account_id, workspace_id, model_name)
  WHERE model_name IS NOT NULL AND account_id IS NOT NULL;
CREATE UNIQUE INDEX access_grant_model_group ON access_grant (group_id, workspace_id, model_name)
  WHERE model_name IS NOT NULL AND group_id IS NOT NULL;
CREATE INDEX access_grant_model ON access_grant (workspace_id, model_name) WHERE model_name IS NOT NULL;
CREATE UNIQUE INDEX access_grant_workspace_account ON access_grant (account_id, workspace_id)
  WHERE experiment_id IS NULL AND model_name IS NULL AND account_id IS NOT NULL;
CREATE UNIQUE INDEX access_grant_workspace_group ON access_grant (group_id, workspace_id)
  WHERE experiment_id IS NULL AND model_name IS NULL AND group_id IS NOT NULL;
CREATE INDEX access_grant_workspace ON access_grant (workspace_id) WHERE experiment_id IS NULL AND model_name IS NULL;

CREATE TABLE access_version (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  version bigint NOT NULL
);
COMMENT ON TABLE access_version IS
  'Counts the changes that could take a right away; daemons forget what they remember when it moves.';
COMMENT ON COLUMN access_version.only_row IS 'There is one row.';
COMMENT ON COLUMN access_version.version IS 'Number of changes.';
INSERT INTO access_version (version) VALUES (1);

CREATE TABLE audit (
  audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at_ms bigint NOT NULL,
  actor text COLLATE "C" NOT NULL,
  account_id bigint,
  token_id bigint,
  method smallint NOT NULL,
  address text COLLATE "C" NOT NULL,
  action text COLLATE "C" NOT NULL,
  object text COLLATE "C" NOT NULL DEFAULT '',
  refused boolean NOT NULL DEFAULT false,
  detail jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(detail) = 'object'),
  times bigint NOT NULL DEFAULT 1
);
COMMENT ON TABLE audit IS 'Changes of who may do what, and refusals.';
COMMENT ON COLUMN audit.audit_id IS 'Identifier, in the order of writing.';
COMMENT ON COLUMN audit.at_ms IS 'When, ms.';
COMMENT ON COLUMN audit.actor IS 'Name of the account at that time; empty: nobody was known.';
COMMENT ON COLUMN audit.account_id IS 'The account, which may be gone; NULL: nobody was known.';
COMMENT ON COLUMN audit.token_id IS 'The token that was used; NULL: none.';
COMMENT ON COLUMN audit.method IS '0 none, 1 password, 2 token, 3 session, 4 JWT, 5 trusted proxy, 6 command line.';
COMMENT ON COLUMN audit.address IS 'Where the request came from; empty for the command line.';
COMMENT ON COLUMN audit.action IS 'What was done, such as user.create, or the method and path of what was refused.';
COMMENT ON COLUMN audit.object IS 'To what, such as user:anna or experiment:12.';
COMMENT ON COLUMN audit.refused IS 'Whether it was refused.';
COMMENT ON COLUMN audit.detail IS 'What is worth knowing beside: before and after, or why it was refused.';
COMMENT ON COLUMN audit.times IS 'How many equal refusals the row stands for.';
CREATE INDEX audit_at ON audit (at_ms, audit_id);
CREATE INDEX audit_actor ON audit (actor, audit_id);
CREATE INDEX audit_object ON audit (object, audit_id);
