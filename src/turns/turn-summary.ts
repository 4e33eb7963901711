/** What a translation has brought so far, as it is stored with the turn. */
import type { RagChunk, ReferencedDocument } from '../types/document.ts';
import type { ToolCall, ToolResult } from '../types/tool-call.ts';
import type { TurnUsage } from '../types/usage.ts';
import { toStreamedAnswer } from './answer-text.ts';
import { toChunks, toReferencedDocuments } from './referenced-documents.ts';
import type { TranslateState } from './translate-state.ts';

export interface TurnSummary {
  /** The final answer, or the tokens so far. */
  readonly answer: string;
  readonly referencedDocuments: readonly ReferencedDocument[];
  readonly chunks: readonly RagChunk[];
  readonly toolCalls: readonly ToolCall[];
  readonly toolResults: readonly ToolResult[];
  /** REPORTED or NONE. */
  readonly usage: TurnUsage;
  readonly sawResponseCreated: boolean;
  /** Characters that the model wrote, for estimating what was not reported. */
  readonly receivedChars: number;
  readonly responseId: string | null;
}

/** Valid at any moment. Walks all sources: made at the end of a turn, not per event. */
export function summarize(state: TranslateState): TurnSummary {
  return {
    answer: state.finalAnswer ?? toStreamedAnswer(state.answer),
    referencedDocuments: toReferencedDocuments(state.sources),
    chunks: toChunks(state.sources),
    toolCalls: state.tools.calls,
    toolResults: state.tools.results,
    usage: state.usage,
    sawResponseCreated: state.sawResponseCreated,
    receivedChars: state.receivedChars,
    responseId: state.responseId,
  };
}
