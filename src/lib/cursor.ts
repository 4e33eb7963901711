/** The opaque cursor of an event: turn, epoch and sequence number. */
import { Buffer } from 'node:buffer';
import { isUuid } from './ids.ts';

export interface Cursor {
  readonly turnId: string;
  readonly epoch: number;
  readonly seq: number;
}

const FORM = /^([A-Za-z0-9_-]{22})\.([0-9a-z]{1,7})\.([0-9a-z]{1,7})$/;
const MAX_INT = 2 ** 31 - 1;

/** The part of a turn's cursors that never changes: made once a turn, not once an event. */
export function toCursorPrefix(turnId: string): string {
  return Buffer.from(turnId.replaceAll('-', ''), 'hex').toString('base64url');
}

export function toCursor(prefix: string, epoch: number, seq: number): string {
  return `${prefix}.${epoch.toString(36)}.${seq.toString(36)}`;
}

/** Undefined when the text is not a cursor. */
export function parseCursor(text: string): Cursor | undefined {
  const match = FORM.exec(text);
  if (!match) return undefined;
  const [, prefix = '', epochText = '', seqText = ''] = match;
  const hex = Buffer.from(prefix, 'base64url').toString('hex');
  const turnId = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  const epoch = Number.parseInt(epochText, 36);
  const seq = Number.parseInt(seqText, 36);
  if (!isUuid(turnId) || epoch > MAX_INT || seq > MAX_INT) return undefined;
  return { turnId, epoch, seq };
}
