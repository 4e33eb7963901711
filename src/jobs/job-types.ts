/** The background jobs that there are: their names, what each is told, and how often it is tried. Who does them is said elsewhere. */
import { z } from 'zod';

interface JobType {
  readonly payload: z.ZodType<object>;
  /** How often a failed job is tried again before it is given up. */
  readonly retryLimit: number;
  /** Seconds before the first retry; each later one waits about twice as long. */
  readonly retryDelayS: number;
  /** Seconds after which a handler is taken for lost: its signal is aborted and the job is tried again. */
  readonly expireInS: number;
  /** Whether workers are told of a new job at once; otherwise they find it when they look, every few seconds. */
  readonly notify: boolean;
  /** When it is put in by itself, once for all nodes, in UTC: a cron line. Its payload is empty; at most one waits and one is done. */
  readonly cron?: string;
}

export const JOB_TYPES = {
  'summarize-topic': {
    payload: z.object({ turnId: z.uuid() }),
    retryLimit: 3,
    retryDelayS: 5,
    expireInS: 120,
    notify: true,
  },
  'write-transcript': {
    payload: z.object({ turnId: z.uuid() }),
    retryLimit: 8,
    retryDelayS: 5,
    expireInS: 60,
    notify: false,
  },
  'delete-backend-conversation': {
    payload: z.object({ provider: z.string(), backendConversationId: z.string() }),
    retryLimit: 8,
    retryDelayS: 10,
    expireInS: 60,
    notify: false,
  },
  'delete-viewer': {
    payload: z.object({ viewerId: z.string(), until: z.string() }),
    retryLimit: 12,
    retryDelayS: 10,
    expireInS: 900,
    notify: true,
  },
  'expire-turns': {
    payload: z.object({}),
    retryLimit: 2,
    retryDelayS: 30,
    expireInS: 600,
    notify: false,
    cron: '*/10 * * * *',
  },
  'refill-quotas': {
    payload: z.object({}),
    retryLimit: 2,
    retryDelayS: 30,
    expireInS: 600,
    notify: false,
    cron: '*/5 * * * *',
  },
  'sweep-uploads': {
    payload: z.object({}),
    retryLimit: 2,
    retryDelayS: 30,
    expireInS: 600,
    notify: false,
    cron: '5,35 * * * *',
  },
} as const satisfies Readonly<Record<string, JobType>>;

export type JobName = keyof typeof JOB_TYPES;
export type JobPayload<Name extends JobName> = z.output<(typeof JOB_TYPES)[Name]['payload']>;

export const JOB_NAMES = Object.keys(JOB_TYPES) as readonly JobName[];
