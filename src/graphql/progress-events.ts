/** The events of a turn before its end. */
import type { Parts } from './parts.ts';
import { getTurn, type TurnEventRef, toMemberRef } from './turn-event.ts';
import { untrustedLinks } from './untrusted-links.ts';

export function declareProgress(parts: Parts, turnEvent: TurnEventRef) {
  const start = toMemberRef(parts.builder, 'start').implement({
    description:
      'The turn was accepted. Seeing it, for the first time or again, means: drop what you hold of this turn.',
    interfaces: [turnEvent],
    fields: (t) => ({
      turn: t.field({ type: parts.turn, description: 'The turn as it is stored now.', resolve: getTurn }),
      conversationId: t.exposeID('conversationId', { description: 'Its conversation, new or continued.' }),
      provider: t.exposeString('provider', { description: 'The backend that answers.' }),
      model: t.exposeString('model', { description: 'The model that answers.' }),
    }),
  });
  const token = toMemberRef(parts.builder, 'token').implement({
    description: 'A piece of the answer. The pieces, joined in order, are the answer so far.',
    interfaces: [turnEvent],
    fields: (t) => ({
      chunkId: t.exposeInt('chunkId', { description: 'Counts the pieces of a turn, from 0.' }),
      token: t.exposeString('token', { description: 'The text; empty when the answer is about to begin.' }),
    }),
  });
  const reasoning = toMemberRef(parts.builder, 'reasoning').implement({
    description: "A piece of the model's reasoning, or of its summary. Not part of the answer.",
    interfaces: [turnEvent],
    fields: (t) => ({ delta: t.exposeString('delta', { description: 'The text.' }) }),
  });
  const complete = toMemberRef(parts.builder, 'turn_complete').implement({
    description: 'The answer is complete; it is not yet saved.',
    interfaces: [turnEvent],
    fields: (t) => ({
      answer: t.exposeString('answer', {
        description: 'The whole answer. Put it in the place of the joined tokens.',
      }),
      untrustedLinks: t.stringList(untrustedLinks),
    }),
  });
  return [start, token, reasoning, complete];
}

export function declareToolEvents(parts: Parts, turnEvent: TurnEventRef) {
  const { toolKind, toolStatus } = parts.enums;
  const call = toMemberRef(parts.builder, 'tool_call').implement({
    description: 'A tool is called. Sent once per call, when its arguments are complete.',
    interfaces: [turnEvent],
    fields: (t) => ({
      toolCallId: t.exposeID('toolCallId', { description: "The backend's id of the call." }),
      name: t.exposeString('name', { description: 'Name of the tool.' }),
      args: t.expose('args', { type: 'JSON', description: 'Its arguments.' }),
      kind: t.expose('kind', { type: toolKind, description: 'What sort of tool it is.' }),
    }),
  });
  const result = toMemberRef(parts.builder, 'tool_result').implement({
    description: 'What came of a tool call.',
    interfaces: [turnEvent],
    fields: (t) => ({
      toolCallId: t.exposeID('toolCallId', { description: 'The call.' }),
      status: t.expose('status', { type: toolStatus, description: 'How the call ended.' }),
      rawStatus: t.exposeString('rawStatus', { description: "The backend's own word for the status." }),
      content: t.exposeString('content', {
        description: 'What the tool returned; empty when it returned nothing.',
      }),
      kind: t.expose('kind', { type: toolKind, description: 'What sort of tool it is.' }),
      round: t.exposeInt('round', { description: 'The tool round of the turn, from 1.' }),
    }),
  });
  return [call, result];
}

export function declareNotices(parts: Parts, turnEvent: TurnEventRef) {
  const warning = toMemberRef(parts.builder, 'warning').implement({
    description: 'Something is not as it was asked for. The turn goes on.',
    interfaces: [turnEvent],
    fields: (t) => ({
      warning: t.expose('warning', { type: parts.enums.warningCode, description: 'What it is about.' }),
      message: t.exposeString('message', { description: 'The warning, in a sentence for people.' }),
    }),
  });
  const reset = toMemberRef(parts.builder, 'reset').implement({
    description:
      'Another server has taken the turn over. Forget what came after `discardAfterSeq`: it is sent anew, and may ' +
      'be different.',
    interfaces: [turnEvent],
    fields: (t) => ({
      discardAfterSeq: t.exposeInt('discardAfterSeq', {
        description: 'Sequence number of the last event that still holds.',
      }),
    }),
  });
  return [warning, reset];
}
