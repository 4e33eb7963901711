/** What Millrace asks of a backend. Implemented in this folder over the `openai` client; named by `provider` everywhere else. */
import type { JsonObject } from '../types/json.ts';

/** One event of a Responses API stream as it came over the wire. Nothing about its shape is certain. */
export type UpstreamEvent = JsonObject;

/** A piece of what someone said. */
export type InputPart = { readonly type: 'text'; readonly text: string } | ImagePart;

export interface ImagePart {
  readonly type: 'image';
  /** Such as image/png. */
  readonly mediaType: string;
  readonly base64: string;
}

export interface InputMessage {
  readonly role: 'user' | 'assistant';
  readonly content: string | readonly InputPart[];
}

/** A request for one response. */
export interface ResponseRequest {
  readonly model: string;
  readonly instructions: string;
  /** Oldest first; the question is the last one. */
  readonly input: readonly InputMessage[];
  /** Tool definitions in the Responses API's own form. */
  readonly tools: readonly JsonObject[];
  /** Upper bound on generated tokens; absent: the backend's own. */
  readonly maxOutputTokens?: number | undefined;
  /**
   * The backend's own conversation, as `createConversation` names it: it knows what was said and keeps this response.
   * Absent: `input` is the whole history, and the backend keeps nothing.
   */
  readonly conversation?: string | undefined;
  /** Let the backend go on when the connection breaks off, and read on from there. It keeps the response until it has been read. */
  readonly background?: boolean | undefined;
}

export interface BackendModel {
  /** The id that the backend lists the model under. */
  readonly id: string;
  readonly kind: 'LLM' | 'EMBEDDING' | 'OTHER';
  /** Tokens that fit into one request. */
  readonly contextWindow: number;
}

export interface VectorStore {
  readonly id: string;
  /** Null when it has none. */
  readonly name: string | null;
}

export interface BackendShield {
  readonly id: string;
  /** The moderation model that it asks; null when the backend does not say. */
  readonly model: string | null;
}

export interface Verdict {
  readonly flagged: boolean;
  /** What it was flagged for, in the backend's own words; empty when it does not say. */
  readonly categories: readonly string[];
}

/** Who keeps what was said so far: our database, or the backend in a conversation of its own. */
export type HistoryKeeper = 'own' | 'backend';

/** What a backend can do. Whatever is not known of it counts as there: the request shows. */
export interface Capabilities {
  /** Keeps conversations of its own. */
  readonly conversations: boolean;
  readonly moderations: boolean;
  /** Lists shields of its own. */
  readonly shields: boolean;
  /** Lists its vector stores. */
  readonly vectorStores: boolean;
  /** Knows the tool file_search. */
  readonly fileSearch: boolean;
  /** Knows the tool mcp. */
  readonly mcp: boolean;
  /** Lists its models. */
  readonly models: boolean;
  /** Takes images in the input. */
  readonly images: boolean;
  /** Takes a bound on the tokens of an answer. */
  readonly maxOutputTokens: boolean;
  /** Goes on with a response when the connection breaks off, and sends the rest of it later. */
  readonly background: boolean;
}

/**
 * Each method gives up when its signal is aborted; those that return a promise then reject with the signal's reason.
 * Unless it says more, a method throws AppError BACKEND_ERROR, BACKEND_PROTOCOL, BACKEND_UNAVAILABLE, BACKEND_TIMEOUT or
 * RATE_LIMITED.
 */
export interface Backend {
  /** The provider's name in the API. */
  readonly id: string;
  /** Where it is, without credentials; for logs and the start-up screen. */
  readonly location: string;
  /** As configured; see chooseHistory for what becomes of it. */
  readonly history: HistoryKeeper;
  /** Most tokens of an answer, as configured; undefined: its own bound. */
  readonly maxOutputTokens: number | undefined;
  /** Whether it is to answer in the background, as configured. */
  readonly background: boolean;
  /**
   * As configured, or as a first look at the backend shows, from a cache of ten minutes. A backend that cannot be
   * reached is taken for one of no known kind, for half a minute: nothing is thrown but the signal's reason.
   */
  capabilities(signal: AbortSignal): Promise<Capabilities>;
  /** The models that can be asked for, from a cache of at most one minute. */
  listModels(signal: AbortSignal): Promise<readonly BackendModel[]>;
  /**
   * The vector stores that file_search may be pointed at, from a cache of one minute; where the backend has no such list,
   * those that its configuration names. Undefined: only the backend knows.
   */
  knownVectorStores(signal: AbortSignal): Promise<readonly VectorStore[] | undefined>;
  /** The ids of those that a question searches when it names none. */
  defaultVectorStores(signal: AbortSignal): Promise<readonly string[]>;
  /**
   * The backend's own shields; none where it has no such thing. Throws BACKEND_UNAVAILABLE while that is not known: nothing
   * gets past shields because they did not answer.
   */
  listShields(signal: AbortSignal): Promise<readonly BackendShield[]>;
  /**
   * Lets a moderation model judge a text or an image. An input that the backend refuses (status 400) counts as flagged.
   * Throws NOT_FOUND when the backend has no such model.
   */
  moderate(model: string, input: string | ImagePart, signal: AbortSignal): Promise<Verdict>;
  /** Opens a conversation of the backend's own and returns its id, without the prefix `conv_`. */
  createConversation(signal: AbortSignal): Promise<string>;
  /** Idempotent: a conversation that is gone is fine. */
  deleteConversation(id: string, signal: AbortSignal): Promise<void>;
  /**
   * Asks once (no retry; a response in the background is read on from where its connection broke off) and yields the
   * upstream events in order, in the batches in which they arrived.
   * Ends after the stream is closed by the backend; whether a terminal event was among them is the reader's to judge.
   * Throws PROMPT_TOO_LONG too, and NOT_FOUND, before any event, when the request's `conversation` is gone;
   * returns quietly when the signal is aborted, and has then closed the connection (a response in the background is cancelled).
   */
  streamResponse(request: ResponseRequest, signal: AbortSignal): AsyncIterable<readonly UpstreamEvent[]>;
}

export interface BackendRegistry {
  readonly backends: readonly Backend[];
  find(provider: string): Backend | undefined;
}
