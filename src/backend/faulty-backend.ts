/** A backend with fault points before, in and after the stream of an answer. Only a process that a test makes fail has one. */
import type { Faults } from '../faults.ts';
import type { Backend } from './backend.ts';
import { isLast } from './last-event.ts';

export function withStreamFaults(backend: Backend, faults: Faults): Backend {
  return {
    ...backend,
    async *streamResponse(request, signal) {
      await faults.reach('upstream:before');
      let isOver = false;
      try {
        for await (const batch of backend.streamResponse(request, signal)) {
          await faults.reach('upstream:batch');
          isOver = batch.some(isLast);
          yield batch;
        }
        isOver = true;
      } finally {
        // Whoever has the last event leaves without asking for more.
        if (isOver) await faults.reach('upstream:after');
      }
    },
  };
}
