/** The whole schema, put together. What each part declares lives in the file of its domain. */
import type { GraphQLSchema } from 'graphql';
import { createBuilder } from './builder.ts';
import { declareConfiguration } from './configuration.ts';
import { declareConversation } from './conversation.ts';
import { declareConversationMutations } from './conversation-mutations.ts';
import { declareConversationUpdates } from './conversation-updates.ts';
import { declareDeleteMyData } from './delete-my-data.ts';
import { declareDocuments } from './documents.ts';
import { declareFeedback } from './feedback.ts';
import { declareModels } from './models.ts';
import { createParts } from './parts.ts';
import { declareQuestion } from './question.ts';
import { declareQuotas } from './quota.ts';
import { declareReferencedDocuments } from './referenced-documents.ts';
import { declareScalars } from './scalars.ts';
import { declareService } from './service.ts';
import { declareShields } from './shields.ts';
import { declareStreamEvent } from './stream-event.ts';
import { declareStreamingQuery } from './streaming-query.ts';
import { declareTools } from './tools.ts';
import { declareTurn } from './turn.ts';
import { declareTurnMutations } from './turn-mutations.ts';
import { declareViewer } from './viewer.ts';

/** Built once by the composition root. Resolvers find what they call in the context's `services`. */
export function createSchema(): GraphQLSchema {
  const builder = createBuilder();
  builder.queryType({ description: 'Everything that can be read.' });
  builder.mutationType({
    description: 'Everything that can be changed. Each takes one `input` and returns what it changed.',
  });
  declareScalars(builder);
  const parts = createParts(builder);
  const questionFields = declareQuestion(parts);
  declareViewer(parts);
  declareService(parts);
  declareModels(parts);
  declareShields(parts);
  declareTools(parts);
  declareDocuments(parts);
  declareTurn(parts);
  declareConversation(parts);
  declareReferencedDocuments(parts);
  declareConversationMutations(parts);
  declareFeedback(parts);
  declareDeleteMyData(parts);
  declareQuotas(parts);
  declareConfiguration(parts);
  declareTurnMutations(parts, questionFields);
  declareStreamingQuery(parts, declareStreamEvent(parts), questionFields);
  declareConversationUpdates(parts);
  return builder.toSchema();
}
