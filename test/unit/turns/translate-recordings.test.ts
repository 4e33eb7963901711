import { describe, expect, it } from 'vitest';
import { findDisagreements } from '../../support/expected-events.ts';
import { findFixtures } from '../../support/fixtures.ts';
import type { Better, ExpectedTurn } from '../../support/recorded-promises.ts';
import { toTurnBodies, translateTurn } from '../../support/translated.ts';

const fixtures = findFixtures();

if (fixtures) {
  const better = fixtures.readJson('better.json') as Readonly<Record<string, Better>>;

  describe('recorded streams', () => {
    it('are all seen', () => {
      expect(fixtures.names.length).toBeGreaterThanOrEqual(100);
    });

    it.each(fixtures.names)('%s becomes what the original made of it, or what we promise instead', (name) => {
      const upstream = fixtures.read(name);
      const expected = fixtures.readJson(`expected/${name}.json`) as ExpectedTurn;
      const turn = translateTurn(upstream);
      const recording = { upstream, expected, better: better[name] ?? {} };
      expect(findDisagreements(recording, toTurnBodies(turn))).toEqual([]);
    });

    it.each(fixtures.names)(
      '%s: chunk ids count all tokens, and an empty token is only the first',
      (name) => {
        const { bodies } = translateTurn(fixtures.read(name));
        const tokens = bodies.filter((body) => body.type === 'token');
        expect(tokens.map((body) => body.chunkId)).toEqual(tokens.map((_, index) => index));
        expect(tokens.slice(1).filter((body) => body.token === '')).toEqual([]);
      },
    );
  });
} else {
  describe('recorded streams', () => {
    it('ARE NOT HERE: the folder ../shared/fixtures/responses is missing, only the streams of this project were tested', () => {
      expect(fixtures).toBeUndefined();
    });
  });
}
