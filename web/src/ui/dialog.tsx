// Modal dialogs on the browser's own element, which traps focus and closes with Escape.
import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import { ApiError } from '../api/http';
import { Icon } from './icons';

export function Dialog(props: { title: string; onClose: () => void; children: ReactNode; wide?: boolean }) {
  const { title, onClose, children, wide } = props;
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      className={wide ? 'dialog wide' : 'dialog'}
      aria-labelledby={id}
      onClose={onClose}
      onMouseDown={(event) => {
        if (event.target === element.current) element.current.close();
      }}
    >
      <div className="dialog-body">
        <header>
          <h2 id={id}>{title}</h2>
          <button className="quiet icon-only" aria-label="Close" onClick={() => element.current?.close()}>
            <Icon name="cross" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

/** A form in a dialog: sends, shows the server's words when it refuses, closes when it agrees. */
export function FormDialog(props: {
  title: string;
  action: string;
  danger?: boolean;
  onSubmit: () => Promise<unknown>;
  onClose: () => void;
  children: ReactNode;
}) {
  const { title, action, danger, onSubmit, onClose, children } = props;
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  return (
    <Dialog title={title} onClose={onClose}>
      <form
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
          <button type="submit" className={danger ? 'primary danger' : 'primary'} disabled={busy}>
            {busy ? 'One moment…' : action}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
