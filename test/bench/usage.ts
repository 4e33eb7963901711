/** What a process has used so far, told by itself: the same on every platform, and to the microsecond. */
import process from 'node:process';
import type { Answers } from './rpc.ts';

export interface Usage {
  /** CPU time of all threads, user and system. */
  readonly cpuMicros: number;
  readonly rssBytes: number;
}

export const USAGE_ANSWERS: Answers = {
  usage(): Usage {
    const { user, system } = process.cpuUsage();
    return { cpuMicros: user + system, rssBytes: process.memoryUsage.rss() };
  },
};
