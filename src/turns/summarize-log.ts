/** What a turn came to, as far as its stored events tell. Pure. */
import type { ToolCall, ToolResult } from '../types/tool-call.ts';
import type { LoggedEvent } from '../types/turn-event.ts';
import { NO_USAGE } from '../types/usage.ts';
import type { TurnSummary } from './translate.ts';

/** The same shape as the summary of a running translation; what only the lost node knew is missing. */
export function summarizeLog(events: readonly LoggedEvent[]): TurnSummary {
  let answer = '';
  let receivedChars = 0;
  const toolCalls: ToolCall[] = [];
  const toolResults: ToolResult[] = [];
  for (const event of events) {
    if (event.type === 'token') answer += event.token;
    if (event.type === 'token') receivedChars += event.token.length;
    if (event.type === 'reasoning') receivedChars += event.delta.length;
    if (event.type === 'turn_complete') answer = event.answer;
    if (event.type === 'tool_call') toolCalls.push(event);
    if (event.type === 'tool_result') toolResults.push(event);
  }
  return {
    answer,
    referencedDocuments: [],
    chunks: [],
    toolCalls,
    toolResults,
    usage: NO_USAGE,
    sawResponseCreated: events.some(({ type }) => type !== 'start' && type !== 'warning'),
    receivedChars,
    responseId: null,
  };
}
