/** How an argument tells that it is the size of a list: what an operation may cost depends on it. */
import type { GraphQLArgument } from 'graphql';

export interface ListSize {
  /** Items of a list for which nobody says how many. */
  readonly default: number;
  readonly max: number;
}

/** To be spread into the options of the argument. */
export const declareListSize = (listSize: ListSize) => ({ extensions: { listSize } });

export function findListSize({ extensions }: GraphQLArgument): ListSize | undefined {
  return extensions.listSize as ListSize | undefined;
}
