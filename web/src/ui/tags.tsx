// Tags of a run or a version: add, change and delete; those that MLflow writes for itself are folded away.
import { useMemo, useState, type Ref } from 'react';
import type { Tag } from '../api/types';
import { keyMatcher, naturalOrder } from '../lib/group';
import { Icon } from './icons';
import { Copy, SearchField } from './parts';
import { toast } from './toast';

export function Tags(props: {
  tags: readonly Tag[];
  /** Where "/" leads; without, there is no search. */
  searchRef?: Ref<HTMLInputElement>;
  readOnly: boolean;
  onSet: (key: string, value: string) => Promise<unknown>;
  onDelete: (key: string) => Promise<unknown>;
  onChanged: () => Promise<unknown>;
}) {
  const { tags, searchRef, readOnly, onSet, onDelete, onChanged } = props;
  const [text, setText] = useState('');
  const [editing, setEditing] = useState<string>();
  const { test, broken } = useMemo(() => keyMatcher(text), [text]);
  const all = [...tags].sort((a, b) => naturalOrder(a.key, b.key));
  const matching = all.filter((tag) => test(tag.key) || test(tag.value ?? ''));
  const own = matching.filter((tag) => !tag.key.startsWith('mlflow.'));
  const system = matching.filter((tag) => tag.key.startsWith('mlflow.'));

  const save = async (key: string, value: string) => {
    await onSet(key, value);
    await onChanged();
    setEditing(undefined);
    toast(`Tag ${key} saved.`);
  };
  const remove = (tag: Tag) => {
    onDelete(tag.key).then(
      () => {
        toast(`Tag ${tag.key} deleted.`, 'done', {
          label: 'Undo',
          run: () => void save(tag.key, tag.value ?? ''),
        });
        return onChanged();
      },
      (cause: Error) => toast(cause.message, 'failed'),
    );
  };
  return (
    <div className="tags">
      {searchRef && (
        <div className="bar">
          <SearchField
            inputRef={searchRef}
            value={text}
            onChange={setText}
            label="Search tags"
            invalid={broken}
            hint
          />
        </div>
      )}
      <section className="card">
        <h2>
          Tags <span className="count">{own.length}</span>
        </h2>
        {own.length === 0 && (
          <p className="faint empty">{text ? 'None matches.' : 'No tags of your own yet.'}</p>
        )}
        {own.length > 0 && (
          <table className="plain" aria-label="Tags">
            <thead>
              <tr>
                <th scope="col">Key</th>
                <th scope="col">Value</th>
                <th scope="col">
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {own.map((tag) => (
                <tr key={tag.key}>
                  <th scope="row">{tag.key}</th>
                  <td>
                    {editing === tag.key ? (
                      <ValueForm
                        label={`Value of ${tag.key}`}
                        value={tag.value ?? ''}
                        onSave={(value) => save(tag.key, value)}
                        onCancel={() => setEditing(undefined)}
                      />
                    ) : (
                      <>
                        <span className="value">{tag.value}</span>
                        <Copy text={tag.value ?? ''} label={`Copy value of ${tag.key}`} />
                      </>
                    )}
                  </td>
                  <td className="col-actions">
                    {!readOnly && editing !== tag.key && (
                      <span className="row-actions">
                        <button
                          type="button"
                          className="quiet icon-only"
                          aria-label={`Edit ${tag.key}`}
                          title="Edit"
                          onClick={() => setEditing(tag.key)}
                        >
                          <Icon name="pencil" />
                        </button>
                        <button
                          type="button"
                          className="quiet icon-only"
                          aria-label={`Delete ${tag.key}`}
                          title="Delete"
                          onClick={() => remove(tag)}
                        >
                          <Icon name="trash" />
                        </button>
                      </span>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {!readOnly && <AddForm onSave={save} taken={new Set(all.map((tag) => tag.key))} />}
      </section>
      {system.length > 0 && (
        <details className="card">
          <summary>
            <h2>
              System tags <span className="count">{system.length}</span>
            </h2>
          </summary>
          <table className="plain" aria-label="System tags">
            <tbody>
              {system.map((tag) => (
                <tr key={tag.key}>
                  <th scope="row">{tag.key}</th>
                  <td>
                    <span className="value">{tag.value}</span>
                    <Copy text={tag.value ?? ''} label={`Copy value of ${tag.key}`} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </div>
  );
}

function ValueForm(props: {
  label: string;
  value: string;
  onSave: (value: string) => Promise<void>;
  onCancel: () => void;
}) {
  const { label, value, onSave, onCancel } = props;
  const [draft, setDraft] = useState(value);
  return (
    <form
      className="inline-form"
      onSubmit={(event) => {
        event.preventDefault();
        onSave(draft).catch((cause: Error) => toast(cause.message, 'failed'));
      }}
    >
      <input
        aria-label={label}
        value={draft}
        autoFocus
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onCancel();
        }}
      />
      <button type="submit" className="primary">
        Save
      </button>
      <button type="button" onClick={onCancel}>
        Cancel
      </button>
    </form>
  );
}

function AddForm(props: {
  onSave: (key: string, value: string) => Promise<void>;
  taken: ReadonlySet<string>;
}) {
  const { onSave, taken } = props;
  const [key, setKey] = useState('');
  const [value, setValue] = useState('');
  const overwrites = taken.has(key.trim());
  return (
    <form
      className="inline-form add-tag"
      onSubmit={(event) => {
        event.preventDefault();
        onSave(key.trim(), value).then(
          () => {
            setKey('');
            setValue('');
          },
          (cause: Error) => toast(cause.message, 'failed'),
        );
      }}
    >
      <input
        aria-label="Key of the new tag"
        placeholder="Key"
        value={key}
        required
        maxLength={250}
        spellCheck={false}
        onChange={(event) => setKey(event.target.value)}
      />
      <input
        aria-label="Value of the new tag"
        placeholder="Value"
        value={value}
        maxLength={8000}
        spellCheck={false}
        onChange={(event) => setValue(event.target.value)}
      />
      <button type="submit" disabled={key.trim() === ''}>
        <Icon name="plus" /> {overwrites ? 'Replace' : 'Add'}
      </button>
    </form>
  );
}
