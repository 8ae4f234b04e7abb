// A file that is read from its beginning as far as somebody wants to see it, and never further.

/** What is made of the text as it arrives. */
export interface TextTaker {
  push(text: string, last: boolean): void;
}

interface Piece {
  bytes: Uint8Array;
  total: number;
  version: string | undefined;
}

/** The first piece of a file; a person sees no more of it at once. */
export const firstBytes = 256 * 1024;
/** Each of the others: a second of a slow line. */
export const nextBytes = 1024 * 1024;

export class Growing<Taker extends TextTaker> {
  loaded = 0;
  total: number | undefined;
  busy = false;
  error: unknown;
  /** The beginning is not text. */
  binary = false;
  /** Changes whenever something else of this does. */
  version = 0;
  private content: string | undefined;
  private decoder: TextDecoder | undefined;
  private stopped: AbortController | undefined;
  private readonly listeners = new Set<() => void>();

  constructor(
    readonly taker: Taker,
    private readonly read: (from: number, count: number, signal: AbortSignal) => Promise<Piece>,
  ) {}

  get complete(): boolean {
    return this.total !== undefined && this.loaded >= this.total;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Reads on; does nothing while it reads, at the end, and in what is not text. */
  readonly more = async (count = this.loaded === 0 ? firstBytes : nextBytes): Promise<void> => {
    if (this.busy || this.complete || this.binary) return;
    const stopped = new AbortController();
    this.stopped = stopped;
    this.busy = true;
    this.error = undefined;
    this.tell();
    try {
      const piece = await this.read(this.loaded, count, stopped.signal);
      if (stopped.signal.aborted) return;
      this.take(piece);
    } catch (cause) {
      if (stopped.signal.aborted) return;
      this.error = cause;
    }
    this.busy = false;
    this.tell();
  };

  /** Ends what is under way; reading can go on later. */
  readonly stop = (): void => {
    this.stopped?.abort();
    this.busy = false;
  };

  private take({ bytes, total, version }: Piece): void {
    if (this.loaded > 0 && (version !== this.content || total !== this.total))
      throw new Error('The file was replaced while it was read.');
    if (bytes.length === 0 && total > this.loaded) throw new Error('The file ends too early.');
    this.content = version;
    this.total = total;
    if (this.loaded === 0) {
      const encoding = encodingOf(bytes);
      if (encoding === undefined) {
        this.binary = true;
        return;
      }
      this.decoder = new TextDecoder(encoding);
    }
    this.loaded += bytes.length;
    this.taker.push(this.decoder?.decode(bytes, { stream: !this.complete }) ?? '', this.complete);
  }

  private tell(): void {
    this.version++;
    for (const listener of this.listeners) listener();
  }
}

/** The encoding by the mark at the beginning, otherwise UTF-8; undefined for what has zero bytes as no text has. */
export function encodingOf(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return bytes.includes(0) ? undefined : 'utf-8';
}

/** Keeps all of the text. */
export class WholeText implements TextTaker {
  text = '';

  push(text: string): void {
    this.text += text;
  }
}
