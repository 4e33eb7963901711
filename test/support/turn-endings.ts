/** The ways in which a turn can end, and those of them that are the backend's doing. */
import type { StartTurnInput } from '../../src/turns/engine.ts';
import type { Turn } from '../../src/types/turn.ts';
import type { TurnEvent } from '../../src/types/turn-event.ts';
import type { Viewer } from '../../src/types/viewer.ts';
import { type Script, status, stream, textResponse } from './fake-backend-script.ts';

const TEXT = 'One two three four five six seven eight nine ten.';
const REPORT = { inputTokens: 30, outputTokens: 12 };
export const events = textResponse(TEXT, { usage: REPORT });
/** The response has begun; the first pieces of text have come. */
export const [BEGUN, SPOKEN] = [1, 8];
export interface Started {
  readonly viewer: Viewer;
  readonly turn: Turn;
}

export interface Ending {
  readonly what: string;
  /** Absent: the backend is not to be asked. */
  readonly script?: Script;
  readonly input?: Partial<StartTurnInput>;
  /** What ends the turn, where it is not the backend. */
  readonly stop?: (started: Started) => Promise<unknown>;
  /** What is to be told first. */
  readonly until?: (seen: readonly TurnEvent[]) => boolean;
  readonly turn: object;
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | 'ESTIMATED' | 'NONE';
}

/** A response object at the end of a stream that says something else than usual. */
function endedBy(type: string, response: Record<string, unknown>): Script {
  const last = {
    type,
    response: { id: 'resp_1', status: type.slice('response.'.length), output: [], ...response },
  };
  return stream([...events.slice(0, -1), last] as typeof events);
}

const failed = (code: string) => ({ status: 'FAILED', error: { code } });

export const BACKEND_ENDINGS: readonly Ending[] = [
  { what: 'completed', script: stream(events), turn: { status: 'COMPLETED' }, usage: REPORT },
  {
    what: 'completed without a report',
    script: endedBy('response.completed', { usage: null }),
    turn: { status: 'COMPLETED' },
    usage: 'ESTIMATED',
  },
  {
    what: 'completed with half a report',
    script: endedBy('response.completed', { usage: { input_tokens: 4 } }),
    turn: { status: 'COMPLETED' },
    usage: 'ESTIMATED',
  },
  {
    what: 'completed with a negative report',
    script: endedBy('response.completed', { usage: { input_tokens: -4, output_tokens: 10 } }),
    turn: { status: 'COMPLETED' },
    usage: 'ESTIMATED',
  },
  {
    what: 'completed with a report beyond the window',
    script: endedBy('response.completed', { usage: { input_tokens: 900_000_000, output_tokens: 10 } }),
    turn: { status: 'COMPLETED' },
    usage: 'ESTIMATED',
  },
  {
    what: 'incomplete',
    script: endedBy('response.incomplete', {
      incomplete_details: { reason: 'max_output_tokens' },
      usage: { input_tokens: 30, output_tokens: 12 },
    }),
    turn: { status: 'COMPLETED', finishReason: 'MAX_OUTPUT_TOKENS', truncated: true },
    usage: REPORT,
  },
  {
    what: 'refused by the model',
    script: stream(
      events.map((event) =>
        event.type === 'response.output_text.delta' ? { ...event, type: 'response.refusal.delta' } : event,
      ),
    ),
    turn: { status: 'COMPLETED', finishReason: 'REFUSAL' },
    usage: REPORT,
  },
  {
    what: 'failed before the first event',
    script: status(500, { error: { message: 'oops' } }),
    turn: failed('BACKEND_ERROR'),
    usage: 'NONE',
  },
  {
    what: 'refused by the backend for its own limits',
    script: status(429, { error: { message: 'slow down' } }),
    turn: failed('RATE_LIMITED'),
    usage: 'NONE',
  },
  {
    what: 'failed after the first event',
    script: endedBy('response.failed', { error: { code: 'server_error', message: 'oops' }, usage: null }),
    turn: { status: 'FAILED' },
    usage: 'ESTIMATED',
  },
  {
    what: 'failed with a report',
    script: endedBy('response.failed', {
      error: { code: 'server_error', message: 'oops' },
      usage: { input_tokens: 30, output_tokens: 12 },
    }),
    turn: { status: 'FAILED' },
    usage: REPORT,
  },
  {
    what: 'broken off in the text',
    script: { ...stream(events), breaks: { after: SPOKEN, how: 'reset' } },
    turn: failed('BACKEND_PROTOCOL'),
    usage: 'ESTIMATED',
  },
  {
    what: 'past its allowance',
    script: stream(textResponse('word '.repeat(20_000))),
    turn: { status: 'COMPLETED', finishReason: 'QUOTA', truncated: true },
    usage: 'ESTIMATED',
  },
];
