/** One request to POST /responses and its stream. What the events mean is the translator's to say. */
import type { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { JsonObject } from '../types/json.ts';
import type { Connection } from './ask.ts';
import type { InputMessage, InputPart, ResponseRequest, UpstreamEvent } from './backend.ts';
import { createBackgroundResponse, type Place } from './background.ts';
import type { Catalog } from './catalog.ts';
import {
  isConversationGone,
  tellsConversationGone,
  toConversationGone,
  toWireConversation,
} from './conversations.ts';
import { toDataUrl } from './data-url.ts';
import { createDeadlines, type Deadlines } from './deadlines.ts';
import {
  type BackendIdentity,
  findErrorCode,
  toBodyError,
  toProtocolError,
  toRequestError,
  withSecrets,
} from './errors.ts';
import { createEventDecoder, type EventDecoder } from './event-decoder.ts';
import { parseJsonBody, readText } from './http-body.ts';
import { listToolSecrets } from './secrets.ts';

export interface ResponsesDeps extends Connection {
  readonly log?: Log | undefined;
  readonly toWireId: Catalog['toWireId'];
}

/** See Backend.streamResponse. Nothing is sent before the first batch is asked for, and nothing is read ahead of the reader. */
export async function* streamResponse(
  connection: ResponsesDeps,
  request: ResponseRequest,
  signal: AbortSignal,
): AsyncGenerator<readonly UpstreamEvent[], void, undefined> {
  if (signal.aborted) return;
  const deps = { ...connection, identity: withSecrets(connection.identity, listToolSecrets(request.tools)) };
  const deadlines = createDeadlines(deps.config, signal);
  const read = (place?: Place) => readConnection(deps, { request, place }, deadlines);
  const background = request.background
    ? createBackgroundResponse(
        { ...deps, keeps: request.conversation !== undefined },
        { read, signal: deadlines.signal },
      )
    : undefined;
  try {
    let isFirst = request.conversation !== undefined;
    for await (const batch of background?.readAll() ?? read()) {
      if (isFirst && tellsConversationGone(batch[0])) throw toConversationGone();
      isFirst = false;
      yield batch;
    }
  } catch (error) {
    if (signal.aborted) return;
    throw deadlines.expired ?? toStreamError(error, request, deps.identity);
  } finally {
    deadlines.stop();
    // Nobody waits for it: the answer is there, or nobody wants it.
    void background?.discard();
  }
}

function toStreamError(error: unknown, request: ResponseRequest, identity: BackendIdentity): AppError {
  const failure = toRequestError(error, identity);
  const isGone = request.conversation !== undefined && isConversationGone(failure);
  return isGone ? toConversationGone(failure) : failure;
}

interface Wanted {
  readonly request: ResponseRequest;
  /** Absent: the response is yet to be asked for. */
  readonly place: Place | undefined;
}

/** The connection is opened when the first batch is asked for. */
function readConnection(
  deps: ResponsesDeps,
  wanted: Wanted,
  deadlines: Deadlines,
): AsyncGenerator<readonly UpstreamEvent[], void, undefined> {
  const open = () => openStream(deps, wanted, deadlines.signal);
  return readBatches(open, createEventDecoder(deps.identity, deps.log), deadlines);
}

async function send(
  { client, toWireId }: ResponsesDeps,
  { request, place }: Wanted,
  signal: AbortSignal,
): Promise<Response> {
  if (place === undefined) {
    const body = toRequestBody({ ...request, model: await toWireId(request.model, signal) });
    return client.post('/responses', { body, stream: true, signal }).asResponse();
  }
  const path = `/responses/${encodeURIComponent(place.responseId)}`;
  const query = { stream: true, starting_after: place.after };
  return client.get(path, { query, stream: true, signal }).asResponse();
}

async function openStream(
  deps: ResponsesDeps,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const { identity } = deps;
  const response = await send(deps, wanted, signal);
  const mediaType = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (mediaType === 'text/event-stream' && response.body !== null) return response.body;
  throw await toWrongBodyError(response, mediaType, identity);
}

/** Some servers answer 200 with an error object; anything else is a web page, or not the address of a Responses API. */
async function toWrongBodyError(
  response: Response,
  mediaType: string,
  identity: BackendIdentity,
): Promise<AppError> {
  const body = mediaType.endsWith('json') ? parseJsonBody(await readText(response)) : undefined;
  if (body?.error !== undefined && body.error !== null) return toBodyError(body, identity);
  return toProtocolError(`It sent ${mediaType || 'a body without a type'} instead of text/event-stream.`);
}

/** The body of the request, without the keys that have nothing to say: not every backend takes all of them. */
export function toRequestBody(request: ResponseRequest): JsonObject {
  const { model, instructions, input, tools, maxOutputTokens, conversation, background = false } = request;
  const searchesFiles = tools.some((tool) => tool.type === 'file_search');
  return {
    model,
    input: input.map(toWireMessage),
    stream: true,
    store: conversation !== undefined || background,
    ...(background && { background }),
    ...(conversation !== undefined && { conversation: toWireConversation(conversation) }),
    ...(instructions !== '' && { instructions }),
    ...(tools.length > 0 && { tools }),
    ...(maxOutputTokens !== undefined && { max_output_tokens: maxOutputTokens }),
    ...(searchesFiles && { include: ['file_search_call.results'] }),
  };
}

function toWireMessage({ role, content }: InputMessage): JsonObject {
  if (typeof content === 'string') return { role, content };
  return { role, content: content.map((part) => toWirePart(role, part)) };
}

function toWirePart(role: InputMessage['role'], part: InputPart): JsonObject {
  if (part.type === 'text') return { type: role === 'user' ? 'input_text' : 'output_text', text: part.text };
  return { type: 'input_image', image_url: toDataUrl(part) };
}

async function* readBatches(
  open: () => Promise<ReadableStream<Uint8Array>>,
  decoder: EventDecoder,
  deadlines: Deadlines,
): AsyncGenerator<readonly UpstreamEvent[], void, undefined> {
  const reader = (await open()).getReader();
  for (;;) {
    deadlines.wait();
    const bytes = await readBytes(reader);
    const { events, failure } = bytes === undefined ? decoder.finish() : decoder.decode(bytes);
    deadlines.arrive(events.length);
    if (events.length > 0) yield events;
    if (failure !== undefined) throw failure;
    if (bytes === undefined) return;
  }
}

/** Undefined at the end of the stream. */
async function readBytes(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | undefined> {
  try {
    return (await reader.read()).value;
  } catch (error) {
    const code = findErrorCode(error);
    throw toProtocolError(`Its stream broke off${code === undefined ? '' : ` (${code})`}.`, error);
  }
}
