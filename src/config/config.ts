/** The shape of the configuration; every key is described here and nowhere else. Where values come from lives in load.ts. */
import { z } from 'zod';

/** What a value may be, in words, where its JSON schema does not say it; and whether it is ever shown. */
interface Notes {
  readonly description?: string;
  readonly expected?: string;
  readonly secret?: true;
}
const notes = (meta: Notes): Record<string, unknown> => ({ ...meta });

const milliseconds = (fallback: number) => z.int().min(1).max(2_147_483_647).default(fallback);
const text = z.string().min(1);
const identifier = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/);
const IDENTIFIER = 'a name of up to 64 letters, digits, "_", "." and "-"';
const ORIGIN = 'an origin such as https://app.example.com ("*" is refused: name each one)';
const httpUrl = z.url({ protocol: /^https?$/ });
const HTTP_URL = 'an http:// or https:// URL';

const openaiSchema = z.strictObject({
  apiKey: text.optional().meta(notes({ description: 'Bearer token of the backend `openai`', secret: true })),
  baseUrl: httpUrl.optional().meta(
    notes({
      description: 'Root of its Responses API; https://api.openai.com/v1 when only a key is set',
      expected: HTTP_URL,
    }),
  ),
  model: text.optional().describe('Model that answers when a request names none'),
});

const backendSchema = z.strictObject({
  id: identifier.meta(
    notes({ description: 'The provider name of this backend in the API', expected: IDENTIFIER }),
  ),
  baseUrl: httpUrl.meta(
    notes({ description: 'Root of its Responses API, usually ending in /v1', expected: HTTP_URL }),
  ),
  apiKey: text.optional().meta(notes({ description: 'Bearer token that is sent to it', secret: true })),
  models: z
    .array(text)
    .default([])
    .describe('Models that may be asked for; empty: whatever the backend lists'),
  contextWindow: z.int().min(1).default(128_000).describe('Tokens that fit into one request'),
  connectTimeoutMs: milliseconds(10_000).describe('Longest wait for a connection'),
  firstEventTimeoutMs: milliseconds(120_000).describe('Longest wait for the first event of a response'),
  idleTimeoutMs: milliseconds(120_000).describe('Longest silence between two events'),
  turnTimeoutMs: milliseconds(1_800_000).describe('Longest duration of one response'),
});
export type BackendConfig = DeepReadonly<z.output<typeof backendSchema>>;

export const configSchema = z.strictObject({
  mode: z
    .enum(['development', 'production'])
    .optional()
    .describe(
      'development serves GraphiQL and allows localhost origins; the default only on a loopback host',
    ),
  server: z
    .strictObject({
      host: text.default('127.0.0.1').describe('Address to listen on'),
      port: z.int().min(0).max(65_535).default(4000).describe('Port to listen on; 0 takes a free one'),
      allowedOrigins: z
        .array(
          z
            .string()
            .refine(isOrigin)
            .meta(notes({ expected: ORIGIN })),
        )
        .default([])
        .describe('Browser origins that may call; development adds http://localhost:*'),
      keepAliveMs: milliseconds(12_000).describe('Interval of keep-alives on open streams'),
    })
    .prefault({}),
  database: z
    .strictObject({
      url: z
        .url({ protocol: /^postgres(ql)?$/ })
        .optional()
        .meta(
          notes({
            description: 'Postgres to use; absent: one is started in the data directory',
            expected: 'a postgres:// URL',
            secret: true,
          }),
        ),
      poolSize: z.int().min(2).max(200).default(10).describe('Connections of this node'),
    })
    .prefault({}),
  dataDir: text.default('.millrace').describe('Folder of the built-in Postgres'),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Least level that is logged'),
  openai: openaiSchema
    .optional()
    .describe('One backend with the id `openai`, in short; has no effect beside `backends`'),
  backends: z
    .array(backendSchema)
    .default([])
    .describe('Backends side by side; none: the built-in responder answers'),
  inference: z
    .strictObject({
      defaultProvider: identifier
        .optional()
        .meta(notes({ description: 'Backend that answers when a request names none', expected: IDENTIFIER })),
      defaultModel: text.optional().describe('Model that answers when a request names none'),
    })
    .prefault({}),
  customization: z
    .strictObject({
      systemPrompt: text.optional().describe('System prompt of requests that bring none'),
      disableQuerySystemPrompt: z.boolean().default(false).describe('Refuse system prompts in requests'),
    })
    .prefault({}),
  turns: z
    .strictObject({
      leaseMs: milliseconds(15_000).describe('How long a node owns a turn without renewing'),
      flushMs: milliseconds(250).describe('Longest time before events are written to the log'),
      followerStallMs: milliseconds(30_000).describe('How long a follower may read nothing before it is cut'),
    })
    .prefault({}),
});

type DeepReadonly<T> = T extends (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** What an operator may write, before defaults. */
export type ConfigInput = z.input<typeof configSchema>;
/** The settings as they were written, with defaults; rules.ts makes a Config of them. */
export type Settings = DeepReadonly<z.output<typeof configSchema>>;
/** The whole configuration of a process, frozen. `dataDir` is absolute. */
export type Config = Omit<Settings, 'openai' | 'mode'> & { readonly mode: 'development' | 'production' };

function isOrigin(candidate: string): boolean {
  return URL.canParse(candidate) && new URL(candidate).origin === candidate;
}
