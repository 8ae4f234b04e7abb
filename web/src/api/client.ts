// One function for each request that the dashboard makes.
import { get, getApi3, post } from './http';
import type { Experiment, LoggedModel, Metric, Run, Tag, ViewType } from './types';

export interface ExperimentPage {
  experiments?: Experiment[];
  next_page_token?: string;
}

export function searchExperiments(viewType: ViewType, pageToken?: string, signal?: AbortSignal) {
  // 1,000 is the server's own default: one answer holds all experiments of nearly every installation.
  const body = { view_type: viewType, max_results: 1000, page_token: pageToken };
  return post<ExperimentPage>('experiments/search', body, signal);
}

export function getExperiment(id: string, signal?: AbortSignal) {
  return get<{ experiment: Experiment }>('experiments/get', { experiment_id: id }, signal).then(
    (answer) => answer.experiment,
  );
}

export function createExperiment(name: string, description: string) {
  const tags: Tag[] = description ? [{ key: 'mlflow.note.content', value: description }] : [];
  return post<{ experiment_id: string }>('experiments/create', { name, tags });
}

export function renameExperiment(id: string, name: string) {
  return post('experiments/update', { experiment_id: id, new_name: name });
}

export function setExperimentTag(id: string, key: string, value: string) {
  return post('experiments/set-experiment-tag', { experiment_id: id, key, value });
}

export function deleteExperiment(id: string) {
  return post('experiments/delete', { experiment_id: id });
}

export function restoreExperiment(id: string) {
  return post('experiments/restore', { experiment_id: id });
}

export function getRun(id: string, signal?: AbortSignal) {
  return get<{ run: Run }>('runs/get', { run_id: id }, signal).then((answer) => answer.run);
}

export function renameRun(id: string, name: string) {
  return post('runs/update', { run_id: id, run_name: name });
}

export function setRunTag(id: string, key: string, value: string) {
  return post('runs/set-tag', { run_id: id, key, value });
}

export function deleteRunTag(id: string, key: string) {
  return post('runs/delete-tag', { run_id: id, key });
}

export function deleteRun(id: string) {
  return post('runs/delete', { run_id: id });
}

export function restoreRun(id: string) {
  return post('runs/restore', { run_id: id });
}

export function getLoggedModel(id: string, signal?: AbortSignal) {
  return get<{ model: LoggedModel }>(`logged-models/${encodeURIComponent(id)}`, {}, signal).then(
    (answer) => answer.model,
  );
}

export interface HistoryPage {
  metrics?: Metric[];
  next_page_token?: string;
}

/** Points of one metric as they are stored, by time, a page at a time. */
export function getHistoryPage(
  runId: string,
  key: string,
  maxResults: number,
  pageToken: string | undefined,
  signal?: AbortSignal,
) {
  return get<HistoryPage>(
    'metrics/get-history',
    { run_id: runId, metric_key: key, max_results: maxResults, page_token: pageToken },
    signal,
  );
}

export interface Workspace {
  name: string;
  description?: string;
}

/** Those that the caller may see. */
export function listWorkspaces(signal?: AbortSignal) {
  return getApi3<{ workspaces?: Workspace[] }>('workspaces', signal).then(
    ({ workspaces }) => workspaces ?? [],
  );
}
