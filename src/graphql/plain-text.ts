/** A turn as plain text: every event's part of it. Joined in order, the parts make a readable transcript. */
import type { ReferencedDocument } from '../types/document.ts';
import type { TurnEvent } from '../types/turn-event.ts';

/** Tokens as they are, a line per tool call and result, and behind the answer a rule and the documents. */
export function toPlainText(event: TurnEvent): string {
  switch (event.type) {
    case 'token':
      return event.token;
    case 'tool_call':
      return `[Tool Call: ${event.name}]\n`;
    case 'tool_result':
      return '[Tool Result]\n';
    case 'warning':
      return `[Warning: ${event.message}]\n`;
    case 'end':
      return toReferences(event.referencedDocuments);
    case 'error':
      return `\n[Error: ${event.error.message}]\n`;
    case 'interrupted':
      return `\n[Interrupted: ${event.reason}]\n`;
    case 'start':
    case 'reasoning':
    case 'turn_complete':
    case 'reset':
      return '';
    default:
      return event satisfies never;
  }
}

function toReferences(documents: readonly ReferencedDocument[]): string {
  if (documents.length === 0) return '';
  const lines = documents.map(({ title, url }) => [title, url].filter((part) => part !== null).join(': '));
  return `\n\n---\n\n${lines.join('\n')}\n`;
}
