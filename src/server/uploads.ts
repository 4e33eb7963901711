/** POST /uploads: who may send, how much at a time, and what is answered. What an upload may hold is the uploads' own business. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authenticate } from '../auth/authenticate.ts';
import type { Config } from '../config/config.ts';
import { AppError } from '../errors.ts';
import {
  type CreateUploadDeps,
  createUpload,
  MAX_UPLOAD_BYTES,
  requireUploader,
  requireUploadType,
  type Upload,
} from '../uploads/uploads.ts';
import { toCredentials } from './credentials.ts';
import type { OriginPolicy } from './origins.ts';
import { json } from './probes.ts';
import { readBytes, requirePlainEncoding } from './request-body.ts';
import { createSlots, type Slots } from './slots.ts';
import type { WholeAnswer } from './use-answers.ts';
import { PREFLIGHT_HEADERS } from './yoga.ts';

export const UPLOADS_PATH = '/uploads';

const METHODS = ['POST', 'OPTIONS'];
const CONTENT_TYPE = /^\s*([\w.+-]+\/[\w.+-]+)\s*(;\s*charset\s*=\s*"?utf-?8"?\s*)?$/i;

export interface UploadEndpointDeps {
  readonly uploads: CreateUploadDeps;
  readonly limits: Pick<Config['limits'], 'uploadsReading' | 'uploadsReadingPerViewer'>;
  readonly origins: OriginPolicy;
  readonly authenticate: Authenticate;
}

export interface UploadEndpoint {
  /** Throws what refuses the request; undefined when the client has left. */
  answer(req: IncomingMessage, res: ServerResponse): Promise<WholeAnswer | undefined>;
}

export function createUploadEndpoint(deps: UploadEndpointDeps): UploadEndpoint {
  const { uploadsReading, uploadsReadingPerViewer } = deps.limits;
  const ofNode = createSlots(uploadsReading);
  const ofViewer = createSlots(uploadsReadingPerViewer);
  return {
    async answer(req, res) {
      allowOrigin(deps.origins, req, res);
      if (requireMethod(req, res) === 'OPTIONS') return toPreflight(req);
      requireScript(req);
      const viewer = await deps.authenticate(toCredentials(req));
      requireUploader(deps.uploads.policy, viewer);
      const contentType = parseContentType(req);
      requirePlainEncoding(req);
      // Until it is stored: so long it is in memory.
      using _ofViewer = take(ofViewer, viewer.id);
      using _ofNode = take(ofNode, '');
      const bytes = await readBytes(req, MAX_UPLOAD_BYTES);
      if (bytes === undefined) return undefined;
      return toCreated(await createUpload(deps.uploads, viewer, { contentType, bytes }));
    },
  };
}

/** Every answer tells the browser that its page may read it, refusals too. */
function allowOrigin(origins: OriginPolicy, req: IncomingMessage, res: ServerResponse): void {
  const { origin, host } = req.headers;
  res.setHeader('vary', 'Origin');
  if (!origins.allows(origin, host)) throw new AppError('FORBIDDEN', 'This origin may not call the server');
  if (origin === undefined) return;
  res.setHeader('access-control-allow-origin', origin);
  res.setHeader('access-control-expose-headers', 'x-request-id, retry-after');
}

function requireMethod(req: IncomingMessage, res: ServerResponse): string {
  const { method = '' } = req;
  if (METHODS.includes(method)) return method;
  res.setHeader('allow', METHODS.join(', '));
  throw new AppError('METHOD_NOT_ALLOWED', `The method ${method} is not supported here`);
}

function toPreflight(req: IncomingMessage): WholeAnswer {
  const asked = req.headers['access-control-request-headers'];
  return {
    status: 204,
    headers: {
      'access-control-allow-methods': 'POST',
      'access-control-max-age': '600',
      ...(asked !== undefined && { 'access-control-allow-headers': String(asked) }),
    },
    body: '',
  };
}

/** A form of a foreign page can send text/plain, but not a header of its own. */
function requireScript(req: IncomingMessage): void {
  if (PREFLIGHT_HEADERS.some((name) => req.headers[name] !== undefined)) return;
  throw new AppError('CSRF_HEADER_REQUIRED', `An upload needs the header ${PREFLIGHT_HEADERS[0]}`);
}

function parseContentType(req: IncomingMessage): string {
  const contentType = CONTENT_TYPE.exec(req.headers['content-type'] ?? '')?.[1]?.toLowerCase() ?? '';
  requireUploadType(contentType);
  return contentType;
}

/** Throws RATE_LIMITED when there is no place. */
function take(slots: Slots, key: string): Disposable {
  const place = slots.take(key);
  if (place) return place;
  throw new AppError('RATE_LIMITED', 'Too many uploads at a time', { details: { retryAfterMs: 1_000 } });
}

function toCreated({ id, byteSize, contentType, expiresAt }: Upload): WholeAnswer {
  return json(201, { uploadId: id, byteSize, contentType, expiresAt: expiresAt.toISOString() });
}
