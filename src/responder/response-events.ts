/** The Responses API's objects and events for an answer, in the order in which a stream carries them. Pure. */
import type { FoundPassage } from '../types/document.ts';
import type { JsonObject } from '../types/json.ts';
import type { Citation } from './compose-answer.ts';
import type { ResponseBody } from './request.ts';

export interface ResponseParts {
  readonly body: ResponseBody;
  /** Unique part of all ids. */
  readonly id: string;
  /** Seconds since the Unix epoch. */
  readonly createdAt: number;
  /** Absent: no search ran. */
  readonly search?: { readonly query: string; readonly found: readonly FoundPassage[] } | undefined;
  readonly text: string;
  readonly citations: readonly Citation[];
  /** Whether the text was cut at `max_output_tokens`. */
  readonly isCut: boolean;
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number };
}

export type StreamedEvent = JsonObject & { readonly type: string; readonly sequence_number: number };

/** The response when it is done: the body of an answer without streaming, and the last event of one with it. */
export function toResponse(parts: ResponseParts): JsonObject {
  const { inputTokens, outputTokens } = parts.usage;
  return {
    ...toOpenResponse(parts),
    status: parts.isCut ? 'incomplete' : 'completed',
    incomplete_details: parts.isCut ? { reason: 'max_output_tokens' } : null,
    output: [...toSearchItems(parts), toMessage(parts)],
    usage: {
      input_tokens: inputTokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: inputTokens + outputTokens,
    },
  };
}

/** Every event of the stream, numbered from 0. */
export function toEvents(parts: ResponseParts): readonly StreamedEvent[] {
  const open = toOpenResponse(parts);
  const events: (JsonObject & { readonly type: string })[] = [
    { type: 'response.created', response: open },
    { type: 'response.in_progress', response: open },
    ...toSearchEvents(parts),
    ...toMessageEvents(parts, parts.search === undefined ? 0 : 1),
    { type: parts.isCut ? 'response.incomplete' : 'response.completed', response: toResponse(parts) },
  ];
  return events.map((event, index) => ({ ...event, sequence_number: index }));
}

function toOpenResponse({ body, id, createdAt }: ResponseParts): JsonObject {
  return {
    id: `resp_${id}`,
    object: 'response',
    created_at: createdAt,
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    metadata: body.metadata ?? {},
    model: body.model,
    output: [],
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: false,
    temperature: null,
    text: { format: { type: 'text' } },
    tool_choice:
      body.tool_choice === undefined || body.tool_choice === null ? 'auto' : (body.tool_choice as JsonObject),
    tools: (body.tools ?? []) as readonly JsonObject[],
    top_p: null,
    truncation: 'disabled',
    usage: null,
  };
}

function toSearchItems({ id, search }: ResponseParts): readonly JsonObject[] {
  if (search === undefined) return [];
  const { query, found } = search;
  return [
    {
      id: `fs_${id}`,
      type: 'file_search_call',
      status: 'completed',
      queries: [query],
      results: found.map(toResult),
    },
  ];
}

function toResult(passage: FoundPassage): JsonObject {
  const { documentId, documentName, title, url, heading, ordinal, text, score } = passage;
  return {
    file_id: documentId,
    filename: documentName,
    text,
    score: toShare(score),
    attributes: { title, ordinal, ...(url !== null && { url }), ...(heading !== null && { heading }) },
  };
}

/** BM25 has no upper bound, the API's score lies between 0 and 1; the order is kept. */
function toShare(score: number): number {
  return score / (score + 1);
}

function toSearchEvents(parts: ResponseParts): readonly (JsonObject & { readonly type: string })[] {
  const [item] = toSearchItems(parts);
  if (item === undefined) return [];
  const place = { output_index: 0, item_id: `fs_${parts.id}` };
  const open = { ...item, status: 'in_progress', queries: [], results: null };
  return [
    { type: 'response.output_item.added', output_index: 0, item: open },
    { type: 'response.file_search_call.in_progress', ...place },
    { type: 'response.file_search_call.searching', ...place },
    { type: 'response.file_search_call.completed', ...place },
    { type: 'response.output_item.done', output_index: 0, item },
  ];
}

function toMessage({ id, text, citations, isCut }: ResponseParts): JsonObject {
  return {
    id: `msg_${id}`,
    type: 'message',
    role: 'assistant',
    status: isCut ? 'incomplete' : 'completed',
    content: [toTextPart(text, citations.map(toAnnotation))],
  };
}

function toTextPart(text: string, annotations: readonly JsonObject[]): JsonObject {
  return { type: 'output_text', text, annotations, logprobs: [] };
}

/** A reference carries the document's name as its title, as the search result does, so that the two count as one. */
function toAnnotation({ passage, start, end }: Citation): JsonObject {
  const { documentId, documentName, url } = passage;
  if (url === null)
    return { type: 'file_citation', file_id: documentId, filename: documentName, index: start };
  return { type: 'url_citation', url, title: documentName, start_index: start, end_index: end };
}

function toMessageEvents(
  parts: ResponseParts,
  outputIndex: number,
): readonly (JsonObject & { readonly type: string })[] {
  const { text, citations } = parts;
  const item = toMessage(parts);
  const annotations = citations.map(toAnnotation);
  const place = { item_id: `msg_${parts.id}`, output_index: outputIndex, content_index: 0 };
  return [
    {
      type: 'response.output_item.added',
      output_index: outputIndex,
      item: { ...item, status: 'in_progress', content: [] },
    },
    { type: 'response.content_part.added', ...place, part: toTextPart('', []) },
    ...toDeltas(text).map((delta) => ({ type: 'response.output_text.delta', ...place, delta, logprobs: [] })),
    ...annotations.map((annotation, index) => ({
      type: 'response.output_text.annotation.added',
      ...place,
      annotation_index: index,
      annotation,
    })),
    { type: 'response.output_text.done', ...place, text, logprobs: [] },
    { type: 'response.content_part.done', ...place, part: toTextPart(text, annotations) },
    { type: 'response.output_item.done', output_index: outputIndex, item },
  ];
}

/** At most four words each; joined they are the text. */
function toDeltas(text: string): readonly string[] {
  return text.match(/\s*(?:\S+\s*){1,4}/g) ?? [];
}
