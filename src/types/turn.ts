/** A turn: one question until its outcome. */
import type { ErrorCode } from './error-code.ts';
import type { TurnUsage } from './usage.ts';

export const TURN_STATUSES = ['RUNNING', 'COMPLETED', 'FAILED', 'INTERRUPTED'] as const;
export type TurnStatus = (typeof TURN_STATUSES)[number];

export const FINISH_REASONS = [
  'STOP',
  'MAX_OUTPUT_TOKENS',
  'CONTENT_FILTER',
  'REFUSAL',
  'SHIELD_BLOCKED',
  'TOOL_CALLS',
  'APPROVAL_REQUIRED',
  'QUOTA',
  'OTHER',
] as const;
export type FinishReason = (typeof FINISH_REASONS)[number];

export const INTERRUPT_REASONS = [
  'CANCELLED',
  'DISCONNECTED',
  'SERVER_LOST',
  'SUPERSEDED',
  'CONVERSATION_DELETED',
  'SHUTDOWN',
] as const;
export type InterruptReason = (typeof INTERRUPT_REASONS)[number];

/** Why a turn is to end before its time, and who wants it: a viewer's id, or null for the server itself. */
export interface TurnStop {
  readonly reason: InterruptReason;
  readonly actor: string | null;
}

export const ATTACHMENT_TYPES = [
  'alert',
  'api object',
  'configuration',
  'error message',
  'event',
  'log',
  'stack trace',
  'image',
] as const;
export type AttachmentType = (typeof ATTACHMENT_TYPES)[number];

/** Of texts. */
export const CONTENT_TYPES = [
  'text/plain',
  'application/json',
  'application/yaml',
  'application/xml',
] as const;
export type ContentType = (typeof CONTENT_TYPES)[number];

export const IMAGE_TYPES = ['image/png', 'image/jpeg'] as const;
export type ImageType = (typeof IMAGE_TYPES)[number];

export interface TextAttachment {
  readonly kind: 'text';
  readonly attachmentType: Exclude<AttachmentType, 'image'>;
  readonly contentType: ContentType;
  readonly content: string;
}

export interface ImageAttachment {
  readonly kind: 'image';
  readonly contentType: ImageType;
  readonly base64: string;
}

export type Attachment = TextAttachment | ImageAttachment;

/** Why a turn failed, as clients see it. */
export interface TurnError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly cause: string | null;
  readonly retryable: boolean;
  /** Milliseconds, at most 300,000. */
  readonly retryAfterMs: number | null;
  readonly resetAt: Date | null;
  readonly requestId: string;
}

/** A turn as it is stored and shown; its events live in the event log. */
export interface Turn {
  readonly id: string;
  readonly ownerId: string;
  readonly conversationId: string;
  readonly clientTurnId: string | null;
  readonly status: TurnStatus;
  readonly query: string;
  readonly provider: string;
  readonly model: string;
  /** The answer; while running and after a failure, the text received so far as of the last flush. */
  readonly answer: string;
  readonly finishReason: FinishReason | null;
  readonly interruptReason: InterruptReason | null;
  /** The viewer who interrupted it; null when it was not interrupted, or the server did it. */
  readonly interruptedBy: string | null;
  readonly error: TurnError | null;
  readonly truncated: boolean;
  readonly ragChunkCount: number;
  readonly usage: TurnUsage;
  readonly startedAt: Date;
  readonly completedAt: Date | null;
  /** Whether it is stopped when nobody follows it any more. */
  readonly stopsUnfollowed: boolean;
  /** The writer's fence; the epoch of the newest events. */
  readonly fence: number;
  /** Sequence number of the terminal event; 0 while the turn runs. */
  readonly lastSeq: number;
}
