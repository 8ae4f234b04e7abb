// Lines of a text that arrives in pieces.

export interface Line {
  text: string;
  /** Counted from 1; undefined for the rest of a line that is too long to be drawn in one piece. */
  number: number | undefined;
}

// What one element may hold before laying it out is felt.
const longest = 4096;

export class Lines {
  readonly list: Line[] = [];
  private rest = '';
  private count = 0;
  /** The end of `rest` continues a line whose beginning is in the list. */
  private within = false;

  /** Takes the next piece; what follows the last line break waits for more, unless nothing follows. */
  push(text: string, last: boolean): void {
    const all = this.rest + text;
    let from = 0;
    for (const match of all.matchAll(/\r\n|\n|\r/g)) {
      // A carriage return at the end may be half of a line break.
      if (match[0] === '\r' && match.index === all.length - 1 && !last) break;
      this.add(all.slice(from, match.index));
      this.within = false;
      from = match.index + match[0].length;
    }
    this.rest = all.slice(from);
    if (last && this.rest !== '') {
      this.add(this.rest);
      this.rest = '';
    } else
      while (this.rest.length > 2 * longest) {
        const end = cut(this.rest, 0);
        this.add(this.rest.slice(0, end));
        this.within = true;
        this.rest = this.rest.slice(end);
      }
  }

  private add(line: string): void {
    for (let from = 0; ;) {
      const end = cut(line, from);
      const starts = from === 0 && !this.within;
      this.list.push({ text: line.slice(from, end), number: starts ? ++this.count : undefined });
      if (end >= line.length) return;
      from = end;
    }
  }
}

/** Where a piece that starts at `from` ends: never between the halves of a character. */
function cut(line: string, from: number): number {
  const end = from + longest;
  if (end >= line.length) return line.length;
  const half = line.charCodeAt(end);
  return half >= 0xdc00 && half < 0xe000 ? end - 1 : end;
}
