/** Accepts a question: every check, once, in one order, and then one transaction. Nothing is stored or called before it. */
import type { Policy } from '../auth/policy.ts';
import { requireAction } from '../auth/policy.ts';
import type { Config } from '../config/config.ts';
import type { Database, ViewerTx } from '../db/client.ts';
import { AppError, isAppError } from '../errors.ts';
import { encodeEvents } from '../event-log/codec.ts';
import type { EventLog } from '../event-log/event-log.ts';
import { newId } from '../lib/ids.ts';
import { type ChosenModel, chooseModel, type ModelDeps, parseModelPair } from '../models/choose-model.ts';
import { chooseTools } from '../tools/choose-tools.ts';
import type { JsonObject } from '../types/json.ts';
import type { Turn } from '../types/turn.ts';
import type { LoggedEvent } from '../types/turn-event.ts';
import type { Viewer } from '../types/viewer.ts';
import type { StartedTurn, StartTurnInput } from './engine.ts';
import {
  type ConversationFacts,
  selectConversation,
  selectRunningTurn,
  selectTurnByKey,
} from './read-store.ts';
import { isOperationKey, parseRequest, type TurnRequest, toStoredRequest } from './request.ts';
import type { TurnAssignment } from './run-turn.ts';
import { insertAttachments, insertConversation, insertTurn, lockConversation } from './store.ts';

export interface StartDeps extends ModelDeps {
  readonly database: Database;
  readonly eventLog: EventLog;
  readonly policy: Policy;
  readonly config: Pick<Config, 'inference' | 'customization' | 'turns'>;
  readonly nodeId: string;
  /** True once the process takes no new turns. */
  isDraining(): boolean;
  /** Starts to run an accepted turn; returns at once. */
  launch(job: TurnAssignment, start: LoggedEvent): void;
  /** Ends the given turn as SUPERSEDED and resolves when it has ended. */
  supersede(turn: Turn): Promise<void>;
}

const DEFAULT_SYSTEM_PROMPT = 'You are a helpful assistant';
/** How often a running turn is interrupted to make room before the conversation counts as busy. */
const INTERRUPT_ATTEMPTS = 3;
/** Longest wait in milliseconds for a backend's list of models. */
const CATALOG_TIMEOUT_MS = 10_000;

interface LookUp {
  /** The turn that this question already has. */
  readonly existing: Turn | undefined;
  /** The request as it goes on: a key that cannot be its own is given up. */
  readonly request: TurnRequest;
}

/**
 * A key of the client's that names another question is a conflict. The id of a WebSocket operation that does so is given
 * up instead: it was never the client's promise.
 */
async function lookUp(deps: StartDeps, viewer: Viewer, request: TurnRequest): Promise<LookUp> {
  const key = request.idempotencyKey;
  if (key === null) return { existing: undefined, request };
  const holder = await deps.database.asViewer(viewer, (tx) => selectTurnByKey(tx, viewer.id, key));
  if (!holder || holder.fingerprint === request.fingerprint) return { existing: holder?.turn, request };
  if (isOperationKey(key)) return { existing: undefined, request: { ...request, idempotencyKey: null } };
  throw new AppError('IDEMPOTENCY_CONFLICT', 'The clientTurnId was already used for another request', {
    details: { explanation: `It belongs to the turn ${holder.turn.id}` },
  });
}

function conversationNotFound(id: string): AppError {
  return new AppError('NOT_FOUND', 'Conversation not found', {
    details: { explanation: `Conversation with ID ${id} does not exist` },
  });
}

async function getConversation(
  deps: StartDeps,
  viewer: Viewer,
  id: string | null,
): Promise<ConversationFacts | undefined> {
  if (id === null) return undefined;
  const found = await deps.database.asViewer(viewer, (tx) => selectConversation(tx, id));
  const allowed = found?.ownerId === viewer.id || deps.policy.can(viewer, 'QUERY_OTHERS_CONVERSATIONS');
  if (!found || !allowed) throw conversationNotFound(id);
  return found;
}

function chooseFor(deps: StartDeps, request: TurnRequest, conversation: ConversationFacts | undefined) {
  const { lastUsedProvider: provider, lastUsedModel: model } = conversation ?? {};
  const lastUsed = provider && model ? { provider, model } : null;
  const wanted = { provider: request.provider, model: request.model, lastUsed };
  return chooseModel(deps, wanted, AbortSignal.timeout(CATALOG_TIMEOUT_MS));
}

interface Acceptance {
  readonly request: TurnRequest;
  readonly chosen: ChosenModel;
  readonly tools: readonly JsonObject[];
}

function toStartEvent(turn: Turn): LoggedEvent {
  const { id: turnId, conversationId, provider, model, fence: epoch } = turn;
  return {
    type: 'start',
    conversationId,
    provider,
    model,
    turnId,
    epoch,
    fromSeq: 1,
    seq: 1,
    at: turn.startedAt.getTime(),
  };
}

/** The accepting transaction's work. Throws CONVERSATION_BUSY when the turn's row met another one. */
async function insertAccepted(deps: StartDeps, tx: ViewerTx, accepted: Acceptance & { viewer: Viewer }) {
  const { request, chosen, viewer } = accepted;
  const conversationId = request.conversationId ?? newId();
  if (request.conversationId === null)
    await insertConversation(tx, { id: conversationId, ownerId: viewer.id });
  else if (!(await lockConversation(tx, conversationId))) throw conversationNotFound(conversationId);
  const turn = await insertTurn(tx, {
    id: newId(),
    ownerId: viewer.id,
    conversationId,
    idempotencyKey: request.idempotencyKey,
    fingerprint: request.fingerprint,
    request: toStoredRequest(request),
    query: request.query,
    provider: chosen.backend.id,
    model: chosen.model.id,
    nodeId: deps.nodeId,
    leaseMs: deps.config.turns.leaseMs,
  });
  if (!turn) throw new AppError('CONVERSATION_BUSY', 'A turn is already running in this conversation');
  const start = toStartEvent(turn);
  await deps.eventLog.store(tx, [
    { turnId: turn.id, fence: turn.fence, firstSeq: 1, lastSeq: 1, events: encodeEvents([start]) },
  ]);
  await insertAttachments(tx, turn.id, request.attachments);
  return { turn, start };
}

/** Undefined when the turn that was in the way is to be interrupted and the acceptance tried again. */
async function accept(
  deps: StartDeps,
  viewer: Viewer,
  acceptance: Acceptance,
): Promise<StartedTurn | undefined> {
  const { request, chosen, tools } = acceptance;
  try {
    const { turn, start } = await deps.database.asViewer(viewer, (tx) =>
      insertAccepted(deps, tx, { ...acceptance, viewer }),
    );
    const systemPrompt =
      request.systemPrompt ?? deps.config.customization.systemPrompt ?? DEFAULT_SYSTEM_PROMPT;
    deps.launch({ turn, request, backend: chosen.backend, model: chosen.model, systemPrompt, tools }, start);
    return { turn, created: true };
  } catch (error) {
    if (!isAppError(error, 'CONVERSATION_BUSY')) throw error;
    const { existing } = await lookUp(deps, viewer, request);
    if (existing) return { turn: existing, created: false };
    if (request.whenBusy === 'REJECT') throw error;
    return undefined;
  }
}

async function makeRoom(deps: StartDeps, viewer: Viewer, conversationId: string): Promise<void> {
  const running = await deps.database.asViewer(viewer, (tx) => selectRunningTurn(tx, conversationId));
  if (running) await deps.supersede(running);
}

function requireRunning(deps: StartDeps): void {
  if (deps.isDraining()) throw new AppError('SHUTTING_DOWN', 'This node is shutting down');
}

/** Accepts the question, or attaches to the turn that it already has. The order of the lines is the order of the checks. */
export async function startTurn(
  deps: StartDeps,
  viewer: Viewer,
  input: StartTurnInput,
): Promise<StartedTurn> {
  requireRunning(deps);
  const parsed = parseRequest(input, deps.config.customization);
  const pair = parseModelPair(parsed);
  const { existing, request } = await lookUp(deps, viewer, parsed);
  if (existing) return { turn: existing, created: false };
  if (pair) requireAction(deps.policy, viewer, 'MODEL_OVERRIDE');
  const conversation = await getConversation(deps, viewer, request.conversationId);
  const chosen = await chooseFor(deps, request, conversation);
  const tools = chooseTools(chosen.backend, request);
  for (let attempt = 0; attempt <= INTERRUPT_ATTEMPTS; attempt += 1) {
    // Nobody is interrupted for an attempt that will not be made.
    if (attempt > 0 && request.conversationId !== null) await makeRoom(deps, viewer, request.conversationId);
    requireRunning(deps);
    const started = await accept(deps, viewer, { request, chosen, tools });
    if (started) return started;
  }
  throw new AppError('CONVERSATION_BUSY', 'Other turns keep starting in this conversation');
}
