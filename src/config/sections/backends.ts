/** The part of the configuration that says which backends answer, how to reach them and what they can do. */
import { z } from 'zod';
import {
  fileOf,
  HTTP_URL,
  httpUrl,
  IDENTIFIER,
  identifier,
  milliseconds,
  notes,
  text,
} from '../vocabulary.ts';

/** What a backend is; `auto` is found out from its address and, where that says nothing, by a first look at it. */
export const BACKEND_KINDS = ['auto', 'openai', 'azure', 'llama-stack', 'ogx', 'other'] as const;

const capability = (what: string) => z.boolean().optional().describe(`Whether ${what}`);

const capabilitiesSchema = z.strictObject({
  conversations: capability('it keeps conversations of its own'),
  moderations: capability('it judges texts (POST /moderations)'),
  shields: capability('it lists shields of its own (GET /shields)'),
  vectorStores: capability('it lists its vector stores (GET /vector_stores)'),
  fileSearch: capability('it knows the tool file_search'),
  mcp: capability('it knows the tool mcp'),
  models: capability('it lists its models (GET /models)'),
  images: capability('it takes images'),
  maxOutputTokens: capability('it takes a bound on the tokens of an answer (max_output_tokens)'),
  background: capability('it goes on with a response whose connection broke off'),
});

const entraSchema = z.strictObject({
  tenantId: text.describe('Microsoft Entra tenant that signs Millrace in, instead of `apiKey`'),
  clientId: text.describe('Application (client) id'),
  clientSecret: text.meta(notes({ description: 'Client secret of the application', secret: true })),
  clientSecretFile: fileOf('clientSecret'),
  authority: httpUrl
    .default('https://login.microsoftonline.com')
    .meta(notes({ description: 'Where tokens are fetched', expected: HTTP_URL })),
  scope: text
    .default('https://cognitiveservices.azure.com/.default')
    .describe('Scope that a token is asked for'),
});

const tlsSchema = z.strictObject({
  caFile: text.optional().describe('PEM file of authorities to trust beside the usual ones'),
  certFile: text.optional().describe('PEM file of the certificate that Millrace shows; needs `keyFile`'),
  keyFile: text.optional().describe('PEM file of the key of that certificate'),
  insecureSkipVerify: z.boolean().default(false).describe('Trust whoever answers; for trials only'),
});

const STORES = 'all, none or a list of ids';

export const backendSchema = z.strictObject({
  id: identifier.meta(
    notes({ description: 'The provider name of this backend in the API', expected: IDENTIFIER }),
  ),
  baseUrl: httpUrl.meta(
    notes({ description: 'Root of its Responses API, usually ending in /v1', expected: HTTP_URL }),
  ),
  kind: z
    .enum(BACKEND_KINDS)
    .default('auto')
    .describe('What it is; auto goes by its address, else looks at it once'),
  apiKey: text.optional().meta(
    notes({
      description: 'Bearer token that is sent to it; for azure, its `api-key`',
      secret: true,
    }),
  ),
  apiKeyFile: fileOf('apiKey'),
  entra: entraSchema.optional().describe('Sign in at Azure with client credentials'),
  apiVersion: text
    .default('2025-04-01-preview')
    .describe('Version that azure is asked for where `baseUrl` does not end in /openai/v1'),
  tls: tlsSchema.prefault({}),
  models: z
    .array(text)
    .default([])
    .describe('Models that may be asked for, by the ids it lists; empty: all that it lists'),
  contextWindow: z.int().min(1).default(128_000).describe('Tokens that fit into one request'),
  maxOutputTokens: z
    .int()
    .min(256)
    .max(1_000_000_000)
    .optional()
    .describe('Most tokens of an answer; absent: its own bound, or 8192 where quotas apply'),
  capabilities: capabilitiesSchema.prefault({}),
  vectorStores: z
    .union([z.enum(['all', 'none']), z.array(text)])
    .optional()
    .meta(
      notes({
        description:
          'Vector stores that a question searches when it names none; by default all of llama-stack and OGX, none of others',
        expected: STORES,
      }),
    ),
  history: z
    .enum(['own', 'backend'])
    .default('own')
    .describe('Who tells it what was said before: Millrace, or a conversation that it keeps itself'),
  background: z
    .boolean()
    .default(false)
    .describe(
      'Let it answer in the background: an answer whose connection breaks off is read on; it keeps the answer until then',
    ),
  connectTimeoutMs: milliseconds(10_000).describe('Longest wait for a connection'),
  firstEventTimeoutMs: milliseconds(120_000).describe('Longest wait for the first event of a response'),
  idleTimeoutMs: milliseconds(120_000).describe('Longest silence between two events'),
  turnTimeoutMs: milliseconds(1_800_000).describe('Longest duration of one response'),
});
