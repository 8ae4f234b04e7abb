// Markdown by the safe renderer of descriptions, or its source.
import { useState } from 'react';
import type { Source } from '../lib/artifact';
import { formatBytes } from '../lib/format';
import { Markdown } from '../ui/markdown';
import { Segmented } from '../ui/parts';
import { PreviewBar } from './parts';
import TextPreview from './text';
import { Whole } from './whole';

// All of it becomes elements at once.
const most = 512 * 1024;

const views = [
  { value: 'page', label: 'Page' },
  { value: 'source', label: 'Source' },
] as const;

export default function MarkdownPreview(props: { source: Source; path: string; size: number }) {
  const { source, path, size } = props;
  const [view, setView] = useState<'page' | 'source'>('page');
  const choice = <Segmented label="View" value={view} options={views} onChange={setView} />;
  if (view === 'source')
    return (
      <TextPreview source={source} path={path}>
        {choice}
      </TextPreview>
    );
  return (
    <Whole source={source} path={path} size={size} most={most}>
      {(text) => (
        <>
          <PreviewBar note={`Markdown, ${formatBytes(size)}; pictures and HTML are not shown.`}>
            {choice}
          </PreviewBar>
          <div className="preview-body page-text scrolls" tabIndex={0} role="region" aria-label="Page">
            <Markdown text={text} />
          </div>
        </>
      )}
    </Whole>
  );
}
