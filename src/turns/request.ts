/** Checks the values of a question and puts it into one normal form. Pure: nothing is looked up here. */
import { createHash } from 'node:crypto';
import { parseConversationId } from '../conversations/conversation-id.ts';
import { AppError } from '../errors.ts';
import { isUuid } from '../lib/ids.ts';
import { isStorable } from '../lib/text.ts';
import type { JsonObject } from '../types/json.ts';
import type { Attachment } from '../types/turn.ts';
import type { BusyPolicy, DisconnectPolicy, StartTurnInput } from './engine.ts';
import { type ParsedAttachment, parseAttachments } from './parse-attachments.ts';

const MAX_QUERY_CHARACTERS = 32_768;
const MAX_KEY_CHARACTERS = 255;

/** A question after checks and defaults, ready to be accepted. */
export interface TurnRequest {
  readonly query: string;
  /** Null: a new conversation. */
  readonly conversationId: string | null;
  readonly provider: string | undefined;
  readonly model: string | undefined;
  readonly systemPrompt: string | null;
  readonly attachments: readonly Attachment[];
  readonly noTools: boolean;
  /** Null: what the backend's configuration says. */
  readonly vectorStoreIds: readonly string[] | null;
  /** Null: every configured shield. */
  readonly shieldIds: readonly string[] | null;
  readonly generateTopicSummary: boolean;
  readonly onDisconnect: DisconnectPolicy;
  readonly whenBusy: BusyPolicy;
  /** As stored: `key:` and the client's own, or `operation:` and a UUID; null when the question has none. */
  readonly idempotencyKey: string | null;
  /** Of everything that makes it this question and not another. */
  readonly fingerprint: string;
}

/** The same before its uploads were fetched. */
export type ParsedRequest = Omit<TurnRequest, 'attachments'> & {
  readonly attachments: readonly ParsedAttachment[];
};

export interface RequestRules {
  readonly disableQuerySystemPrompt: boolean;
}

const refuse = (message: string, explanation?: string): AppError =>
  new AppError('BAD_USER_INPUT', message, explanation === undefined ? {} : { details: { explanation } });

function requireStorable(name: string, text: string): string {
  if (isStorable(text)) return text;
  throw refuse(`${name} contains a NUL character or a lone surrogate`);
}

function parseQuery(text: string): string {
  const { length } = [...text.trim()];
  if (length === 0) throw refuse('query must not be empty');
  if (length > MAX_QUERY_CHARACTERS) {
    throw refuse(`query must have at most ${MAX_QUERY_CHARACTERS} characters`, `It has ${length}`);
  }
  return requireStorable('query', text);
}

function parseKey(input: StartTurnInput): string | null {
  const { clientTurnId, operationId } = input;
  if (clientTurnId === undefined) {
    return operationId !== undefined && isUuid(operationId) ? `operation:${operationId.toLowerCase()}` : null;
  }
  if (clientTurnId === '' || clientTurnId.length > MAX_KEY_CHARACTERS) {
    throw refuse(`clientTurnId must have 1 to ${MAX_KEY_CHARACTERS} characters`);
  }
  return `key:${requireStorable('clientTurnId', clientTurnId)}`;
}

function parseSystemPrompt(text: string | undefined, rules: RequestRules): string | null {
  if (text === undefined) return null;
  if (rules.disableQuerySystemPrompt) {
    throw refuse(
      'System prompt customization is disabled',
      'This server does not take a system prompt from requests; leave systemPrompt out',
    );
  }
  return requireStorable('systemPrompt', text);
}

/** Throws BAD_USER_INPUT; the pair of provider and model is checked where models are chosen. */
export function parseRequest(input: StartTurnInput, rules: RequestRules): ParsedRequest {
  const request = {
    query: parseQuery(input.query),
    conversationId: input.conversationId === undefined ? null : parseConversationId(input.conversationId),
    provider: input.provider,
    model: input.model,
    systemPrompt: parseSystemPrompt(input.systemPrompt, rules),
    attachments: parseAttachments(input.attachments ?? []),
    noTools: input.noTools ?? false,
    vectorStoreIds: input.vectorStoreIds?.map((id) => requireStorable('vectorStoreIds', id)) ?? null,
    shieldIds: input.shieldIds?.map((id) => requireStorable('shieldIds', id)) ?? null,
    generateTopicSummary: input.generateTopicSummary ?? true,
    whenBusy: input.whenBusy ?? 'REJECT',
  };
  const fingerprint = createHash('sha256').update(JSON.stringify(request)).digest('hex');
  return {
    ...request,
    fingerprint,
    onDisconnect: input.onDisconnect ?? 'CONTINUE',
    idempotencyKey: parseKey(input),
  };
}

/** What is stored of the request beside the columns of its own. */
export function toStoredRequest(request: TurnRequest): JsonObject {
  return {
    systemPrompt: request.systemPrompt,
    provider: request.provider ?? null,
    model: request.model ?? null,
    noTools: request.noTools,
    vectorStoreIds: request.vectorStoreIds,
    shieldIds: request.shieldIds,
    generateTopicSummary: request.generateTopicSummary,
    onDisconnect: request.onDisconnect,
    whenBusy: request.whenBusy,
  };
}

/** Whether the stored key is the UUID of a WebSocket operation. */
export function isOperationKey(idempotencyKey: string): boolean {
  return idempotencyKey.startsWith('operation:');
}

/** The client's own key, when the stored key is one. */
export function toClientTurnId(idempotencyKey: string | null): string | null {
  return idempotencyKey?.startsWith('key:') ? idempotencyKey.slice('key:'.length) : null;
}
