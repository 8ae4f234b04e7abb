// How the columns of the run table are called by the server: to order by them, to ask for them, to filter by them.
import { splitColumn, type ColumnId } from './cells';
import { nameOf, type Field } from './filter';

export interface Sort {
  column: ColumnId;
  descending: boolean;
}

export const newestFirst: Sort = { column: 'attribute:start_time', descending: true };

const sourceTag = 'mlflow.source.name';
const commitTag = 'mlflow.source.git.commit';

// How long a run took is computed here, from two attributes: the server knows no such field.
const fields: Record<string, Field> = {
  name: { entity: 'attribute', key: 'run_name' },
  status: { entity: 'attribute', key: 'status' },
  start_time: { entity: 'attribute', key: 'start_time' },
  user: { entity: 'attribute', key: 'user_id' },
  run_id: { entity: 'attribute', key: 'run_id' },
  source: { entity: 'tag', key: sourceTag },
  commit: { entity: 'tag', key: commitTag },
};

/** The field behind a column; undefined when the server has none. */
export function fieldOfColumn(column: ColumnId): Field | undefined {
  const { kind, key } = splitColumn(column);
  if (kind === 'attribute') return fields[key];
  const field: Field = { entity: kind, key };
  return nameOf(field) === undefined ? undefined : field;
}

/** Reads the order from an address; what no column has is the usual order. */
export function readSort(text: string | null): Sort {
  if (!text) return newestFirst;
  const descending = text.startsWith('-');
  const column = descending ? text.slice(1) : text;
  const known = ['attribute', 'metric', 'param', 'tag'].includes(splitColumn(column).kind);
  return known && fieldOfColumn(column) !== undefined ? { column, descending } : newestFirst;
}

export function writeSort(sort: Sort): string {
  return `${sort.descending ? '-' : ''}${sort.column}`;
}

/** An order for the server. Parameters are text: those that are numbers come by their number, the others behind. */
export function orderOf(sort: Sort): string[] {
  const field = fieldOfColumn(sort.column);
  const name = field && nameOf(field);
  if (!field || name === undefined) return ['attributes.start_time DESC'];
  const direction = sort.descending ? 'DESC' : 'ASC';
  return field.entity === 'param'
    ? [`number(${name}) ${direction}`, `${name} ${direction}`]
    : [`${name} ${direction}`];
}

// What the table needs of every run besides its columns: its name, its place in the tree, who and what started it.
const alwaysTags = ['mlflow.runName', 'mlflow.parentRunId', 'mlflow.user', sourceTag, commitTag];

/** The fields that a table with these columns shows. */
export function fieldsOfColumns(columns: readonly ColumnId[]): string[] {
  const names = new Set(alwaysTags.map((key) => nameOf({ entity: 'tag', key })));
  for (const column of columns) {
    const { kind } = splitColumn(column);
    const field = kind === 'attribute' ? undefined : fieldOfColumn(column);
    if (field) names.add(nameOf(field));
  }
  return [...names].filter((name): name is string => name !== undefined).sort();
}

// Names of metrics that are better when lower; everything else is better when higher.
const lowerIsBetter =
  /loss|err|mse|mae|rmse|perplexity|ppl|latency|time|duration|distance|divergence|(^|[^a-z])(wer|cer|fid|nll|kl)([^a-z]|$)/i;

/** The order in which the best value of a metric comes first, as far as its name tells. */
export function bestFirst(metric: string): Sort {
  return { column: `metric:${metric}`, descending: !lowerIsBetter.test(metric) };
}
