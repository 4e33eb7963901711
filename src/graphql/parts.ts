/** What declarations of several files refer to: the builder, the enums, and the object types that are declared elsewhere. */
import type { Conversation } from '../types/conversation.ts';
import type { ReferencedDocument } from '../types/document.ts';
import type { Turn } from '../types/turn.ts';
import type { TurnUsage } from '../types/usage.ts';
import type { Builder } from './builder.ts';
import { declarePageInfo } from './connections.ts';
import { declareEnums } from './enums.ts';
import { createLoaderSource } from './loaders.ts';

export type Parts = ReturnType<typeof createParts>;

export function createParts(builder: Builder) {
  return {
    builder,
    enums: declareEnums(builder),
    pageInfo: declarePageInfo(builder),
    loadersOf: createLoaderSource(),
    conversation: builder.objectRef<Conversation>('Conversation'),
    turn: builder.objectRef<Turn>('Turn'),
    turnUsage: builder.objectRef<TurnUsage>('TurnUsage'),
    referencedDocument: builder.objectRef<ReferencedDocument>('ReferencedDocument'),
  };
}
