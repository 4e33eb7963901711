/** Questions between the bench and its child processes over Node's IPC channel: the parent asks, a child answers. */
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import process from 'node:process';

interface Question {
  readonly id: string;
  readonly name: string;
  readonly input?: unknown;
}

interface Answer {
  readonly id: string;
  readonly value?: unknown;
  /** Why there is no value. */
  readonly failure?: string;
}

export type Answers = Readonly<Record<string, (input: unknown) => unknown>>;

/** Rejects when the child fails to answer, and when it ends before. `Value` is the caller's word for what the child returns. */
export function ask<Value>(child: ChildProcess, name: string, input?: unknown): Promise<Value> {
  const question: Question = { id: randomUUID(), name, input };
  const { promise, resolve, reject } = Promise.withResolvers<Value>();
  const onMessage = (message: unknown): void => {
    const answer = message as Answer;
    if (answer.id !== question.id) return;
    if (answer.failure === undefined) resolve(answer.value as Value);
    else reject(new Error(answer.failure));
  };
  const onExit = (): void => reject(new Error('the process has ended'));
  child.on('message', onMessage).once('exit', onExit);
  if (child.connected) child.send(question, (error) => error && reject(error));
  else onExit();
  return promise.finally(() => child.off('message', onMessage).off('exit', onExit));
}

/** For a child, once: answers until the parent is gone, and then ends the process as SIGTERM would. */
export function answer(answers: Answers): void {
  process.on('message', async (message: Question) => {
    process.send?.({ id: message.id, ...(await toAnswer(answers, message)) });
  });
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
}

async function toAnswer(answers: Answers, { name, input }: Question): Promise<Omit<Answer, 'id'>> {
  try {
    return { value: await answers[name]?.(input) };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}
