// Sends requests to the server and knows whether it can be reached at present.
import { useSyncExternalStore } from 'react';

/** A failure with the server's own words; status 0 means that no answer came at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly requestId?: string,
    /** Seconds after which the server wants to be asked again. */
    readonly waitS?: number,
    /** What the answer says beside: such as what a gate misses. */
    readonly members?: Record<string, unknown>,
  ) {
    super(message);
    this.name = 'ApiError';
  }

  /** True when the server or the way to it is down, and the same request may well succeed later. */
  get away(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

const base = 'ajax-api/2.0/mlflow/';
const base3 = 'ajax-api/3.0/mlflow/';
const tallyBase = 'api/tally/v1/';

export type Query = Record<string, string | number | undefined | readonly string[]>;

/** A path with its query; relative to the page, so a static prefix needs no configuration. */
export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (Array.isArray(value)) for (const one of value as readonly string[]) search.append(key, one);
    else if (value !== undefined) search.append(key, String(value));
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

/** Where MLflow's part of the API has something, for a link or an image. */
export function mlflowAddress(path: string, query: Query = {}): string {
  return address(base + path, query);
}

/** Where Tally's own part of the API has something. */
export function tallyAddress(path: string, query: Query = {}): string {
  return address(tallyBase + path, query);
}

// --- what stands before the requests -----------------------------------------------------------------------

/** Asked about every request, so that people who must log in can; session.ts puts one there. */
export interface Guard {
  /** Something to wait for before a request may go out; undefined when there is nothing. */
  before(signal: AbortSignal | undefined): Promise<void> | undefined;
  /** What the request carries beside its own headers. */
  headers(changes: boolean): Record<string, string>;
  /** After an answer that says no: whether the same request may now be answered otherwise. */
  again(error: ApiError, sent: Record<string, string>, signal: AbortSignal | undefined): Promise<boolean>;
}

let guard: Guard | undefined;

export function setGuard(next: Guard | undefined): void {
  guard = next;
}

// A login that ends while a request is on its way, and a token of the session that was a new one by then: no request
// has a reason to be sent more often.
const mostAttempts = 3;

/** Sends a request as the guard wants it, again when that helps. */
export async function guarded<T>(
  method: string,
  signal: AbortSignal | undefined,
  attempt: (headers: Record<string, string>) => Promise<T>,
): Promise<T> {
  const changes = method !== 'GET' && method !== 'HEAD';
  for (let count = 1; ; count++) {
    const waiting = guard?.before(signal);
    if (waiting) await waiting;
    const headers = guard?.headers(changes) ?? {};
    try {
      return await attempt(headers);
    } catch (cause) {
      if (!(cause instanceof ApiError) || !guard || count === mostAttempts) throw cause;
      if (!(await guard.again(cause, headers, signal))) throw cause;
    }
  }
}

// --- requests -----------------------------------------------------------------------------------------------

/** Reads from the API. */
export function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return send<T>(mlflowAddress(path, query), { method: 'GET', signal: signal ?? null });
}

/** Reads from the newer half of MLflow's API. */
export function getApi3<T>(path: string, signal?: AbortSignal): Promise<T> {
  return send<T>(base3 + path, { method: 'GET', signal: signal ?? null });
}

/** Reads from Tally's own part of the API. */
export function getTally<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return send<T>(tallyAddress(path, query), { method: 'GET', signal: signal ?? null });
}

/** Changes something by Tally's own part of the API. */
export function changeTally<T>(
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<T> {
  return send<T>(tallyBase + path, body === undefined ? { method } : { ...posting(body, undefined), method });
}

/** A request to Tally's own part of the API that the guard makes itself: nothing waits, nothing is tried again. */
export async function askUnguarded<T>(
  method: 'GET' | 'POST',
  path: string,
  headers: Record<string, string>,
  body?: unknown,
): Promise<T> {
  const init = body === undefined ? {} : posting(body, undefined);
  const all = { ...(init.headers as Record<string, string> | undefined), ...headers };
  return read<T>(await exchangeOnce(tallyBase + path, { ...init, method, headers: all }));
}

/** Asks for the bytes of a file, or with HEAD for what is to be said of it. */
export function fetchFile(
  url: string,
  method: 'GET' | 'HEAD',
  headers: Record<string, string>,
  signal?: AbortSignal,
): Promise<Response> {
  return exchange(url, { method, headers, signal: signal ?? null });
}

/** Writes to the API, or searches it. */
export function post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return send<T>(base + path, posting(body, signal));
}

/** Changes something by MLflow's part of the API where that is no POST. */
export function change<T>(method: 'PATCH' | 'DELETE', path: string, body: unknown): Promise<T> {
  return send<T>(base + path, { ...posting(body, undefined), method });
}

/** Asks Tally's own part of the API for an answer that is not JSON. */
export async function postForBytes(path: string, body: unknown, signal?: AbortSignal): Promise<ArrayBuffer> {
  const response = await exchange(tallyBase + path, posting(body, signal));
  return response.arrayBuffer();
}

function posting(body: unknown, signal: AbortSignal | undefined): RequestInit {
  return {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    signal: signal ?? null,
  };
}

async function send<T>(url: string, init: RequestInit): Promise<T> {
  return read<T>(await exchange(url, init));
}

async function read<T>(response: Response): Promise<T> {
  const text = await response.text();
  try {
    return (text === '' ? {} : parse(text)) as T;
  } catch {
    throw new ApiError(response.status, 'BAD_ANSWER', 'The server answered with something that is not JSON.');
  }
}

/** A request; only an answer that says yes comes back. */
function exchange(url: string, init: RequestInit): Promise<Response> {
  return guarded(init.method ?? 'GET', init.signal ?? undefined, (headers) =>
    exchangeOnce(url, { ...init, headers: { ...(init.headers as Record<string, string>), ...headers } }),
  );
}

async function exchangeOnce(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, cache: 'no-store', credentials: 'same-origin' });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    setReachable(false);
    throw new ApiError(0, 'UNREACHABLE', 'The server cannot be reached.');
  }
  if (response.ok) {
    setReachable(true);
    return response;
  }
  const error = errorFrom(response.status, await response.text(), response.headers.get('Retry-After'));
  setReachable(!error.away);
  throw error;
}

// Sixteen digits or more may not fit a double; only then is the slower exact reading worth its time.
const long = /[[:,\s]-?\d{16,}[\s,\]}]/;

type SourceReviver = (this: unknown, key: string, value: unknown, context?: { source?: string }) => unknown;

/** JSON.parse, but a step too large for a double is kept as its text. */
export function parse(text: string): unknown {
  if (!long.test(text)) return JSON.parse(text);
  const keep: SourceReviver = (key, value, context) =>
    key === 'step' && typeof value === 'number' && !Number.isSafeInteger(value) && context?.source
      ? context.source
      : value;
  return JSON.parse(text, keep);
}

/** What an answer that says no means: the server's words, or those of a proxy before it. */
export function errorFrom(status: number, text: string, retryAfter?: string | null): ApiError {
  const waitS = /^\d+$/.test(retryAfter ?? '') ? Number(retryAfter) : undefined;
  try {
    const body = JSON.parse(text) as { error_code?: string; message?: string; request_id?: string };
    if (typeof body.message === 'string')
      return new ApiError(
        status,
        body.error_code ?? `HTTP_${status}`,
        body.message,
        body.request_id,
        waitS,
        body,
      );
  } catch {
    // Not JSON: a proxy between here and the server answered.
  }
  return new ApiError(
    status,
    `HTTP_${status}`,
    text.trim().slice(0, 300) || `The server answered ${status}.`,
    undefined,
    waitS,
  );
}

// --- whether the server can be reached ------------------------------------------------------------------

let reachable = true;
let probe: ReturnType<typeof setTimeout> | undefined;
let wait = 0;
const listeners = new Set<() => void>();
const returns = new Set<() => void>();

// First look after one second, then ever more slowly, so that a restarting server is not crowded.
const firstWaitMs = 1000;
const longestWaitMs = 10_000;

function setReachable(next: boolean): void {
  if (next === reachable) return;
  reachable = next;
  if (!next) {
    wait = firstWaitMs;
    schedule();
  } else {
    clearTimeout(probe);
    for (const again of returns) again();
  }
  for (const listener of listeners) listener();
}

function schedule(): void {
  clearTimeout(probe);
  probe = setTimeout(() => {
    wait = Math.min(wait * 1.6, longestWaitMs);
    // Not by way of the guard, which may be waiting for a person: a refusal is an answer too.
    exchangeOnce(mlflowAddress('experiments/search', { max_results: 1 }), { method: 'GET' })
      .catch(() => undefined)
      .finally(() => {
        if (!reachable) schedule();
      });
  }, wait);
}

/** Looks at once instead of waiting for the next turn. */
export function probeNow(): void {
  if (reachable) return;
  wait = 0;
  schedule();
}

/** Calls back each time the server has come back. */
export function onReturn(again: () => void): () => void {
  returns.add(again);
  return () => returns.delete(again);
}

export function useReachable(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => reachable,
  );
}

if (typeof window !== 'undefined') window.addEventListener('online', probeNow);
