/** Statements for a viewer: each takes its condition from the transaction, and reaching further has one way. */
import { describe, expect, it } from 'vitest';
import { listSources } from '../support/source-files.ts';

/** Functions with a viewer's transaction that name no owner, and what keeps them to the viewer's own. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'src/auth/audit-store.ts insertAudit': 'adds rows of the viewer alone',
  'src/turns/store.ts insertAttachments': 'of the turn that the same transaction has inserted',
  'src/turns/viewer-store.ts selectNow': 'reads no table',
  'src/uploads/store.ts insertUpload': 'inserts as the viewer',
  'src/feedback/store.ts hasTurn': 'of the conversation that the same transaction has locked',
};

/** Shared by all viewers, or looked after by policies alone, which know the cluster's balances. */
const SHARED = [
  'src/documents/store.ts',
  'src/quota/store.ts',
  'src/usage/store.ts',
  'src/event-log/postgres-store.ts',
];

interface StoreFunction {
  readonly name: string;
  readonly text: string;
}

const stores = listSources('src').filter(({ path }) => /store\.ts$/.test(path));

/** From one export to the next. */
const listFunctions = ({
  path,
  text,
}: {
  readonly path: string;
  readonly text: string;
}): readonly StoreFunction[] =>
  text
    .split(/^(?=export (?:async )?function )/m)
    .slice(1)
    .map((part) => ({ name: `${path} ${/function (\w+)/.exec(part)?.[1]}`, text: part }));

const toParameters = (text: string): string => text.split('): ')[0] ?? '';

describe('a function of a store that takes the transaction of a viewer', () => {
  const functions = stores
    .filter(({ path }) => !SHARED.includes(path))
    .flatMap(listFunctions)
    .filter(({ text }) => /\btx: (?:ViewerTx|AnyTx)\b/.test(toParameters(text)));

  it('is found', () => {
    expect(functions.length).toBeGreaterThan(20);
  });

  it('names the viewer or the reach of the transaction, or is an exception with a reason', () => {
    const names = /\b(?:isInReach|isMine|isVisible)\(tx\b|\btx\.viewerId\b/;
    const free = functions.filter(({ text }) => !names.test(text)).map(({ name }) => name);
    expect(free.filter((name) => !(name in EXCEPTIONS))).toEqual([]);
  });

  it('is not given an owner: that would be one that can be the wrong one', () => {
    const given = functions.filter(({ text }) =>
      /\b(?:ownerId|owner|viewerId): (?:string|Owner)\b/.test(toParameters(text)),
    );
    expect(given.map(({ name }) => name)).toEqual([]);
  });
});

it('only reach-others.ts reaches further than the viewer', () => {
  const elsewhere = listSources('src')
    .filter(({ path }) => !path.startsWith('src/db/') && path !== 'src/auth/reach-others.ts')
    .filter(({ text }) => /'EVERYONE'|'ASKED'/.test(text));
  expect(elsewhere.map(({ path }) => path)).toEqual([]);
});
