/** What happens between the acceptance of a question and the call of its backend: shields, tools, what was said before. */
import { adaptRequest } from '../backend/adapt-request.ts';
import type { ResponseRequest } from '../backend/backend.ts';
import { chooseHistory } from '../backend/choose-history.ts';
import type { Database } from '../db/client.ts';
import { isAppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Shields } from '../shields/shields.ts';
import type { Tools } from '../tools/tools.ts';
import type { WarningBody } from '../types/turn-event.ts';
import type { TurnAssignment } from './assignment.ts';
import { fitHistory } from './history.ts';
import { toInputContent, toQuestionText } from './input-content.ts';
import { type PastTurns, selectBackendHistory, selectPastTurns } from './past-store.ts';
import { setBackendHistory } from './store.ts';

export interface PrepareDeps {
  readonly database: Database;
  readonly log: Log;
  readonly shields: Pick<Shields, 'run'>;
  readonly tools: Pick<Tools, 'resolve'>;
}

export type PreparedCall =
  | { readonly kind: 'blocked'; readonly message: string }
  | { readonly kind: 'call'; readonly request: ResponseRequest; readonly warnings: readonly WarningBody[] };

/** Earlier turns that are looked at when the history is put together. */
const HISTORY_TURNS = 200;

const NOTHING: PastTurns = { turns: [], unread: 0 };

type Warning = Omit<WarningBody, 'type'>;
type Said = Pick<ResponseRequest, 'input' | 'conversation'> & { readonly warnings: readonly Warning[] };

/** All that was said goes along, as far as it fits. */
async function tellOwn(deps: PrepareDeps, job: TurnAssignment): Promise<Said> {
  const { request, model, systemPrompt } = job;
  const isNew = request.conversationId === null;
  // An interrupted question without an answer may have got away before the shields had looked at it.
  const wanted = { limit: HISTORY_TURNS, unanswered: job.shields.length === 0 };
  const past = isNew ? NOTHING : await deps.database.asWorker((tx) => selectPastTurns(tx, job.turn, wanted));
  const prompt = [systemPrompt, toQuestionText(request.query, request.attachments)];
  const window = { contextWindow: model.contextWindow, maxOutputTokens: job.allowance?.tokens };
  const history = fitHistory(past.turns, prompt, window);
  const omitted = history.omitted + past.unread;
  const message = `Earlier turns that do not fit into the model's context were left out: ${omitted}`;
  return {
    input: [...history.messages, toQuestion(job)],
    warnings: omitted === 0 ? [] : [{ warning: 'HISTORY_TRUNCATED', message }],
  };
}

function toQuestion({ request }: TurnAssignment) {
  return { role: 'user' as const, content: toInputContent(request.query, request.attachments) };
}

/** Opens a conversation at the backend; undefined when that fails: then we tell what was said. */
async function openConversation(deps: PrepareDeps, job: TurnAssignment, signal: AbortSignal) {
  try {
    return await job.backend.createConversation(signal);
  } catch (error) {
    if (!isAppError(error)) throw error;
    deps.log.warn(
      { err: error, turnId: job.turn.id },
      'the backend opened no conversation; our own history is sent',
    );
    return undefined;
  }
}

/** Who knows what was said before: we, or the backend. What is stored of it always tells the truth. */
async function tellHistory(deps: PrepareDeps, job: TurnAssignment, signal: AbortSignal): Promise<Said> {
  const { backend, turn, model } = job;
  if (backend.history === 'own') return tellOwn(deps, job);
  const stored = await deps.database.asWorker((tx) => selectBackendHistory(tx, turn));
  const choice = chooseHistory({
    configured: backend.history,
    capabilities: await backend.capabilities(signal),
    stored: stored.history,
    chosen: { provider: backend.id, model: model.id },
    hasHistory: stored.hasPast,
  });
  if (typeof choice === 'object') {
    return { input: [toQuestion(job)], conversation: choice.conversation, warnings: [] };
  }
  const opened = choice === 'create' ? await openConversation(deps, job, signal) : undefined;
  const history =
    opened === undefined ? null : { provider: backend.id, model: model.id, conversationId: opened };
  await deps.database.asWorker((tx) => setBackendHistory(tx, turn, history));
  if (opened === undefined) return tellOwn(deps, job);
  return { input: [toQuestion(job)], conversation: opened, warnings: [] };
}

/** The same call with our own history, for a conversation that the backend no longer has. */
export async function prepareOwn(
  deps: PrepareDeps,
  job: TurnAssignment,
  { request, signal }: { readonly request: ResponseRequest; readonly signal: AbortSignal },
): Promise<{ readonly request: ResponseRequest; readonly warnings: readonly WarningBody[] }> {
  await deps.database.asWorker((tx) => setBackendHistory(tx, job.turn, null));
  const { conversation: _gone, ...rest } = request;
  const { input, warnings } = await tellOwn(deps, job);
  // What is missing was told of before the first call.
  const adapted = adaptRequest({ ...rest, input }, await job.backend.capabilities(signal));
  return { request: adapted.request, warnings: warnings.map(toBody) };
}

const toBody = (warning: Warning): WarningBody => ({ type: 'warning', ...warning });

/** Shields come first: of a question that one blocks, neither tools nor the backend hear. Throws what they throw. */
export async function prepareCall(
  deps: PrepareDeps,
  job: TurnAssignment,
  signal: AbortSignal,
): Promise<PreparedCall> {
  const { request, model, systemPrompt, backend } = job;
  const question = toInputContent(request.query, request.attachments);
  const verdict = await deps.shields.run(job.shields, question, signal);
  if (verdict.blocked) return { kind: 'blocked', message: verdict.message };
  const resolved = await deps.tools.resolve(job.toolPlan, job.credentials, signal);
  const { warnings, ...said } = await tellHistory(deps, job, signal);
  const { background } = backend;
  const whole = {
    model: model.id,
    instructions: systemPrompt,
    tools: resolved.tools,
    background,
    maxOutputTokens: job.allowance?.tokens,
    ...said,
  };
  const adapted = adaptRequest(whole, await backend.capabilities(signal));
  return {
    kind: 'call',
    request: adapted.request,
    warnings: [...resolved.warnings, ...warnings, ...adapted.warnings].map(toBody),
  };
}
