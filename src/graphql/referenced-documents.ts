/** What answers refer to, counted: for one conversation, and across all of a viewer's. */
import { z } from 'zod';
import { listReferencedDocuments } from '../conversations/referenced-documents.ts';
import type { DocumentUse, DocumentUsePlace } from '../conversations/store.ts';
import {
  declareConnection,
  type PlaceFormat,
  pageArgs,
  placeMoment,
  placeText,
  toConnection,
} from './connections.ts';
import { DOCUMENTS_PER_CONVERSATION } from './loaders.ts';
import type { Parts } from './parts.ts';

const usePlace: PlaceFormat<DocumentUse, DocumentUsePlace> = {
  toValues: ({ lastUsedAt, url, title }) => [lastUsedAt.getTime(), url, title],
  values: z
    .tuple([placeMoment, placeText.nullable(), placeText.nullable()])
    .transform(([lastUsedAt, url, title]) => ({ lastUsedAt, url, title })),
};

export function declareReferencedDocuments(parts: Parts): void {
  const { builder, conversation, pageInfo, loadersOf } = parts;
  const use = declareUse(parts);
  const connection = declareConnection(
    builder,
    { pageInfo, node: use },
    { name: 'DocumentUse', items: 'referenced documents' },
  );
  builder.objectField(conversation, 'referencedDocuments', (t) =>
    t.field({
      type: [use],
      description:
        `Documents that its answers refer to, the latest use first, at most ${DOCUMENTS_PER_CONVERSATION}; all of ` +
        'them are in `Query.referencedDocuments`. Needs LIST_CONVERSATIONS.',
      authScopes: { action: 'LIST_CONVERSATIONS' },
      resolve: ({ id }, _args, context) => loadersOf(context).documentsOfConversation.load(id),
    }),
  );
  builder.queryField('referencedDocuments', (t) =>
    t.field({
      type: connection,
      description:
        "Documents that answers in the viewer's conversations refer to, the latest use first, each once by URL and " +
        'title.',
      authScopes: { action: 'LIST_CONVERSATIONS' },
      args: {
        ...pageArgs(builder),
        conversationId: t.arg.id({ description: 'Only what this conversation refers to.' }),
      },
      resolve: (_root, { conversationId, ...args }, { services, viewer }) =>
        toConnection(args, usePlace, (page) =>
          listReferencedDocuments(services, viewer, { ...page, conversationId: conversationId ?? undefined }),
        ),
    }),
  );
}

function declareUse({ builder, referencedDocument }: Parts) {
  return builder.objectRef<DocumentUse>('DocumentUse').implement({
    description: 'A document and how much answers refer to it.',
    fields: (t) => ({
      document: t.field({ type: referencedDocument, description: 'The document.', resolve: (use) => use }),
      turnCount: t.expose('turnCount', { type: 'Count', description: 'Number of turns that refer to it.' }),
      lastUsedAt: t.expose('lastUsedAt', {
        type: 'DateTime',
        description: 'When the latest of these turns was started.',
      }),
    }),
  });
}
