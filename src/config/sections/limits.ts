/** How much one client may ask for at once. What a node can bear as a whole stands with what it is about. */
import { z } from 'zod';

const count = (fallback: number, description: string) =>
  z.int().min(1).default(fallback).describe(description);

const documentSchema = z.strictObject({
  tokens: count(2_000, 'Most tokens of a GraphQL document'),
  depth: count(10, 'Deepest nesting of fields; the stock introspection query is not concerned'),
  aliases: count(15, 'Most aliases of an operation, fragments included'),
  directives: count(20, 'Most directives of an operation, fragments included'),
  cost: count(
    5_000,
    'Highest cost of an operation: 1 a scalar, 2 an object, each as often as the pages it is in have items',
  ),
});

interface RateText {
  readonly what: string;
  readonly window: string;
}

const rate = (fallback: { readonly count: number; readonly seconds: number }, { what, window }: RateText) =>
  z
    .strictObject({
      count: count(fallback.count, what),
      seconds: z.number().min(0.1).max(3_600).default(fallback.seconds).describe(window),
    })
    .prefault({});

export const limitsSchema = z.strictObject({
  turnsPerViewer: count(5, 'Most turns of one viewer that run at once, on all nodes together'),
  turnsPerNode: count(200, 'Most turns that run at once on this node'),
  streamsPerViewer: count(
    100,
    'Most subscriptions by SSE and multipart that one viewer has open on this node',
  ),
  webSocketsPerViewer: count(100, 'Most WebSockets that one viewer has open on this node'),
  webSocketsPerAddress: count(2_000, 'Most WebSockets that are open from one address on this node'),
  webSocketsWaiting: count(200, 'Most WebSockets from one address that are not acknowledged yet'),
  operationsPerSocket: count(20, 'Most operations that are open at once on one WebSocket'),
  uploadsPerViewer: count(20, 'Most uploads of one viewer that are kept at a time, on all nodes together'),
  uploadsReadingPerViewer: count(4, 'Most uploads of one viewer that are read at once on this node'),
  uploadsReading: count(
    16,
    'Most uploads that are read at once on this node; each may take up to 20 MiB of memory',
  ),
  operationRate: rate(
    { count: 600, seconds: 10 },
    {
      what: 'Most operations and uploads that one viewer begins in that time on this node',
      window: 'Time in which the operations of a viewer are counted',
    },
  ),
  upgradeRate: rate(
    { count: 1_000, seconds: 10 },
    {
      what: 'Most WebSockets that are opened from one address in that time on this node',
      window: 'Time in which the WebSockets of an address are counted',
    },
  ),
  messageRate: rate(
    { count: 500, seconds: 10 },
    {
      what: 'Most messages of one WebSocket in that time, one more for each 16 KiB; twice as many close it',
      window: 'Time in which the messages of a WebSocket are counted',
    },
  ),
  document: documentSchema.prefault({}),
});
