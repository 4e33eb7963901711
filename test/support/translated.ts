/** Runs upstream events through the translation and puts the start and the terminal event around what it makes. */
import { MAX_RETRY_AFTER_MS } from '../../src/errors.ts';
import {
  closeTranslation,
  startTranslation,
  summarize,
  type Translated,
  type TranslateState,
  type TurnSummary,
  translate,
} from '../../src/turns/translate.ts';
import type { JsonObject } from '../../src/types/json.ts';
import type { ProgressBody, TerminalBody, TurnEventBody } from '../../src/types/turn-event.ts';

export interface TranslatedTurn {
  readonly state: TranslateState;
  readonly bodies: readonly ProgressBody[];
  readonly summary: TurnSummary;
}

/** The events up to here; the stream stays open. */
export function translateAll(events: readonly JsonObject[], from = startTranslation()): Translated {
  const bodies: ProgressBody[] = [];
  let state = from;
  for (const event of events) {
    const step = translate(state, event);
    state = step.state;
    bodies.push(...step.bodies);
  }
  return { state, bodies };
}

/** A whole stream, closed at its end. */
export function translateTurn(events: readonly JsonObject[]): TranslatedTurn {
  const open = translateAll(events);
  const closed = closeTranslation(open.state);
  return {
    state: closed.state,
    bodies: [...open.bodies, ...closed.bodies],
    summary: summarize(closed.state),
  };
}

export function joinTokens(bodies: readonly ProgressBody[]): string {
  return bodies.map((body) => (body.type === 'token' ? body.token : '')).join('');
}

/** The events of a turn as a follower would see them, with both ends. */
export function toTurnBodies({ state, bodies, summary }: TranslatedTurn): readonly TurnEventBody[] {
  const start = { type: 'start', conversationId: 'c', provider: 'p', model: 'm' } as const;
  return [start, ...bodies, toTerminal(state, summary)];
}

function toTerminal({ outcome }: TranslateState, summary: TurnSummary): TerminalBody {
  if (outcome?.kind === 'finished') {
    return {
      type: 'end',
      referencedDocuments: summary.referencedDocuments,
      ragChunkCount: summary.chunks.length,
      truncated: outcome.truncated,
      finishReason: outcome.finishReason,
      usage: summary.usage,
    };
  }
  return {
    type: 'error',
    error: {
      code: outcome?.code ?? 'INTERNAL_SERVER_ERROR',
      message: outcome?.message ?? 'no outcome',
      cause: outcome?.explanation ?? null,
      retryable: false,
      retryAfterMs: outcome?.retryAfterMs ?? MAX_RETRY_AFTER_MS,
      resetAt: null,
      requestId: 'r',
    },
    usage: summary.usage,
  };
}
