/** Runs one accepted turn from the first call of the backend to its end. It belongs to the server: followers come and go. */
import type { ResponseRequest } from '../backend/backend.ts';
import type { Config } from '../config/config.ts';
import { AppError, ERROR_CODES, isAppError } from '../errors.ts';
import type { CountTokens } from '../lib/count-tokens.ts';
import { newId } from '../lib/ids.ts';
import type { Log } from '../log.ts';
import type { TurnLabels, TurnMetrics } from '../metrics.ts';
import type { ProgressBody } from '../types/turn-event.ts';
import type { TurnAssignment } from './assignment.ts';
import { estimateInput, toChargedUsage } from './charged-usage.ts';
import { type Ending, STATUS, toTurnFailure } from './ending.ts';
import { type FinishDeps, finishTurn, type TurnResult } from './finish-turn.ts';
import type { LiveTurn } from './live-turns.ts';
import { type PrepareDeps, prepareCall, prepareOwn } from './prepare-call.ts';
import {
  closeTranslation,
  cutTranslation,
  type Outcome,
  startTranslation,
  summarize,
  type TranslateState,
  translate,
} from './translate.ts';
import { requireBounded, toAddedSize } from './turn-size.ts';
import { createTurnWatch } from './turn-watch.ts';

export type RunDeps = FinishDeps &
  PrepareDeps & {
    readonly metrics: TurnMetrics;
    readonly config: Pick<Config, 'turns'>;
    readonly countTokens: CountTokens;
  };

function toLabels({ turn }: TurnAssignment): TurnLabels {
  return { provider: turn.provider, model: turn.model };
}

/** The translation of one turn while it runs: the only place where its state changes. */
interface Progress {
  state: TranslateState;
  hasToken: boolean;
  /** Whether the backend itself ended its response. */
  hadOutcome: boolean;
  /** Bytes, see turn-size.ts. */
  size: number;
  /** What the backend was sent; null before that. */
  sent: ResponseRequest | null;
  readonly requestId: string;
  /** By the monotonic clock: the turn's own beginning is told by the database's, which this node's need not agree with. */
  readonly startedAt: number;
}

interface Run {
  readonly job: TurnAssignment;
  readonly progress: Progress;
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
  deps.metrics.firstToken(toLabels(job), performance.now() - progress.startedAt);
}

/** Asks the backend and appends its events, a batch at a time. Returns when there is an outcome, or on abort. */
async function followBackend(
  deps: RunDeps,
  live: LiveTurn,
  run: Run & { readonly request: ResponseRequest },
) {
  const { job, progress, request } = run;
  progress.sent = request;
  const watch = createTurnWatch(deps, { ...job, hasTools: request.tools.length > 0 });
  const stop = new AbortController();
  const signal = watch ? AbortSignal.any([live.signal, stop.signal]) : live.signal;
  for await (const batch of job.backend.streamResponse(request, signal)) {
    const bodies: ProgressBody[] = [];
    for (const event of batch) {
      const translated = translate(progress.state, event);
      progress.state = translated.state;
      progress.size += toAddedSize(event, translated.bodies);
      for (const body of translated.bodies) bodies.push(body);
    }
    tell(deps, live, { job, progress, bodies });
    if (progress.state.outcome) return;
    requireBounded(progress.size, deps.config.turns.maxTurnBytes);
    const cut = watch?.(progress.state);
    if (!cut) continue;
    stop.abort();
    const translated = cutTranslation(progress.state, cut.finishReason);
    progress.state = translated.state;
    return tell(deps, live, { job, progress, bodies: [...cut.warnings, ...translated.bodies] });
  }
}

/** Asks once, and once more with our own history when the backend has lost its conversation: then it has not begun to answer. */
async function ask(
  deps: RunDeps,
  live: LiveTurn,
  run: Run & { readonly request: ResponseRequest },
): Promise<void> {
  try {
    await followBackend(deps, live, run);
  } catch (error) {
    if (run.request.conversation === undefined || !isAppError(error, 'NOT_FOUND')) throw error;
    const { request, warnings } = await prepareOwn(deps, run.job, {
      request: run.request,
      signal: live.signal,
    });
    tell(deps, live, { ...run, bodies: warnings });
    await followBackend(deps, live, { ...run, request });
  }
}

/** From the shields to the backend's last event. Resolves with the message of the shield that blocked the question. */
async function converse(deps: RunDeps, live: LiveTurn, run: Run): Promise<string | undefined> {
  const prepared = await prepareCall(deps, run.job, live.signal);
  if (prepared.kind === 'blocked') return prepared.message;
  tell(deps, live, { ...run, bodies: prepared.warnings });
  await ask(deps, live, { ...run, request: prepared.request });
  return undefined;
}

interface EndingFacts {
  readonly requestId: string;
  /** Whether the quota left less for the answer than it would have been given. */
  readonly isCut: boolean;
}

function toEnding(outcome: Outcome, { requestId, isCut }: EndingFacts): Ending {
  if (outcome.kind === 'finished') {
    // The backend met the bound that was all the quota had left.
    const isQuota = isCut && outcome.finishReason === 'MAX_OUTPUT_TOKENS';
    return isQuota ? { ...outcome, finishReason: 'QUOTA' } : outcome;
  }
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
  return live.stopped ? { kind: 'interrupted', ...live.stopped } : undefined;
}

function toReason(ending: Ending): string {
  if (ending.kind === 'finished') return ending.finishReason;
  return ending.kind === 'failed' ? ending.error.code : ending.reason;
}

/** What a turn came to when the backend has said its last word, or was not let to. */
function toResult(
  deps: RunDeps,
  live: LiveTurn,
  { job, progress, failure }: Run & { readonly failure: Ending | undefined },
): TurnResult {
  // An outcome that had arrived counts, whatever came afterwards; then a wish to stop; then what went wrong.
  const early = progress.hadOutcome ? undefined : (toInterruption(live) ?? failure);
  const ending =
    early ?? toEnding(outcomeOf(progress.state), { ...progress, isCut: job.allowance?.isCut ?? false });
  const summary = summarize(progress.state);
  const { countTokens } = deps;
  const usage = toChargedUsage(summary, {
    estimateInput: () => (progress.sent ? estimateInput(progress.sent, countTokens) : 0),
    contextWindow: job.model.contextWindow,
    countTokens,
  });
  return { ending, summary: { ...summary, usage } };
}

/** The shield's message is the answer; the backend was not asked. */
function toBlocked(message: string): {
  readonly bodies: readonly ProgressBody[];
  readonly result: TurnResult;
} {
  return {
    bodies: [
      { type: 'token', chunkId: 0, token: '' },
      { type: 'token', chunkId: 1, token: message },
      { type: 'turn_complete', answer: message },
    ],
    result: {
      ending: { kind: 'finished', finishReason: 'SHIELD_BLOCKED', truncated: false },
      summary: { ...summarize(startTranslation()), answer: message },
    },
  };
}

async function runToResult(deps: RunDeps, live: LiveTurn, run: Run): Promise<TurnResult> {
  const { job, progress } = run;
  let failure: Ending | undefined;
  try {
    const message = await converse(deps, live, run);
    if (message !== undefined) {
      const { bodies, result } = toBlocked(message);
      tell(deps, live, { job, progress, bodies });
      return result;
    }
  } catch (error) {
    failure = live.signal.aborted
      ? undefined
      : toFailedEnding(deps.log, live.id, { error, requestId: progress.requestId });
  }
  progress.hadOutcome = progress.state.outcome !== null;
  const { state, bodies } = closeTranslation(progress.state);
  progress.state = state;
  tell(deps, live, { job, progress, bodies });
  return toResult(deps, live, { job, progress, failure });
}

/** Runs the turn to its end. Never rejects: every failure becomes the turn's own ending. */
export async function runTurn(deps: RunDeps, live: LiveTurn, job: TurnAssignment): Promise<void> {
  const progress: Progress = {
    state: startTranslation(deps.config.turns.maxToolResultBytes),
    hasToken: false,
    hadOutcome: false,
    size: 0,
    sent: null,
    requestId: newId(),
    startedAt: performance.now(),
  };
  deps.metrics.turnStarted(toLabels(job));
  const result = await runToResult(deps, live, { job, progress });
  if (live.lost) return;
  await finishTurn(deps, live, result);
  deps.metrics.upstreamIgnored(toLabels(job), progress.state.ignored);
  deps.metrics.turnEnded(toLabels(job), {
    status: STATUS[result.ending.kind],
    reason: toReason(result.ending),
    durationMs: performance.now() - progress.startedAt,
    usage: result.summary.usage,
  });
}

function outcomeOf(state: TranslateState): Outcome {
  if (state.outcome) return state.outcome;
  throw new TypeError('a closed translation has an outcome');
}
