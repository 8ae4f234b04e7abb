// Tables with many rows: only those in sight are made, and the keyboard moves a cursor through all of them.
import { useVirtualizer, type Virtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState, type RefObject } from 'react';
import { useShortcuts } from './shortcuts';

export interface VisibleRows {
  indexes: number[];
  /** Height in pixels of the rows left out above and below. */
  before: number;
  after: number;
  scroller: Virtualizer<HTMLDivElement, Element>;
}

export function useVisibleRows(options: {
  count: number;
  rowHeight: number;
  scrollRef: RefObject<HTMLDivElement | null>;
  /** Height of the head that covers the first rows while it sticks. */
  headHeight: number;
}): VisibleRows {
  const { count, rowHeight, scrollRef, headHeight } = options;
  const scroller = useVirtualizer<HTMLDivElement, Element>({
    count,
    getScrollElement: () => scrollRef.current,
    estimateSize: () => rowHeight,
    overscan: 8,
    scrollPaddingStart: headHeight,
  });
  const items = scroller.getVirtualItems();
  const first = items[0];
  const last = items[items.length - 1];
  return {
    indexes: items.map((item) => item.index),
    before: first?.start ?? 0,
    after: last ? Math.max(0, scroller.getTotalSize() - last.end) : 0,
    scroller,
  };
}

/** A cursor over the rows; the row elements carry data-row with their index. */
export function useRowCursor(options: {
  count: number;
  scrollRef: RefObject<HTMLDivElement | null>;
  scroller: Virtualizer<HTMLDivElement, Element>;
  onOpen: (index: number) => void;
  onSelect?: (index: number) => void;
  onFold?: (index: number, open: boolean) => void;
}) {
  const { count, scrollRef, scroller, onOpen, onSelect, onFold } = options;
  const [cursor, setCursor] = useState(-1);
  const wanted = useRef(-1);
  const at = Math.min(cursor, count - 1);

  const move = (to: number) => {
    if (count === 0) return;
    const next = Math.max(0, Math.min(count - 1, to));
    setCursor(next);
    wanted.current = next;
    scroller.scrollToIndex(next, { align: 'auto' });
    focus(next);
  };
  const focus = (index: number) => {
    const row = scrollRef.current?.querySelector<HTMLElement>(`[data-row="${index}"]`);
    if (!row) return;
    wanted.current = -1;
    row.focus({ preventScroll: true });
  };
  useEffect(() => {
    // The row may appear only after the list has scrolled to it.
    if (wanted.current >= 0) focus(wanted.current);
  });

  const page = () => Math.max(1, Math.floor((scrollRef.current?.clientHeight ?? 400) / 40) - 2);
  useShortcuts({
    j: () => move(at + 1),
    k: () => move(at < 0 ? 0 : at - 1),
    ArrowDown: () => move(at + 1),
    ArrowUp: () => move(at < 0 ? 0 : at - 1),
    ...(at >= 0
      ? {
          Home: () => move(0),
          End: () => move(count - 1),
          PageDown: () => move(at + page()),
          PageUp: () => move(at - page()),
          Enter: () => onOpen(at),
          ...(onSelect ? { x: () => onSelect(at) } : {}),
          ...(onFold ? { ArrowRight: () => onFold(at, true), ArrowLeft: () => onFold(at, false) } : {}),
        }
      : {}),
  });
  return { cursor: at, setCursor };
}
