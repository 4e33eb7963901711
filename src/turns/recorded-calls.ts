/** The tool calls of a turn together with their results, as they are stored. Pure. */
import { type ToolCall, type ToolResult, UNNAMED } from '../types/tool-call.ts';
import type { RecordedToolCall } from './engine.ts';

/**
 * Every call with its result, in order. Before them stand results without a call in this turn, as of an approval that an
 * earlier turn asked for: the call of such a one has no name and no arguments.
 */
export function toRecordedCalls(
  calls: readonly ToolCall[],
  results: readonly ToolResult[],
): readonly RecordedToolCall[] {
  const byCall = new Map(results.map((result) => [result.toolCallId, result]));
  const own = calls.map((call) => ({ call, result: byCall.get(call.toolCallId) ?? null }));
  for (const { toolCallId } of calls) byCall.delete(toolCallId);
  const earlier = [...byCall.values()].map((result) => {
    const { toolCallId, kind } = result;
    return { call: { toolCallId, name: UNNAMED, args: {}, kind }, result };
  });
  return [...earlier, ...own];
}
