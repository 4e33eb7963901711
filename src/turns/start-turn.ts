/** Accepts a question: every check, once, in one order, and then one transaction. Nothing is stored or called before it. */
import type { Target } from '../auth/audit-store.ts';
import type { Policy } from '../auth/policy.ts';
import { requireAction } from '../auth/policy.ts';
import { reachOthers } from '../auth/reach-others.ts';
import type { Config } from '../config/config.ts';
import type { Announcer } from '../conversations/announcer.ts';
import type { ViewerTx } from '../db/client.ts';
import { AppError, createShuttingDown, isAppError } from '../errors.ts';
import { encodeEvents } from '../event-log/codec.ts';
import type { EventLog } from '../event-log/event-log.ts';
import { newId } from '../lib/ids.ts';
import { type ChosenModel, chooseModel, type ModelDeps, parseModelPair } from '../models/choose-model.ts';
import type { SystemPrompts } from '../prompts/system-prompts.ts';
import type { Demand } from '../quota/quotas.ts';
import type { Shield, Shields } from '../shields/shields.ts';
import type { ToolPlan, Tools } from '../tools/tools.ts';
import { NO_CREDENTIALS, type TurnCredentials } from '../types/credentials.ts';
import type { Turn } from '../types/turn.ts';
import type { LoggedEvent } from '../types/turn-event.ts';
import type { Viewer } from '../types/viewer.ts';
import { announceTurn } from './announce-turn.ts';
import type { TurnAssignment } from './assignment.ts';
import { resolveAttachments } from './attachments.ts';
import type { StartedTurn, StartTurnInput } from './engine.ts';
import { isFarFromLimit, type NodeRoom, requireRoomForViewer } from './limit-turns.ts';
import {
  type ConversationFacts,
  selectConversation,
  selectRunningTurn,
  selectTurnByKey,
} from './read-store.ts';
import {
  isOperationKey,
  type ParsedRequest,
  parseRequest,
  type TurnRequest,
  toStoredRequest,
} from './request.ts';
import { estimateDemand, type ReserveDeps, reserveAllowance } from './reserve-quota.ts';
import { insertAttachments, insertConversation, insertTurn, lockConversation } from './store.ts';

export interface StartDeps extends ModelDeps, ReserveDeps {
  readonly eventLog: EventLog;
  readonly policy: Policy;
  readonly config: Pick<Config, 'inference' | 'customization' | 'turns' | 'limits'>;
  /** How many more turns this node takes. */
  readonly room: NodeRoom;
  readonly prompts: SystemPrompts;
  readonly shields: Pick<Shields, 'choose'>;
  readonly tools: Pick<Tools, 'plan'>;
  /** Tells other nodes and tabs, after the commit. */
  readonly announce: Announcer['announce'];
  readonly nodeId: string;
  /** How long a turn with `onDisconnect: CANCEL` goes on without followers, in milliseconds. */
  readonly disconnectGraceMs: number;
  /** True once the process takes no new turns. */
  isDraining(): boolean;
  /** Starts to run an accepted turn; returns at once. */
  launch(job: TurnAssignment, start: LoggedEvent): void;
  /** Ends the given turn as SUPERSEDED by the viewer and resolves when it has ended. */
  supersede(viewer: Viewer, turn: Turn): Promise<void>;
}

/** How often a running turn is interrupted to make room before the conversation counts as busy. */
const INTERRUPT_ATTEMPTS = 3;
/** Longest wait in milliseconds for each of a backend's lists. */
const CATALOG_TIMEOUT_MS = 10_000;

interface LookUp {
  /** The turn that this question already has. */
  readonly existing: Turn | undefined;
  /** The request as it goes on: a key that cannot be its own is given up. */
  readonly request: ParsedRequest;
}

/**
 * A key of the client's that names another question is a conflict. The id of a WebSocket operation that does so is given
 * up instead: it was never the client's promise.
 */
async function lookUp(deps: StartDeps, viewer: Viewer, request: ParsedRequest): Promise<LookUp> {
  const key = request.idempotencyKey;
  if (key === null) return { existing: undefined, request };
  const holder = await deps.database.asViewer(viewer, (tx) => selectTurnByKey(tx, key));
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
  const found = await reachOthers(deps, viewer, {
    action: 'QUERY_OTHERS_CONVERSATIONS',
    run: (tx) => selectConversation(tx, id),
    // Written down when the question is accepted.
    targets: () => [],
  });
  if (!found) throw conversationNotFound(id);
  return found;
}

function chooseFor(
  deps: StartDeps,
  asked: { readonly request: ParsedRequest; readonly conversation: ConversationFacts | undefined },
  signal: AbortSignal,
) {
  const { request, conversation } = asked;
  const { lastUsedProvider: provider, lastUsedModel: model } = conversation ?? {};
  const lastUsed = provider && model ? { provider, model } : null;
  return chooseModel(deps, { provider: request.provider, model: request.model, lastUsed }, signal);
}

/** Gives the choice a time of its own. Throws BACKEND_TIMEOUT when that is over. */
async function inTime<T>(choose: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(CATALOG_TIMEOUT_MS);
  try {
    return await choose(signal);
  } catch (error) {
    if (error !== signal.reason) throw error;
    throw new AppError('BACKEND_TIMEOUT', 'The backend did not answer in time', { cause: error });
  }
}

interface Acceptance {
  /** Absent: a new one begins. */
  readonly conversation: ConversationFacts | undefined;
  readonly request: TurnRequest;
  readonly chosen: ChosenModel;
  readonly shields: readonly Shield[];
  readonly toolPlan: ToolPlan;
  readonly credentials: TurnCredentials;
  readonly systemPrompt: string;
  /** Undefined: no quota applies. */
  readonly demand: Demand | undefined;
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

/** The accepting transaction's work. Throws CONVERSATION_BUSY when the turn's row met another one, TOO_MANY_STREAMS and QUOTA_EXCEEDED. */
async function insertAccepted(deps: StartDeps, tx: ViewerTx, accepted: Acceptance & { viewer: Viewer }) {
  const { request, chosen, viewer, demand } = accepted;
  const conversationId = request.conversationId ?? newId();
  const isKnown = request.conversationId !== null;
  if (isKnown && !(await lockConversation(tx, conversationId, chosen.backend.history)))
    throw conversationNotFound(conversationId);
  // What needs no answer of the statement before is sent with it, here and below.
  const opening = isKnown ? undefined : insertConversation(tx, conversationId);
  const inserting = insertTurn(tx, {
    id: newId(),
    conversationId,
    idempotencyKey: request.idempotencyKey,
    fingerprint: request.fingerprint,
    request: toStoredRequest(request),
    query: request.query,
    provider: chosen.backend.id,
    model: chosen.model.id,
    nodeId: deps.nodeId,
    leaseMs: deps.config.turns.leaseMs,
    inputEstimate: demand?.inputTokens,
    graceMs: request.onDisconnect === 'CANCEL' ? deps.disconnectGraceMs : null,
  });
  const limit = deps.config.limits.turnsPerViewer;
  const [turn, isFar] = await Promise.all([inserting, isFarFromLimit(tx, limit), opening]);
  if (!turn) throw new AppError('CONVERSATION_BUSY', 'A turn is already running in this conversation');
  const start = toStartEvent(turn);
  const batch = {
    turnId: turn.id,
    fence: turn.fence,
    firstSeq: 1,
    lastSeq: 1,
    events: encodeEvents([start]),
  };
  await Promise.all([
    deps.eventLog.store(tx, [batch]),
    insertAttachments(tx, turn.id, request.attachments),
    // Last: other questions of the viewer wait here until the transaction ends, and for the balance of the cluster everybody's.
    requireRoomForViewer(tx, { limit, isFar }),
  ]);
  const allowance = await reserveAllowance(deps, tx, { viewer, turnId: turn.id, demand, chosen });
  return { turn, start, allowance };
}

/** In a conversation of somebody else's it is written down. */
function insertInReach(deps: StartDeps, viewer: Viewer, acceptance: Acceptance) {
  const { conversation } = acceptance;
  const run = (tx: ViewerTx) => insertAccepted(deps, tx, { ...acceptance, viewer });
  if (!conversation || conversation.ownerId === viewer.id) {
    return deps.database.asViewer(viewer, run, { name: 'accept' });
  }
  const { id, ownerId } = conversation;
  const targets = (): readonly Target[] => [{ ownerId, kind: 'conversation', id }];
  return reachOthers(deps, viewer, { action: 'QUERY_OTHERS_CONVERSATIONS', run, targets });
}

/** Undefined when the turn that was in the way is to be interrupted and the acceptance tried again. */
async function accept(
  deps: StartDeps,
  viewer: Viewer,
  acceptance: Acceptance,
): Promise<StartedTurn | undefined> {
  const { request, chosen, demand: _demand, conversation: _conversation, ...rest } = acceptance;
  using _place = deps.room.take();
  try {
    const { turn, start, allowance } = await insertInReach(deps, viewer, acceptance);
    deps.launch({ turn, request, ...chosen, ...rest, allowance }, start);
    announceTurn(deps.announce, turn);
    return { turn, created: true };
  } catch (error) {
    if (!isAppError(error, 'CONVERSATION_BUSY')) throw error;
    const { existing } = await lookUp(deps, viewer, request);
    if (existing) return { turn: existing, created: false };
    if (request.whenBusy === 'REJECT') throw error;
    return undefined;
  }
}

/**
 * In a conversation that the viewer may ask in; the turn in the way may be somebody else's. Throws QUOTA_EXCEEDED before it is
 * interrupted for a question that could not be paid even then.
 */
async function makeRoom(
  deps: StartDeps,
  viewer: Viewer,
  { request: { conversationId }, demand }: Pick<Acceptance, 'request' | 'demand'>,
): Promise<void> {
  if (conversationId === null) return;
  const running = await deps.database.asWorker((tx) => selectRunningTurn(tx, conversationId));
  if (!running) return;
  if (demand !== undefined) await deps.quotas.requireAfter(viewer, demand, running.id);
  await deps.supersede(viewer, running);
}

function requireRunning(deps: StartDeps): void {
  if (deps.isDraining()) throw createShuttingDown();
}

/** Accepts the question, or attaches to the turn that it already has. The order of the lines is the order of the checks. */
export async function startTurn(
  deps: StartDeps,
  viewer: Viewer,
  input: StartTurnInput,
): Promise<StartedTurn> {
  const parsed = parseRequest(input, deps.config.customization);
  const pair = parseModelPair(parsed);
  const { existing, request: fresh } = await lookUp(deps, viewer, parsed);
  if (existing) return { turn: existing, created: false };
  requireRunning(deps);
  if (pair) requireAction(deps.policy, viewer, 'MODEL_OVERRIDE');
  if (fresh.shieldIds !== null) requireAction(deps.policy, viewer, 'SHIELD_OVERRIDE');
  const conversation = await getConversation(deps, viewer, fresh.conversationId);
  const request = await resolveAttachments(deps, viewer, fresh);
  const chosen = await inTime((signal) => chooseFor(deps, { request, conversation }, signal));
  const shields = await inTime((signal) => deps.shields.choose(request, chosen.backend, signal));
  const toolPlan = await inTime((signal) => deps.tools.plan(viewer, { ...chosen, request }, signal));
  const systemPrompt = deps.prompts.choose(request.systemPrompt);
  const demand = await estimateDemand(deps, { viewer, request, chosen, systemPrompt });
  const credentials = input.credentials ?? NO_CREDENTIALS;
  const acceptance = { conversation, request, chosen, shields, toolPlan, credentials, systemPrompt, demand };
  for (let attempt = 0; attempt <= INTERRUPT_ATTEMPTS; attempt += 1) {
    // Nobody is interrupted for an attempt that will not be made.
    if (attempt > 0) await makeRoom(deps, viewer, acceptance);
    requireRunning(deps);
    const started = await accept(deps, viewer, acceptance);
    if (started) return started;
  }
  throw new AppError('CONVERSATION_BUSY', 'Other turns keep starting in this conversation');
}
