/** Uploads: what is too large for a GraphQL request waits here, for an hour, until its owner refers to it. */
import type { Policy } from '../auth/policy.ts';
import { requireAction } from '../auth/policy.ts';
import type { Config } from '../config/config.ts';
import type { Database } from '../db/client.ts';
import { AppError } from '../errors.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { isUuid, newId } from '../lib/ids.ts';
import { hasSignature } from '../lib/image-signature.ts';
import { CONTENT_TYPES, IMAGE_TYPES } from '../types/turn.ts';
import type { Viewer } from '../types/viewer.ts';
import {
  countLive,
  deleteExpired,
  insertUpload,
  lockUploads,
  selectBytes,
  selectFacts,
  type UploadFacts,
} from './store.ts';

export interface UploadDeps {
  readonly database: Database;
}

/** What uploading needs beside: nobody fills the database who could not use what they upload. */
export interface CreateUploadDeps extends UploadDeps {
  readonly policy: Policy;
  readonly limits: Pick<Config['limits'], 'uploadsPerViewer'>;
}

export interface NewUploadInput {
  /** A media type without parameters. */
  readonly contentType: string;
  readonly bytes: Buffer;
}

export type Upload = UploadFacts;

export interface LoadedUpload extends Upload {
  readonly bytes: Buffer;
}

export const MAX_UPLOAD_BYTES = 10 * 1024 * 1024;
/** Of all uploads that one request may refer to, as often as it does. */
const MAX_LOADED_BYTES = 20 * 1024 * 1024;

const IMAGES: readonly string[] = IMAGE_TYPES;
const UPLOAD_TYPES: readonly string[] = [...CONTENT_TYPES, 'text/markdown', 'text/html', ...IMAGES];
/** Expired uploads that one upload sweeps away: more than it adds, so that none pile up. */
const SWEEP = 10;

/** Throws UNSUPPORTED_MEDIA_TYPE, naming what may be uploaded. */
export function requireUploadType(contentType: string): void {
  if (UPLOAD_TYPES.includes(contentType)) return;
  throw new AppError('UNSUPPORTED_MEDIA_TYPE', `The content type must be one of ${UPLOAD_TYPES.join(', ')}`);
}

/** Throws FORBIDDEN to a viewer who may neither ask nor import documents. */
export function requireUploader(policy: Policy, viewer: Viewer): void {
  const { can } = policy;
  if (can(viewer, 'STREAMING_QUERY') || can(viewer, 'MANAGE_DOCUMENTS')) return;
  requireAction(policy, viewer, 'QUERY');
}

/**
 * Keeps the bytes for an hour. Throws FORBIDDEN, UNSUPPORTED_MEDIA_TYPE, PAYLOAD_TOO_LARGE, BAD_USER_INPUT when they are
 * not what the content type says, and RATE_LIMITED when the viewer has as many uploads as one may have.
 */
export async function createUpload(
  deps: CreateUploadDeps,
  viewer: Viewer,
  { contentType, bytes }: NewUploadInput,
): Promise<Upload> {
  requireUploader(deps.policy, viewer);
  requireUploadType(contentType);
  requireContent(contentType, bytes);
  const { uploadsPerViewer } = deps.limits;
  await deps.database.asWorker((tx) => deleteExpired(tx, SWEEP));
  return deps.database.asViewer(viewer, async (tx) => {
    await lockUploads(tx);
    if ((await countLive(tx)) >= uploadsPerViewer) throw tooMany(uploadsPerViewer);
    const stored = await insertUpload(tx, { id: newId(), contentType, bytes });
    if (stored === undefined) throw new TypeError('an inserted row comes back');
    return stored;
  });
}

/** Throws NOT_FOUND when it is not there, not the viewer's, or past its time. */
export async function getUpload(deps: UploadDeps, viewer: Viewer, id: string): Promise<LoadedUpload> {
  const [upload] = await getUploads(deps, viewer, [id]);
  if (upload === undefined) throw notFound(id);
  return upload;
}

/**
 * The uploads in the order of the ids, of which one may occur again. Throws NOT_FOUND like `getUpload`, and BAD_USER_INPUT,
 * before any bytes are loaded, when they are too large together.
 */
export async function getUploads(
  deps: UploadDeps,
  viewer: Viewer,
  ids: readonly string[],
): Promise<readonly LoadedUpload[]> {
  if (ids.length === 0) return [];
  const malformed = ids.find((id) => !isUuid(id));
  if (malformed !== undefined) throw notFound(malformed);
  return deps.database.asViewer(viewer, async (tx) => {
    const known = [...new Set(ids.map((id) => id.toLowerCase()))];
    const facts = await selectFacts(tx, known);
    const found = ids.map((id) => facts.get(id.toLowerCase()) ?? id);
    const missing = found.find((upload) => typeof upload === 'string');
    if (missing !== undefined) throw notFound(missing);
    const uploads = found.filter((upload) => typeof upload !== 'string');
    requireLoadable(uploads);
    const bytes = await selectBytes(tx, known);
    return uploads.map((upload) => ({ ...upload, bytes: bytes.get(upload.id) ?? gone(upload.id) }));
  });
}

/** Has this node delete uploads that are past their time, though nobody makes new ones. */
export function registerUploadSweep(
  jobs: Pick<Jobs, 'work'>,
  { database }: { readonly database: Database },
): void {
  jobs.work('sweep-uploads', async (_, signal) => {
    let deleted = SWEEP;
    while (deleted === SWEEP && !signal.aborted) {
      deleted = await database.asWorker((tx) => deleteExpired(tx, SWEEP));
    }
  });
}

/** The text of an upload. Throws BAD_USER_INPUT when it is an image. */
export function toUploadText({ id, contentType, bytes }: LoadedUpload): string {
  if (!IMAGES.includes(contentType)) return decodeText(bytes);
  throw new AppError('BAD_USER_INPUT', 'Invalid attribute value', {
    details: { explanation: `The upload ${id} is ${contentType}, not a text` },
  });
}

function requireContent(contentType: string, bytes: Buffer): void {
  if (bytes.length === 0) throw refuse('The upload is empty');
  if (bytes.length > MAX_UPLOAD_BYTES) {
    throw new AppError('PAYLOAD_TOO_LARGE', `The upload is larger than ${MAX_UPLOAD_BYTES} bytes`);
  }
  if (!IMAGES.includes(contentType)) requireText(bytes);
  else if (!hasSignature(contentType, bytes))
    throw refuse(`The upload is not ${contentType}: it begins otherwise`);
}

function requireText(bytes: Buffer): void {
  decodeText(bytes);
  if (bytes.includes(0)) throw refuse('The upload contains a NUL character');
}

/** As it is, with the byte order mark that it may begin with. */
function decodeText(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new AppError('BAD_USER_INPUT', 'The upload is not UTF-8', { cause });
  }
}

function requireLoadable(uploads: readonly UploadFacts[]): void {
  const size = uploads.reduce((sum, { byteSize }) => sum + byteSize, 0);
  if (size <= MAX_LOADED_BYTES) return;
  throw refuse(`Uploads must have at most ${MAX_LOADED_BYTES} bytes together`, `They have ${size}`);
}

const refuse = (message: string, explanation?: string): AppError =>
  new AppError('BAD_USER_INPUT', message, explanation === undefined ? {} : { details: { explanation } });

function tooMany(limit: number): AppError {
  return new AppError('RATE_LIMITED', `At most ${limit} uploads are kept at a time`, {
    details: { explanation: 'Each is deleted an hour after it was made', retryAfterMs: 300_000 },
  });
}

/** It was swept away between the two statements. */
function gone(id: string): never {
  throw notFound(id);
}

function notFound(id: string): AppError {
  return new AppError('NOT_FOUND', 'Upload not found', {
    details: { explanation: `Upload with ID ${id} does not exist or has expired` },
  });
}
