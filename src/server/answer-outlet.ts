/** The outlet of one HTTP answer, whole or a stream: a reader that takes nothing of it for too long loses its connection. */
import type { ServerResponse } from 'node:http';
import { createOutlet, type Outlet } from './outlet.ts';
import type { Readers, Transport } from './readers.ts';

export interface AnswerOutletOptions {
  readonly transport: Transport;
  readonly readers: Readers;
  readonly stallMs: number;
}

/** Counted until the answer has left whole or its connection is gone: then it disposes of itself. */
export function openAnswerOutlet(res: ServerResponse, options: AnswerOutletOptions): Outlet {
  const { transport, readers, stallMs } = options;
  const { socket } = res.req;
  const outlet = createOutlet(socket, {
    stallMs,
    onStall() {
      readers.countCut(transport, 'stalled');
      socket.destroy();
    },
  });
  const uncount = readers.add({ transport, socket, countFollowers: () => 1 });
  const close = (): void => {
    outlet[Symbol.dispose]();
    uncount();
  };
  if (res.closed) close();
  else res.once('close', close);
  return outlet;
}
