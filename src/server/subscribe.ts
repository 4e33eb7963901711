/** Runs a subscription: graphql-js resolves and executes, the way from the source to the results is our own, for its cost per event. */
import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  executeSubscriptionEvent,
  type ValidatedSubscriptionArgs,
  validateSubscriptionArgs,
} from 'graphql';

type Results = AsyncIterableIterator<ExecutionResult, undefined>;

/** As graphql-js's `subscribe`: a refusal is a result with errors; afterwards a failure of the source rejects once. */
export async function subscribe(args: ExecutionArgs): Promise<Results | ExecutionResult> {
  const validated = validateSubscriptionArgs(args);
  if (!('schema' in validated)) return { errors: validated };
  const source = await createSourceEventStream(validated);
  return Symbol.asyncIterator in source ? toResults(validated, source) : source;
}

/**
 * graphql-js ends each execution by an `abort()` without a reason, and the error made for it collects a stack: about a third
 * of the cost of an event. So no stacks are collected while an event is executed, which takes no turn of the event loop.
 * https://github.com/graphql/graphql-js/blob/v17.1.0/src/execution/Executor.ts
 */
function executeEvent(
  args: ValidatedSubscriptionArgs,
  rootValue: unknown,
): ExecutionResult | Promise<ExecutionResult> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return executeSubscriptionEvent({ ...args, rootValue });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function toResults(args: ValidatedSubscriptionArgs, events: AsyncIterable<unknown>): Results {
  const source = events[Symbol.asyncIterator]();
  const toResult = (step: IteratorResult<unknown>) => {
    if (step.done) return { done: true, value: undefined } as const;
    const value = executeEvent(args, step.value);
    return value instanceof Promise ? value.then(toStep) : toStep(value);
  };
  return {
    next: () => source.next().then(toResult),
    async return() {
      await source.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function toStep(value: ExecutionResult): IteratorResult<ExecutionResult, undefined> {
  return { done: false, value };
}
