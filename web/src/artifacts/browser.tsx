// The artifacts of a run or a model: their tree on the left, what is chosen of it on the right.
import { useCallback, useMemo, useRef, useState, type ReactNode } from 'react';
import { uploadAddress } from '../api/artifacts';
import { useFileStat, useFolders } from '../api/folders';
import { ApiError } from '../api/http';
import type { ArtifactFile } from '../api/types';
import { ancestors, baseName, joinPath, parentOf, type Source } from '../lib/artifact';
import { treeRows } from '../lib/artifact-tree';
import { plural } from '../lib/format';
import { navigate } from '../router';
import { FormDialog } from '../ui/dialog';
import { Icon } from '../ui/icons';
import { useMedia } from '../ui/media';
import { Loading } from '../ui/parts';
import { Split } from '../ui/splitter';
import { toast } from '../ui/toast';
import { FilePanel, FolderPanel } from './panels';
import { Trouble } from './parts';
import { Tree } from './tree';
import { UploadList, useUploads } from './uploads';

const root: ArtifactFile = { path: '', is_dir: true };

export default function ArtifactBrowser(props: {
  kind: Source['kind'];
  id: string;
  path: string;
  hrefOf: (path: string) => string;
  /** Files may still be coming. */
  live: boolean;
  /** Nothing can be put here. */
  readOnly: boolean;
  /** Said where there is no file at all. */
  empty: (rootUri: string | undefined) => ReactNode;
}) {
  const { kind, id, path, hrefOf, live, readOnly, empty } = props;
  const source = useMemo<Source>(() => ({ kind, id }), [kind, id]);
  const narrow = useMedia('(max-width: 719px)');
  const [open, setOpen] = useState<ReadonlySet<string>>(() => new Set());

  // The root, the way to what is chosen, and what is unfolded: the chosen one itself once it may be a folder.
  const [folderKnown, setFolderKnown] = useState<string>();
  const paths = useMemo(
    () => [...new Set(['', ...ancestors(path), ...open, ...(folderKnown === path ? [path] : [])])],
    [path, open, folderKnown],
  );
  const folders = useFolders(source, paths, live);
  const { states, rootUri, more, retry, refresh } = folders;

  const beside = states.get(parentOf(path));
  const listed = path === '' ? root : beside?.files?.find((file) => file.path === path);
  const stat = useFileStat(source, path, path !== '' && !listed && beside?.more === true);
  // No file, but perhaps a folder that stands further down in a long list: one that has entries is there.
  const noFile = stat.error instanceof ApiError && stat.error.status === 404;
  const inside = noFile ? states.get(path)?.files : undefined;
  const entry = listed ?? stat.data ?? (inside?.length ? { path, is_dir: true } : undefined);
  if ((entry?.is_dir || noFile) && folderKnown !== path) setFolderKnown(path);

  // Whatever led here, the tree shows where it is; folding it away again is left to the person.
  const unfolded = `${path}\0${String(entry?.is_dir ?? false)}`;
  const [before, setBefore] = useState<string>();
  if (before !== unfolded) {
    setBefore(unfolded);
    const way = [...ancestors(path), ...(entry?.is_dir ? [path] : [])].filter(Boolean);
    if (way.some((one) => !open.has(one))) setOpen(new Set([...open, ...way]));
  }

  const rows = useMemo(() => treeRows(states, open), [states, open]);
  const onFold = useCallback((folder: string, unfold: boolean) => {
    setOpen((now) => {
      const next = new Set(now);
      if (unfold) next.add(folder);
      else next.delete(folder);
      return next;
    });
  }, []);
  const [stuck, setStuck] = useState<ReadonlySet<string>>(() => new Set());
  const onMore = useCallback(
    (folder: string) =>
      more(folder).catch((cause: unknown) => {
        // Without this the list would ask again as long as its end is in sight.
        setStuck((now) => new Set([...now, folder]));
        toast(cause instanceof Error ? cause.message : String(cause), 'failed', {
          label: 'Try again',
          run: () => setStuck((now) => new Set([...now].filter((one) => one !== folder))),
        });
      }),
    [more],
  );
  const readOn = useCallback(
    (folder: string) => {
      if (!stuck.has(folder)) void onMore(folder);
    },
    [stuck, onMore],
  );

  const current = entry?.is_dir ? path : parentOf(path);
  const uploads = useUploads(refresh);
  const canPut = !readOnly && uploadAddress(rootUri, current, 'x') !== undefined;
  const [asked, setAsked] = useState<{ files: File[]; folder: string; taken: string[] }>();
  const start = (files: readonly File[], folder: string) =>
    uploads.start(
      files.flatMap((file) => {
        const url = uploadAddress(rootUri, folder, file.name);
        return url === undefined ? [] : [{ url, file }];
      }),
    );
  const put = (files: File[], folder: string) => {
    const there = new Set(states.get(folder)?.files?.map((file) => file.path));
    const taken = files.map((file) => file.name).filter((name) => there.has(joinPath(folder, name)));
    if (taken.length > 0) setAsked({ files, folder, taken });
    else start(files, folder);
  };
  const onDrop = (data: DataTransfer, folder: string) => {
    const whole = [...data.items].some((item) => item.webkitGetAsEntry()?.isDirectory);
    if (whole) toast('Folders cannot be dropped here; mlflow.log_artifacts sends them.', 'failed');
    else put([...data.files], folder);
  };

  const first = states.get('');
  const nothing = first?.files?.length === 0 && !first.more;
  const panel = () => {
    if (entry?.is_dir)
      return (
        <FolderPanel
          key={path}
          source={source}
          path={path}
          state={states.get(path)}
          hrefOf={hrefOf}
          onMore={readOn}
          onRetry={retry}
          upload={canPut && <UploadButton onFiles={(files) => put(files, path)} />}
          empty={path === '' ? empty(rootUri) : <p className="preview-bar faint">This folder is empty.</p>}
        />
      );
    if (entry) return <FilePanel source={source} file={entry} hrefOf={hrefOf} />;
    const failed = [...ancestors(path), path].find((folder) => states.get(folder)?.error !== undefined);
    if (failed !== undefined)
      return (
        <Trouble
          what="The folder could not be read"
          error={states.get(failed)?.error}
          onRetry={() => retry(failed)}
        />
      );
    if (stat.isError && !noFile)
      return (
        <Trouble what="The file could not be read" error={stat.error} onRetry={() => void stat.refetch()} />
      );
    if (noFile ? !inside : !beside?.files || beside.more) return <Loading rows={6} />;
    return (
      <div className="trouble">
        <h3>There is no {baseName(path)}</h3>
        <p className="faint">{path} may have been removed, or was never logged.</p>
        <a className="button" href={hrefOf('')}>
          All files
        </a>
      </div>
    );
  };

  const tree = (
    <div className="tree-pane">
      <Tree
        label="Files"
        rows={rows}
        folders={states}
        selected={path}
        hrefOf={hrefOf}
        onChoose={(chosen) => {
          if (chosen !== path) navigate(hrefOf(chosen));
        }}
        onFold={onFold}
        onMore={readOn}
        onRetry={retry}
        onDrop={canPut ? onDrop : undefined}
      />
      <UploadList list={uploads.list} onDrop={uploads.drop} />
    </div>
  );
  // On a small screen, and where there is nothing to choose from, the panel is enough: its table leads everywhere.
  const alone = narrow || nothing || first?.files === undefined;
  return (
    <div
      className="artifacts"
      onDragOver={(event) => {
        if (canPut && event.dataTransfer.types.includes('Files')) event.preventDefault();
      }}
      onDrop={(event) => {
        // The tree took what fell on it.
        if (!canPut || event.isDefaultPrevented()) return;
        event.preventDefault();
        onDrop(event.dataTransfer, current);
      }}
    >
      {alone ? (
        <div className="artifact-alone">
          {panel()}
          <UploadList list={uploads.list} onDrop={uploads.drop} />
        </div>
      ) : (
        <Split name="artifacts" label="Width of the tree" initial={30} first={tree} second={panel()} />
      )}
      {asked && (
        <FormDialog
          title={asked.taken.length === 1 ? 'Replace the file?' : 'Replace the files?'}
          action="Replace"
          danger
          onClose={() => setAsked(undefined)}
          onSubmit={() => {
            start(asked.files, asked.folder);
            return Promise.resolve();
          }}
        >
          <p>
            {asked.taken.length === 1 ? (
              <>
                There is a <strong>{asked.taken[0]}</strong> already.
              </>
            ) : (
              `${plural(asked.taken.length, 'file')} of these names are there already: ${asked.taken.slice(0, 5).join(', ')}${asked.taken.length > 5 ? ', …' : ''}.`
            )}{' '}
            The new content takes its place.
          </p>
        </FormDialog>
      )}
    </div>
  );
}

function UploadButton({ onFiles }: { onFiles: (files: File[]) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" onClick={() => input.current?.click()} title="Or drop files here">
        <Icon name="upload" /> Upload
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label="Files to upload"
        onChange={(event) => {
          const files = [...(event.target.files ?? [])];
          event.target.value = '';
          if (files.length > 0) onFiles(files);
        }}
      />
    </>
  );
}
