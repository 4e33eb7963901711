/** The shape of the configuration; every key is described here and nowhere else. Where values come from lives in load.ts. */
import { z } from 'zod';
import { authenticationSchema } from './sections/authentication.ts';
import { authorizationSchema } from './sections/authorization.ts';
import { backendSchema } from './sections/backends.ts';
import { customizationSchema } from './sections/customization.ts';
import { feedbackSchema } from './sections/feedback.ts';
import { limitsSchema } from './sections/limits.ts';
import { mcpServersSchema } from './sections/mcp-servers.ts';
import { persistedOperationsSchema } from './sections/persisted-operations.ts';
import { quotasSchema } from './sections/quotas.ts';
import { shieldsSchema } from './sections/shields.ts';
import { transcriptsSchema } from './sections/transcripts.ts';
import {
  fileOf,
  HTTP_URL,
  httpUrl,
  IDENTIFIER,
  identifier,
  milliseconds,
  notes,
  text,
} from './vocabulary.ts';

const ORIGIN = 'an origin such as https://app.example.com ("*" is refused: name each one)';

/** Postgres takes no value of more than a gigabyte, and JSON may write one byte as six. */
const MAX_TURN_BYTES = 134_217_728;
const MAX_TOOL_RESULT_BYTES = 16_777_216;
/** Ten years: beyond it a number is a slip. */
const YEARS_MS = 315_360_000_000;

const openaiSchema = z.strictObject({
  apiKey: text.optional().meta(notes({ description: 'Bearer token of the backend `openai`', secret: true })),
  apiKeyFile: fileOf('apiKey'),
  baseUrl: httpUrl.optional().meta(
    notes({
      description: 'Root of its Responses API; https://api.openai.com/v1 when only a key is set',
      expected: HTTP_URL,
    }),
  ),
  model: text.optional().describe('Model that answers when a request names none'),
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
      drainSpreadMs: milliseconds(10_000).describe(
        'Longest time over which a node that is told to stop sends its clients elsewhere; few clients take less',
      ),
      maxConnections: z
        .int()
        .min(1)
        .default(10_000)
        .describe('Connections that may be open at once; more are closed as soon as they are made'),
      openMetrics: z
        .boolean()
        .default(false)
        .describe('Whether /metrics asks nobody who they are; else it wants the action GET_METRICS'),
      trustedProxies: z
        .int()
        .min(0)
        .max(10)
        .default(0)
        .describe('Proxies in front that add to X-Forwarded-For; 0: the address is that of the connection'),
    })
    .prefault({}),
  authentication: authenticationSchema.prefault({}),
  authorization: authorizationSchema.prefault({}),
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
      urlFile: fileOf('url'),
      directUrl: z
        .url({ protocol: /^postgres(ql)?$/ })
        .optional()
        .meta(
          notes({
            description: 'The same Postgres past a connection pooler: for migrations, notifications and jobs',
            expected: 'a postgres:// URL',
            secret: true,
          }),
        ),
      directUrlFile: fileOf('directUrl'),
      poolSize: z
        .int()
        .min(2)
        .max(200)
        .default(10)
        .describe('Connections for questions; a few more keep leases and listen'),
      startupTimeoutMs: milliseconds(300_000).describe(
        'How long a start waits for a database that cannot be reached',
      ),
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
  customization: customizationSchema.prefault({}),
  turns: z
    .strictObject({
      leaseMs: milliseconds(15_000).describe('How long a node owns a turn without renewing'),
      flushMs: milliseconds(250).describe(
        'Longest time before events are stored; 50 when a turn is followed on another node, or `sync`',
      ),
      durability: z
        .enum(['async', 'sync'])
        .default('async')
        .describe('sync: followers receive an event only after it is stored, about 30 ms later'),
      maxTurnBytes: z
        .int()
        .min(1_024)
        .max(MAX_TURN_BYTES)
        .default(33_554_432)
        .describe(
          'What a turn may hold of answer, reasoning and tool results; beyond it the turn ends with an error',
        ),
      maxToolCalls: z
        .int()
        .min(1)
        .max(10_000)
        .default(50)
        .describe('Most tool calls of one turn; with one more the model is stopped where it is'),
      maxToolResultBytes: z
        .int()
        .min(1_024)
        .max(MAX_TOOL_RESULT_BYTES)
        .default(262_144)
        .describe('What is kept of the result of one tool call; a longer one is cut, and says so'),
      retentionMs: z
        .int()
        .min(60_000)
        .max(YEARS_MS)
        .default(86_400_000)
        .describe('How long events and idempotency keys are kept after the end of a turn'),
      followerStallMs: milliseconds(30_000).describe('How long a follower may read nothing before it is cut'),
      drainMs: milliseconds(300_000).describe(
        'How long running turns may go on when their node is told to stop',
      ),
    })
    .prefault({}),
  limits: limitsSchema.prefault({}),
  persistedOperations: persistedOperationsSchema.prefault({}),
  transcripts: transcriptsSchema.prefault({}),
  feedback: feedbackSchema.prefault({}),
  shields: shieldsSchema.default([]).describe('Moderation models that look at every question, in this order'),
  mcpServers: mcpServersSchema.default([]).describe('MCP servers whose tools every question may use'),
  quotas: quotasSchema.prefault({}),
});

type DeepReadonly<T> = T extends (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

export type AuthenticationConfig = DeepReadonly<z.output<typeof authenticationSchema>>;
export type AuthorizationConfig = DeepReadonly<z.output<typeof authorizationSchema>>;
export type McpServerConfig = DeepReadonly<z.output<typeof mcpServersSchema>>[number];

/** What an operator may write, before defaults. */
export type ConfigInput = z.input<typeof configSchema>;
/** The settings as they were written, with defaults; rules.ts makes a Config of them. */
export type Settings = DeepReadonly<z.output<typeof configSchema>>;
/** The whole configuration of a process, frozen. All paths are absolute. */
export type Config = Omit<Settings, 'openai' | 'mode'> & { readonly mode: 'development' | 'production' };

function isOrigin(candidate: string): boolean {
  return URL.canParse(candidate) && new URL(candidate).origin === candidate;
}
