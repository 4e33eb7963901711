/** Reads the body of POST /v1/responses: what it asks for, or why it is refused. */
import { z } from 'zod';
import { type ApiFailure, badRequest } from './api-failure.ts';

/** The only model, and the only vector store: the documents that were imported into Millrace. */
export const MODEL = 'millrace-extractive';
export const VECTOR_STORE = 'local';

const DEFAULT_MAX_RESULTS = 10;

const contentPart = z.looseObject({ type: z.string(), text: z.string().optional() });
const inputItem = z.looseObject({
  type: z.string().optional(),
  role: z.string().optional(),
  content: z.union([z.string(), z.array(contentPart)]).nullish(),
});
const tool = z.looseObject({
  type: z.string(),
  vector_store_ids: z.array(z.string()).min(1).optional(),
  max_num_results: z.int().min(1).max(50).optional(),
});

const bodySchema = z.looseObject({
  model: z.string(),
  input: z.union([z.string(), z.array(inputItem)]),
  instructions: z.string().nullish(),
  tools: z.array(tool).nullish(),
  tool_choice: z.union([z.string(), z.looseObject({ type: z.string() })]).nullish(),
  stream: z.boolean().nullish(),
  max_output_tokens: z.int().min(1).nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  previous_response_id: z.null('responses are not stored: send the earlier turns in input').optional(),
  background: z.literal(false, 'responses are not stored: background is not supported').nullish(),
});

export type ResponseBody = Readonly<z.infer<typeof bodySchema>>;

export interface AnswerRequest {
  /** As it was sent, to be repeated in the response. */
  readonly body: ResponseBody;
  /** Texts of the user's messages, oldest first; the question is the last one. */
  readonly userMessages: readonly string[];
  /** How many passages to look for; 0: the request allows no search. */
  readonly maxResults: number;
}

export type ParsedRequest = { readonly request: AnswerRequest } | { readonly failure: ApiFailure };

export function parseRequest(text: string): ParsedRequest {
  const json = parseJson(text);
  if (json === undefined) return { failure: badRequest('The body is not JSON.') };
  const parsed = bodySchema.safeParse(json);
  if (!parsed.success) return { failure: toFailure(parsed.error) };
  const body = parsed.data;
  if (body.model !== MODEL)
    return { failure: notFound(`The model '${body.model}' does not exist.`, 'model') };
  const storeIds = (body.tools ?? []).flatMap((entry) => entry.vector_store_ids ?? []);
  const unknownStore = storeIds.find((id) => id !== VECTOR_STORE);
  if (unknownStore !== undefined) {
    return { failure: notFound(`Vector store with id '${unknownStore}' not found.`, 'tools') };
  }
  const userMessages = toUserMessages(body.input);
  if (userMessages.length === 0) return { failure: badRequest('input has no message of the user.', 'input') };
  return { request: { body, userMessages, maxResults: toMaxResults(body) } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toFailure(error: z.ZodError): ApiFailure {
  const [issue] = error.issues;
  const param = issue === undefined || issue.path.length === 0 ? null : issue.path.join('.');
  return badRequest(
    `Invalid value${param === null ? '' : ` for '${param}'`}: ${issue?.message ?? 'unknown'}.`,
    param,
  );
}

function notFound(message: string, param: string): ApiFailure {
  const code = param === 'model' ? 'model_not_found' : null;
  return { status: 404, message, type: 'invalid_request_error', code, param };
}

function toUserMessages(input: ResponseBody['input']): readonly string[] {
  if (typeof input === 'string') return input.trim() === '' ? [] : [input];
  return input
    .filter((item) => item.role === 'user')
    .map(({ content }) =>
      typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join('\n'),
    )
    .filter((text) => text.trim() !== '');
}

/** As everywhere in the Responses API: no search without a file_search tool. */
function toMaxResults({ tools, tool_choice }: ResponseBody): number {
  const search = tool_choice === 'none' ? undefined : tools?.find((entry) => entry.type === 'file_search');
  return search === undefined ? 0 : (search.max_num_results ?? DEFAULT_MAX_RESULTS);
}
