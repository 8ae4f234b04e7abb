// The list of all experiments.
import { useEffect, useMemo, useRef, useState } from 'react';
import {
  createExperiment,
  deleteExperiment,
  renameExperiment,
  restoreExperiment,
  setExperimentTag,
} from '../api/client';
import { useMayCreate, useMayExperiment } from '../api/access';
import { useExperiments, useRefresh, useTitle } from '../api/queries';
import type { Experiment } from '../api/types';
import { plural, formatCount } from '../lib/format';
import { descriptionOf, experimentHref, noteKey } from '../lib/run';
import { compareCells } from '../lib/sort';
import { useRemembered } from '../lib/storage';
import { navigate, setQuery, usePlace } from '../router';
import { FormDialog } from '../ui/dialog';
import { Icon } from '../ui/icons';
import { useMedia } from '../ui/media';
import { Ago, Failure, Loading, SearchField, Segmented } from '../ui/parts';
import { useRowCursor, useVisibleRows } from '../ui/rows';
import { useShortcuts } from '../ui/shortcuts';
import { StartHere } from '../ui/start-here';
import { toast } from '../ui/toast';

type SortKey = 'name' | 'description' | 'created' | 'updated' | 'id';

const columns: { key: SortKey; label: string; className: string }[] = [
  { key: 'name', label: 'Name', className: 'col-name' },
  { key: 'description', label: 'Description', className: 'col-description' },
  { key: 'id', label: 'ID', className: 'col-id' },
  { key: 'created', label: 'Created', className: 'col-created' },
  { key: 'updated', label: 'Last update', className: 'col-updated' },
];

const rowHeight = 40;

type Edit = { kind: 'create' } | { kind: 'rename' | 'describe' | 'delete'; experiment: Experiment };

export function ExperimentsPage() {
  useTitle('Experiments');
  const { query } = usePlace();
  const deleted = query.get('show') === 'deleted';
  const text = query.get('q') ?? '';
  const list = useExperiments(deleted ? 'DELETED_ONLY' : 'ACTIVE_ONLY');
  const [sort, setSort] = useRemembered<{ key: SortKey; descending: boolean }>('experiments.sort', {
    key: 'updated',
    descending: true,
  });
  const [edit, setEdit] = useState<Edit>();
  const mayCreate = useMayCreate();
  const refresh = useRefresh();
  const search = useRef<HTMLInputElement>(null);
  const scrollRef = useRef<HTMLDivElement>(null);

  const rows = useMemo(() => {
    const terms = text.toLowerCase().split(/\s+/).filter(Boolean);
    const matching = (list.data ?? []).filter((experiment) => {
      const all = `${experiment.name} ${descriptionOf(experiment)} ${experiment.experiment_id}`.toLowerCase();
      return terms.every((term) => all.includes(term));
    });
    const cell = (e: Experiment) =>
      ({
        name: e.name,
        description: descriptionOf(e),
        id: e.experiment_id,
        created: e.creation_time,
        updated: e.last_update_time,
      })[sort.key];
    return matching.sort((a, b) => compareCells(cell(a), cell(b), sort.descending));
  }, [list.data, text, sort]);

  const visible = useVisibleRows({ count: rows.length, rowHeight, scrollRef, headHeight: 34 });
  const { cursor, setCursor } = useRowCursor({
    count: rows.length,
    scrollRef,
    scroller: visible.scroller,
    onOpen: (index) => rows[index] && navigate(experimentHref(rows[index].experiment_id)),
  });
  useShortcuts({ '/': () => search.current?.focus() });

  const restore = (experiment: Experiment) => {
    restoreExperiment(experiment.experiment_id).then(
      () => {
        toast(`Restored ${experiment.name}.`);
        void refresh.experiments();
      },
      (cause: Error) => toast(cause.message, 'failed'),
    );
  };

  const onlyDefault = !deleted && list.data?.length === 1 && list.data[0]?.experiment_id === '0';
  const nothing = !deleted && list.data?.length === 0;
  return (
    <div className="page experiments">
      <div className="page-head">
        <div className="page-title">
          <h1>Experiments</h1>
          {list.data && (
            <span className="count" aria-live="polite">
              {text
                ? `${formatCount(rows.length)} of ${formatCount(list.data.length)}`
                : formatCount(list.data.length)}
            </span>
          )}
        </div>
        <div className="bar">
          <SearchField
            inputRef={search}
            value={text}
            onChange={(value) => setQuery({ q: value })}
            label="Search experiments"
            hint
          />
          <Segmented
            label="Which experiments"
            value={deleted ? 'deleted' : 'active'}
            options={[
              { value: 'active', label: 'Active' },
              { value: 'deleted', label: 'Deleted' },
            ]}
            onChange={(value) => setQuery({ show: value === 'deleted' ? 'deleted' : undefined })}
          />
          {mayCreate && (
            <button type="button" className="primary" onClick={() => setEdit({ kind: 'create' })}>
              <Icon name="plus" /> New experiment
            </button>
          )}
        </div>
      </div>
      {list.isError && !list.data ? (
        <Failure
          what="The experiments could not be loaded"
          error={list.error}
          onRetry={() => void list.refetch()}
        />
      ) : !list.data || list.isPlaceholderData ? (
        <Loading />
      ) : rows.length === 0 && !nothing ? (
        <div className="state">
          <h2>{text ? 'No experiment matches' : 'No deleted experiments'}</h2>
          {text ? (
            <button type="button" onClick={() => setQuery({ q: undefined })}>
              Clear the search
            </button>
          ) : (
            <p className="faint">What is deleted waits here and can be restored.</p>
          )}
        </div>
      ) : (
        <div className="table-scroll scrolls" ref={scrollRef}>
          {!nothing && (
            <table className="grid" role="grid" aria-label="Experiments" aria-rowcount={rows.length + 1}>
              <thead>
                <tr aria-rowindex={1}>
                  {columns.map(({ key, label, className }) => (
                    <th
                      key={key}
                      scope="col"
                      className={className}
                      aria-sort={sort.key === key ? (sort.descending ? 'descending' : 'ascending') : 'none'}
                    >
                      <button
                        type="button"
                        className="sort"
                        onClick={() =>
                          setSort({
                            key,
                            descending:
                              sort.key === key ? !sort.descending : key === 'created' || key === 'updated',
                          })
                        }
                      >
                        {label}
                        {sort.key === key && <Icon name={sort.descending ? 'down' : 'up'} />}
                      </button>
                    </th>
                  ))}
                  <th scope="col" className="col-actions">
                    <span className="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                <Spacer height={visible.before} />
                {visible.indexes.map((index) => {
                  const experiment = rows[index];
                  if (!experiment) return null;
                  const about = descriptionOf(experiment);
                  return (
                    <tr
                      key={experiment.experiment_id}
                      data-row={index}
                      aria-rowindex={index + 2}
                      tabIndex={cursor === index || (cursor < 0 && index === 0) ? 0 : -1}
                      onFocus={() => setCursor(index)}
                      className={cursor === index ? 'at' : ''}
                    >
                      <td className="col-name">
                        <a href={experimentHref(experiment.experiment_id)} title={experiment.name}>
                          {experiment.name}
                        </a>
                      </td>
                      <td className="col-description faint" title={about}>
                        {about.split('\n')[0]}
                      </td>
                      <td className="col-id faint">{experiment.experiment_id}</td>
                      <td className="col-created">
                        <Ago ms={experiment.creation_time} />
                      </td>
                      <td className="col-updated">
                        <Ago ms={experiment.last_update_time} />
                      </td>
                      <td className="col-actions">
                        <RowActions experiment={experiment} onEdit={setEdit} onRestore={restore} />
                      </td>
                    </tr>
                  );
                })}
                <Spacer height={visible.after} />
              </tbody>
            </table>
          )}
          {nothing && !mayCreate && !text && (
            <div className="state">
              <h2>There is no experiment that you may see</h2>
              <p className="faint">Somebody who manages one can let you see it; so can an administrator.</p>
            </div>
          )}
          {(onlyDefault || nothing) && mayCreate && !text && (
            <section className="welcome" aria-labelledby="welcome">
              <h2 id="welcome">Log your first experiment</h2>
              <p className="faint">
                Tally speaks the protocol of MLflow: scripts that log there already log here, unchanged.
              </p>
              <StartHere experiment="first-steps" experimentId="0" />
            </section>
          )}
        </div>
      )}
      {edit && (
        <EditDialog
          edit={edit}
          onClose={() => setEdit(undefined)}
          onDone={() => void refresh.experiments()}
        />
      )}
    </div>
  );
}

/** Stands for rows out of sight. It spans no columns: those may be hidden on a small screen. */
export function Spacer({ height }: { height: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden="true" className="spacer">
      <td style={{ height }} />
    </tr>
  );
}

/**
 * What can be done with an experiment. Whether it may be is asked when somebody comes near, not for each of a thousand
 * rows; where nothing can come near, on a touch screen, for those in sight.
 */
function RowActions(props: {
  experiment: Experiment;
  onEdit: (edit: Edit) => void;
  onRestore: (experiment: Experiment) => void;
}) {
  const { experiment, onEdit, onRestore } = props;
  const { name } = experiment;
  const cell = useRef<HTMLSpanElement>(null);
  const touch = useMedia('(hover: none)');
  const [near, setNear] = useState(false);
  useEffect(() => {
    const row = cell.current?.closest('tr');
    const come = () => setNear(true);
    row?.addEventListener('mouseenter', come);
    row?.addEventListener('focusin', come);
    return () => {
      row?.removeEventListener('mouseenter', come);
      row?.removeEventListener('focusin', come);
    };
  }, []);
  const may = useMayExperiment(experiment.experiment_id, near || touch);
  if (experiment.lifecycle_stage === 'deleted')
    return (
      <span ref={cell}>
        {may.remove && (
          <button
            type="button"
            className="quiet"
            aria-label={`Restore ${name}`}
            onClick={() => onRestore(experiment)}
          >
            <Icon name="restore" /> Restore
          </button>
        )}
      </span>
    );
  return (
    <span className="row-actions" ref={cell}>
      {may.edit && (
        <button
          type="button"
          className="quiet icon-only"
          aria-label={`Rename ${name}`}
          title="Rename"
          onClick={() => onEdit({ kind: 'rename', experiment })}
        >
          <Icon name="pencil" />
        </button>
      )}
      {may.remove && (
        <button
          type="button"
          className="quiet icon-only"
          aria-label={`Delete ${name}`}
          title="Delete"
          onClick={() => onEdit({ kind: 'delete', experiment })}
        >
          <Icon name="trash" />
        </button>
      )}
    </span>
  );
}

function EditDialog({ edit, onClose, onDone }: { edit: Edit; onClose: () => void; onDone: () => void }) {
  const old = edit.kind === 'create' ? undefined : edit.experiment;
  const [name, setName] = useState(old?.name ?? '');
  const [about, setAbout] = useState(old ? descriptionOf(old) : '');
  if (edit.kind === 'delete' && old)
    return (
      <FormDialog
        title="Delete experiment"
        action="Delete"
        danger
        onClose={onClose}
        onSubmit={async () => {
          await deleteExperiment(old.experiment_id);
          onDone();
          toast(`Deleted ${old.name}.`, 'done', {
            label: 'Undo',
            run: () => void restoreExperiment(old.experiment_id).then(onDone),
          });
        }}
      >
        <p>
          Delete <strong>{old.name}</strong> with all its runs? They can be restored from the list of deleted
          experiments.
        </p>
      </FormDialog>
    );
  return (
    <FormDialog
      title={old ? 'Rename experiment' : 'New experiment'}
      action={old ? 'Save' : 'Create'}
      onClose={onClose}
      onSubmit={async () => {
        const wanted = name.trim();
        if (!old) {
          const { experiment_id: id } = await createExperiment(wanted, about.trim());
          onDone();
          toast(`Created ${wanted}.`);
          navigate(experimentHref(id));
          return;
        }
        if (wanted !== old.name) await renameExperiment(old.experiment_id, wanted);
        if (about.trim() !== descriptionOf(old))
          await setExperimentTag(old.experiment_id, noteKey, about.trim());
        onDone();
        toast('Saved.');
      }}
    >
      <label className="field">
        Name
        <input
          value={name}
          required
          maxLength={500}
          autoFocus
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <label className="field">
        Description
        <textarea
          rows={4}
          value={about}
          maxLength={5000}
          onChange={(event) => setAbout(event.target.value)}
        />
      </label>
      {!old && <p className="faint">{plural(name.trim().length, 'character')} of at most 500.</p>}
    </FormDialog>
  );
}
