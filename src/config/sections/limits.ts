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
    'Highest cost of an operation: 1 a field, 2 an object, times `first`, times 1.5 for each level',
  ),
});

export const limitsSchema = z.strictObject({
  turnsPerViewer: count(5, 'Most turns of one viewer that run at once, on all nodes together'),
  turnsPerNode: count(200, 'Most turns that run at once on this node'),
  document: documentSchema.prefault({}),
});
