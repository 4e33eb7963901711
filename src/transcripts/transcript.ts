/** What stands in a transcript. The keys are those of the service that Millrace succeeds, so that its readers read these too. */
import { createHmac } from 'node:crypto';
import type { JsonObject } from '../types/json.ts';
import { UNNAMED } from '../types/tool-call.ts';
import { type Redaction, redact } from './redact.ts';
import type { RecordedTurn } from './store.ts';

export interface TranscriptRules {
  readonly hmacKey: string;
  readonly redactions: readonly Redaction[];
}

/** HMAC-SHA-256 in hex: the same viewer has the same name, and without the key nobody can tell who it is. */
export function hashViewerId(viewerId: string, hmacKey: string): string {
  return createHmac('sha256', hmacKey).update(viewerId).digest('hex');
}

/** The same turn gives the same transcript. */
export function toTranscript(turn: RecordedTurn, { hmacKey, redactions }: TranscriptRules): JsonObject {
  const calls = turn.toolCalls.filter((call) => call.name !== UNNAMED);
  const results = turn.toolCalls.filter((call) => call.status !== null);
  return {
    metadata: {
      provider: turn.provider,
      model: turn.model,
      query_provider: turn.request.provider ?? null,
      query_model: turn.request.model ?? null,
      user_id: hashViewerId(turn.ownerId, hmacKey),
      conversation_id: turn.conversationId,
      turn_id: turn.id,
      status: turn.status,
      timestamp: (turn.completedAt ?? turn.startedAt).toISOString(),
    },
    redacted_query: redact(turn.query, redactions),
    query_is_valid: turn.finishReason !== 'SHIELD_BLOCKED',
    llm_response: turn.answer,
    rag_chunks: turn.chunks.map(({ content, source, score }) => ({ content, source, score })),
    truncated: turn.truncated,
    attachments: turn.attachments.map(({ attachmentType, contentType, content }) => ({
      attachment_type: attachmentType,
      content_type: contentType,
      content,
    })),
    tool_calls: calls.map(({ toolCallId, name, args, kind }) => ({
      id: toolCallId,
      name,
      args,
      type: kind,
    })),
    tool_results: results.map(({ toolCallId, status, rawStatus, content, kind, round }) => ({
      id: toolCallId,
      status,
      raw_status: rawStatus,
      content,
      type: kind,
      round,
    })),
  };
}
