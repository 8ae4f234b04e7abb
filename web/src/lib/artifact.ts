// Names of artifacts: their paths, their order, and what can be shown of them.
import type { ArtifactFile } from '../api/types';
import { naturalOrder } from './group';

/** Whose artifacts: those of a run, of a logged model, or of a version, whose id is "name/number". */
export interface Source {
  kind: 'run' | 'model' | 'version';
  id: string;
}

/** Name and number of a version, which a name cannot be mistaken in: it has no slash. */
export function versionOf(source: Source): { name: string; version: string } {
  const slash = source.id.lastIndexOf('/');
  return { name: source.id.slice(0, slash), version: source.id.slice(slash + 1) };
}

/** The entries of a folder among all files there are, given by their paths. */
export function folderOf(files: readonly ArtifactFile[], folder: string): ArtifactFile[] {
  const before = folder === '' ? '' : `${folder}/`;
  const entries = new Map<string, ArtifactFile>();
  for (const file of files) {
    if (!file.path.startsWith(before)) continue;
    const slash = file.path.indexOf('/', before.length);
    if (slash < 0) entries.set(file.path, file);
    else {
      const path = file.path.slice(0, slash);
      if (!entries.has(path)) entries.set(path, { path, is_dir: true });
    }
  }
  return [...entries.values()];
}

/** The last segment of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The folder that a path is in; the root is the empty path. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

export function joinPath(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** Every folder above a path, the root first. */
export function ancestors(path: string): string[] {
  const above: string[] = [];
  for (let at = path; at !== '';) above.unshift((at = parentOf(at)));
  return above;
}

/** A path as a part of an address: segments escaped, slashes kept. */
export function escapePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** The address by which MLflow's clients know an artifact: runs:/ID/PATH, models:/ID/PATH or models:/NAME/VERSION/PATH. */
export function clientUri(source: Source, path: string): string {
  return `${source.kind === 'run' ? 'runs' : 'models'}:/${source.id}${path === '' ? '' : `/${path}`}`;
}

/**
 * The path below the proxy of what is at `path`, when the artifacts are in this server's own store; undefined when
 * their root is elsewhere.
 */
export function proxyPath(rootUri: string | undefined, path: string): string | undefined {
  const root = /^mlflow-artifacts:\/+(.+?)\/*$/.exec(rootUri ?? '')?.[1];
  if (root === undefined || /^mlflow-artifacts:\/\/[^/]/.test(rootUri ?? '')) return undefined;
  return escapePath(joinPath(root, path).replace(/\/$/, ''));
}

/** Folders first, then by name as people count. */
export function sortFiles(files: readonly ArtifactFile[]): ArtifactFile[] {
  return [...files].sort(
    (a, b) => Number(b.is_dir ?? false) - Number(a.is_dir ?? false) || naturalOrder(a.path, b.path),
  );
}

export type PreviewKind = 'text' | 'json' | 'table' | 'image' | 'markdown' | 'html' | 'unknown';

const byExtension: Record<Exclude<PreviewKind, 'unknown'>, string> = {
  text:
    'txt log err out cfg conf ini properties toml yaml yml xml js mjs cjs ts tsx jsx css py pyi ipynb sh bash r rmd ' +
    'jl c h cc cpp hpp cu go rs java kt scala sql rst tex bib env lock diff patch jsonl ndjson dot proto graphql',
  json: 'json geojson',
  table: 'csv tsv',
  image: 'png jpg jpeg gif webp svg avif bmp ico',
  markdown: 'md markdown',
  html: 'html htm xhtml',
};

const kinds = new Map<string, PreviewKind>();
for (const [kind, extensions] of Object.entries(byExtension))
  for (const extension of extensions.split(' ')) kinds.set(extension, kind as PreviewKind);

const textNames =
  /^(mlmodel|mlproject|dockerfile|makefile|license|readme|notice|\.gitignore|\.gitattributes)$/i;

/** What to try for a file, by its name and then by the type that the server tells. */
export function previewKind(path: string, type: string | undefined): PreviewKind {
  const name = baseName(path);
  if (textNames.test(name)) return 'text';
  const known = kinds.get(/\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? '');
  if (known) return known;
  const [bare = ''] = (type ?? '').toLowerCase().split(';');
  if (/^image\/(png|jpeg|gif|webp|svg\+xml|avif|bmp)$/.test(bare)) return 'image';
  if (bare === 'text/html' || bare === 'application/xhtml+xml') return 'html';
  if (bare === 'application/json') return 'json';
  if (bare === 'text/csv' || bare === 'text/tab-separated-values') return 'table';
  if (bare === 'text/markdown') return 'markdown';
  return bare.startsWith('text/') ? 'text' : 'unknown';
}

/** Lines of a hexadecimal view: offset, sixteen bytes, and those of them that are printable ASCII. */
export function hexLines(bytes: Uint8Array): { offset: string; hex: string; text: string }[] {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = Array.from(bytes.subarray(at, at + 16));
    const hex = part.map((byte, i) => `${i === 8 ? ' ' : ''}${byte.toString(16).padStart(2, '0')}`);
    lines.push({
      offset: at.toString(16).padStart(8, '0'),
      hex: hex.join(' '),
      text: part.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join(''),
    });
  }
  return lines;
}
