// Short messages about what just happened, read out by screen readers and gone after a while.
import { useSyncExternalStore } from 'react';
import { Icon } from './icons';

interface Toast {
  id: number;
  text: string;
  kind: 'done' | 'failed';
  action: { label: string; run: () => void } | undefined;
}

// Long enough to read a sentence; failures, and what has a button to be reached, stay longer.
const doneMs = 5000;
const longMs = 12_000;

let toasts: Toast[] = [];
let spoken = '';
let next = 1;
const listeners = new Set<() => void>();

function tell(): void {
  listeners.forEach((listener) => listener());
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function dismiss(id: number): void {
  toasts = toasts.filter((toast) => toast.id !== id);
  tell();
}

export function toast(text: string, kind: Toast['kind'] = 'done', action?: Toast['action']): void {
  const id = next++;
  toasts = [...toasts.slice(-3), { id, text, kind, action }];
  setTimeout(() => dismiss(id), kind === 'done' && !action ? doneMs : longMs);
  tell();
}

/** Says something to screen readers only. */
export function announce(text: string): void {
  spoken = text;
  tell();
}

export function Toasts() {
  const list = useSyncExternalStore(subscribe, () => toasts);
  const words = useSyncExternalStore(subscribe, () => spoken);
  return (
    <>
      <div className="visually-hidden" role="status" aria-live="polite" id="announcements">
        {words}
      </div>
      <div className="toasts" role="status" aria-live="polite">
        {list.map((one) => (
          <div key={one.id} className={`toast toast-${one.kind}`}>
            <Icon name={one.kind === 'done' ? 'check' : 'cross'} />
            <span>{one.text}</span>
            {one.action && (
              <button
                className="link"
                onClick={() => {
                  one.action?.run();
                  dismiss(one.id);
                }}
              >
                {one.action.label}
              </button>
            )}
            <button className="quiet icon-only" aria-label="Dismiss" onClick={() => dismiss(one.id)}>
              <Icon name="cross" />
            </button>
          </div>
        ))}
      </div>
    </>
  );
}
