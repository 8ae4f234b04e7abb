// Two panes side by side with a border between them that can be moved by pointer and keyboard.
import { useRef, type CSSProperties, type ReactNode } from 'react';
import { useRemembered } from '../lib/storage';

// Neither pane becomes narrower than is of use.
const least = 25;
const most = 75;

export function Split(props: {
  name: string;
  first: ReactNode;
  second: ReactNode;
  /** What the border changes, for who does not see it. */
  label?: string;
  /** Width of the first pane in percent until somebody changes it. */
  initial?: number;
}) {
  const { name, first, second, label = 'Width of the table', initial = 56 } = props;
  const [share, setShare] = useRemembered(`split.${name}`, initial);
  const root = useRef<HTMLDivElement>(null);
  const set = (value: number) => setShare(Math.round(Math.max(least, Math.min(most, value)) * 10) / 10);
  return (
    <div className="split both" ref={root} style={{ '--share': `${share}%` } as CSSProperties}>
      {first}
      <div
        className="splitter"
        role="separator"
        tabIndex={0}
        aria-orientation="vertical"
        aria-label={label}
        aria-valuenow={share}
        aria-valuemin={least}
        aria-valuemax={most}
        onPointerDown={(event) => {
          event.preventDefault();
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => {
          if (!event.currentTarget.hasPointerCapture(event.pointerId) || !root.current) return;
          const box = root.current.getBoundingClientRect();
          set(((event.clientX - box.left) / box.width) * 100);
        }}
        onDoubleClick={() => set(initial)}
        onKeyDown={(event) => {
          if (event.key === 'ArrowLeft') set(share - 2);
          else if (event.key === 'ArrowRight') set(share + 2);
          else return;
          event.preventDefault();
          event.stopPropagation();
        }}
      />
      {second}
    </div>
  );
}
