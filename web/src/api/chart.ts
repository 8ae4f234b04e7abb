// Asks for the curves of a chart and reads the answer: a head in JSON, then arrays of numbers as they lie in memory.
import { ApiError, postForBytes } from './http';

/** What x counts: steps, milliseconds since 1970, or milliseconds since the origin of the run. */
export type Axis = 'step' | 'relative' | 'time';

/** More curves than this nobody tells apart in one chart; the server takes up to 200. */
export const maxChartRuns = 100;

export interface ChartQuestion {
  runIds: readonly string[];
  metric: string;
  axis: Axis;
  /** Columns that the range of x is cut into; each is drawn by up to four points. */
  width: number;
  /** Least and greatest x, both included; undefined for all there is. */
  range: readonly [number, number] | undefined;
}

export interface ChartSeries {
  runId: string;
  metric: string;
  /** Points that are stored in the range; x and y hold those that draw the same line. */
  points: number;
  /** The arrays follow what lies before this x; undefined: they are the whole curve. */
  appendFrom: number | undefined;
  /** Some x do not fit a double and are the nearest that does. */
  rounded: boolean;
  x: Float64Array;
  y: Float64Array;
}

export interface ChartAnswer {
  series: ChartSeries[];
  cursor: string;
  /** Blocks of points that the server could not read. */
  damaged: number;
}

/** `since` is the cursor of an earlier answer to the same question: then only what is new comes. */
export async function getChart(
  question: ChartQuestion,
  since: string | undefined,
  signal?: AbortSignal,
): Promise<ChartAnswer> {
  const { runIds, metric, axis, width, range } = question;
  const body = {
    run_ids: runIds,
    metric_keys: [metric],
    x: axis,
    width,
    start: range?.[0],
    end: range?.[1],
    since,
    format: 'binary',
  };
  return decodeChart(await postForBytes('metrics/chart', body, signal));
}

interface SeriesHead {
  run_id: string;
  metric_key: string;
  points: number;
  shown: number;
  append_from?: number;
  x: { type: string; offset: number };
  y: { type: string; offset: number };
}

interface Head {
  series?: SeriesHead[];
  cursor?: string;
  damaged?: number;
}

const magic = 'TLYC';
// The magic and the length of the head.
const prefixBytes = 8;
const itemBytes = 8;

function broken(what: string): ApiError {
  return new ApiError(200, 'BAD_ANSWER', `The server answered with a chart that cannot be read: ${what}.`);
}

/** Reads a binary answer. Throws an ApiError that says what is wrong with it. */
export function decodeChart(bytes: ArrayBuffer): ChartAnswer {
  if (bytes.byteLength < prefixBytes) throw broken(`it has ${bytes.byteLength} bytes`);
  if (String.fromCharCode(...new Uint8Array(bytes, 0, magic.length)) !== magic)
    throw broken('it does not begin as a chart does');
  const headBytes = new DataView(bytes).getUint32(magic.length, true);
  const body = prefixBytes + headBytes;
  if (body > bytes.byteLength) throw broken('it ends within its head');
  const head = readHead(new Uint8Array(bytes, prefixBytes, headBytes));
  return {
    series: (head.series ?? []).map((one) => readSeries(bytes, body, one)),
    cursor: head.cursor ?? '',
    damaged: head.damaged ?? 0,
  };
}

function readHead(bytes: Uint8Array): Head {
  let head: unknown;
  try {
    head = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw broken('its head is not JSON');
  }
  if (typeof head !== 'object' || head === null) throw broken('its head is not an object');
  const { series } = head as Head;
  if (series !== undefined && !Array.isArray(series)) throw broken('its head has no list of series');
  return head;
}

function readSeries(bytes: ArrayBuffer, body: number, head: SeriesHead): ChartSeries {
  const name = `${String(head.metric_key)} of ${String(head.run_id)}`;
  if (typeof head.run_id !== 'string' || !isCount(head.points) || !isCount(head.shown))
    throw broken(`the head of ${name} is not whole`);
  return {
    runId: head.run_id,
    metric: head.metric_key,
    points: head.points,
    appendFrom: head.append_from,
    rounded: head.x?.type === 'i64',
    x: readArray(bytes, body, head.x, head.shown, `x of ${name}`),
    y: readArray(bytes, body, head.y, head.shown, `y of ${name}`),
  };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function readArray(
  bytes: ArrayBuffer,
  body: number,
  place: SeriesHead['x'] | undefined,
  count: number,
  name: string,
): Float64Array {
  if (!place || !isCount(place.offset)) throw broken(`${name} has no place`);
  const start = body + place.offset;
  if (start + count * itemBytes > bytes.byteLength) throw broken(`${name} goes beyond its end`);
  // Arrays are used where they lie, which needs an address that their items divide.
  if (start % itemBytes !== 0) throw broken(`${name} lies at an odd place`);
  if (place.type === 'f64') return new Float64Array(bytes, start, count);
  if (place.type === 'i64') return Float64Array.from(new BigInt64Array(bytes, start, count), Number);
  throw broken(`${name} is of an unknown type`);
}
