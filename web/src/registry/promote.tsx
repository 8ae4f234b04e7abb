// Moving aliases to a version, one or several that move together: what the gate before each of them still misses is shown
// before anything is sent.
import { useId, useRef, useState } from 'react';
import { useSettled } from '../access/use-settled';
import { mostMoves, promote, setAlias, useDryRuns, useGates, type Moved } from '../api/registry';
import { aliasTrouble, bareAlias, sortedAliases, type RegisteredModel } from '../lib/registry';
import type { May } from '../lib/rights';
import { Icon } from '../ui/icons';
import { GateReport, MoveDialog } from './move';
import { AliasName } from './parts';

export function PromoteDialog(props: {
  model: RegisteredModel;
  version: string;
  may: May;
  /** To begin with. */
  alias?: string;
  onClose: () => void;
}) {
  const { model, version, may, onClose } = props;
  const { name } = model;
  const id = useId();
  const gates = useGates(name);
  const [typed, setTyped] = useState<readonly string[]>([props.alias ?? '']);
  const aliases = typed.map(bareAlias);
  // An answer about what was there before the last letter is asked for by nobody.
  const settled = useSettled(aliases.join('\n')).split('\n');
  const troubles = aliases.map((alias, index) => troubleAt(aliases, alias, index));
  const queries = useDryRuns(
    name,
    version,
    aliases.map((alias, index) =>
      alias !== '' && troubles[index] === undefined && settled.includes(alias) ? { alias } : undefined,
    ),
  );
  const guarded = (gates.data ?? []).map((gate) => gate.alias).filter((one) => one !== undefined);
  const moves = aliases.map((alias, index) => {
    const query = queries[index];
    const answer = query?.isPlaceholderData ? undefined : query?.data;
    const holder = answer ? (answer.holder ?? 0) : undefined;
    const isGuarded =
      guarded.includes(alias) || (answer?.met?.length ?? 0) + (answer?.missing?.length ?? 0) > 0;
    return {
      alias,
      query,
      answer,
      holder,
      trouble: troubles[index],
      has: holder === Number(version),
      forbidden: isGuarded && !may.promote,
    };
  });
  const wanted = moves.filter((one) => !one.has);
  const names = [...new Set([...sortedAliases(model).map((one) => one.alias), ...guarded])];
  const fields = useRef<HTMLDivElement>(null);
  const put = (index: number, text: string) => setTyped(typed.map((one, at) => (at === index ? text : one)));
  const takeAway = (index: number) => {
    setTyped(typed.filter((_, at) => at !== index));
    // The button that had the focus goes: it stays with what is left.
    fields.current?.querySelectorAll<HTMLInputElement>('.promote-alias input')[index - 1]?.focus();
  };
  return (
    <MoveDialog
      title={`Promote version ${version} of ${name}`}
      action="Promote"
      disabled={
        wanted.length === 0 ||
        moves.some((one) => one.answer === undefined || one.trouble !== undefined || one.forbidden)
      }
      blocked={wanted.some((one) => one.answer?.allowed === false)}
      mayForce={may.force && may.promote}
      subject={aliases.join('\n')}
      plain={!may.promote}
      onLook={() => queries.forEach((query) => void query.refetch())}
      onClose={onClose}
      onSubmit={async (why) => {
        // Without the right to promote, an alias that no gate protects is set as MLflow's clients do.
        const done: Moved = may.promote
          ? await promote(
              name,
              wanted.map(({ alias, holder = 0 }) => ({
                alias,
                version: Number(version),
                expect_version: holder,
              })),
              why,
            )
          : await setAlias(name, wanted[0]?.alias ?? '', version).then(() => ({}));
        const moved = wanted.map(({ alias }) => `@${alias}`).join(', ');
        return `${moved} ${wanted.length === 1 ? 'is' : 'are'} on version ${version}${done.forced ? ', by force' : ''}.`;
      }}
    >
      <datalist id={id}>
        {names
          .filter((one) => !aliases.includes(one))
          .map((one) => (
            <option key={one} value={one} />
          ))}
      </datalist>
      <div ref={fields}>
        {moves.map((one, index) => (
          <div key={index} className="promote-alias">
            <div className="promote-field">
              <label className="field">
                {index === 0 ? 'Alias' : `Alias ${index + 1}`}
                <input
                  value={typed[index]}
                  required
                  autoFocus
                  maxLength={255}
                  spellCheck={false}
                  autoComplete="off"
                  autoCapitalize="none"
                  placeholder={index === 0 ? 'production' : ''}
                  list={id}
                  aria-invalid={one.trouble !== undefined || undefined}
                  onChange={(event) => put(index, event.target.value)}
                />
              </label>
              {index > 0 && (
                <button
                  type="button"
                  className="quiet icon-only"
                  aria-label={`Take away: alias ${index + 1}`}
                  title="Take away"
                  onClick={() => takeAway(index)}
                >
                  <Icon name="cross" />
                </button>
              )}
            </div>
            {one.trouble !== undefined && (
              <p className="form-error" role="alert">
                {one.trouble}
              </p>
            )}
            {one.alias !== '' && one.trouble === undefined && (
              <>
                {one.holder !== undefined && (
                  <HolderLine alias={one.alias} holder={one.holder} version={version} />
                )}
                {!one.has && one.query && (
                  <GateReport query={{ ...one.query, data: one.answer }} what={`@${one.alias}`} />
                )}
                {one.forbidden && (
                  <p className="form-error" role="alert">
                    @{one.alias} is protected: moving it needs the right to promote.
                  </p>
                )}
              </>
            )}
          </div>
        ))}
      </div>
      {may.promote && typed.length < mostMoves && (
        <p className="promote-more">
          <button type="button" className="link" onClick={() => setTyped([...typed, ''])}>
            <Icon name="plus" className="inline-icon" /> Move another alias with it
          </button>{' '}
          {typed.length > 1 && <span className="faint">All of them move, or none.</span>}
        </p>
      )}
    </MoveDialog>
  );
}

function troubleAt(aliases: readonly string[], alias: string, index: number): string | undefined {
  if (alias !== '' && aliases.indexOf(alias) < index) return `@${alias} is here already.`;
  return aliasTrouble(alias);
}

function HolderLine({ alias, holder, version }: { alias: string; holder: number; version: string }) {
  return (
    <p className="holder">
      <AliasName alias={alias} />{' '}
      {holder === Number(version)
        ? `is on version ${version} already.`
        : holder === 0
          ? `is on no version yet.`
          : `goes from version ${holder} to version ${version}.`}
    </p>
  );
}
