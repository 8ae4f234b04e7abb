// Pictures. An SVG in an <img> element runs no script and loads nothing.
import { useState } from 'react';
import { fileAddress } from '../api/artifacts';
import { baseName, type Source } from '../lib/artifact';
import { formatBytes } from '../lib/format';
import { Segmented } from '../ui/parts';
import { PreviewBar, Trouble } from './parts';

// A larger picture is loaded only when somebody asks for it.
const mostUnasked = 20 * 1024 * 1024;

const sizes = [
  { value: 'fit', label: 'Fit' },
  { value: 'full', label: 'Full size' },
] as const;

export default function ImagePreview(props: {
  source: Source;
  path: string;
  size: number;
  sha256: string | undefined;
}) {
  const { source, path, size, sha256 } = props;
  const [asked, setAsked] = useState(size <= mostUnasked);
  const [view, setView] = useState<'fit' | 'full'>('fit');
  const [natural, setNatural] = useState<string>();
  const [failed, setFailed] = useState(0);
  const [attempt, setAttempt] = useState(0);
  if (!asked)
    return (
      <div className="preview-more">
        <button type="button" onClick={() => setAsked(true)}>
          Show the picture ({formatBytes(size)})
        </button>
      </div>
    );
  if (failed > attempt)
    return (
      <Trouble
        what="The picture could not be shown"
        error={new Error('The file is damaged, of another format than its name says, or could not be read.')}
        onRetry={() => setAttempt(failed)}
      />
    );
  // The digest makes a replaced picture another address, so that no cache shows the old one.
  const url = `${fileAddress(source, path)}${sha256 ? `#${sha256}` : ''}`;
  return (
    <>
      <PreviewBar note={[natural, formatBytes(size)].filter(Boolean).join(', ')}>
        <Segmented label="Size" value={view} options={sizes} onChange={setView} />
      </PreviewBar>
      <div className="preview-body picture scrolls" tabIndex={0} role="region" aria-label="Picture">
        <img
          key={attempt}
          src={url}
          alt={baseName(path)}
          className={view}
          onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
            setNatural(naturalWidth ? `${naturalWidth} × ${naturalHeight} px` : undefined)
          }
          onError={() => setFailed(attempt + 1)}
        />
      </div>
    </>
  );
}
