// A panel that hangs from a button inside of something that scrolls: it lies over the page and leaves with Escape, a
// click elsewhere, scrolling, or when the focus goes on.
import { useEffect, useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import { createPortal } from 'react-dom';
import { Icon, type IconName } from './icons';

export function Menu(props: {
  name: string;
  icon: IconName;
  className?: string;
  children: (close: () => void) => ReactNode;
}) {
  const { name, icon, className = '', children } = props;
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        className={`quiet icon-only ${className}`}
        aria-label={name}
        title={name}
        aria-haspopup="dialog"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Icon name={icon} />
      </button>
      {open && (
        <Panel name={name} anchor={button} onClose={close} onLeave={() => setOpen(false)}>
          {children(close)}
        </Panel>
      )}
    </>
  );
}

// Room between the panel and the edges of the window.
const edge = 8;

function Panel(props: {
  name: string;
  anchor: { readonly current: HTMLElement | null };
  onClose: () => void;
  onLeave: () => void;
  children: ReactNode;
}) {
  const { name, anchor, onClose, onLeave, children } = props;
  const root = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const panel = root.current;
    const around = anchor.current?.getBoundingClientRect();
    if (!panel || !around) return;
    const left = Math.min(around.left, window.innerWidth - panel.offsetWidth - edge);
    panel.style.left = `${Math.max(edge, left)}px`;
    panel.style.top = `${around.bottom + 4}px`;
    panel.style.maxHeight = `${window.innerHeight - around.bottom - 4 - edge}px`;
    panel.focus({ preventScroll: true });
  }, [anchor]);
  useEffect(() => {
    const away = (event: Event) => {
      const target = event.target as Node | null;
      if (!root.current?.contains(target) && !anchor.current?.contains(target)) onLeave();
    };
    document.addEventListener('mousedown', away);
    document.addEventListener('focusin', away);
    window.addEventListener('scroll', away, true);
    window.addEventListener('resize', onLeave);
    return () => {
      document.removeEventListener('mousedown', away);
      document.removeEventListener('focusin', away);
      window.removeEventListener('scroll', away, true);
      window.removeEventListener('resize', onLeave);
    };
  });
  return createPortal(
    <div
      className="menu-panel scrolls"
      ref={root}
      role="dialog"
      aria-label={name}
      tabIndex={-1}
      onKeyDown={(event) => {
        // Keys in here are not those of the table behind.
        event.stopPropagation();
        if (event.key === 'Escape') onClose();
      }}
    >
      {children}
    </div>,
    document.body,
  );
}
