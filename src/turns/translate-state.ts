/** The state of a translation as plain data; the rules that change it live in translate.ts. */
import type { ErrorCode } from '../types/error-code.ts';
import type { FinishReason } from '../types/turn.ts';
import type { ProgressBody } from '../types/turn-event.ts';
import { NO_USAGE, type TurnUsage } from '../types/usage.ts';
import { type AnswerText, NO_ANSWER } from './answer-text.ts';
import { type DocumentSources, NO_SOURCES } from './referenced-documents.ts';
import { MAX_CONTENT_BYTES } from './tool-content.ts';
import { startTools, type ToolRounds } from './tool-rounds.ts';

/** How the upstream response ended. */
export type Outcome =
  | { readonly kind: 'finished'; readonly finishReason: FinishReason; readonly truncated: boolean }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly explanation: string | null;
      readonly retryAfterMs?: number;
    };

export interface TranslateState {
  readonly answer: AnswerText;
  /** The canonical answer; null until the response is complete. */
  readonly finalAnswer: string | null;
  readonly refused: boolean;
  /** The first half of a surrogate pair at the end of the reasoning so far, or "". */
  readonly heldReasoning: string;
  readonly tools: ToolRounds;
  readonly sources: DocumentSources;
  readonly usage: TurnUsage;
  readonly sawResponseCreated: boolean;
  readonly responseId: string | null;
  /** Characters of everything that the model wrote: answer, refusal, reasoning, arguments. For estimates. */
  readonly receivedChars: number;
  /** Events of unknown type or without one. */
  readonly ignored: number;
  /** Once it is set, nothing changes any more. */
  readonly outcome: Outcome | null;
}

/** The state after an event, and what clients are told because of it, in order. */
export interface Translated {
  readonly state: TranslateState;
  readonly bodies: readonly ProgressBody[];
}

/** Of a tool's result so many UTF-8 bytes are kept. */
export function startTranslation(maxToolResultBytes = MAX_CONTENT_BYTES): TranslateState {
  return {
    answer: NO_ANSWER,
    finalAnswer: null,
    refused: false,
    heldReasoning: '',
    tools: startTools(maxToolResultBytes),
    sources: NO_SOURCES,
    usage: NO_USAGE,
    sawResponseCreated: false,
    responseId: null,
    receivedChars: 0,
    ignored: 0,
    outcome: null,
  };
}
