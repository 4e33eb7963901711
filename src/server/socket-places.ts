/** How many WebSockets one address and one viewer may have here, how often one is opened, and how much each may send. */
import type { IncomingMessage } from 'node:http';
import type { Config } from '../config/config.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { LimitMetrics } from '../metrics.ts';
import type { Viewer } from '../types/viewer.ts';
import { createAddressOf } from './client-address.ts';
import { RETRY_MS, tooMany, tooOften } from './limits.ts';
import { createRate, type Excess } from './rate.ts';
import { createSlots } from './slots.ts';

export interface SocketPlaces {
  /** For a WebSocket that is to be opened, until it is disposed of. Throws RATE_LIMITED. */
  take(req: IncomingMessage): Promise<SocketPlace>;
}

export interface SocketPlace extends Disposable {
  /** The socket waits no more: it is the viewer's. Throws TOO_MANY_STREAMS. */
  acknowledge(viewer: Viewer): void;
  /** Counts a message, or a ping, by its length. Answers come in the order of the calls. */
  countMessage(length: number): Promise<Excess | undefined>;
}

export interface SocketPlacesDeps {
  readonly config: Pick<Config, 'limits' | 'server'>;
  readonly metrics: LimitMetrics;
  readonly log: Pick<Log, 'warn'>;
}

/** A message counts once more for each of these that it is long. */
const MESSAGE_UNIT = 16 * 1024;
/** An address at its limit is logged once in this time. */
const ADDRESS_LOG_MS = 60_000;

export function createSocketPlaces({ config, metrics, log }: SocketPlacesDeps): SocketPlaces {
  const { limits } = config;
  const messages = createRate(limits.messageRate);
  const ofViewer = createSlots(limits.webSocketsPerViewer);
  const takeOfAddress = createAddressPlaces({ config, metrics, log });
  let count = 0;
  return {
    async take(req) {
      const { all, waiting } = await takeOfAddress(req);
      count += 1;
      const key = String(count);
      return {
        acknowledge({ id }) {
          // It has closed while its viewer was asked for.
          if (all.disposed) return;
          const slot = ofViewer.take(id);
          if (!slot) {
            metrics.limitReached('webSocketsPerViewer');
            throw tooMany('WebSockets', limits.webSocketsPerViewer);
          }
          all.use(slot);
          waiting[Symbol.dispose]();
        },
        async countMessage(length) {
          const excess = await messages.count(key, 1 + Math.floor(length / MESSAGE_UNIT));
          if (excess) metrics.limitReached('messageRate');
          return excess;
        },
        [Symbol.dispose]: () => all.dispose(),
      };
    },
  };
}

interface AddressPlace {
  readonly all: DisposableStack;
  /** What it holds while the socket is not acknowledged. */
  readonly waiting: Disposable;
}

function createAddressPlaces({ config, metrics, log }: SocketPlacesDeps) {
  const { limits } = config;
  const addressOf = createAddressOf(config);
  const upgrades = createRate(limits.upgradeRate);
  const open = createSlots(limits.webSocketsPerAddress);
  const waiting = createSlots(limits.webSocketsWaiting);
  let quietUntil = 0;

  /** Behind a proxy that is not known as one, all clients have one address: the operator is to hear of it. */
  const refuse = (limit: keyof Config['limits'], address: string, error: AppError): AppError => {
    metrics.limitReached(limit);
    const now = performance.now();
    if (now >= quietUntil) {
      quietUntil = now + ADDRESS_LOG_MS;
      log.warn({ limit, address }, 'an address is at its limit; a proxy is to be in server.trustedProxies');
    }
    return error;
  };

  return async (req: IncomingMessage): Promise<AddressPlace> => {
    const address = addressOf(req);
    const excess = await upgrades.count(address);
    if (excess) {
      const error = tooOften('Too many WebSockets were opened from this address', excess, limits.upgradeRate);
      throw refuse('upgradeRate', address, error);
    }
    const slot = open.take(address);
    if (!slot) throw refuse('webSocketsPerAddress', address, tooManyOpen(limits.webSocketsPerAddress));
    const wait = waiting.take(address);
    if (!wait) {
      slot[Symbol.dispose]();
      throw refuse('webSocketsWaiting', address, tooManyOpen(limits.webSocketsWaiting));
    }
    const all = new DisposableStack();
    all.use(slot);
    all.use(wait);
    return { all, waiting: wait };
  };
}

function tooManyOpen(limit: number): AppError {
  return new AppError('RATE_LIMITED', 'Too many WebSockets of this address are open', {
    details: { explanation: `At most ${limit} at once`, retryAfterMs: RETRY_MS },
  });
}
