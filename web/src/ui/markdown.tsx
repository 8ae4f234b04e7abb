// Shows the safe, common part of Markdown as elements; whatever it does not know stays text. No HTML is ever made
// from what was stored, and links lead only to http, https and mailto.
import type { ReactNode } from 'react';

export type Block =
  | { kind: 'heading'; level: number; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'list'; ordered: boolean; items: string[] }
  | { kind: 'quote'; text: string }
  | { kind: 'rule' }
  | { kind: 'paragraph'; text: string };

export function readBlocks(source: string): Block[] {
  const blocks: Block[] = [];
  const lines = source.replace(/\r\n?/g, '\n').split('\n');
  let paragraph: string[] = [];
  const flush = () => {
    if (paragraph.length) blocks.push({ kind: 'paragraph', text: paragraph.join('\n') });
    paragraph = [];
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string;
    const heading = /^(#{1,6})\s+(.+?)\s*#*$/.exec(line);
    const item = /^\s*(?:[-*+]|(\d{1,9})[.)])\s+(.*)$/.exec(line);
    if (/^\s*```/.test(line)) {
      flush();
      const code: string[] = [];
      while (++i < lines.length && !/^\s*```/.test(lines[i] as string)) code.push(lines[i] as string);
      blocks.push({ kind: 'code', text: code.join('\n') });
    } else if (heading) {
      flush();
      blocks.push({ kind: 'heading', level: (heading[1] as string).length, text: heading[2] as string });
    } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
      flush();
      blocks.push({ kind: 'rule' });
    } else if (item) {
      flush();
      const ordered = item[1] !== undefined;
      const last = blocks[blocks.length - 1];
      if (last?.kind === 'list' && last.ordered === ordered) last.items.push(item[2] as string);
      else blocks.push({ kind: 'list', ordered, items: [item[2] as string] });
    } else if (/^\s*>/.test(line)) {
      flush();
      const text = line.replace(/^\s*>\s?/, '');
      const last = blocks[blocks.length - 1];
      if (last?.kind === 'quote') last.text += `\n${text}`;
      else blocks.push({ kind: 'quote', text });
    } else if (line.trim() === '') flush();
    else paragraph.push(line);
  }
  flush();
  return blocks;
}

/** The target of a link when it is of a kind that cannot run anything. */
export function safeLink(target: string): string | undefined {
  return /^(https?:\/\/|mailto:)[^\s]+$/i.test(target) ? target : undefined;
}

const inlinePattern =
  /(`[^`]+`)|(\*\*[^*]+\*\*|__[^_]+__)|(\*[^*\s][^*]*\*|\b_[^_]+_\b)|(\[[^\]]+\]\([^)\s]+\))|(https?:\/\/[^\s<>()]+[^\s<>().,;:!?'"])/g;

function inline(text: string): ReactNode[] {
  const parts: ReactNode[] = [];
  let from = 0;
  for (const match of text.matchAll(inlinePattern)) {
    const [whole, code, strong, emphasis, link, bare] = match;
    if (match.index > from) parts.push(text.slice(from, match.index));
    from = match.index + whole.length;
    const key = match.index;
    if (code) parts.push(<code key={key}>{code.slice(1, -1)}</code>);
    else if (strong) parts.push(<strong key={key}>{inline(strong.slice(2, -2))}</strong>);
    else if (emphasis) parts.push(<em key={key}>{inline(emphasis.slice(1, -1))}</em>);
    else {
      const [, words, target] = link ? (/^\[([^\]]+)\]\(([^)\s]+)\)$/.exec(link) ?? []) : [];
      const href = safeLink(target ?? bare ?? '');
      parts.push(
        href ? (
          <a key={key} href={href} rel="noopener noreferrer nofollow" target="_blank">
            {words ?? bare}
          </a>
        ) : (
          whole
        ),
      );
    }
  }
  parts.push(text.slice(from));
  return parts;
}

export function Markdown({ text }: { text: string }) {
  return (
    <div className="markdown">
      {readBlocks(text).map((block, i) => {
        if (block.kind === 'heading')
          return (
            <p key={i} className={`heading heading-${block.level}`}>
              {inline(block.text)}
            </p>
          );
        if (block.kind === 'code')
          return (
            <pre key={i} tabIndex={0} className="scrolls">
              <code>{block.text}</code>
            </pre>
          );
        if (block.kind === 'rule') return <hr key={i} />;
        if (block.kind === 'quote') return <blockquote key={i}>{inline(block.text)}</blockquote>;
        if (block.kind === 'list') {
          const items = block.items.map((item, at) => <li key={at}>{inline(item)}</li>);
          return block.ordered ? <ol key={i}>{items}</ol> : <ul key={i}>{items}</ul>;
        }
        return <p key={i}>{inline(block.text)}</p>;
      })}
    </div>
  );
}
