// Light, dark or as the system says; the choice is remembered, and charts are told when it changes.
import { useSyncExternalStore } from 'react';

export type Theme = 'system' | 'light' | 'dark';

const listeners = new Set<() => void>();
const dark = typeof matchMedia === 'function' ? matchMedia('(prefers-color-scheme: dark)') : undefined;
dark?.addEventListener('change', tell);

function tell(): void {
  listeners.forEach((listener) => listener());
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function chosen(): Theme {
  const theme = document.documentElement.dataset['theme'];
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

function shown(): 'light' | 'dark' {
  const theme = chosen();
  return theme === 'system' ? (dark?.matches ? 'dark' : 'light') : theme;
}

/** Chooses a theme; the same key is read by theme-boot.js before the first paint. */
export function setTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  try {
    if (theme === 'system') localStorage.removeItem('tally.theme');
    else localStorage.setItem('tally.theme', theme);
  } catch {
    // Forbidden storage: the choice lasts until the page is left.
  }
  tell();
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, chosen);
}

/** What is on the screen now: charts draw with its colours. */
export function useShownTheme(): 'light' | 'dark' {
  return useSyncExternalStore(subscribe, shown);
}
