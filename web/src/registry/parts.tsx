// What the pages of the registry have in common: marks of checks and gates, aliases, stages, and who somebody is.
import { useId, type ReactNode } from 'react';
import { useIsOpen, actorKey } from '../api/session';
import {
  checkWord,
  checksWords,
  sortedChecks,
  targetLabel,
  type Check,
  type GateAnswer,
  type GateItem,
} from '../lib/registry';
import { registeredHref, versionHref } from '../lib/run';
import { useRemembered } from '../lib/storage';
import { Icon, type IconName } from '../ui/icons';

const checkIcons: Record<string, IconName> = { success: 'check', failure: 'cross', pending: 'clock' };

export function CheckStatusMark({ status }: { status: string }) {
  return (
    <span className={`mark-of mark-${status}`}>
      <Icon name={checkIcons[status] ?? 'clock'} />
      {checkWord(status)}
    </span>
  );
}

// More marks than these tell nothing that their number does not.
const mostMarks = 8;

/** One coloured mark for each check; its shape and its words say the same as its colour. */
export function CheckMarks({ checks }: { checks: readonly Check[] }) {
  if (checks.length === 0) return <span className="faint">–</span>;
  const shown = sortedChecks(checks).slice(0, mostMarks);
  return (
    <ul className="marks" aria-label={checksWords(checks)}>
      {shown.map((one) => (
        <li
          key={one.name}
          className={`mark-of mark-${one.status}`}
          title={`${one.name}: ${checkWord(one.status)}`}
        >
          <Icon name={checkIcons[one.status] ?? 'clock'} />
          <span className="visually-hidden">
            {one.name} {checkWord(one.status)}
          </span>
        </li>
      ))}
      {checks.length > mostMarks && <li className="faint">+{checks.length - mostMarks}</li>}
    </ul>
  );
}

/** For each gate whether the version would get through. */
export function GateMarks({ gates }: { gates: readonly GateAnswer[] }) {
  if (gates.length === 0) return <span className="faint">–</span>;
  return (
    <ul className="marks">
      {gates.map((gate) => (
        <li
          key={targetLabel(gate)}
          className={`mark-of ${gate.allowed ? 'mark-success' : 'mark-pending'}`}
          title={gateTitle(gate)}
        >
          <Icon name={gate.allowed ? 'check' : 'lock'} />
          <span className="mark-text">{targetLabel(gate)}</span>
          <span className="visually-hidden">{gate.allowed ? ' is open to it' : ' is closed to it'}</span>
        </li>
      ))}
    </ul>
  );
}

function gateTitle(gate: GateAnswer): string {
  if (gate.allowed) return `${targetLabel(gate)}: nothing is missing`;
  const missing = gate.missing?.map((one) => one.text).join('\n');
  return `${targetLabel(gate)}: ${missing || 'something is missing'}`;
}

export function AliasChip(props: { name: string; alias: string; version?: string | number }) {
  const { name, alias, version } = props;
  return (
    <a
      className="chip alias"
      href={version === undefined ? registeredHref(name) : versionHref(name, version)}
    >
      @{alias}
      {version !== undefined && <span className="faint"> → {version}</span>}
    </a>
  );
}

/** An alias where it is no link. */
export function AliasName({ alias }: { alias: string }) {
  return <span className="chip alias">@{alias}</span>;
}

export function Stage({ stage }: { stage: string | undefined }) {
  if (!stage || stage === 'None') return <span className="faint">–</span>;
  return <span className={`badge stage-${stage.toLowerCase()}`}>{stage}</span>;
}

/** What a gate misses, or found in order. */
export function GateItems({ items, met }: { items: readonly GateItem[]; met?: boolean }) {
  return (
    <ul className={`gate-items ${met ? 'met' : 'missing'}`} aria-label={met ? 'In order' : 'Missing'}>
      {items.map((one, index) => (
        <li key={`${index} ${one.text}`}>
          <Icon name={met ? 'check' : 'cross'} />
          <span className="visually-hidden">{met ? 'In order:' : 'Missing:'} </span>
          <span>{one.text}</span>
        </li>
      ))}
    </ul>
  );
}

/** Who somebody is, where nobody logs in: what they write goes into the ledger as what they claim. */
export function ActorField() {
  const isOpen = useIsOpen();
  const [actor, setActor] = useRemembered(actorKey, '');
  if (!isOpen) return null;
  return (
    <label className="field">
      Your name
      <input
        value={actor}
        maxLength={255}
        spellCheck={false}
        autoComplete="username"
        placeholder="Nobody logs in here: the ledger notes what you write"
        onChange={(event) => setActor(event.target.value)}
      />
    </label>
  );
}

export function Card(props: { title: string; count?: number; actions?: ReactNode; children: ReactNode }) {
  const { title, count, actions, children } = props;
  const id = useId();
  return (
    <section className="card" aria-labelledby={id}>
      <div className="card-head">
        <h2 id={id}>
          {title} {count !== undefined && <span className="count">{count}</span>}
        </h2>
        {actions}
      </div>
      {children}
    </section>
  );
}

/** A link somebody gave, when it is of a kind that cannot run anything; else its text. */
export function OutLink({ href, children }: { href: string; children?: ReactNode }) {
  if (!/^https?:\/\/[^\s]+$/i.test(href)) return <span className="value">{children ?? href}</span>;
  return (
    <a href={href} rel="noreferrer noopener" target="_blank">
      {children ?? href} <Icon name="external" className="inline-icon" />
      <span className="visually-hidden"> (opens a new window)</span>
    </a>
  );
}
