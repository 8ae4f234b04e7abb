// The filter of the run list: a text field that completes what is typed and says what the server did not understand.
import {
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type RefObject,
} from 'react';
import { useDistinct } from '../api/run-list';
import type { RunSet } from '../api/search';
import type { KnownKeys } from '../lib/cells';
import {
  asksForValues,
  complete,
  mayBeField,
  valuesToOffer,
  type KnownValue,
  type Suggestion,
} from '../lib/complete';
import { nameOf, placeIn, sameField, shapeOf, type Field } from '../lib/filter';
import { formatShort, plural } from '../lib/format';
import { Icon } from '../ui/icons';

const noValues: KnownValue[] = [];

// As long as a person stops to think, not between two keys.
const pauseMs = 600;

export interface FilterTrouble {
  /** The text that was refused, and why. */
  text: string;
  message: string;
}

export function FilterBox(props: {
  value: string;
  /** "typing": applied by a pause; "entered": a person said so. */
  onApply: (text: string, how: 'typing' | 'entered') => void;
  known: KnownKeys;
  set: Omit<RunSet, 'filter'>;
  trouble: FilterTrouble | undefined;
  busy: boolean;
  inputRef: RefObject<HTMLInputElement | null>;
}) {
  const { value, onApply, known, set, trouble, busy, inputRef } = props;
  const [draft, setDraft] = useState(value);
  const [seen, setSeen] = useState(value);
  const [caret, setCaret] = useState(0);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const listId = useId();
  const errorId = useId();
  const list = useRef<HTMLUListElement>(null);
  // The address changed by something else: a click on a value, or back and forward.
  if (seen !== value) {
    setSeen(value);
    setDraft(value);
    setActive(-1);
  }

  // Values are asked for once the caret stands where one belongs.
  const wantedField = useMemo(() => {
    if (!open) return undefined;
    const field = complete(draft, caret, known, () => noValues).values;
    return field && asksForValues(field) ? field : undefined;
  }, [open, draft, caret, known]);
  const distinct = useDistinct({ ...set, filter: '' }, useStable(wantedField));
  const values = distinct.data?.values;
  const completion = useMemo(
    () => complete(draft, caret, known, (field) => valuesToOffer(field, values)),
    [draft, caret, known, values],
  );
  const { suggestions } = completion;
  const range = open && completion.values ? rangeWords(distinct.data) : undefined;
  const shown = open && (suggestions.length > 0 || range !== undefined);
  const at = shown && active < suggestions.length ? active : -1;

  const apply = (text: string, how: 'typing' | 'entered') => {
    setSeen(text);
    onApply(text, how);
  };
  const shape = shapeOf(draft);
  const ripe = shape === 'empty' || shape === 'whole' || (shape === 'words' && !mayBeField(draft, known));
  const latest = useRef(apply);
  useEffect(() => {
    latest.current = apply;
  });
  useEffect(() => {
    if (!ripe || draft.trim() === value.trim() || at >= 0) return;
    const timer = setTimeout(() => latest.current(draft, 'typing'), pauseMs);
    return () => clearTimeout(timer);
  }, [ripe, draft, value, at]);
  useLayoutEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [at]);

  const look = () => {
    const input = inputRef.current;
    if (input && input.selectionStart === input.selectionEnd) setCaret(input.selectionStart ?? 0);
  };
  const accept = (one: Suggestion) => {
    const input = inputRef.current;
    if (!input) return;
    input.focus();
    const { from, to } = completion;
    // A space that is there already is not written twice.
    const end = one.insert.endsWith(' ') && draft[to] === ' ' ? to + 1 : to;
    input.setSelectionRange(from, end);
    // The only way to write that the browser's own undo knows of.
    if (!document.execCommand('insertText', false, one.insert)) {
      input.setRangeText(one.insert, from, end, 'end');
      setDraft(input.value);
    }
    setCaret(from + one.insert.length);
    setActive(-1);
    setOpen(one.kind === 'field' || one.kind === 'operator');
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.nativeEvent.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      if (!shown) {
        setOpen(true);
        setActive(step > 0 ? 0 : suggestions.length - 1);
        return;
      }
      const places = suggestions.length + 1;
      setActive(((at + 1 + step + places) % places) - 1);
    } else if (event.key === ' ' && event.ctrlKey) {
      event.preventDefault();
      setOpen(true);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      const one = suggestions[at];
      if (one) return accept(one);
      setOpen(false);
      setDraft(draft.trim());
      apply(draft.trim(), 'entered');
    } else if (event.key === 'Tab' && !event.shiftKey) {
      const one = suggestions[at] ?? (completion.typed === '' ? undefined : suggestions[0]);
      if (!shown || !one) return setOpen(false);
      event.preventDefault();
      accept(one);
    } else if (event.key === 'Escape') {
      event.stopPropagation();
      if (shown) setOpen(false);
      else if (draft !== value) setDraft(value);
      else inputRef.current?.blur();
    }
  };
  const place = trouble && placeIn(trouble.message, trouble.text);
  const meant = place ? fieldsNamed(trouble.text.slice(place.from, place.to), known) : [];
  const inTrouble = trouble !== undefined && trouble.text === draft;
  return (
    <div className="filter">
      <div className={busy ? 'filter-line busy' : 'filter-line'}>
        <Icon name="filter" />
        <input
          ref={inputRef}
          type="text"
          role="combobox"
          aria-label="Filter runs"
          aria-expanded={shown}
          aria-controls={shown ? listId : undefined}
          aria-autocomplete="list"
          aria-activedescendant={at >= 0 ? `${listId}-${at}` : undefined}
          aria-invalid={inTrouble || undefined}
          aria-describedby={inTrouble ? errorId : undefined}
          aria-keyshortcuts="/"
          placeholder="Filter: a name, or metrics.loss < 0.5 AND params.optimizer = 'adam'"
          spellCheck={false}
          autoComplete="off"
          autoCapitalize="off"
          value={draft}
          onChange={(event) => {
            setDraft(event.target.value);
            setCaret(event.target.selectionStart ?? event.target.value.length);
            setActive(-1);
            setOpen(event.target.value !== '');
          }}
          onSelect={look}
          onKeyDown={onKeyDown}
          onBlur={() => setOpen(false)}
        />
        {draft !== '' ? (
          <button
            type="button"
            className="quiet icon-only"
            aria-label="Clear the filter"
            title="Clear the filter"
            onClick={() => {
              setDraft('');
              setOpen(false);
              apply('', 'entered');
              inputRef.current?.focus();
            }}
          >
            <Icon name="cross" />
          </button>
        ) : (
          <kbd aria-hidden="true">/</kbd>
        )}
      </div>
      {shown && (
        <div className="completions">
          <ul id={listId} role="listbox" aria-label="Completions" ref={list} className="scrolls">
            {suggestions.map((one, index) => (
              <li
                key={`${one.kind} ${one.insert}`}
                id={`${listId}-${index}`}
                role="option"
                aria-selected={index === at}
                className={`completion-${one.kind}`}
                // The field keeps the focus.
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => accept(one)}
              >
                <span className="clip">
                  <Marked text={one.label} typed={completion.typed} />
                </span>
                <span className="faint">{one.detail}</span>
              </li>
            ))}
          </ul>
          <p className="completions-foot faint">
            {range !== undefined ? (
              range
            ) : (
              <>
                <kbd>↓</kbd> choose <kbd>Tab</kbd> complete <kbd>Enter</kbd> apply
              </>
            )}
          </p>
        </div>
      )}
      <span className="visually-hidden" role="status">
        {shown ? plural(suggestions.length, 'completion') : ''}
      </span>
      {inTrouble && (
        <div className="filter-error" id={errorId} role="alert">
          <p>{trouble.message}</p>
          {place && (
            <button
              type="button"
              className="place"
              title="Go to this place"
              onClick={() => {
                inputRef.current?.focus();
                inputRef.current?.setSelectionRange(place.from, place.to);
              }}
            >
              <code>
                {excerpt(trouble.text.slice(0, place.from), 'end')}
                <mark>{trouble.text.slice(place.from, place.to) || ' '}</mark>
                {excerpt(trouble.text.slice(place.to), 'start')}
              </code>
            </button>
          )}
          {place &&
            meant.map((name) => (
              <button
                key={name}
                type="button"
                className="link"
                onClick={() => {
                  const { text } = trouble;
                  const mended = text.slice(0, place.from) + name + text.slice(place.to);
                  setDraft(mended);
                  apply(mended, 'entered');
                  inputRef.current?.focus();
                }}
              >
                Did you mean {name}?
              </button>
            ))}
        </div>
      )}
    </div>
  );
}

/** The fields whose key is a word that stands alone where a field should be. */
function fieldsNamed(word: string, known: KnownKeys): string[] {
  const key = word.replace(/^[`"]|[`"]$/g, '');
  return (['metric', 'param', 'tag'] as const)
    .filter((entity) => known[entity].includes(key))
    .map((entity) => nameOf({ entity, key }))
    .filter((name): name is string => name !== undefined);
}

/** The same object for the same field, so that what depends on it is not made anew. */
function useStable(field: Field | undefined): Field | undefined {
  const [kept, setKept] = useState(field);
  const same = field && kept ? sameField(kept, field) : field === kept;
  if (!same) setKept(field);
  return same ? kept : field;
}

function rangeWords(found: ReturnType<typeof useDistinct>['data']): string | undefined {
  if (!found || found.min === undefined || found.max === undefined) return undefined;
  return `from ${formatShort(found.min)} to ${formatShort(found.max)} in ${plural(found.count ?? 0, 'run')}`;
}

// A line has room for about this much on either side of the mark.
const mostAround = 60;

function excerpt(text: string, keep: 'start' | 'end'): string {
  const characters = [...text];
  if (characters.length <= mostAround) return text;
  return keep === 'end'
    ? `…${characters.slice(-mostAround).join('')}`
    : `${characters.slice(0, mostAround).join('')}…`;
}

/** A completion with what was typed in bold. */
function Marked({ text, typed }: { text: string; typed: string }) {
  const wanted = typed.replace(/[`'"]/g, '').toLowerCase();
  const from = wanted === '' ? -1 : text.toLowerCase().indexOf(wanted);
  if (from < 0) return text;
  return (
    <>
      {text.slice(0, from)}
      <strong>{text.slice(from, from + wanted.length)}</strong>
      {text.slice(from + wanted.length)}
    </>
  );
}
