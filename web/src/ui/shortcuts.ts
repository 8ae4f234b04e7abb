// Keyboard shortcuts: pages announce theirs, one listener finds the newest that fits.
import { useLayoutEffect, useRef } from 'react';

/** Keys as KeyboardEvent.key names them; two keys in a row are written "g e". */
export type Shortcuts = Record<string, (event: KeyboardEvent) => void>;

const stack: { current: Shortcuts }[] = [];
let prefix = '';
let prefixTime = 0;

// A second key later than this starts afresh: long enough for slow hands, short enough not to surprise.
const sequenceMs = 1200;

export function useShortcuts(shortcuts: Shortcuts): void {
  const latest = useRef(shortcuts);
  // Before what is drawn is seen: a key that follows at once must not be lost, nor mean what was there before.
  useLayoutEffect(() => {
    latest.current = shortcuts;
  });
  useLayoutEffect(() => {
    stack.push(latest);
    return () => {
      stack.splice(stack.indexOf(latest), 1);
    };
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) &&
    !(target instanceof HTMLInputElement && /^(checkbox|radio|range|button)$/.test(target.type))
  );
}

/** True for elements that use the key themselves, such as Enter on a button. */
function usesKey(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (key === 'Enter' || key === ' ')
    return target.closest('button, a[href], summary, input, select') !== null;
  if (key.startsWith('Arrow'))
    return (
      target.matches('.scrolls') ||
      target.closest('input[type="range"], select, [role="separator"], .plot') !== null
    );
  return false;
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector('dialog[open]')) return;
  if (isTyping(event.target) && event.key !== 'Escape') return;
  if (usesKey(event.target, event.key)) return;
  const now = performance.now();
  const sequence = prefix !== '' && now - prefixTime < sequenceMs ? `${prefix} ${event.key}` : '';
  prefix = '';
  for (const wanted of sequence ? [sequence, event.key] : [event.key]) {
    for (let i = stack.length - 1; i >= 0; i--) {
      const action = stack[i]?.current[wanted];
      if (!action) continue;
      event.preventDefault();
      action(event);
      return;
    }
  }
  if (
    event.key.length === 1 &&
    stack.some((s) => Object.keys(s.current).some((k) => k.startsWith(`${event.key} `)))
  ) {
    prefix = event.key;
    prefixTime = now;
  }
}

if (typeof window !== 'undefined') window.addEventListener('keydown', onKeyDown);
