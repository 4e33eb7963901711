/** Conversations that a backend keeps itself. When they are used is chooseHistory's matter. */
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { isJsonObject } from '../types/json.ts';
import { ask, type Connection } from './ask.ts';
import type { Backend, UpstreamEvent } from './backend.ts';
import { findStatus, toProtocolError } from './errors.ts';

const PREFIX = 'conv_';

const conversationSchema = z.object({
  id: z
    .string()
    .startsWith(PREFIX)
    .min(PREFIX.length + 1),
});

/** What the backend calls the conversation. */
export function toWireConversation(id: string): string {
  return `${PREFIX}${id}`;
}

export function createConversations(
  connection: Connection,
): Pick<Backend, 'createConversation' | 'deleteConversation'> {
  return {
    createConversation: async (signal) => {
      const body = await ask(connection, { method: 'post', path: '/conversations', body: {} }, signal);
      const conversation = conversationSchema.safeParse(body);
      if (!conversation.success) throw toProtocolError('It opened no conversation.');
      return conversation.data.id.slice(PREFIX.length);
    },
    deleteConversation: async (id, signal) => {
      const path = `/conversations/${encodeURIComponent(toWireConversation(id))}`;
      try {
        await ask(connection, { method: 'delete', path }, signal);
      } catch (error) {
        if (findStatus(error) !== 404) throw error;
      }
    },
  };
}

const GONE_TEXT = /\bconversation\b.{0,120}\b(?:not found|does not exist)/i;

/** Whether a request failed because its conversation is gone, as far as status and words tell. */
export function isConversationGone(error: AppError): boolean {
  const status = findStatus(error);
  return status === 404 || (status === 400 && GONE_TEXT.test(error.details.explanation ?? ''));
}

/** The same of the first event: llama-stack has already answered 200 when it looks for the conversation. */
export function tellsConversationGone(event: UpstreamEvent | undefined): boolean {
  const error = event?.error;
  return isJsonObject(error) && typeof error.message === 'string' && GONE_TEXT.test(error.message);
}

export function toConversationGone(cause?: unknown): AppError {
  return new AppError('NOT_FOUND', "The backend's conversation is gone", { cause });
}
