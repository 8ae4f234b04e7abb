// The small parts that every page is made of.
import { useEffect, useId, useRef, useState, useSyncExternalStore, type ReactNode, type Ref } from 'react';
import { ApiError } from '../api/http';
import type { RunStatus } from '../api/types';
import { formatDuration, formatMoment, formatRelative } from '../lib/format';
import { Icon, type IconName } from './icons';
import { toast } from './toast';

// --- time -------------------------------------------------------------------------------------------------

let now = Date.now();
const tickers = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | undefined;

function subscribe(ticker: () => void): () => void {
  tickers.add(ticker);
  now = Date.now();
  ticking ??= setInterval(() => {
    if (document.hidden) return;
    now = Date.now();
    tickers.forEach((one) => one());
  }, 1000);
  return () => {
    tickers.delete(ticker);
    if (tickers.size === 0) {
      clearInterval(ticking);
      ticking = undefined;
    }
  };
}

/** "3 h ago", exact on hover; what it shows changes only when its words do. */
export function Ago({ ms }: { ms: number | undefined }) {
  const text = useSyncExternalStore(subscribe, () => (ms ? formatRelative(ms, now) : ''));
  if (!ms) return <span className="faint">–</span>;
  return (
    <time dateTime={new Date(ms).toISOString()} title={formatMoment(ms)}>
      {text}
    </time>
  );
}

/** How long something took, counting on while it still goes on. */
export function Elapsed(props: { start: number | undefined; end: number | undefined; live: boolean }) {
  const { start, end, live } = props;
  const text = useSyncExternalStore(subscribe, () => {
    if (!start || (!end && !live)) return '';
    const ms = Math.max(0, (end || now) - start);
    return formatDuration(end ? ms : Math.floor(ms / 1000) * 1000);
  });
  return text ? <span>{text}</span> : <span className="faint">–</span>;
}

// --- status -----------------------------------------------------------------------------------------------

const statuses: Record<RunStatus, { icon: IconName; text: string }> = {
  RUNNING: { icon: 'play', text: 'Running' },
  SCHEDULED: { icon: 'clock', text: 'Scheduled' },
  FINISHED: { icon: 'check', text: 'Finished' },
  FAILED: { icon: 'cross', text: 'Failed' },
  KILLED: { icon: 'stop', text: 'Killed' },
};

export function Status({ status }: { status: RunStatus }) {
  const { icon, text } = statuses[status] ?? { icon: 'clock', text: String(status) };
  return (
    <span className={`status status-${status.toLowerCase()}`}>
      <Icon name={icon} />
      {text}
    </span>
  );
}

// --- fields and buttons -----------------------------------------------------------------------------------

export function SearchField(props: {
  value: string;
  onChange: (value: string) => void;
  label: string;
  placeholder?: string;
  inputRef?: Ref<HTMLInputElement>;
  hint?: boolean;
  invalid?: boolean;
}) {
  const { value, onChange, label, placeholder, inputRef, hint, invalid } = props;
  return (
    <div className="search">
      <Icon name="search" />
      <input
        ref={inputRef}
        type="text"
        role="searchbox"
        value={value}
        aria-label={label}
        aria-invalid={invalid || undefined}
        placeholder={placeholder ?? label}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.stopPropagation();
          if (value) onChange('');
          else event.currentTarget.blur();
        }}
      />
      {value !== '' ? (
        <button
          type="button"
          className="quiet icon-only"
          aria-label="Clear search"
          onClick={() => onChange('')}
        >
          <Icon name="cross" />
        </button>
      ) : (
        hint && <kbd aria-hidden="true">/</kbd>
      )}
    </div>
  );
}

export function Segmented<T extends string>(props: {
  label: string;
  value: T;
  options: readonly { value: T; label: string; icon?: IconName; iconOnly?: boolean }[];
  onChange: (value: T) => void;
}) {
  const { label, value, options, onChange } = props;
  return (
    <div className="segmented" role="group" aria-label={label}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          aria-label={option.iconOnly ? option.label : undefined}
          title={option.iconOnly ? option.label : undefined}
          onClick={() => onChange(option.value)}
        >
          {option.icon && <Icon name={option.icon} />}
          {!option.iconOnly && option.label}
        </button>
      ))}
    </div>
  );
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Plain HTTP has no clipboard interface except on localhost: the old way still works there.
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'visually-hidden';
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

/** Copies a text; one that is costly to make is given as a function. */
export function Copy({ text, label }: { text: string | (() => string); label: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 1600);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <button
      type="button"
      className="quiet icon-only copy"
      aria-label={done ? 'Copied' : label}
      title={done ? 'Copied' : label}
      onClick={() => {
        void copyText(typeof text === 'string' ? text : text()).then((ok) =>
          ok ? setDone(true) : toast('The browser refused to copy.', 'failed'),
        );
      }}
    >
      <Icon name={done ? 'check' : 'copy'} />
    </button>
  );
}

/** A button with a panel below it; a click elsewhere or Escape closes it. */
export function Popover(props: {
  label: ReactNode;
  name: string;
  className?: string;
  children: (close: () => void) => ReactNode;
}) {
  const { label, name, className = '', children } = props;
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open) return;
    const outside = (event: MouseEvent) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener('mousedown', outside);
    return () => document.removeEventListener('mousedown', outside);
  }, [open]);
  return (
    <div
      className={`popover ${className}`}
      ref={root}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !open) return;
        event.stopPropagation();
        event.preventDefault();
        setOpen(false);
        button.current?.focus();
      }}
    >
      <button
        ref={button}
        type="button"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-label={name}
        title={name}
        onClick={() => setOpen(!open)}
      >
        {label}
      </button>
      {open && (
        <div className="popover-panel" id={id} role="dialog" aria-label={name}>
          {children(() => setOpen(false))}
        </div>
      )}
    </div>
  );
}

// --- whole states -----------------------------------------------------------------------------------------

const advice: [(error: ApiError) => boolean, string][] = [
  [
    (e) => e.status === 0,
    'Check that the server runs and that this page may reach it. The page looks again by itself.',
  ],
  [(e) => e.away, 'The server is busy or its database is away. The page looks again by itself.'],
  [
    (e) => e.status === 404,
    'It may have been removed, you may not be allowed to see it, or the link may belong to another server.',
  ],
  [
    (e) => e.status === 401 || e.status === 403,
    'Ask somebody who manages it, or an administrator, for access.',
  ],
  [(e) => e.status === 501, 'This server does not offer this yet.'],
  [(e) => e.status >= 500, 'This is a fault of the server. Its log says more.'],
];

export function Failure(props: { error: unknown; onRetry?: () => void; what: string }) {
  const { error, onRetry, what } = props;
  const known = error instanceof ApiError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  return (
    <div className="state" role="alert">
      <h2>{what}</h2>
      <p className="state-message">{message}</p>
      {known && <p className="faint">{advice.find(([fits]) => fits(known))?.[1]}</p>}
      {known?.requestId && (
        <p className="faint">
          Request <code>{known.requestId}</code>
        </p>
      )}
      <div className="state-actions">
        {onRetry && (
          <button type="button" className="primary" onClick={onRetry}>
            <Icon name="refresh" /> Try again
          </button>
        )}
        <a className="button" href="#/">
          All experiments
        </a>
      </div>
    </div>
  );
}

/** One of a list of facts: what it is, and its value. */
export function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Grey bars where content will be; only after a moment, so that fast answers do not flicker. */
export function Loading({ rows = 8 }: { rows?: number }) {
  return (
    <div className="loading" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, i) => (
        <span key={i} className="bar" />
      ))}
    </div>
  );
}

/** Name of an experiment or a run that can be changed in place. */
export function EditableName(props: {
  value: string;
  label: string;
  readOnly?: boolean;
  onSave: (value: string) => Promise<unknown>;
}) {
  const { value, label, readOnly, onSave } = props;
  const [draft, setDraft] = useState<string>();
  const input = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const editing = draft !== undefined;
  useEffect(() => {
    if (editing) input.current?.select();
  }, [editing]);
  const close = () => {
    setDraft(undefined);
    requestAnimationFrame(() => button.current?.focus());
  };
  const save = () => {
    const next = (draft ?? '').trim();
    if (next === '' || next === value) return close();
    onSave(next).then(close, (cause: unknown) =>
      toast(cause instanceof Error ? cause.message : String(cause), 'failed'),
    );
  };
  if (!editing)
    return (
      <span className="editable">
        <h1 title={value}>{value}</h1>
        {!readOnly && (
          <button
            ref={button}
            type="button"
            className="quiet icon-only"
            aria-label={label}
            title={label}
            onClick={() => setDraft(value)}
          >
            <Icon name="pencil" />
          </button>
        )}
      </span>
    );
  return (
    <form
      className="editable"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <input
        ref={input}
        className="name-input"
        aria-label={label}
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.stopPropagation();
          close();
        }}
      />
      <button type="submit" className="primary">
        Save
      </button>
      <button type="button" onClick={close}>
        Cancel
      </button>
    </form>
  );
}
