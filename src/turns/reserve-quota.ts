/** How much an answer may take: what is set aside for a turn when it is accepted, and what its backend is told of it. */
import type { Database, ViewerTx } from '../db/client.ts';
import type { CountTokens } from '../lib/count-tokens.ts';
import type { ChosenModel } from '../models/choose-model.ts';
import type { Demand, Quotas } from '../quota/quotas.ts';
import type { Viewer } from '../types/viewer.ts';
import { estimateInput } from './charged-usage.ts';
import { fitHistory } from './history.ts';
import { toInputContent, toQuestionText } from './input-content.ts';
import { type PastTurns, selectPastTurns } from './past-store.ts';
import type { TurnRequest } from './request.ts';

/** Bounds the tokens of an answer. */
export interface Allowance {
  readonly tokens: number;
  /** Whether a quota applies: then the answer is stopped where the backend runs past it. */
  readonly isReserved: boolean;
  /** Whether the quota leaves less than would be given otherwise. */
  readonly isCut: boolean;
}

export interface ReserveDeps {
  readonly database: Database;
  readonly quotas: Pick<Quotas, 'isLimited' | 'open' | 'reserve' | 'requireAfter'>;
  readonly countTokens: CountTokens;
}

/** Most tokens of an answer where nothing else is configured. */
const DEFAULT_OUTPUT = 8_192;
/** Earlier turns that are looked at, as when the history is put together. */
const HISTORY_TURNS = 200;
const NOTHING: PastTurns = { turns: [], unread: 0 };

interface Question {
  readonly viewer: Viewer;
  readonly request: TurnRequest;
  readonly chosen: ChosenModel;
  readonly systemPrompt: string;
}

/** Estimates what the question needs; undefined when no quota applies. Makes the balances of a viewer who is new. */
export async function estimateDemand(deps: ReserveDeps, question: Question): Promise<Demand | undefined> {
  if (!deps.quotas.isLimited) return undefined;
  const { request, chosen, systemPrompt, viewer } = question;
  await deps.quotas.open(viewer);
  const past = await findPast(deps, request.conversationId);
  const outputTokens = toOutputTokens(chosen);
  const text = toQuestionText(request.query, request.attachments);
  const { messages } = fitHistory(past.turns, [systemPrompt, text], {
    contextWindow: chosen.model.contextWindow,
    maxOutputTokens: outputTokens,
  });
  const content = toInputContent(request.query, request.attachments);
  const input = [...messages, { role: 'user' as const, content }];
  const inputTokens = estimateInput({ instructions: systemPrompt, input }, deps.countTokens);
  return { inputTokens, outputTokens };
}

/** Answers that would not fit into the window beside the question are not set aside. */
function toOutputTokens({ backend, model }: ChosenModel): number {
  return Math.min(backend.maxOutputTokens ?? DEFAULT_OUTPUT, Math.floor(model.contextWindow / 2));
}

async function findPast({ database }: ReserveDeps, conversationId: string | null): Promise<PastTurns> {
  if (conversationId === null) return NOTHING;
  const wanted = { limit: HISTORY_TURNS, unanswered: true };
  return database.asWorker((tx) => selectPastTurns(tx, { id: null, conversationId }, wanted));
}

/** Sets the demand aside in the accepting transaction; without one, what is configured. Throws QUOTA_EXCEEDED. */
export async function reserveAllowance(
  { quotas }: ReserveDeps,
  tx: ViewerTx,
  accepted: {
    readonly viewer: Viewer;
    readonly turnId: string;
    readonly demand: Demand | undefined;
    readonly chosen: ChosenModel;
  },
): Promise<Allowance | undefined> {
  const { viewer, turnId, demand, chosen } = accepted;
  const { maxOutputTokens } = chosen.backend;
  if (demand === undefined) {
    return maxOutputTokens === undefined
      ? undefined
      : { tokens: toOutputTokens(chosen), isReserved: false, isCut: false };
  }
  const tokens = await quotas.reserve(tx, viewer, { turnId, ...demand });
  return { tokens, isReserved: true, isCut: tokens < demand.outputTokens };
}
