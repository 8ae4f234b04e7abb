// Rolling aliases back, one or several together, to the version before or to a time: what each would come to, and what
// its gate still asks for, is shown before anything is sent.
import { useState } from 'react';
import {
  mostMoves,
  rollBack,
  useAliasesAt,
  useAliasLedgers,
  useRollbackDryRuns,
  useVersions,
} from '../api/registry';
import { formatMoment, zoneOf } from '../lib/format';
import { previousHolder } from '../lib/ledger';
import { sortedAliases, type RegisteredModel } from '../lib/registry';
import { Ago, Segmented } from '../ui/parts';
import { GateReport, MoveDialog } from './move';
import { AliasName } from './parts';

/** Where an alias would come; without a version it cannot go back. */
interface Way {
  version: number | undefined;
  /** When that version lost it, if it was the one before. */
  until?: number;
  /** Why there is no version yet, or none at all. */
  words?: string;
}

export function RollbackDialog(props: { model: RegisteredModel; alias?: string; onClose: () => void }) {
  const { model, onClose } = props;
  const { name } = model;
  const aliases = sortedAliases(model);
  const [chosen, setChosen] = useState<readonly string[]>(
    [props.alias ?? aliases[0]?.alias ?? ''].filter((one) => one !== ''),
  );
  const [how, setHow] = useState<'previous' | 'time'>('previous');
  const [moment, setMoment] = useState('');
  const selected = aliases.filter((one) => chosen.includes(one.alias));
  const names = selected.map((one) => one.alias);
  const time = moment === '' ? NaN : new Date(moment).getTime();
  const at = how === 'time' && Number.isFinite(time) ? time : undefined;
  const versions = useVersions(name);
  const ledgers = useAliasLedgers(name, names, how === 'previous');
  const thens = useAliasesAt(name, names, at);
  // The versions that are loaded are the newest, without a gap.
  const there = new Set(versions.items?.map((one) => Number(one.model_version.version)));
  const oldest = versions.hasNextPage ? Math.min(...there) : 0;
  const isGone = (version: number) =>
    versions.items !== undefined && version >= oldest && !there.has(version);

  const wayOf = (alias: string, holder: number, index: number): Way => {
    const { data: entries, error: unread } = ledgers[index] ?? {};
    const { data: then, error } = thens[index] ?? {};
    if (how === 'previous') {
      if (unread) return { version: undefined, words: unread.message };
      if (!entries) return { version: undefined, words: 'Reading the ledger…' };
      return (
        previousHolder(entries, alias, holder, isGone) ?? {
          version: undefined,
          words: 'No other version had it before.',
        }
      );
    }
    if (at === undefined) return { version: undefined, words: 'Choose a time.' };
    if (error) return { version: undefined, words: error.message };
    if (!then) return { version: undefined, words: 'Reading the ledger…' };
    return then.version
      ? { version: then.version }
      : { version: undefined, words: 'No version had it then.' };
  };
  const ways = selected.map(({ alias, version }, index) => {
    const holder = Number(version);
    const way = wayOf(alias, holder, index);
    return { alias, holder, ...way, moves: way.version !== undefined && way.version !== holder };
  });
  const queries = useRollbackDryRuns(
    name,
    ways.map(({ alias, version, moves }) =>
      moves && version !== undefined ? { alias, version } : undefined,
    ),
  );
  const moving = ways.filter((one) => one.moves);
  const [only] = moving;
  const put = (alias: string, isChosen: boolean) =>
    setChosen(isChosen ? [...chosen, alias] : chosen.filter((one) => one !== alias));
  return (
    <MoveDialog
      title={`Roll back aliases of ${name}`}
      action={
        moving.length > 1
          ? `Roll back ${moving.length} aliases`
          : only
            ? `Roll back to version ${only.version}`
            : 'Roll back'
      }
      disabled={
        moving.length === 0 ||
        ways.some(({ version, moves }, index) => version === undefined || (moves && !queries[index]?.data))
      }
      blocked={ways.some(({ moves }, index) => moves && queries[index]?.data?.allowed === false)}
      onLook={() => [...ledgers, ...thens, ...queries].forEach((query) => void query.refetch())}
      onClose={onClose}
      onSubmit={async (why) => {
        const { moved = [] } = await rollBack(
          name,
          moving.map(({ alias, holder }) => ({ alias, expect_version: holder })),
          at,
          why,
        );
        return `${moved.map((one) => `@${one.alias} is on version ${one.version} again`).join(', ')}.`;
      }}
    >
      <div className="field">
        <Segmented
          label="Where to"
          value={how}
          options={[
            { value: 'previous', label: 'Version before' },
            { value: 'time', label: 'As of a time' },
          ]}
          onChange={setHow}
        />
      </div>
      {how === 'time' && (
        <label className="field">
          Time ({zoneOf(Number.isFinite(time) ? new Date(time) : new Date())})
          <input
            type="datetime-local"
            step={1}
            value={moment}
            onChange={(event) => setMoment(event.target.value)}
          />
        </label>
      )}
      <fieldset className="rollback-aliases">
        <legend>Aliases</legend>
        {aliases.map(({ alias, version }) => {
          const index = names.indexOf(alias);
          const way = ways[index];
          const query = queries[index];
          return (
            <div key={alias}>
              <label className="check">
                <input
                  type="checkbox"
                  checked={way !== undefined}
                  disabled={way === undefined && chosen.length >= mostMoves}
                  onChange={(event) => put(alias, event.target.checked)}
                />
                <span>
                  <AliasName alias={alias} /> on version {version}
                </span>
              </label>
              {way && (
                <div className="rollback-way">
                  <WayLine {...way} />
                  {way.moves && query && <GateReport query={query} what={`@${alias}`} />}
                </div>
              )}
            </div>
          );
        })}
      </fieldset>
      {aliases.length > 1 && chosen.length < Math.min(aliases.length, mostMoves) && (
        <p className="promote-more">
          <button
            type="button"
            className="link"
            onClick={() => setChosen(aliases.slice(0, mostMoves).map((one) => one.alias))}
          >
            {aliases.length > mostMoves ? `Choose the first ${mostMoves}` : 'Choose all'}
          </button>
        </p>
      )}
      <p className="faint rollback-note">
        {moving.length > 1 && 'All of them go back, or none. '}A version that came to an alias through its
        gate comes back without passing its checks again.
      </p>
    </MoveDialog>
  );
}

function WayLine({ alias, holder, version, until, words }: Way & { alias: string; holder: number }) {
  if (version === undefined)
    return (
      <p className="faint" role="status">
        {words}
      </p>
    );
  return (
    <p role="status">
      Version <strong>{version}</strong> had <AliasName alias={alias} />{' '}
      {until === undefined ? (
        'then.'
      ) : (
        <>
          until {formatMoment(until)}, <Ago ms={until} />.
        </>
      )}
      {version === holder && ' It has it now too.'}
    </p>
  );
}
