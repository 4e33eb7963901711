/** Persisted operations over HTTP: the text takes the place of the id before anything else looks at the request. */
import type { Plugin } from 'graphql-yoga';
import type { PersistedOperations } from './persisted-operations.ts';

export function usePersistedOperations({ resolve }: PersistedOperations): Plugin {
  return {
    onParams({ params, setParams }) {
      setParams(resolve(params));
    },
  };
}
