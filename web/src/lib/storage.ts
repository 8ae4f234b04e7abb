// Remembers a person's choices in the browser; forgetting is harmless, so every failure is ignored.
import { useCallback, useState } from 'react';

export function recall<T>(key: string, fallback: T): T {
  try {
    const text = localStorage.getItem(`tally.${key}`);
    return text === null ? fallback : (JSON.parse(text) as T);
  } catch {
    return fallback;
  }
}

export function remember(key: string, value: unknown): void {
  try {
    localStorage.setItem(`tally.${key}`, JSON.stringify(value));
  } catch {
    // Full or forbidden storage: the choice lasts until the page is left.
  }
}

/** State that is remembered under a key; a new key starts from what was remembered there. */
export function useRemembered<T>(key: string, fallback: T): [T, (next: T | ((now: T) => T)) => void] {
  const [state, setState] = useState(() => ({ key, value: recall(key, fallback) }));
  const current = state.key === key ? state : { key, value: recall(key, fallback) };
  if (current !== state) setState(current);
  const set = useCallback(
    (next: T | ((now: T) => T)) =>
      setState((now) => {
        const value = typeof next === 'function' ? (next as (now: T) => T)(now.value) : next;
        remember(key, value);
        return { key, value };
      }),
    [key],
  );
  return [current.value, set];
}
