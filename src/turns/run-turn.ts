/** Runs one accepted turn from the first call of the backend to its end. It belongs to the server: followers come and go. */
import type { Backend, BackendModel, ResponseRequest } from '../backend/backend.ts';
import { AppError, ERROR_CODES, isAppError } from '../errors.ts';
import { newId } from '../lib/ids.ts';
import type { Log } from '../log.ts';
import type { TurnLabels, TurnMetrics } from '../metrics.ts';
import type { JsonObject } from '../types/json.ts';
import type { Turn } from '../types/turn.ts';
import type { ProgressBody } from '../types/turn-event.ts';
import { type Ending, STATUS, toTurnFailure } from './ending.ts';
import { type FinishDeps, finishTurn } from './finish-turn.ts';
import { fitHistory } from './history.ts';
import type { LiveTurn } from './live-turns.ts';
import { selectPastTurns } from './read-store.ts';
import { type TurnRequest, toInputText } from './request.ts';
import {
  closeTranslation,
  type Outcome,
  startTranslation,
  summarize,
  type TranslateState,
  translate,
} from './translate.ts';

export type RunDeps = FinishDeps & {
  readonly metrics: TurnMetrics;
};

/** Earlier turns that are looked at when the history is put together. */
const HISTORY_TURNS = 200;

export interface TurnAssignment {
  readonly turn: Turn;
  readonly request: TurnRequest;
  readonly backend: Backend;
  readonly model: BackendModel;
  readonly systemPrompt: string;
  /** Tool definitions in the Responses API's own form. */
  readonly tools: readonly JsonObject[];
}

async function toResponseRequest(
  deps: RunDeps,
  live: LiveTurn,
  job: TurnAssignment,
): Promise<ResponseRequest> {
  const { request, model, systemPrompt } = job;
  const past =
    request.conversationId === null
      ? []
      : await deps.database.asWorker((tx) => selectPastTurns(tx, job.turn, HISTORY_TURNS));
  const question = toInputText(request.query, request.attachments);
  const history = fitHistory(past, [systemPrompt, question], model);
  if (history.omitted > 0) {
    live.writer.append([
      {
        type: 'warning',
        warning: 'HISTORY_TRUNCATED',
        message: `${history.omitted} earlier turns do not fit into the model's context and were left out`,
      },
    ]);
  }
  return {
    model: model.id,
    instructions: systemPrompt,
    input: [...history.messages, { role: 'user', content: question }],
    tools: job.tools,
  };
}

function toLabels({ turn }: TurnAssignment): TurnLabels {
  return { provider: turn.provider, model: turn.model };
}

/** The translation of one turn while it runs: the only place where its state changes. */
interface Progress {
  state: TranslateState;
  hasToken: boolean;
}

/** Appends what a batch brought. */
function tell(
  deps: RunDeps,
  live: LiveTurn,
  told: { job: TurnAssignment; progress: Progress; bodies: readonly ProgressBody[] },
) {
  const { job, progress, bodies } = told;
  if (bodies.length === 0) return;
  live.writer.append(bodies);
  deps.metrics.eventsAppended(bodies.length);
  if (progress.hasToken || !bodies.some((body) => body.type === 'token')) return;
  progress.hasToken = true;
  deps.metrics.firstToken(toLabels(job), Date.now() - job.turn.startedAt.getTime());
}

/** Asks the backend and appends its events, a batch at a time. Returns when there is an outcome, or on abort. */
async function followBackend(
  deps: RunDeps,
  live: LiveTurn,
  run: { job: TurnAssignment; progress: Progress },
) {
  const { job, progress } = run;
  const request = await toResponseRequest(deps, live, job);
  for await (const batch of job.backend.streamResponse(request, live.signal)) {
    const bodies: ProgressBody[] = [];
    for (const event of batch) {
      const translated = translate(progress.state, event);
      progress.state = translated.state;
      for (const body of translated.bodies) bodies.push(body);
    }
    tell(deps, live, { job, progress, bodies });
    if (progress.state.outcome) return;
  }
}

function toEnding(outcome: Outcome, requestId: string): Ending {
  if (outcome.kind === 'finished') return outcome;
  const { code, message, explanation, retryAfterMs } = outcome;
  const details = {
    ...(explanation !== null && { explanation }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
  return { kind: 'failed', error: toTurnFailure(new AppError(code, message, { details }), requestId) };
}

function toFailedEnding(log: Log, turnId: string, failure: { error: unknown; requestId: string }): Ending {
  const { error, requestId } = failure;
  const known = isAppError(error)
    ? error
    : new AppError('INTERNAL_SERVER_ERROR', 'Internal server error', { cause: error });
  log[ERROR_CODES[known.code].level]({ err: error, turnId, requestId }, 'a turn failed');
  return { kind: 'failed', error: toTurnFailure(known, requestId) };
}

function toInterruption(live: LiveTurn): Ending | undefined {
  return live.stopReason ? { kind: 'interrupted', reason: live.stopReason } : undefined;
}

function toReason(ending: Ending): string {
  if (ending.kind === 'finished') return ending.finishReason;
  return ending.kind === 'failed' ? ending.error.code : ending.reason;
}

/** Runs the turn to its end. Never rejects: every failure becomes the turn's own ending. */
export async function runTurn(deps: RunDeps, live: LiveTurn, job: TurnAssignment): Promise<void> {
  const requestId = newId();
  const progress: Progress = { state: startTranslation(), hasToken: false };
  let failure: Ending | undefined;
  deps.metrics.turnStarted(toLabels(job));
  try {
    await followBackend(deps, live, { job, progress });
  } catch (error) {
    failure = toFailedEnding(deps.log, live.id, { error, requestId });
  }
  if (live.lost) return;
  const { outcome } = progress.state;
  const { state, bodies } = closeTranslation(progress.state);
  tell(deps, live, { job, progress, bodies });
  // An outcome that had arrived counts, whatever came afterwards; then a wish to stop; then what went wrong.
  const early = outcome ? undefined : (toInterruption(live) ?? failure);
  const ending = early ?? toEnding(outcomeOf(state), requestId);
  const summary = summarize(state);
  await finishTurn(deps, live, { ending, summary });
  deps.metrics.upstreamIgnored(toLabels(job), state.ignored);
  deps.metrics.turnEnded(toLabels(job), {
    status: STATUS[ending.kind],
    reason: toReason(ending),
    durationMs: Date.now() - job.turn.startedAt.getTime(),
    usage: summary.usage,
  });
}

function outcomeOf(state: TranslateState): Outcome {
  if (state.outcome) return state.outcome;
  throw new TypeError('a closed translation has an outcome');
}
