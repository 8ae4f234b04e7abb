// A model as it was at a time, in the one form that is shown.

export interface ThenVersion {
  version: number;
  stage: string;
  aliases: string[];
}

export interface Then {
  aliases: { alias: string; version: number }[];
  /** The newest first. */
  versions: ThenVersion[];
}

const object = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};

/** Aliases come as a list of {alias, version} or as an object of versions by alias. */
function aliasesOf(value: unknown): Then['aliases'] {
  if (Array.isArray(value))
    return value.map(object).map((one) => ({
      alias: typeof one['alias'] === 'string' ? one['alias'] : '',
      version: Number(one['version']),
    }));
  return Object.entries(object(value)).map(([alias, version]) => ({ alias, version: Number(version) }));
}

export function asOfState(state: {
  registered_model?: { aliases?: unknown };
  versions?: readonly Record<string, unknown>[];
}): Then {
  const aliases = aliasesOf(state.registered_model?.aliases).sort((a, b) => (a.alias < b.alias ? -1 : 1));
  const versions = (state.versions ?? []).map((one): ThenVersion => {
    const version = Number(one['version']);
    const stage = one['stage'] ?? one['current_stage'];
    return {
      version,
      stage: typeof stage === 'string' ? stage : 'None',
      aliases: aliases.filter((each) => each.version === version).map((each) => each.alias),
    };
  });
  return { aliases, versions: versions.sort((a, b) => b.version - a.version) };
}
