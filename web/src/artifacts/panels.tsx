// The right side of the browser: a folder as a table with all that is known of its entries, a file with its preview.
import { useVirtualizer } from '@tanstack/react-virtual';
import { lazy, Suspense, useEffect, useRef, type ReactNode } from 'react';
import { archiveAddress, fileAddress } from '../api/artifacts';
import type { ArtifactFile } from '../api/types';
import { ancestors, baseName, clientUri, previewKind, type Source } from '../lib/artifact';
import type { FolderState } from '../lib/artifact-tree';
import { formatBytes, formatCount, plural } from '../lib/format';
import { Icon } from '../ui/icons';
import { Ago, Copy, Loading } from '../ui/parts';
import { Digest, iconOf, Trouble } from './parts';

const TextPreview = lazy(() => import('./text'));
const CsvPreview = lazy(() => import('./csv'));
const JsonPreview = lazy(() => import('./json'));
const ImagePreview = lazy(() => import('./image'));
const MarkdownPreview = lazy(() => import('./markdown'));
const Hex = lazy(() => import('./hex'));

/** Where one is: every folder above as a link. */
function Crumbs({ path, hrefOf }: { path: string; hrefOf: (path: string) => string }) {
  return (
    <nav className="path" aria-label="Path">
      <ol>
        {ancestors(path).map((folder) => (
          <li key={folder}>
            <a href={hrefOf(folder)}>{folder === '' ? 'All files' : baseName(folder)}</a>
          </li>
        ))}
        <li>
          <span aria-current="location">{path === '' ? 'All files' : baseName(path)}</span>
        </li>
      </ol>
    </nav>
  );
}

function Uri({ source, path }: { source: Source; path: string }) {
  const uri = clientUri(source, path);
  return (
    <span className="uri">
      <code className="clip" title={uri}>
        {uri}
      </code>
      <Copy text={uri} label="Copy the URI for clients" />
    </span>
  );
}

export function FolderPanel(props: {
  source: Source;
  path: string;
  state: FolderState | undefined;
  hrefOf: (path: string) => string;
  onMore: (folder: string) => void;
  onRetry: (folder: string) => void;
  upload: ReactNode;
  empty: ReactNode;
}) {
  const { source, path, state, hrefOf, onMore, onRetry, upload, empty } = props;
  const files = state?.files;
  const bytes = files?.reduce((sum, file) => sum + (file.file_size ?? 0), 0) ?? 0;
  return (
    <div className="artifact">
      <div className="artifact-head">
        <Crumbs path={path} hrefOf={hrefOf} />
        <div className="artifact-actions">
          {upload}
          {files !== undefined && files.length > 0 && (
            <>
              <a
                className="button"
                href={archiveAddress(source, path, 'tar.gz')}
                title="Download the folder as .tar.gz"
                download
              >
                <Icon name="download" /> <span>.tar.gz</span>
              </a>
              <a
                className="button"
                href={archiveAddress(source, path, 'zip')}
                title="Download the folder as .zip"
                download
              >
                <Icon name="download" /> <span>.zip</span>
              </a>
            </>
          )}
        </div>
        <div className="artifact-facts">
          {files && files.length > 0 && (
            <span>
              {state?.more
                ? `The first ${formatCount(files.length)} entries`
                : plural(files.length, 'entry', 'entries')}
              {bytes > 0 && `, ${formatBytes(bytes)} in its files`}
            </span>
          )}
          <Uri source={source} path={path} />
        </div>
      </div>
      {!files && state?.error !== undefined ? (
        <Trouble what="The folder could not be read" error={state.error} onRetry={() => onRetry(path)} />
      ) : !files ? (
        <Loading rows={6} />
      ) : files.length === 0 ? (
        empty
      ) : (
        <FolderTable files={files} state={state} hrefOf={hrefOf} onMore={() => onMore(path)} />
      )}
    </div>
  );
}

const folderRow = 32;

function FolderTable(props: {
  files: readonly ArtifactFile[];
  state: FolderState | undefined;
  hrefOf: (path: string) => string;
  onMore: () => void;
}) {
  const { files, state, hrefOf, onMore } = props;
  const scroll = useRef<HTMLDivElement>(null);
  const scroller = useVirtualizer<HTMLDivElement, Element>({
    count: files.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => folderRow,
    overscan: 10,
  });
  const items = scroller.getVirtualItems();
  const last = items[items.length - 1];
  const before = items[0]?.start ?? 0;
  const after = last ? Math.max(0, scroller.getTotalSize() - last.end) : 0;
  const wanted =
    state?.more === true && !state.loading && state.error === undefined && last?.index === files.length - 1;
  useEffect(() => {
    if (wanted) onMore();
    // `onMore` is another function each time; what counts is that more came in sight.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [wanted, files.length]);
  return (
    <div
      className="table-scroll scrolls"
      ref={scroll}
      tabIndex={0}
      role="region"
      aria-label="Entries of the folder"
    >
      <table className="grid folder" aria-label="Entries" aria-rowcount={state?.more ? -1 : files.length + 1}>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" className="col-name">
              Name
            </th>
            <th scope="col" className="col-size number">
              Size
            </th>
            <th scope="col" className="col-type">
              Type
            </th>
            <th scope="col" className="col-digest">
              SHA-256
            </th>
            <th scope="col" className="col-created">
              Created
            </th>
          </tr>
        </thead>
        <tbody>
          {before > 0 && (
            <tr className="spacer" aria-hidden="true">
              <td colSpan={5} style={{ height: before }} />
            </tr>
          )}
          {items.map(({ index }) => {
            const file = files[index];
            if (!file) return null;
            const name = baseName(file.path);
            return (
              <tr key={file.path} aria-rowindex={index + 2}>
                <td className="col-name">
                  <span className="name-cell">
                    <Icon name={iconOf(file)} className="tree-icon" />
                    <a href={hrefOf(file.path)} className="clip" title={name}>
                      {name}
                    </a>
                  </span>
                </td>
                <td className="col-size number">
                  {file.is_dir ? (
                    <span className="faint">–</span>
                  ) : (
                    <span title={plural(file.file_size ?? 0, 'byte')}>
                      {formatBytes(file.file_size ?? 0)}
                    </span>
                  )}
                </td>
                <td className="col-type" title={file.content_type}>
                  {file.is_dir ? 'Folder' : (file.content_type ?? '–')}
                </td>
                <td className="col-digest">
                  {file.is_dir ? <span className="faint">–</span> : <Digest sha256={file.sha256} of={name} />}
                </td>
                <td className="col-created">
                  <Ago ms={file.created_at} />
                </td>
              </tr>
            );
          })}
          {after > 0 && (
            <tr className="spacer" aria-hidden="true">
              <td colSpan={5} style={{ height: after }} />
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

export function FilePanel(props: { source: Source; file: ArtifactFile; hrefOf: (path: string) => string }) {
  const { source, file, hrefOf } = props;
  const { path, sha256, content_type: type, created_at: created } = file;
  const size = file.file_size ?? 0;
  return (
    <div className="artifact">
      <div className="artifact-head">
        <Crumbs path={path} hrefOf={hrefOf} />
        <div className="artifact-actions">
          <a className="button" href={fileAddress(source, path)} download={baseName(path)}>
            <Icon name="download" /> Download
          </a>
        </div>
        <div className="artifact-facts">
          <span title={plural(size, 'byte')}>{formatBytes(size)}</span>
          {type && <span>{type}</span>}
          {sha256 && (
            <span>
              SHA-256 <Digest sha256={sha256} of={baseName(path)} />
            </span>
          )}
          {created !== undefined && (
            <span>
              created <Ago ms={created} />
            </span>
          )}
          <Uri source={source} path={path} />
        </div>
      </div>
      <div className="preview">
        <Suspense fallback={<Loading rows={6} />}>
          {/* Another content is another preview: nothing of the one before stays. */}
          <Preview key={`${path}:${sha256 ?? String(size)}`} source={source} file={file} />
        </Suspense>
      </div>
    </div>
  );
}

function Preview({ source, file }: { source: Source; file: ArtifactFile }) {
  const { path, sha256 } = file;
  const size = file.file_size ?? 0;
  const place = { source, path };
  if (size === 0) return <p className="preview-bar">The file is empty.</p>;
  switch (previewKind(path, file.content_type)) {
    case 'text':
      return <TextPreview {...place} />;
    case 'json':
      return <JsonPreview {...place} size={size} />;
    case 'table':
      return <CsvPreview {...place} />;
    case 'image':
      return <ImagePreview {...place} size={size} sha256={sha256} />;
    case 'markdown':
      return <MarkdownPreview {...place} size={size} />;
    case 'html':
      return (
        <TextPreview {...place}>
          <span className="faint">The source: pages are never run here. Download it to open it.</span>
        </TextPreview>
      );
    case 'unknown':
      return <Hex {...place} note="There is no preview of this kind of file." />;
  }
}
