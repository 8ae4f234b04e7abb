// A description in Markdown that can be edited in place.
import { useState } from 'react';
import { Icon } from './icons';
import { Markdown } from './markdown';
import { toast } from './toast';

export function Description(props: {
  text: string;
  onSave: (text: string) => Promise<unknown>;
  readOnly?: boolean;
}) {
  const { text, onSave, readOnly } = props;
  const [draft, setDraft] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [whole, setWhole] = useState(false);
  if (draft !== undefined)
    return (
      <form
        className="description-form"
        onSubmit={(event) => {
          event.preventDefault();
          setBusy(true);
          onSave(draft.trim())
            .then(() => setDraft(undefined))
            .catch((cause: unknown) =>
              toast(cause instanceof Error ? cause.message : String(cause), 'failed'),
            )
            .finally(() => setBusy(false));
        }}
      >
        <textarea
          aria-label="Description"
          rows={Math.min(14, Math.max(4, draft.split('\n').length + 1))}
          value={draft}
          maxLength={5000}
          autoFocus
          onChange={(event) => setDraft(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Escape') setDraft(undefined);
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey))
              event.currentTarget.form?.requestSubmit();
          }}
        />
        <div className="bar">
          <button type="submit" className="primary" disabled={busy}>
            Save description
          </button>
          <button type="button" onClick={() => setDraft(undefined)}>
            Cancel
          </button>
          <span className="faint">Markdown: headings, lists, **bold**, `code`, links.</span>
        </div>
      </form>
    );
  if (text === '')
    return readOnly ? null : (
      <button type="button" className="link faint add-description" onClick={() => setDraft('')}>
        <Icon name="plus" /> Add a description
      </button>
    );
  // Beyond this a description starts folded, so that it does not push the table off the screen.
  const long = text.length > 320 || text.split('\n').length > 4;
  return (
    <div className={`description ${long && !whole ? 'folded' : ''}`}>
      <Markdown text={text} />
      <span className="description-actions">
        {long && (
          <button type="button" className="link" aria-expanded={whole} onClick={() => setWhole(!whole)}>
            {whole ? 'Less' : 'More'}
          </button>
        )}
        {!readOnly && (
          <button
            type="button"
            className="quiet icon-only"
            aria-label="Edit description"
            title="Edit description"
            onClick={() => setDraft(text)}
          >
            <Icon name="pencil" />
          </button>
        )}
      </span>
    </div>
  );
}
