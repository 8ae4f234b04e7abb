// Artifacts of runs and of logged models: their lists, their bytes by ranges, and files put beside them.
import {
  escapePath,
  folderOf,
  joinPath,
  proxyPath,
  sortFiles,
  versionOf,
  type Source,
} from '../lib/artifact';
import { workspace } from '../lib/workspace';
import {
  ApiError,
  address,
  errorFrom,
  fetchFile,
  getTally,
  guarded,
  mlflowAddress,
  tallyAddress,
} from './http';
import type { ManifestFile } from '../lib/version-diff';
import type { ArtifactFile } from './types';

// One answer holds all files of nearly every folder; more come as the list is scrolled.
const pageSize = 1000;

export interface FolderPage {
  root_uri?: string;
  files?: ArtifactFile[];
  next_page_token?: string;
}

/** What is known of a folder so far, in the order in which it is shown. */
export interface Folder {
  rootUri: string | undefined;
  files: ArtifactFile[];
  /** Where the list goes on; undefined when it is complete. */
  token: string | undefined;
}

const named = (source: Source) => ({ [source.kind === 'run' ? 'run_id' : 'model_id']: source.id });

/** All files of a version; its manifest is the list of them that its readers may see. */
export async function readManifest(source: Source, signal?: AbortSignal): Promise<ManifestFile[]> {
  const { name, version } = versionOf(source);
  const path = `registered-models/${encodeURIComponent(name)}/versions/${version}/manifest`;
  const { document } = await getTally<{ document: string }>(path, {}, signal);
  return (JSON.parse(document) as { files?: ManifestFile[] }).files ?? [];
}

/** Reads a folder from its beginning or from a token on, until there are so many entries or no more. */
export async function readFolder(
  source: Source,
  path: string,
  wanted: number,
  before: Folder | undefined,
  signal?: AbortSignal,
): Promise<Folder> {
  if (source.kind === 'version') {
    const all = (await readManifest(source, signal)).map(({ path: at, size, sha256 }): ArtifactFile => ({
      path: at,
      file_size: size,
      sha256,
    }));
    return { rootUri: undefined, files: sortFiles(folderOf(all, path)), token: undefined };
  }
  const files = [...(before?.files ?? [])];
  let { token, rootUri } = before ?? { token: undefined, rootUri: undefined };
  do {
    const query = {
      ...named(source),
      path: path || undefined,
      page_token: token,
      max_results: pageSize,
    };
    const page = await getTally<FolderPage>('artifacts', query, signal);
    files.push(...(page.files ?? []));
    rootUri = page.root_uri ?? rootUri;
    token = page.next_page_token || undefined;
  } while (token !== undefined && files.length < wanted);
  return { rootUri, files: sortFiles(files), token };
}

// Links and pictures carry no headers: these name the workspace in their address.
const inWorkspace = { 'x-mlflow-workspace': workspace };

/** Where the bytes of a file are. */
export function fileAddress(source: Source, path: string): string {
  if (source.kind === 'version')
    return address('model-versions/get-artifact', { ...versionOf(source), path, ...inWorkspace });
  return source.kind === 'run'
    ? address('get-artifact', { run_id: source.id, path, ...inWorkspace })
    : mlflowAddress(`logged-models/${encodeURIComponent(source.id)}/artifacts/files`, {
        artifact_file_path: path,
        ...inWorkspace,
      });
}

export type ArchiveFormat = 'tar.gz' | 'zip';

/** Where a folder is as one file. */
export function archiveAddress(source: Source, path: string, format: ArchiveFormat): string {
  if (source.kind === 'version') {
    const { name, version } = versionOf(source);
    const root = `download/models/${encodeURIComponent(name)}/${version}`;
    // A download names its format by what it ends with.
    return address(`${path === '' ? root : `${root}/${escapePath(path)}`}.${format}`, inWorkspace);
  }
  return tallyAddress('artifacts/archive', {
    ...named(source),
    path: path || undefined,
    format,
    ...inWorkspace,
  });
}

export interface Piece {
  bytes: Uint8Array;
  /** Size of the whole file. */
  total: number;
  /** Names this content of the file: another one means that the file was replaced. */
  version: string | undefined;
}

/** Some bytes of a file, fewer where it ends. */
export async function readPiece(
  source: Source,
  path: string,
  from: number,
  count: number,
  signal?: AbortSignal,
): Promise<Piece> {
  const range = `bytes=${from}-${from + count - 1}`;
  let response: Response;
  try {
    response = await fetchFile(fileAddress(source, path), 'GET', { Range: range }, signal);
  } catch (cause) {
    // No file has a byte 0 when it is empty.
    if (from === 0 && cause instanceof ApiError && cause.status === 416)
      return { bytes: new Uint8Array(), total: 0, version: undefined };
    throw cause;
  }
  const version = response.headers.get('ETag') ?? undefined;
  if (response.status === 206) {
    const bytes = new Uint8Array(await response.arrayBuffer());
    const total = Number(/\/(\d+)$/.exec(response.headers.get('Content-Range') ?? '')?.[1]);
    if (!Number.isSafeInteger(total))
      throw new ApiError(206, 'BAD_ANSWER', 'The server does not say how long the file is.');
    return { bytes, total, version };
  }
  return { ...(await readWhole(response, from, count)), version };
}

/** Something on the way ignored the range: read no more of the answer than what was asked for. */
async function readWhole(response: Response, from: number, count: number) {
  const told = response.headers.get('Content-Length');
  const bytes = new Uint8Array(count);
  let at = 0;
  const reader = response.body?.getReader();
  while (reader && at < from + count) {
    const { done, value } = await reader.read();
    if (done) break;
    const part = value.subarray(Math.max(0, from - at), Math.max(0, from + count - at));
    bytes.set(part, Math.max(0, at - from));
    at += value.length;
  }
  await reader?.cancel();
  const length = Math.max(0, Math.min(count, at - from));
  return { bytes: bytes.subarray(0, length), total: told === null ? at : Number(told) };
}

/** What the server says of a single file, for one that is on no page of its folder that was read yet. */
export async function statFile(source: Source, path: string, signal?: AbortSignal): Promise<ArtifactFile> {
  const { headers } = await fetchFile(fileAddress(source, path), 'HEAD', {}, signal);
  const digest = /^"?([0-9a-f]{64})"?$/.exec(headers.get('ETag') ?? '')?.[1];
  const modified = Date.parse(headers.get('Last-Modified') ?? '');
  const type = headers.get('Content-Type');
  return {
    path,
    is_dir: false,
    file_size: Number(headers.get('Content-Length') ?? 0),
    ...(digest === undefined ? {} : { sha256: digest }),
    ...(type === null ? {} : { content_type: type }),
    ...(Number.isNaN(modified) ? {} : { created_at: modified }),
  };
}

/** Where a file goes when it is put into a folder; undefined when the artifacts are not in this server's store. */
export function uploadAddress(rootUri: string | undefined, folder: string, name: string): string | undefined {
  const path = proxyPath(rootUri, joinPath(folder, name));
  return path === undefined ? undefined : `ajax-api/2.0/mlflow-artifacts/artifacts/${path}`;
}

/** The same for a client outside of the page. */
export function clientUploadAddress(server: string, rootUri: string | undefined, name: string) {
  const path = proxyPath(rootUri, '');
  return path === undefined
    ? undefined
    : `${server}/api/2.0/mlflow-artifacts/artifacts/${path}/${escapePath(name)}`;
}

/**
 * Sends a file of the person's disk as it is, in constant memory; fetch tells nothing of its progress, so this is the
 * older interface.
 */
export function upload(
  url: string,
  file: Blob,
  onProgress: (sent: number) => void,
  signal: AbortSignal,
): Promise<void> {
  return guarded('PUT', signal, (headers) => uploadOnce(url, file, headers, onProgress, signal));
}

function uploadOnce(
  url: string,
  file: Blob,
  headers: Record<string, string>,
  onProgress: (sent: number) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', url);
    request.setRequestHeader('Content-Type', file.type || 'application/octet-stream');
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onload = () =>
      request.status >= 200 && request.status < 300
        ? resolve()
        : reject(errorFrom(request.status, request.responseText));
    request.onerror = () => reject(new ApiError(0, 'UNREACHABLE', 'The connection broke off.'));
    request.onabort = () => reject(new DOMException('Stopped', 'AbortError'));
    signal.addEventListener('abort', () => request.abort());
    request.send(file);
  });
}
