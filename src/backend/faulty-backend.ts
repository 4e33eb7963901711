/** A backend with fault points before, in and after the stream of an answer. Only a process that a test makes fail has one. */
import type { Faults } from '../faults.ts';
import type { Backend } from './backend.ts';

export function withStreamFaults(backend: Backend, faults: Faults): Backend {
  return {
    ...backend,
    async *streamResponse(request, signal) {
      await faults.reach('upstream:before');
      for await (const batch of backend.streamResponse(request, signal)) {
        await faults.reach('upstream:batch');
        yield batch;
      }
      await faults.reach('upstream:after');
    },
  };
}
