// What the pages about accounts have in common.
import { useId, type ReactNode } from 'react';
import { useNames } from '../api/accounts';
import { useSession } from '../api/session';
import { actions, actionWords, type Action } from '../lib/rights';
import { Failure, Loading } from '../ui/parts';
import { toast } from '../ui/toast';

/** Runs a change and says how it went; over once the page shows what the server has now. */
export async function act(
  change: Promise<unknown>,
  done: string,
  after: () => Promise<unknown>,
): Promise<void> {
  try {
    await change;
    toast(done);
    await after();
  } catch (cause) {
    toast(cause instanceof Error ? cause.message : String(cause), 'failed');
  }
}

/** The states that every list has before it has items. */
export function ListState(props: {
  what: string;
  query: { isPending: boolean; isError: boolean; error: unknown; refetch: () => unknown };
  rows?: number;
}) {
  const { what, query, rows } = props;
  if (query.isError)
    return (
      <Failure
        what={`${what} could not be loaded`}
        error={query.error}
        onRetry={() => void query.refetch()}
      />
    );
  return <Loading rows={rows ?? 6} />;
}

/** The rest of a list that comes in pages. */
export function More(props: {
  list: {
    hasNextPage: boolean;
    isFetchingNextPage: boolean;
    error: Error | null;
    fetchNextPage: () => unknown;
  };
}) {
  const { hasNextPage, isFetchingNextPage, error, fetchNextPage } = props.list;
  if (!hasNextPage) return null;
  return (
    <p className="more-pages">
      <button type="button" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
        {isFetchingNextPage ? 'Loading…' : 'More'}
      </button>
      {error && !isFetchingNextPage && <span role="alert">Loading failed: {error.message}</span>}
    </p>
  );
}

export function Badge({ kind, children }: { kind?: 'warn' | 'bad' | 'good'; children: ReactNode }) {
  return <span className={`badge${kind ? ` badge-${kind}` : ''}`}>{children}</span>;
}

/** The name of a user or a group; administrators are offered those that there are. */
export function NameField(props: {
  kind: 'user' | 'group';
  label: string;
  value: string;
  onChange: (value: string) => void;
}) {
  const { kind, label, value, onChange } = props;
  const id = useId();
  const isAdmin = useSession()?.user?.is_admin === true;
  const names = useNames(kind, value.trim(), isAdmin);
  return (
    <>
      <input
        aria-label={label}
        placeholder={label}
        value={value}
        required
        maxLength={255}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="none"
        list={id}
        onChange={(event) => onChange(event.target.value)}
      />
      <datalist id={id}>
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  );
}

/** Which protected actions go along. */
export function ActionChoice(props: {
  legend: string;
  value: readonly Action[];
  /** Those that the person may give away. */
  allowed?: readonly Action[];
  /** Those that go with the permission anyway. */
  included?: readonly Action[];
  onChange: (value: Action[]) => void;
}) {
  const { legend, value, allowed = actions, included = [], onChange } = props;
  return (
    <fieldset className="choices">
      <legend>{legend}</legend>
      {actions.map((action) => {
        const given = included.includes(action);
        return (
          <label key={action} className="check">
            <input
              type="checkbox"
              checked={given || value.includes(action)}
              disabled={given || !allowed.includes(action)}
              onChange={(event) =>
                onChange(event.target.checked ? [...value, action] : value.filter((one) => one !== action))
              }
            />
            <span>
              <strong>{action}</strong> <span className="faint">{actionWords[action]}</span>
            </span>
          </label>
        );
      })}
    </fieldset>
  );
}
