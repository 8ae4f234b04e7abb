// Two versions of a model side by side: parameters and metrics of where they come from, and files by their digests.
import { useMemo, useState } from 'react';
import { useLoggedModel, useRun } from '../api/queries';
import { useManifestFiles, useVersion } from '../api/registry';
import type { Metric, Tag } from '../api/types';
import { formatBytes, formatExact, formatShort, plural, type WireNumber } from '../lib/format';
import type { VersionDetail } from '../lib/registry';
import { versionHref, versionsCompareHref } from '../lib/run';
import {
  changeOf,
  diffFiles,
  diffPairs,
  type DiffLine,
  type FileChange,
  type FileLine,
} from '../lib/version-diff';
import { navigate } from '../router';
import { Icon } from '../ui/icons';
import { Failure, Loading } from '../ui/parts';
import { Card } from './parts';

export function Diff(props: {
  name: string;
  versions: readonly [string, string];
  /** All there are, the newest first, to choose from. */
  known: readonly string[];
}) {
  const { name, versions, known } = props;
  const [only, setOnly] = useState(true);
  const [a, b] = versions;
  const [before, after] = [useVersion(name, a), useVersion(name, b)];
  const failed = [before, after].find((one) => one.isError && !one.data);
  if (failed)
    return (
      <Failure
        what="A version could not be loaded"
        error={failed.error}
        onRetry={() => void failed.refetch()}
      />
    );
  if (!before.data || !after.data) return <Loading />;
  return (
    <div className="version-diff">
      <div className="bar">
        <Choice label="First version" name={name} value={a} known={known} onChange={(next) => [next, b]} />
        <Icon name="chevron" />
        <Choice label="Second version" name={name} value={b} known={known} onChange={(next) => [a, next]} />
        <button
          type="button"
          className="quiet"
          onClick={() => navigate(versionsCompareHref(name, b, a))}
          aria-label="Swap the versions"
        >
          <Icon name="refresh" /> Swap
        </button>
        <label className="toggle">
          <input type="checkbox" checked={only} onChange={(event) => setOnly(event.target.checked)} />
          Only differences
        </label>
      </div>
      <Values before={before.data} after={after.data} only={only} />
      <Files name={name} versions={versions} only={only} />
    </div>
  );
}

function Choice(props: {
  label: string;
  name: string;
  value: string;
  known: readonly string[];
  onChange: (next: string) => [string, string];
}) {
  const { label, name, value, known, onChange } = props;
  const all = known.includes(value) ? known : [value, ...known];
  return (
    <select
      aria-label={label}
      value={value}
      onChange={(event) => navigate(versionsCompareHref(name, ...onChange(event.target.value)))}
    >
      {all.map((one) => (
        <option key={one} value={one}>
          Version {one}
        </option>
      ))}
    </select>
  );
}

interface Origin {
  params: Tag[];
  metrics: Metric[];
  pending: boolean;
}

/** What a version's run and logged model say; what one may not see is left out. */
function useOrigin(detail: VersionDetail): Origin {
  const { run_id: runId = '', model_id: modelId = '' } = detail.model_version;
  const run = useRun(runId, runId !== '');
  const model = useLoggedModel(modelId, modelId !== '');
  return useMemo(() => {
    const pick = <T extends { key: string }>(...lists: (readonly T[] | undefined)[]) => [
      ...new Map(lists.flatMap((list) => list ?? []).map((one) => [one.key, one])).values(),
    ];
    return {
      params: pick(run.data?.data?.params, model.data?.data?.params),
      metrics: pick(run.data?.data?.metrics, model.data?.data?.metrics),
      pending: (runId !== '' && run.isPending) || (modelId !== '' && model.isPending),
    };
  }, [run.data, run.isPending, model.data, model.isPending, runId, modelId]);
}

function Values({ before, after, only }: { before: VersionDetail; after: VersionDetail; only: boolean }) {
  const [a, b] = [useOrigin(before), useOrigin(after)];
  const heads = [before, after].map((one) => ({
    name: one.model_version.name,
    version: one.model_version.version,
  }));
  const sections: { title: string; lines: DiffLine[]; numbers: boolean }[] = [
    { title: 'Parameters', lines: diffPairs(a.params, b.params), numbers: false },
    { title: 'Metrics', lines: diffPairs(a.metrics, b.metrics), numbers: true },
    {
      title: 'Tags',
      lines: diffPairs(before.model_version.tags ?? [], after.model_version.tags ?? []),
      numbers: false,
    },
  ];
  if (a.pending || b.pending) return <Loading rows={4} />;
  return (
    <>
      {sections.map(({ title, lines, numbers }) => {
        const shown = only ? lines.filter((line) => line.differs) : lines;
        return (
          <Card key={title} title={title} count={lines.filter((line) => line.differs).length}>
            {shown.length === 0 ? (
              <p className="faint empty">
                {lines.length === 0
                  ? 'Neither has any.'
                  : `${plural(lines.length, 'entry', 'entries')}, the same in both.`}
              </p>
            ) : (
              <table className="plain diff-table" aria-label={`${title} of both versions`}>
                <thead>
                  <tr>
                    <th scope="col">Key</th>
                    {heads.map((head) => (
                      <th key={head.version} scope="col" className={numbers ? 'number' : undefined}>
                        <a href={versionHref(head.name, head.version)}>Version {head.version}</a>
                      </th>
                    ))}
                    {numbers && (
                      <th scope="col" className="number">
                        Change
                      </th>
                    )}
                  </tr>
                </thead>
                <tbody>
                  {shown.map((line) => (
                    <tr key={line.key} className={line.differs ? 'differs' : undefined}>
                      <th scope="row">
                        {line.key}
                        {line.differs && <span className="visually-hidden"> (differs)</span>}
                      </th>
                      <Value value={line.before} number={numbers} />
                      <Value value={line.after} number={numbers} />
                      {numbers && <Change line={line} />}
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
          </Card>
        );
      })}
    </>
  );
}

function Value({ value, number }: { value: WireNumber | undefined; number: boolean }) {
  if (value === undefined) return <td className={number ? 'number faint' : 'faint'}>–</td>;
  if (!number) return <td className="value">{value}</td>;
  return (
    <td className="number" title={formatExact(value)}>
      {formatShort(value)}
    </td>
  );
}

function Change({ line }: { line: DiffLine }) {
  const change = changeOf(line);
  if (change === undefined || change === 0) return <td className="number faint">–</td>;
  return (
    <td className="number" title={formatExact(change)}>
      {change > 0 ? '+' : ''}
      {formatShort(change)}
    </td>
  );
}

const changeWords: Record<FileChange, string> = {
  added: 'added',
  removed: 'removed',
  changed: 'changed',
  same: 'the same',
};

// More rows than a person reads; their number is said.
const mostFiles = 500;

function Files({
  name,
  versions,
  only,
}: {
  name: string;
  versions: readonly [string, string];
  only: boolean;
}) {
  const [a, b] = [useManifestFiles(name, versions[0]), useManifestFiles(name, versions[1])];
  const lines = useMemo(() => (a.data && b.data ? diffFiles(a.data, b.data) : undefined), [a.data, b.data]);
  const failed = [a, b].find((one) => one.isError);
  const differing = lines?.filter((line) => line.change !== 'same');
  const shown = only ? differing : lines;
  return (
    <Card title="Files" {...(differing ? { count: differing.length } : {})}>
      {failed ? (
        <p className="faint empty">The files cannot be compared: {failed.error?.message}</p>
      ) : !lines || !shown ? (
        <Loading rows={3} />
      ) : shown.length === 0 ? (
        <p className="faint empty">
          {lines.length === 0 ? 'Neither has any.' : `${plural(lines.length, 'file')}, the same in both.`}
        </p>
      ) : (
        <table className="plain diff-table" aria-label="Files of both versions">
          <thead>
            <tr>
              <th scope="col">File</th>
              <th scope="col">What happened</th>
              <th scope="col">Digest</th>
              <th scope="col" className="number">
                Size
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.slice(0, mostFiles).map((line) => (
              <FileRow key={line.path} line={line} />
            ))}
          </tbody>
        </table>
      )}
      {shown && shown.length > mostFiles && (
        <p className="faint empty">
          The first {mostFiles} of {shown.length}.
        </p>
      )}
    </Card>
  );
}

function FileRow({ line }: { line: FileLine }) {
  const { before, after } = line;
  const digests = [before, after].flatMap((one) => (one ? [one.sha256] : []));
  const unique = [...new Set(digests)];
  return (
    <tr className={line.change === 'same' ? undefined : 'differs'}>
      <th scope="row">{line.path}</th>
      <td>
        {changeWords[line.change]}
        {line.movedFrom !== undefined && <span className="faint"> (was {line.movedFrom})</span>}
      </td>
      <td>
        {unique.map((digest, index) => (
          <span key={digest}>
            {index > 0 && ' → '}
            <code title={digest}>{digest.slice(0, 12)}</code>
          </span>
        ))}
      </td>
      <td className="number">
        {before && after && before.size !== after.size ? `${formatBytes(before.size)} → ` : ''}
        {formatBytes((after ?? before)?.size ?? 0)}
      </td>
    </tr>
  );
}
