/**
 * Loaded into a node before its own code: ends it when the harness is gone, keeps its compiled code for its next life, and
 * sets its clock wrong where CHAOS_CLOCK_MS says so.
 */
import { flushCompileCache } from 'node:module';
import process from 'node:process';

/** By then a node has loaded everything; one that is killed later would keep nothing otherwise. */
const LOADED_MS = 3_000;

process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.channel?.unref();
setTimeout(flushCompileCache, LOADED_MS).unref();

const offset = Number(process.env.CHAOS_CLOCK_MS ?? 0);
if (offset !== 0) {
  const RealDate = Date;
  const now = (): number => RealDate.now() + offset;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args: readonly unknown[]) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args) as Date,
    apply: () => new RealDate(now()).toString(),
    get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
  });
}
