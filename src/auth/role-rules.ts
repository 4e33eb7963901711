/** Which roles follow from claims, by the configured rules. What a role may do lives in policy.ts. */
import { isDeepStrictEqual } from 'node:util';
import { query } from 'jsonpath-rfc9535';
import { RE2JS } from 're2js';
import type { AuthorizationConfig } from '../config/config.ts';
import type { JsonObject, JsonValue } from '../types/json.ts';
import type { ToRoles } from './authenticate.ts';

type Rule = AuthorizationConfig['roleRules'][number];

/** Whether the values that a rule's path finds are as the rule wants them. */
type Test = (found: readonly JsonValue[]) => boolean;

/** A rule that holds gives all its roles; the roles of all rules together, each once. */
export function createRoleRules(rules: AuthorizationConfig['roleRules']): ToRoles {
  const compiled = rules.map((rule) => ({ rule, test: toTest(rule) }));
  return (claims) => {
    const given = compiled.filter(({ rule, test }) => test(find(claims, rule.jsonpath)) !== rule.negate);
    return [...new Set(given.flatMap(({ rule }) => rule.roles))];
  };
}

function find(claims: JsonObject, path: string): readonly JsonValue[] {
  return query(claims as never, path) as readonly JsonValue[];
}

function toTest({ operator, value }: Rule): Test {
  const wanted = value as JsonValue;
  switch (operator) {
    case 'equals':
      return (found) => isDeepStrictEqual(found, [wanted]) || isDeepStrictEqual(found, wanted);
    case 'contains':
      return (found) => found.some((item) => isOrHolds(item, wanted));
    case 'in': {
      const list = Array.isArray(wanted) ? wanted : [];
      return (found) => found.some((item) => list.some((one) => isOrHolds(item, one)));
    }
    case 'match': {
      // Linear in the text, whatever the pattern: a claim can come from whoever chooses their own name.
      const pattern = RE2JS.compile(String(wanted));
      return (found) => found.flat().some((item) => typeof item === 'string' && pattern.test(item));
    }
    default:
      return operator satisfies never;
  }
}

/** The value itself, or a list with it: a path may point at the list or at its items. */
function isOrHolds(item: JsonValue, wanted: JsonValue): boolean {
  if (isDeepStrictEqual(item, wanted)) return true;
  return Array.isArray(item) && item.some((member) => isDeepStrictEqual(member, wanted));
}
