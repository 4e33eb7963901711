/** The table of feedback on answers. */
import { index, pgTable, smallint, text, uuid } from 'drizzle-orm/pg-core';
import type { FeedbackCategory, Sentiment } from '../../types/feedback.ts';
import { moment } from './columns.ts';
import { conversations, turns } from './conversations.ts';
import { policiesOfOwner } from './policies.ts';

export const feedback = pgTable(
  'feedback',
  {
    id: uuid('id').primaryKey(),
    ownerId: text('owner_id').notNull(),
    conversationId: text('conversation_id')
      .notNull()
      .references(() => conversations.id, { onDelete: 'cascade' }),
    turnId: uuid('turn_id').references(() => turns.id, { onDelete: 'cascade' }),
    question: text('question').notNull(),
    answer: text('answer').notNull(),
    sentiment: smallint('sentiment').$type<Sentiment>(),
    text: text('text'),
    categories: text('categories').array().$type<FeedbackCategory[]>().notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [
    index('feedback_by_conversation').on(table.conversationId),
    index('feedback_by_turn').on(table.turnId),
    ...policiesOfOwner(),
  ],
);
