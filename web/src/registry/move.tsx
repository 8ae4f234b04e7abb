// Moving an alias or a stage: what a gate still misses is shown before anything is sent, and what is sent names who has
// it now, so that of two people who move it at once one is told.
import { useState, type ReactNode } from 'react';
import { ApiError } from '../api/http';
import { deleteAlias, transitionStage, useDryRun, useRefreshRegistry, type Why } from '../api/registry';
import {
  refusalOf,
  stages,
  targetLabel,
  type GateAnswer,
  type ModelVersion,
  type Refusal,
} from '../lib/registry';
import type { May } from '../lib/rights';
import { Dialog, FormDialog, useFirstField } from '../ui/dialog';
import { Icon } from '../ui/icons';
import { toast } from '../ui/toast';
import { ActorField, AliasName, GateItems } from './parts';

// --- a form whose refusal says what to do about it -----------------------------------------------------------

/**
 * It asks why, too. Where a gate is closed and the caller has the right, it offers to go on all the same; that is said
 * of one subject, and about another one anew.
 */
export function MoveDialog(props: {
  title: string;
  action: string;
  disabled: boolean;
  /** A gate is known to be closed. */
  blocked?: boolean;
  /** Whether gates may be overridden, and what moves then. */
  mayForce?: boolean;
  subject?: string;
  /** Who may not promote moves by MLflow's call, which asks for no reason. */
  plain?: boolean;
  /** Sends it; the answer is said in a few words. */
  onSubmit: (why: Why) => Promise<string>;
  /** Asks again what there is now. */
  onLook: () => void;
  onClose: () => void;
  children: ReactNode;
}) {
  const {
    title,
    action,
    disabled,
    blocked,
    mayForce,
    subject = '',
    plain,
    onSubmit,
    onLook,
    onClose,
  } = props;
  const refresh = useRefreshRegistry();
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal>();
  const [why, setWhy] = useState({ reason: '', runUrl: '' });
  const [checked, setChecked] = useState(false);
  const [about, setAbout] = useState(subject);
  if (about !== subject) {
    setAbout(subject);
    setChecked(false);
  }
  const form = useFirstField();
  // A gate that the dry run does not speak of, or that has closed since, refuses what was sent.
  const closed = blocked === true || (refusal?.missing.length ?? 0) > 0;
  const force = mayForce === true && closed && checked;
  return (
    <Dialog title={title} onClose={onClose} size="medium">
      <form
        ref={form}
        onSubmit={(event) => {
          event.preventDefault();
          setBusy(true);
          setRefusal(undefined);
          onSubmit(whyOf(why, force)).then(
            (done) => {
              toast(done);
              void refresh();
              onClose();
            },
            (cause: unknown) => {
              setBusy(false);
              const message = cause instanceof Error ? cause.message : String(cause);
              setRefusal(refusalOf(message, cause instanceof ApiError ? cause.members : undefined));
            },
          );
        }}
      >
        {props.children}
        {mayForce && closed && (
          <label className="check">
            <input type="checkbox" checked={force} onChange={(event) => setChecked(event.target.checked)} />
            <span>
              <strong>Force it</strong>{' '}
              <span className="faint">The ledger notes that a gate was overridden, by whom and why.</span>
            </span>
          </label>
        )}
        {!plain && <WhyFields value={why} onChange={setWhy} needed={force} />}
        <ActorField />
        {refusal && (
          <div className="form-error" role="alert">
            <p>{refusal.message}</p>
            {refusal.missing.length > 0 && <GateItems items={refusal.missing} />}
            {refusal.current.map(({ alias, version }) => (
              <p key={alias}>
                @{alias} is {version === 0 ? 'on no version' : `on version ${version}`} now.
              </p>
            ))}
            <button
              type="button"
              onClick={() => {
                setRefusal(undefined);
                onLook();
                void refresh();
              }}
            >
              <Icon name="refresh" /> Look again
            </button>
          </div>
        )}
        <footer>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            className={force ? 'primary danger' : 'primary'}
            disabled={busy || disabled || (blocked === true && !force)}
          >
            {busy ? 'One moment…' : force ? `${action} all the same` : action}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

interface WhyForm {
  reason: string;
  runUrl: string;
}

function WhyFields(props: { value: WhyForm; onChange: (next: WhyForm) => void; needed: boolean }) {
  const { value, onChange, needed } = props;
  return (
    <>
      <label className="field">
        Reason{needed ? '' : ' (optional)'}
        <input
          value={value.reason}
          required={needed}
          // Spaces are no reason.
          pattern={needed ? '.*\\S.*' : undefined}
          title={needed ? 'A move that is forced needs a reason.' : undefined}
          maxLength={1000}
          onChange={(event) => onChange({ ...value, reason: event.target.value })}
        />
      </label>
      <label className="field">
        Link to where this comes from (optional)
        <input
          value={value.runUrl}
          maxLength={500}
          spellCheck={false}
          placeholder="https://ci.example.com/job/17"
          onChange={(event) => onChange({ ...value, runUrl: event.target.value })}
        />
      </label>
    </>
  );
}

const whyOf = ({ reason, runUrl }: WhyForm, force: boolean): Why => ({
  ...(reason.trim() ? { reason: reason.trim() } : {}),
  ...(runUrl.trim() ? { run_url: runUrl.trim() } : {}),
  ...(force ? { force } : {}),
});

/** What gates say about the move: what is missing, and folded away what is in order. */
export function GateReport(props: {
  query: { data: GateAnswer | undefined; error: Error | null; isFetching: boolean; refetch: () => unknown };
  what: string;
}) {
  const { query, what } = props;
  const { data } = query;
  if (!data)
    return query.error && !query.isFetching ? (
      <p className="form-error" role="alert">
        {query.error.message}{' '}
        <button type="button" className="link" onClick={() => void query.refetch()}>
          Try again
        </button>
      </p>
    ) : (
      <p className="faint gate-report" role="status">
        Asking the gates…
      </p>
    );
  const missing = data.missing ?? [];
  const met = data.met ?? [];
  return (
    <div className="gate-report" role="status">
      {data.allowed ? (
        <p className="mark-of mark-success">
          <Icon name="check" />
          {met.length > 0 ? `The gate before ${what} misses nothing.` : `No gate is in the way of ${what}.`}
        </p>
      ) : (
        <>
          <p className="mark-of mark-failure">
            <Icon name="lock" />{' '}
            {missing.some((one) => one.version !== undefined)
              ? `What is archived along keeps it from ${what}:`
              : `The gate before ${what} still misses:`}
          </p>
          <GateItems items={missing} />
        </>
      )}
      {met.length > 0 && (
        <details>
          <summary>In order: {met.length}</summary>
          <GateItems items={met} met />
        </details>
      )}
    </div>
  );
}

// --- stages and removal --------------------------------------------------------------------------------------

export function StageDialog(props: { version: ModelVersion; may: May; onClose: () => void }) {
  const { version, may, onClose } = props;
  const now = version.current_stage ?? 'None';
  const [stage, setStage] = useState<string>(
    stages.find((one) => one !== now && one !== 'None') ?? 'Staging',
  );
  const [archive, setArchive] = useState(true);
  const archives = stage === 'Staging' || stage === 'Production';
  const query = useDryRun(
    version.name,
    version.version,
    stage === now
      ? undefined
      : { stage, ...(archives && archive ? { archive_existing_versions: 'true' as const } : {}) },
  );
  const answer = query.data;
  const isGuarded = (answer?.met?.length ?? 0) + (answer?.missing?.length ?? 0) > 0;
  const forbidden = isGuarded && !may.promote;
  return (
    <MoveDialog
      title={`Stage of version ${version.version}`}
      action="Move"
      disabled={stage === now || answer === undefined || forbidden}
      blocked={answer?.allowed === false}
      mayForce={may.force && may.promote}
      subject={stage}
      onLook={() => void query.refetch()}
      onClose={onClose}
      onSubmit={async (why) => {
        await transitionStage(version.name, version.version, stage, archives && archive, why);
        return `Version ${version.version} is in stage ${stage}${why.force ? ', by force' : ''}.`;
      }}
    >
      <p className="faint">
        MLflow calls stages deprecated; aliases do the same and more. Clients that still ask by stage find it
        here.
      </p>
      <label className="field">
        Stage
        <select value={stage} onChange={(event) => setStage(event.target.value)}>
          {stages.map((one) => (
            <option key={one} value={one}>
              {one}
              {one === now ? ' (now)' : ''}
            </option>
          ))}
        </select>
      </label>
      {stage !== now && <GateReport query={query} what={targetLabel({ stage })} />}
      {forbidden && (
        <p className="form-error" role="alert">
          The stage is protected: moving to it needs the right to promote.
        </p>
      )}
      {archives && (
        <label className="check">
          <input type="checkbox" checked={archive} onChange={(event) => setArchive(event.target.checked)} />
          <span>Move every other version in this stage to Archived</span>
        </label>
      )}
    </MoveDialog>
  );
}

export function DeleteAliasDialog(props: {
  name: string;
  alias: string;
  version: string;
  onClose: () => void;
}) {
  const { name, alias, version, onClose } = props;
  const refresh = useRefreshRegistry();
  return (
    <FormDialog
      title="Delete alias"
      action="Delete"
      danger
      onClose={onClose}
      onSubmit={async () => {
        await deleteAlias(name, alias);
        void refresh();
        toast(`@${alias} is gone.`);
      }}
    >
      <p>
        Take <AliasName alias={alias} /> from version {version}? Whoever loads{' '}
        <code>
          models:/{name}@{alias}
        </code>{' '}
        is refused from then on.
      </p>
      <ActorField />
    </FormDialog>
  );
}
