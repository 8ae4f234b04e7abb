// What is shown of a file that is neither text nor picture: its first bytes.
import { useQuery } from '@tanstack/react-query';
import { readPiece } from '../api/artifacts';
import { hexLines, type Source } from '../lib/artifact';
import { formatBytes } from '../lib/format';
import { Loading } from '../ui/parts';
import { PreviewBar, Trouble } from './parts';
import type { ReactNode } from 'react';

const shownBytes = 256;

export default function Hex(props: { source: Source; path: string; note: string; children?: ReactNode }) {
  const { source, path, note, children } = props;
  const query = useQuery({
    queryKey: ['artifacts', source.kind, source.id, 'hex', path],
    queryFn: ({ signal }) => readPiece(source, path, 0, shownBytes, signal),
  });
  if (query.isError)
    return (
      <Trouble what="The file could not be read" error={query.error} onRetry={() => void query.refetch()} />
    );
  if (!query.data) return <Loading rows={4} />;
  const { bytes, total } = query.data;
  return (
    <>
      <PreviewBar
        note={
          total === 0
            ? 'The file is empty.'
            : `${note} ${total > bytes.length ? `The first ${bytes.length} bytes of ${formatBytes(total)}:` : 'All of its bytes:'}`
        }
      >
        {children}
      </PreviewBar>
      {total > 0 && (
        <pre className="preview-body hex scrolls" tabIndex={0} role="region" aria-label="Bytes">
          {hexLines(bytes).map((line) => (
            <div key={line.offset}>
              <span className="faint">{line.offset}</span>
              {`  ${line.hex.padEnd(49)}  `}
              <span className="hex-text">{line.text}</span>
            </div>
          ))}
        </pre>
      )}
    </>
  );
}
