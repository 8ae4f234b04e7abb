// What a grant can be about, how the API names it, and where its page is.
import { experimentHref, registeredHref } from './run';

/** Something that people are let see: as the field that a request names it by, and its value. */
export type AccessObject = { experiment_id: string } | { registered_model: string } | { workspace: string };

/** As "access/explain", "access/who" and the audit trail name it: experiment:12. */
export function objectName(object: AccessObject): string {
  if ('experiment_id' in object) return `experiment:${object.experiment_id}`;
  if ('registered_model' in object) return `registered-model:${object.registered_model}`;
  return `workspace:${object.workspace}`;
}

/** The other way round; undefined for what no grant is about, such as user:anna. */
export function readObject(name: string): AccessObject | undefined {
  const [, kind, id] = /^([a-z-]+):(.+)$/s.exec(name) ?? [];
  if (id === undefined) return undefined;
  if (kind === 'experiment') return { experiment_id: id };
  if (kind === 'registered-model') return { registered_model: id };
  if (kind === 'workspace') return { workspace: id };
  return undefined;
}

/** The page of what the API names so; undefined when it has none. */
export function objectHref(name: string): string | undefined {
  const [, kind, id] = /^([a-z-]+):(.+)$/s.exec(name) ?? [];
  if (id === undefined) return undefined;
  if (kind === 'experiment') return experimentHref(id);
  if (kind === 'registered-model') return registeredHref(id);
  if (kind === 'user') return userHref(id);
  if (kind === 'group') return groupHref(id);
  return undefined;
}

export function userHref(username: string): string {
  return `#/access/users/${encodeURIComponent(username)}`;
}

export function groupHref(group: string): string {
  return `#/access/groups/${encodeURIComponent(group)}`;
}
