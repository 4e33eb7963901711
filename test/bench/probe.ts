/** Loaded into Millrace before its own code: lets the bench ask what it has used, and ends it when the bench is gone. */
import { answer } from './rpc.ts';
import { USAGE_ANSWERS } from './usage.ts';

answer(USAGE_ANSWERS);
