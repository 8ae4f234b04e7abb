// Modal dialogs on the browser's own element, which traps focus and closes with Escape.
import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import { ApiError } from '../api/http';
import { Icon } from './icons';

export function Dialog(props: {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** As wide as what it holds: lines of text, tables, charts; without, a few fields. */
  size?: 'medium' | 'large' | 'wide';
  /** Stays until one of its own buttons ends it: what it shows would be lost, or nothing can be done without it. */
  keep?: boolean;
}) {
  const { title, onClose, children, size = '', keep } = props;
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => giveBack(before);
  }, []);
  return (
    <dialog
      ref={element}
      className={`dialog ${size}`}
      aria-labelledby={id}
      onClose={() => {
        // Some browsers close on a second Escape whatever a page says.
        if (keep) element.current?.showModal();
        else onClose();
      }}
      onCancel={(event) => {
        if (keep && event.target === element.current) event.preventDefault();
      }}
      onKeyDown={(event) => {
        if (keep && event.key === 'Escape') event.preventDefault();
      }}
      onMouseDown={(event) => {
        if (event.target === element.current && !keep) element.current.close();
      }}
    >
      <div className="dialog-body">
        <header>
          <h2 id={id}>{title}</h2>
          {!keep && (
            <button className="quiet icon-only" aria-label="Close" onClick={() => element.current?.close()}>
              <Icon name="cross" />
            </button>
          )}
        </header>
        {children}
      </div>
    </dialog>
  );
}

/**
 * Gives the focus back to what had it. When that is gone, at once or as soon as the page follows what was done, the page
 * has it, and not the document, where a keyboard would begin at the very top.
 */
function giveBack(before: Element | null) {
  const land = () => {
    if (!before?.isConnected && (document.activeElement ?? document.body) === document.body)
      document.getElementById('main')?.focus({ preventScroll: true });
  };
  if (!(before instanceof HTMLElement) || !before.isConnected) {
    // Not before the next dialog could have opened, which takes the focus itself.
    setTimeout(land);
    return;
  }
  before.focus();
  const watch = new MutationObserver(() => {
    if (!before.isConnected) leave();
  });
  const leave = () => {
    watch.disconnect();
    before.removeEventListener('blur', leave);
    setTimeout(land);
  };
  watch.observe(document.body, { childList: true, subtree: true });
  before.addEventListener('blur', leave);
}

/** For the form of a dialog: the focus begins in its first field, where a dialog would give it to its Close button. */
export function useFirstField() {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    // The dialog is open by now: effects of what is inside run before those of what is around.
    form.current?.querySelector<HTMLElement>('input, textarea, select')?.focus();
  }, []);
  return form;
}

/** A form in a dialog: sends, shows the server's words when it refuses, closes when it agrees. */
export function FormDialog(props: {
  title: string;
  action: string;
  danger?: boolean;
  /** Nothing to send yet. */
  disabled?: boolean;
  size?: 'medium' | 'large';
  onSubmit: () => Promise<unknown>;
  onClose: () => void;
  children: ReactNode;
}) {
  const { title, action, danger, disabled, size, onSubmit, onClose, children } = props;
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const form = useFirstField();
  return (
    <Dialog title={title} onClose={onClose} {...(size ? { size } : {})}>
      <form
        ref={form}
        onSubmit={(event) => {
          event.preventDefault();
          setBusy(true);
          setError(undefined);
          onSubmit().then(onClose, (cause: unknown) => {
            setBusy(false);
            setError(cause instanceof ApiError || cause instanceof Error ? cause.message : String(cause));
          });
        }}
      >
        {children}
        {error !== undefined && (
          <p className="form-error" role="alert">
            {error}
          </p>
        )}
        <footer>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className={danger ? 'primary danger' : 'primary'} disabled={busy || disabled}>
            {busy ? 'One moment…' : action}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

/** Asks to type a name before what it names is gone for good. */
export function TypedConfirmation(props: {
  title: string;
  action: string;
  name: string;
  onSubmit: () => Promise<unknown>;
  onClose: () => void;
  children: ReactNode;
}) {
  const { title, action, name, onSubmit, onClose, children } = props;
  const [typed, setTyped] = useState('');
  return (
    <FormDialog
      title={title}
      action={action}
      danger
      disabled={typed !== name}
      onSubmit={onSubmit}
      onClose={onClose}
    >
      {children}
      <label className="field">
        <span>
          Type <strong>{name}</strong> to go on
        </span>
        <input
          value={typed}
          autoFocus
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => setTyped(event.target.value)}
        />
      </label>
    </FormDialog>
  );
}
