/** The field of whatever holds an answer that tells where the answer would lead. */
import { findUntrustedLinks } from '../lib/untrusted-links.ts';
import type { GraphQLContext } from './context.ts';

interface Answered {
  readonly answer: string;
}

export const untrustedLinks = {
  description:
    'Links and images in the answer that lead elsewhere than to the hosts that the server was told to trust, as they are ' +
    'written, each once, at most 100. Show them as text, and fetch nothing from there.',
  resolve: ({ answer }: Answered, _args: object, { services }: GraphQLContext): string[] => [
    ...findUntrustedLinks(answer, services.linkHosts),
  ],
};
