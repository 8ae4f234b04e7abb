// Puts experiments, runs and points onto the server through its API, as a training script would.
import { admin, base, mark } from './harness.mjs';

/** Of somebody with a password, as a header. */
export const basic = (credentials) =>
  credentials === undefined ? {} : { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };

/** A request by an administrator, or where nobody logs in by anybody. */
async function send(method, path, body, headers = basic(admin)) {
  const answer = await fetch(base + path, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text === '' ? {} : JSON.parse(text);
}

export const call = (method, path, body) => send(method, `api/2.0/mlflow/${path}`, body);
export const tally = (method, path, body) => send(method, `api/tally/v1/${path}`, body);

// Long enough for the server's rules; nothing of it is in a name.
export const password = 'a battery of horses';

/** Makes somebody; the name is their own to this run of the tests. */
export async function makeUser(name, options = {}) {
  const username = `${name}-${mark}`;
  await tally('POST', 'users', { username, password, ...options });
  return username;
}

export function grant(experimentId, who, permission, actions = []) {
  return tally('PUT', 'grants', { experiment_id: experimentId, ...who, permission, actions });
}

export const post = (path, body) => call('POST', path, body);

export async function makeExperiment(name, description) {
  const tags = description ? [{ key: 'mlflow.note.content', value: description }] : [];
  return (await post('experiments/create', { name, tags })).experiment_id;
}

const pairs = (object = {}) => Object.entries(object).map(([key, value]) => ({ key, value: String(value) }));

/** Makes a run; metrics are lists of values (one for each step) or of whole points. */
export async function makeRun(experimentId, name, options = {}) {
  const { metrics = {}, params, tags, status, start = Date.now() - 60_000, end, parent } = options;
  const { run } = await post('runs/create', {
    experiment_id: experimentId,
    run_name: name,
    start_time: start,
    user_id: 'tester',
    tags: pairs({ 'mlflow.user': 'tester', ...(parent ? { 'mlflow.parentRunId': parent } : {}), ...tags }),
  });
  const id = run.info.run_id;
  if (params) await post('runs/log-batch', { run_id: id, params: pairs(params) });
  const points = Object.entries(metrics).flatMap(([key, values]) =>
    values.map((value, step) =>
      typeof value === 'object' ? { key, ...value } : { key, value, step, timestamp: start + step * 1000 },
    ),
  );
  for (let at = 0; at < points.length; at += 1000)
    await post('runs/log-batch', { run_id: id, metrics: points.slice(at, at + 1000) });
  if (status) await post('runs/update', { run_id: id, status, end_time: end ?? start + 30_000 });
  return id;
}

export function logMetric(runId, key, value, step) {
  return post('runs/log-metric', { run_id: runId, key, value, step, timestamp: Date.now() });
}

export async function getRun(runId) {
  return (await call('GET', `runs/get?run_id=${runId}`)).run;
}

/** Stores a file; the path is from the root of the store. */
export async function putArtifact(path, content) {
  const address = path.split('/').map(encodeURIComponent).join('/');
  const answer = await fetch(`${base}api/2.0/mlflow-artifacts/artifacts/${address}`, {
    method: 'PUT',
    headers: basic(admin),
    body: content,
  });
  if (!answer.ok) throw new Error(`PUT ${path}: ${answer.status} ${await answer.text()}`);
}

/** Logs a model as an output of a run, with files. */
export async function makeModel(experimentId, runId, name, files) {
  const { model } = await post('logged-models', {
    experiment_id: experimentId,
    name,
    source_run_id: runId,
    model_type: 'test',
  });
  const id = model.info.model_id;
  await post('runs/outputs', { run_id: runId, models: [{ model_id: id, step: 0 }] });
  for (const [path, content] of Object.entries(files))
    await putArtifact(`${experimentId}/models/${id}/artifacts/${path}`, content);
  await call('PATCH', `logged-models/${id}`, { model_id: id, status: 'LOGGED_MODEL_READY' });
  return id;
}

// --- the registry ----------------------------------------------------------------------------------------

const inModel = (name) => `registered-models/${encodeURIComponent(name)}`;

/** Registers a model; the name is given as it is. */
export function registerModel(name, options = {}) {
  const { description, tags } = options;
  return post('registered-models/create', {
    name,
    description,
    tags: pairs(tags),
  });
}

/** Registers a version of what a run has below `folder`, or of any source; gives its number. */
export async function makeVersion(name, options = {}) {
  const { experimentId, runId, folder = 'model', source, tags, description } = options;
  const { model_version: made } = await post('model-versions/create', {
    name,
    source:
      source ??
      (runId ? `mlflow-artifacts:/${experimentId}/${runId}/artifacts/${folder}` : 's3://models/one'),
    run_id: runId,
    description,
    tags: pairs(tags),
  });
  return Number(made.version);
}

export function postCheck(name, version, check, status, more = {}) {
  return tally('POST', `${inModel(name)}/versions/${version}/checks`, {
    name: check,
    status,
    ...more,
  });
}

export function putGate(name, target, rules) {
  return tally('PUT', `${inModel(name)}/gates`, { ...target, rules });
}

export function promoteTo(name, alias, version, expected, more = {}) {
  return tally('POST', `${inModel(name)}/promote`, {
    alias,
    version,
    expect_version: expected,
    ...more,
  });
}

/** Which version has an alias; undefined when none has. */
export async function holderOf(name, alias) {
  const { registered_model: model } = await call(
    'GET',
    `registered-models/get?name=${encodeURIComponent(name)}`,
  );
  const found = model.aliases?.find((one) => one.alias === alias);
  return found && Number(found.version);
}

export async function ledgerOf(name) {
  return (await tally('GET', `${inModel(name)}/ledger`)).entries;
}

export async function versionIn(name, version) {
  return tally('GET', `${inModel(name)}/versions/${version}`);
}

export function putPatternGate(pattern, target, rules) {
  return tally('PUT', 'gates', { model_pattern: pattern, ...target, rules });
}

/** The rules of the gate of exactly this pattern and target; undefined where there is none. */
export async function patternRules(name, pattern, target) {
  const { gates = [] } = await tally('GET', `${inModel(name)}/gates`);
  const same = (one) =>
    one.model_pattern === pattern && Object.keys(target).every((key) => one[key] === target[key]);
  return gates.find(same)?.rules;
}
