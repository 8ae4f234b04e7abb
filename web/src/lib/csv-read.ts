// Reads rows of CSV or TSV that arrive in pieces (RFC 4180, and what is found beside it).

const separators = [',', ';', '\t', '|'];

/** The separator that is most frequent in the first line, outside of quotes. */
export function guessSeparator(text: string): string {
  const counts = new Map(separators.map((one) => [one, 0]));
  let quoted = false;
  for (const letter of text) {
    if (letter === '"') quoted = !quoted;
    else if (!quoted && (letter === '\n' || letter === '\r')) break;
    else if (!quoted && counts.has(letter)) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  }
  return separators.reduce((best, one) => ((counts.get(one) ?? 0) > (counts.get(best) ?? 0) ? one : best));
}

export class CsvRows {
  /** The first row is the head. */
  readonly rows: string[][] = [];
  /** Cells of the widest row. */
  width = 0;
  private row: string[] = [];
  private field = '';
  private state: 'start' | 'plain' | 'quoted' | 'quote' = 'start';
  /** The piece before ended with a carriage return; a line feed that follows belongs to it. */
  private returned = false;

  constructor(private separator?: string) {}

  push(text: string, last: boolean): void {
    this.separator ??= guessSeparator(text);
    let from = 0;
    for (let i = 0; i < text.length; i++) {
      const letter = text[i];
      if (this.returned) {
        this.returned = false;
        if (letter === '\n') {
          from = i + 1;
          continue;
        }
      }
      if (this.state === 'quoted') {
        if (letter !== '"') continue;
        this.field += text.slice(from, i);
        this.state = 'quote';
        from = i + 1;
      } else if (this.state === 'quote' && letter === '"') {
        // Two quotes inside of quotes are one.
        this.state = 'quoted';
        from = i;
      } else if (letter === this.separator) {
        this.endField(text.slice(from, i));
        from = i + 1;
      } else if (letter === '\n' || letter === '\r') {
        this.endField(text.slice(from, i));
        this.endRow();
        this.returned = letter === '\r';
        from = i + 1;
      } else if (letter === '"' && this.state === 'start') {
        this.state = 'quoted';
        from = i + 1;
      } else this.state = 'plain';
    }
    this.field += text.slice(from);
    if (last && (this.field !== '' || this.row.length > 0 || this.state !== 'start')) {
      this.endField('');
      this.endRow();
    }
  }

  private endField(rest: string): void {
    this.row.push(this.field + rest);
    this.field = '';
    this.state = 'start';
  }

  private endRow(): void {
    // A line without anything is no row.
    if (this.row.length > 1 || this.row[0] !== '') {
      this.rows.push(this.row);
      this.width = Math.max(this.width, this.row.length);
    }
    this.row = [];
  }
}
