/** What Millrace asks of a backend. Implemented in this folder over the `openai` client; named by `provider` everywhere else. */
import type { JsonObject } from '../types/json.ts';

/** One event of a Responses API stream as it came over the wire. Nothing about its shape is certain. */
export type UpstreamEvent = JsonObject;

export interface InputMessage {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

/** A request for one response. `store` is always false: the conversation lives in our database. */
export interface ResponseRequest {
  readonly model: string;
  readonly instructions: string;
  /** Oldest first; the question is the last one. */
  readonly input: readonly InputMessage[];
  /** Tool definitions in the Responses API's own form. */
  readonly tools: readonly JsonObject[];
  /** Upper bound on generated tokens; absent: the backend's own. */
  readonly maxOutputTokens?: number | undefined;
}

export interface BackendModel {
  /** The id that the backend uses for the model. */
  readonly id: string;
  readonly kind: 'LLM' | 'EMBEDDING' | 'OTHER';
  /** Tokens that fit into one request. */
  readonly contextWindow: number;
}

export interface Backend {
  /** The provider's name in the API. */
  readonly id: string;
  /** Where it is, without credentials; for logs and the start-up screen. */
  readonly location: string;
  /** Ids of the vector stores that file_search may be pointed at; undefined: only the backend knows. */
  readonly vectorStores: readonly string[] | undefined;
  /**
   * The models that can be asked for, from a cache of at most one minute.
   * Throws AppError BACKEND_*.
   */
  listModels(signal: AbortSignal): Promise<readonly BackendModel[]>;
  /**
   * Asks once (no retry) and yields the upstream events in order, in the batches in which they arrived.
   * Ends after the stream is closed by the backend; whether a terminal event was among them is the reader's to judge.
   * Throws AppError BACKEND_ERROR, BACKEND_PROTOCOL, BACKEND_UNAVAILABLE, BACKEND_TIMEOUT, RATE_LIMITED or PROMPT_TOO_LONG;
   * returns quietly when the signal is aborted, and has then closed the connection.
   */
  streamResponse(request: ResponseRequest, signal: AbortSignal): AsyncIterable<readonly UpstreamEvent[]>;
}

export interface BackendRegistry {
  readonly backends: readonly Backend[];
  find(provider: string): Backend | undefined;
}
