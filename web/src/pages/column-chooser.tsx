// Chooses the columns of the run table: grouped, searchable, all or none of what the search leaves.
import { useMemo, useState } from 'react';
import { attributes, columnLabel, isOwnTag, type ColumnId, type KnownKeys } from '../lib/cells';
import { plural } from '../lib/format';
import { keyMatcher } from '../lib/group';
import { Icon } from '../ui/icons';
import { Popover, SearchField } from '../ui/parts';

// A longer list is cut; the search finds the rest.
const mostShown = 300;

export function ColumnChooser(props: {
  known: KnownKeys;
  chosen: readonly ColumnId[];
  onChange: (chosen: ColumnId[] | undefined) => void;
}) {
  const { known, chosen, onChange } = props;
  return (
    <Popover
      name="Columns"
      className="chooser"
      label={
        <>
          <Icon name="columns" /> <span className="wide-only">Columns</span>
        </>
      }
    >
      {() => <Panel known={known} chosen={chosen} onChange={onChange} />}
    </Popover>
  );
}

function Panel({ known, chosen, onChange }: Parameters<typeof ColumnChooser>[0]) {
  const [text, setText] = useState('');
  const set = useMemo(() => new Set(chosen), [chosen]);
  const groups = useMemo(() => {
    const { test } = keyMatcher(text);
    const of = (kind: string, keys: string[]) =>
      keys.map((key) => `${kind}:${key}`).filter((id) => test(columnLabel(id)) || test(id));
    return [
      {
        label: 'Attributes',
        ids: of(
          'attribute',
          attributes.map((one) => one.key),
        ),
      },
      { label: 'Metrics', ids: of('metric', known.metric) },
      { label: 'Parameters', ids: of('param', known.param) },
      { label: 'Tags', ids: of('tag', known.tag.filter(isOwnTag)) },
    ].filter((group) => group.ids.length > 0);
  }, [known, text]);
  const change = (ids: ColumnId[], on: boolean) => {
    const next = new Set(set);
    for (const id of ids)
      if (on) next.add(id);
      else next.delete(id);
    onChange([...next]);
  };
  return (
    <>
      <SearchField value={text} onChange={setText} label="Search columns" />
      <div className="chooser-list scrolls" tabIndex={0} role="group" aria-label="Columns">
        {groups.length === 0 && <p className="faint">No column matches.</p>}
        {groups.map(({ label, ids }) => {
          const on = ids.filter((id) => set.has(id)).length;
          return (
            <fieldset key={label}>
              <legend>
                <label>
                  <input
                    type="checkbox"
                    checked={on === ids.length}
                    ref={(box) => {
                      if (box) box.indeterminate = on > 0 && on < ids.length;
                    }}
                    onChange={(event) => change(ids, event.target.checked)}
                  />
                  {label}
                  <span className="count">
                    {on} / {ids.length}
                  </span>
                </label>
              </legend>
              {ids.slice(0, mostShown).map((id) => (
                <label key={id} className="choice">
                  <input
                    type="checkbox"
                    checked={set.has(id)}
                    onChange={(event) => change([id], event.target.checked)}
                  />
                  <span className="clip" title={columnLabel(id)}>
                    {columnLabel(id)}
                  </span>
                </label>
              ))}
              {ids.length > mostShown && (
                <p className="faint">{plural(ids.length - mostShown, 'more column')}: search to see them.</p>
              )}
            </fieldset>
          );
        })}
      </div>
      <div className="chooser-foot">
        <button type="button" className="link" onClick={() => onChange(undefined)}>
          Back to the usual columns
        </button>
      </div>
    </>
  );
}
