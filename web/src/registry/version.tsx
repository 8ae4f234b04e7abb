// The page of one version: what it is, where it comes from, what was checked and approved, and what its gates miss.
import { useState } from 'react';
import ArtifactBrowser from '../artifacts/browser';
import { useMayModel } from '../api/access';
import { ApiError } from '../api/http';
import { useTitle } from '../api/queries';
import {
  approve,
  deleteVersion,
  deleteVersionTag,
  describeVersion,
  setVersionTag,
  useAllChecks,
  useRefreshRegistry,
  useRegisteredModel,
  useVersion,
  withdrawApproval,
} from '../api/registry';
import { useIsOpen, useSession, actorKey } from '../api/session';
import { formatShort } from '../lib/format';
import {
  sortedChecks,
  targetLabel,
  type Check,
  type ModelVersion,
  type VersionDetail,
} from '../lib/registry';
import type { May } from '../lib/rights';
import { registeredHref, versionHref } from '../lib/run';
import { recall } from '../lib/storage';
import { navigate } from '../router';
import { Description } from '../ui/description';
import { FormDialog } from '../ui/dialog';
import { Icon } from '../ui/icons';
import { Ago, Copy, Fact, Failure, Loading } from '../ui/parts';
import { Tags } from '../ui/tags';
import { toast } from '../ui/toast';
import { History } from './history';
import { Lineage } from './lineage';
import { StageDialog } from './move';
import { ActorField, AliasName, Card, CheckStatusMark, GateItems, OutLink, Stage } from './parts';
import { PromoteDialog } from './promote';
import { RunLink } from './run-link';

const tabs = [
  { id: '', label: 'Overview' },
  { id: 'files', label: 'Files' },
  { id: 'lineage', label: 'Lineage' },
  { id: 'history', label: 'History' },
] as const;

type TabId = (typeof tabs)[number]['id'];
type Open = 'promote' | 'stage' | 'delete' | 'approve' | 'withdraw';

export function VersionPage(props: { name: string; version: string; tab: string; path: string }) {
  const { name, version, tab, path } = props;
  const shown = tabs.find((one) => one.id === tab) ?? tabs[0];
  const query = useVersion(name, version);
  useTitle(shown.id ? shown.label : undefined, `Version ${version}`, name);
  const gone = query.error instanceof ApiError && query.error.status === 404;
  if (query.isError && (gone || !query.data))
    return (
      <Failure
        what={gone ? 'There is no such version' : 'The version could not be loaded'}
        error={query.error}
        onRetry={() => void query.refetch()}
      />
    );
  if (!query.data) return <Loading />;
  return <Loaded detail={query.data} tab={shown.id} path={path} />;
}

function Loaded({ detail, tab, path }: { detail: VersionDetail; tab: TabId; path: string }) {
  const one = detail.model_version;
  const { name, version } = one;
  const may = useMayModel(name);
  const refresh = useRefreshRegistry();
  const [open, setOpen] = useState<Open>();
  const model = useRegisteredModel(name, open === 'promote');
  const close = () => setOpen(undefined);
  return (
    <div className="page registered version">
      <div className="page-head">
        <div className="page-title">
          <h1>
            <a href={registeredHref(name)}>{name}</a> version {version}
          </h1>
          {(one.aliases ?? []).map((alias) => (
            <AliasName key={alias} alias={alias} />
          ))}
          {one.current_stage && one.current_stage !== 'None' && <Stage stage={one.current_stage} />}
          <span className="page-actions end">
            {(may.edit || may.promote) && (
              <button type="button" className="primary" onClick={() => setOpen('promote')}>
                <Icon name="up" /> Promote
              </button>
            )}
            {may.edit && (
              <button type="button" onClick={() => setOpen('stage')}>
                Stage
              </button>
            )}
            {may.remove && (
              <button
                type="button"
                className="quiet"
                aria-label="Delete version"
                onClick={() => setOpen('delete')}
              >
                <Icon name="trash" /> <span className="wide-only">Delete</span>
              </button>
            )}
          </span>
        </div>
        <Facts version={one} />
        <Description
          text={one.description ?? ''}
          readOnly={!may.edit}
          onSave={(text) => describeVersion(name, version, text).then(() => refresh())}
        />
        <nav className="tabs" aria-label="Parts of the version">
          {tabs.map((each) => (
            <a
              key={each.id}
              href={versionHref(name, version, each.id)}
              aria-current={each.id === tab ? 'page' : undefined}
            >
              {each.label}
            </a>
          ))}
        </nav>
      </div>
      {tab === 'files' ? (
        <div className="page-body whole">
          <ArtifactBrowser
            kind="version"
            id={`${name}/${version}`}
            path={path}
            hrefOf={(to) => versionHref(name, version, 'files', to)}
            live={false}
            // What was checked is what is there.
            readOnly
            empty={() => <p className="no-files faint">This version has no files on this server.</p>}
          />
        </div>
      ) : (
        <div
          className="page-body scrolls"
          tabIndex={0}
          role="region"
          aria-label={tabs.find((each) => each.id === tab)?.label}
        >
          <div className="registry-body">
            {tab === '' && <Overview detail={detail} may={may} onOpen={setOpen} />}
            {tab === 'lineage' && <Lineage name={name} version={version} />}
            {tab === 'history' && <History name={name} version={version} />}
          </div>
        </div>
      )}
      {open === 'promote' && model.data && (
        <PromoteDialog model={model.data} version={version} may={may} onClose={close} />
      )}
      {open === 'stage' && <StageDialog version={one} may={may} onClose={close} />}
      {open === 'approve' && <ApproveDialog version={one} onClose={close} />}
      {open === 'withdraw' && (
        <FormDialog
          title="Withdraw your approval"
          action="Withdraw"
          danger
          onClose={close}
          onSubmit={async () => {
            await withdrawApproval(name, version);
            void refresh();
            toast('Your approval is withdrawn.');
          }}
        >
          <p>Gates that counted it count it no more. What has moved stays where it is.</p>
          <ActorField />
        </FormDialog>
      )}
      {open === 'delete' && (
        <FormDialog
          title="Delete version"
          action="Delete for good"
          danger
          onClose={close}
          onSubmit={async () => {
            await deleteVersion(name, version);
            toast(`Deleted version ${version}.`);
            navigate(registeredHref(name));
            void refresh(name, version);
          }}
        >
          <p>
            Delete version {version} of <strong>{name}</strong>
            {one.aliases?.length
              ? ` and take ${one.aliases.map((alias) => `@${alias}`).join(', ')} from it`
              : ''}
            ? It cannot be brought back, and its number is not used again. Its files stay where they are.
          </p>
          <ActorField />
        </FormDialog>
      )}
    </div>
  );
}

function Facts({ version }: { version: ModelVersion }) {
  const { name, source } = version;
  const uri = `models:/${name}/${version.version}`;
  return (
    <dl className="facts-grid">
      <Fact label="For clients">
        <code>{uri}</code>
        <Copy text={uri} label="Copy the URI for clients" />
      </Fact>
      {version.run_id && (
        <Fact label="Source run">
          <RunLink id={version.run_id} />
        </Fact>
      )}
      <Fact label="Registered">
        <Ago ms={version.creation_timestamp} />
        {version.user_id && <> by {version.user_id}</>}
      </Fact>
      <Fact label="Last update">
        <Ago ms={version.last_updated_timestamp} />
      </Fact>
      {source && (
        <Fact label="Source">
          <span className="uri">
            <code className="clip" title={source}>
              {source}
            </code>
            <Copy text={source} label="Copy the source" />
          </span>
        </Fact>
      )}
      {version.run_link && (
        <Fact label="Link">
          <OutLink href={version.run_link} />
        </Fact>
      )}
      {version.status !== undefined && version.status !== 'READY' && (
        <Fact label="Status">
          <span className="deleted-note">{version.status_message || version.status}</span>
        </Fact>
      )}
    </dl>
  );
}

function Overview(props: { detail: VersionDetail; may: May; onOpen: (open: Open) => void }) {
  const { detail, may, onOpen } = props;
  const { name, version, tags } = detail.model_version;
  const refresh = useRefreshRegistry();
  return (
    <div className="cards two">
      <GateCards detail={detail} />
      <Checks name={name} version={version} checks={detail.checks ?? []} />
      <Approvals detail={detail} may={may} onOpen={onOpen} />
      <Tags
        tags={tags ?? []}
        readOnly={!may.edit}
        onSet={(key, value) => setVersionTag(name, version, key, value)}
        onDelete={(key) => deleteVersionTag(name, version, key)}
        onChanged={() => refresh()}
      />
    </div>
  );
}

function GateCards({ detail }: { detail: VersionDetail }) {
  const gates = detail.gates ?? [];
  return (
    <Card title="Gates" count={gates.length}>
      {gates.length === 0 && (
        <p className="faint empty">
          No gate binds this model. <a href={registeredHref(detail.model_version.name, 'gates')}>Gates</a>
        </p>
      )}
      {gates.map((gate) => (
        <div key={targetLabel(gate)} className="gate-of">
          <p className={`mark-of ${gate.allowed ? 'mark-success' : 'mark-failure'}`}>
            <Icon name={gate.allowed ? 'check' : 'lock'} />
            {targetLabel(gate)}: {gate.allowed ? 'open to this version' : 'closed to this version'}
          </p>
          {!gate.allowed && gate.missing && <GateItems items={gate.missing} />}
        </div>
      ))}
    </Card>
  );
}

// --- checks --------------------------------------------------------------------------------------------------

function Checks({ name, version, checks }: { name: string; version: string; checks: readonly Check[] }) {
  const [whole, setWhole] = useState(false);
  const all = useAllChecks(name, version, whole);
  const shown = whole ? (all.items ?? []) : sortedChecks(checks);
  return (
    <Card
      title="Checks"
      count={checks.length}
      actions={
        checks.length > 0 && (
          <button type="button" className="link" aria-pressed={whole} onClick={() => setWhole(!whole)}>
            {whole ? 'Only the latest' : 'All results'}
          </button>
        )
      }
    >
      {checks.length === 0 && (
        <p className="faint empty">
          None yet. A CI job posts what it found; <a href={registeredHref(name, 'gates')}>gates</a> may ask
          for it.
        </p>
      )}
      {whole && all.isError && (
        <p className="form-error" role="alert">
          {all.error?.message}
        </p>
      )}
      {shown.length > 0 && (
        <table className="plain stacks checks" aria-label={whole ? 'All results of checks' : 'Checks'}>
          <thead>
            <tr>
              <th scope="col">Check</th>
              <th scope="col">Result</th>
              <th scope="col">Value</th>
              <th scope="col">By</th>
              <th scope="col">When</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((one) => (
              <tr key={one.check_id}>
                <th scope="row">
                  {one.url ? <OutLink href={one.url}>{one.name}</OutLink> : one.name}
                  {one.text && <span className="made">{one.text}</span>}
                </th>
                <td data-label="Result">
                  <CheckStatusMark status={one.status} />
                </td>
                <td data-label="Value">
                  {one.value === undefined || one.value === null ? '–' : formatShort(one.value)}
                </td>
                <td data-label="By">{one.actor || '–'}</td>
                <td data-label="When">
                  <Ago ms={one.created_at} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {whole && all.hasNextPage && (
        <p className="more-pages">
          <button type="button" disabled={all.isFetchingNextPage} onClick={() => void all.fetchNextPage()}>
            {all.isFetchingNextPage ? 'Loading…' : 'More'}
          </button>
        </p>
      )}
    </Card>
  );
}

// --- approvals -----------------------------------------------------------------------------------------------

function Approvals(props: { detail: VersionDetail; may: May; onOpen: (open: Open) => void }) {
  const { detail, may, onOpen } = props;
  const approvals = detail.approvals ?? [];
  const isOpen = useIsOpen();
  const user = useSession()?.user?.username;
  const me = isOpen ? recall(actorKey, '').trim() : (user ?? '');
  const given = approvals.some((one) => one.actor === me && me !== '');
  return (
    <Card
      title="Approvals"
      count={approvals.length}
      actions={
        may.use && (
          <span className="bar">
            {!given && (
              <button type="button" onClick={() => onOpen('approve')}>
                <Icon name="check" /> Approve
              </button>
            )}
            {(given || (isOpen && approvals.length > 0)) && (
              <button type="button" onClick={() => onOpen('withdraw')}>
                Withdraw
              </button>
            )}
          </span>
        )
      }
    >
      {approvals.length === 0 ? (
        <p className="faint empty">Nobody has approved this version yet.</p>
      ) : (
        <ul className="approvals">
          {approvals.map((one) => (
            <li key={one.actor}>
              <span className="mark-of mark-success">
                <Icon name="check" />
                <span>
                  <strong>{one.actor}</strong> <Ago ms={one.created_at} />
                  {one.comment && <span className="reason">“{one.comment}”</span>}
                </span>
              </span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function ApproveDialog({ version, onClose }: { version: ModelVersion; onClose: () => void }) {
  const refresh = useRefreshRegistry();
  const [comment, setComment] = useState('');
  return (
    <FormDialog
      title={`Approve version ${version.version}`}
      action="Approve"
      onClose={onClose}
      onSubmit={async () => {
        await approve(version.name, version.version, comment.trim());
        void refresh();
        toast(`You approved version ${version.version}.`);
      }}
    >
      <p>
        Gates that ask for approvals count yours, unless it was you who registered the version. The ledger
        notes it.
      </p>
      <label className="field">
        Comment (optional)
        <textarea
          rows={3}
          maxLength={1000}
          autoFocus
          value={comment}
          onChange={(event) => setComment(event.target.value)}
        />
      </label>
      <ActorField />
    </FormDialog>
  );
}
