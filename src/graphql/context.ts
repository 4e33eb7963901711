/** What every resolver receives. Who fills it in is the server's business and the composition root's. */
import type { ConversationChangeDeps } from '../conversations/conversations.ts';
import type { ConversationFeed } from '../conversations/feed.ts';
import type { ImportDeps } from '../documents/documents.ts';
import type { FeedbackDeps } from '../feedback/submit-feedback.ts';
import type { ModelDeps } from '../models/choose-model.ts';
import type { Quotas } from '../quota/quotas.ts';
import type { Shields } from '../shields/shields.ts';
import type { Tools } from '../tools/tools.ts';
import type { TurnEngine } from '../turns/engine.ts';
import type { TurnCredentials } from '../types/credentials.ts';
import type { JsonObject } from '../types/json.ts';
import type { Viewer } from '../types/viewer.ts';

/** Everything that resolvers may call. Shared by all requests of a process. */
export interface Services extends ConversationChangeDeps, FeedbackDeps, ImportDeps, ModelDeps {
  readonly engine: TurnEngine;
  readonly conversationFeed: Pick<ConversationFeed, 'follow'>;
  readonly quotas: Pick<Quotas, 'isLimited' | 'list' | 'adjust'>;
  readonly shields: Shields;
  readonly tools: Tools;
  /** To which answers may link. */
  readonly linkHosts: readonly string[];
  /** The effective configuration, secrets masked. */
  readonly configuration: JsonObject;
  /** What the server calls itself. */
  readonly service: { readonly name: string; readonly version: string };
}

/** What belongs to one operation, whatever transport it came by. */
export interface OperationContext {
  readonly viewer: Viewer;
  /** What the client brought for others; a turn may pass it on. */
  readonly credentials: TurnCredentials;
  /** Echoed as the header `x-request-id` and in `extensions.requestId` of every error. */
  readonly requestId: string;
  /** The graphql-ws operation id, when the client made it a UUID: a stock client re-subscribes with the same one. */
  readonly operationId: string | null;
  /** Takes another token for the socket that the operation came by; null over HTTP. See `Session`. */
  readonly refreshToken: ((token: string) => Promise<Viewer>) | null;
  /** Aborted when nobody waits for the operation any more: completed, disconnected, or the server closes. */
  readonly signal: AbortSignal;
}

export interface GraphQLContext extends OperationContext {
  readonly services: Services;
}
