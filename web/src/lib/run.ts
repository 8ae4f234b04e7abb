// Reads the parts of a run that several pages show.
import type { Experiment, Metric, Run, Tag } from '../api/types';
import { escapePath } from './artifact';

export const noteKey = 'mlflow.note.content';

export function tagOf(run: Run, key: string): string | undefined {
  return run.data?.tags?.find((tag) => tag.key === key)?.value;
}

export function runName(run: Run): string {
  return run.info.run_name || tagOf(run, 'mlflow.runName') || run.info.run_id.slice(0, 8);
}

export function runUser(run: Run): string {
  return run.info.user_id || tagOf(run, 'mlflow.user') || '';
}

export function runParent(run: Run): string | undefined {
  return tagOf(run, 'mlflow.parentRunId') || undefined;
}

/** The file name of the source: its folder is seldom what tells two runs apart. */
export function runSource(run: Run): string {
  return (tagOf(run, 'mlflow.source.name') ?? '').split(/[/\\]/).pop() ?? '';
}

export function isLive(run: Run): boolean {
  return run.info.status === 'RUNNING' || run.info.status === 'SCHEDULED';
}

/** Milliseconds from start to end, to now while it runs; undefined when a time is missing. */
export function runDuration(run: Run, nowMs: number): number | undefined {
  const { start_time: start, end_time: end } = run.info;
  if (!start) return undefined;
  if (end) return Math.max(0, end - start);
  return isLive(run) ? Math.max(0, nowMs - start) : undefined;
}

export function metricOf(run: Run, key: string): Metric | undefined {
  return run.data?.metrics?.find((metric) => metric.key === key);
}

export function descriptionOf(experiment: Experiment): string {
  return experiment.tags?.find((tag: Tag) => tag.key === noteKey)?.value ?? '';
}

export function experimentHref(id: string): string {
  return `#/experiments/${encodeURIComponent(id)}`;
}

export function runHref(run: Pick<Run['info'], 'experiment_id' | 'run_id'>, tab = ''): string {
  return `#/experiments/${encodeURIComponent(run.experiment_id)}/runs/${encodeURIComponent(run.run_id)}${tab ? `/${tab}` : ''}`;
}

/** A file or folder of a run; the empty path is all of them. */
export function runArtifactHref(info: Pick<Run['info'], 'experiment_id' | 'run_id'>, path: string): string {
  return runHref(info, 'artifacts') + (path === '' ? '' : `/${escapePath(path)}`);
}

/** A logged model, or a file or folder of it. */
export function modelHref(experimentId: string, modelId: string, path = ''): string {
  const model = `#/experiments/${encodeURIComponent(experimentId)}/models/${encodeURIComponent(modelId)}`;
  return model + (path === '' ? '' : `/artifacts/${escapePath(path)}`);
}

export function compareHref(ids: readonly string[]): string {
  return `#/compare?runs=${ids.map(encodeURIComponent).join(',')}`;
}

export function registeredHref(name: string, tab = ''): string {
  return `#/models/${encodeURIComponent(name)}${tab ? `/${tab}` : ''}`;
}

/** A version of a registered model, or with a tab and a path a file of it. */
export function versionHref(name: string, version: string | number, tab = '', path = ''): string {
  const place = `${registeredHref(name)}/versions/${version}${tab ? `/${tab}` : ''}`;
  return place + (path === '' ? '' : `/${escapePath(path)}`);
}

export function versionsCompareHref(name: string, a: string | number, b: string | number): string {
  return `${registeredHref(name, 'compare')}?versions=${a},${b}`;
}
