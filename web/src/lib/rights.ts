// Permissions and protected actions: their order, their words, and what they allow in the dashboard.

export const levels = ['NO_PERMISSIONS', 'READ', 'USE', 'EDIT', 'MANAGE'] as const;
export type Level = (typeof levels)[number];

export const actions = ['promote', 'force', 'delete', 'webhooks'] as const;
export type Action = (typeof actions)[number];

/** What somebody may do with an object. */
export interface Rights {
  permission: Level;
  actions?: readonly Action[];
}

export const everything: Rights = { permission: 'MANAGE', actions };

export function atLeast(level: Level, wanted: Level): boolean {
  return levels.indexOf(level) >= levels.indexOf(wanted);
}

/** A protected action goes with MANAGE, all but force, or else with EDIT and a grant of the action. */
export function mayDo(rights: Rights, action: Action): boolean {
  const granted = rights.actions?.includes(action) ?? false;
  if (rights.permission === 'MANAGE' && action !== 'force') return true;
  return granted && atLeast(rights.permission, 'EDIT');
}

/** What the controls of a page ask about. */
export interface May {
  read: boolean;
  /** Say that a version of a model is good. */
  use: boolean;
  edit: boolean;
  /** Delete and restore. */
  remove: boolean;
  /** See and change who else may do what. */
  share: boolean;
  /** Move protected aliases and stages, and do so although a gate says no. */
  promote: boolean;
  force: boolean;
}

export const nothing: May = {
  read: false,
  use: false,
  edit: false,
  remove: false,
  share: false,
  promote: false,
  force: false,
};

export function mayOf(rights: Rights | undefined): May {
  if (!rights) return nothing;
  return {
    read: atLeast(rights.permission, 'READ'),
    use: atLeast(rights.permission, 'USE'),
    edit: atLeast(rights.permission, 'EDIT'),
    remove: mayDo(rights, 'delete'),
    share: rights.permission === 'MANAGE',
    promote: mayDo(rights, 'promote'),
    force: mayDo(rights, 'force'),
  };
}

export const levelWords: Record<Level, string> = {
  NO_PERMISSIONS: 'nothing, not even see that it is there',
  READ: 'look at everything',
  USE: 'look at everything and use it',
  EDIT: 'look, log and change',
  MANAGE: 'everything, and decide who else may',
};

export const actionWords: Record<Action, string> = {
  promote: 'move protected aliases and stages of models',
  force: 'promote a model although a gate says no',
  delete: 'delete and restore',
  webhooks: 'manage webhooks',
};

/** Permissions that can be put into a choice, from the least. */
export const levelOptions = levels.map((value) => ({
  value,
  label: value === 'NO_PERMISSIONS' ? 'No access' : value,
}));

export function levelLabel(level: string): string {
  return level === 'NO_PERMISSIONS' ? 'No access' : level;
}

/** How "access/explain" and "access/who" call the rule that decides, in words for the person it is about. */
const ruleWords: Record<string, string> = {
  administrator: 'administrator',
  account: 'a grant of their own',
  groups: 'a group',
  'workspace-account': 'a grant for the workspace',
  'workspace-groups': 'a group, for the workspace',
  default: 'the default for everybody',
};

export function ruleLabel(rule: string): string {
  return ruleWords[rule] ?? rule;
}
