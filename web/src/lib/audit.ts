// What the audit trail says, in words.

const actionWords: Record<string, string> = {
  'user.create': 'created the user',
  'user.update': 'changed the user',
  'user.password': 'changed the password',
  'user.delete': 'deleted the user',
  'group.create': 'created the group',
  'group.delete': 'deleted the group',
  'group.add': 'added to the group',
  'group.remove': 'took out of the group',
  'grant.set': 'set a grant',
  'grant.delete': 'removed a grant',
  'token.create': 'made a token',
  'token.delete': 'revoked a token',
  login: 'logged in',
  'login.refused': 'was not let in',
  logout: 'logged out',
  'workspace.create': 'created the workspace',
  'workspace.update': 'changed the workspace',
  'workspace.delete': 'deleted the workspace',
  bootstrap: 'became the first administrator',
};

/** The names that a filter can ask for. */
export const auditActions = Object.keys(actionWords);

/** "set a grant"; of a refused request its method and path, as the server has them. */
export function actionLabel(action: string): string {
  return actionWords[action] ?? action;
}

export interface Change {
  key: string;
  before?: string;
  after?: string;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function words(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.join(', ');
  return JSON.stringify(value);
}

/** What an entry tells beside: what was before and after, then everything else. */
export function changesOf(detail: Record<string, unknown> | undefined): Change[] {
  if (!detail) return [];
  const { before, after, ...rest } = detail;
  const changes: Change[] = [];
  const add = (key: string, from: unknown, to: unknown) => {
    const [a, b] = [words(from), words(to)];
    if (a === b) return;
    changes.push({
      key,
      ...(a === undefined || a === '' ? {} : { before: a }),
      ...(b === undefined || b === '' ? {} : { after: b }),
    });
  };
  if (isObject(before) || isObject(after)) {
    const from = isObject(before) ? before : {};
    const to = isObject(after) ? after : {};
    for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) add(key, from[key], to[key]);
  } else add('', before, after);
  for (const [key, value] of Object.entries(rest)) {
    const text = words(value);
    if (text !== undefined && text !== '') changes.push({ key, after: text });
  }
  return changes;
}
