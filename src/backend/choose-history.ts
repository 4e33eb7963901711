/** Who tells a backend what was said before: Millrace with every request, or a conversation that the backend keeps. Pure. */
import type { Capabilities, HistoryKeeper } from './backend.ts';

/** A conversation at a backend, and the pair that has answered everything in it. */
export interface StoredHistory {
  readonly provider: string;
  readonly model: string;
  /** Without the prefix `conv_`. */
  readonly conversationId: string;
}

export interface HistoryFacts {
  /** `history` of the chosen backend. */
  readonly configured: HistoryKeeper;
  readonly capabilities: Pick<Capabilities, 'conversations'>;
  /** What is stored with our conversation; null when nothing is. */
  readonly stored: StoredHistory | null;
  /** The pair that answers now. */
  readonly chosen: { readonly provider: string; readonly model: string };
  /** Whether something was said before: a conversation that the backend opened now would not know of it. */
  readonly hasHistory: boolean;
}

/**
 * - `own`: all that was said goes into the input. What is stored has to be forgotten: the backend's conversation misses
 *   this turn, so it may not be taken up later.
 * - `conversation`: go on in it, the input is the new question alone.
 * - `create`: open one, store it with the chosen pair, and go on in it; `own` when it cannot be opened.
 */
export type HistoryChoice = 'own' | 'create' | { readonly conversation: string };

export function chooseHistory(facts: HistoryFacts): HistoryChoice {
  const { configured, capabilities, stored, chosen, hasHistory } = facts;
  if (configured === 'own' || !capabilities.conversations) return 'own';
  if (stored === null) return hasHistory ? 'own' : 'create';
  const isSame = stored.provider === chosen.provider && stored.model === chosen.model;
  return isSame ? { conversation: stored.conversationId } : 'own';
}
