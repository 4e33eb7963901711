import { describe, expect, it } from 'vitest';
import { createRoleRules } from '../../../src/auth/role-rules.ts';
import { type ConfigInput, configSchema } from '../../../src/config/config.ts';
import type { JsonObject, JsonValue } from '../../../src/types/json.ts';

type RuleInput = NonNullable<NonNullable<ConfigInput['authorization']>['roleRules']>[number];

const CLAIMS: JsonObject = {
  sub: 'ada',
  email: 'ada@example.com',
  verified: true,
  level: 3,
  groups: ['admins', 'staff'],
  realm_access: { roles: ['manager', 'reader'] },
};

function rolesFor(rules: readonly RuleInput[], claims: JsonObject = CLAIMS): readonly string[] {
  const { authorization } = configSchema.parse({ authorization: { roleRules: [...rules] } });
  return createRoleRules(authorization.roleRules)(claims);
}

const holds = (
  jsonpath: string,
  operator: RuleInput['operator'],
  value: JsonValue,
  negate = false,
): boolean => rolesFor([{ jsonpath, operator, value: value as never, negate, roles: ['r'] }]).includes('r');

describe('a role rule holds', () => {
  it.each<readonly [string, RuleInput['operator'], JsonValue, boolean]>([
    ['$.sub', 'equals', 'ada', true],
    ['$.sub', 'equals', 'ad', false],
    ['$.level', 'equals', 3, true],
    ['$.level', 'equals', '3', false],
    ['$.verified', 'equals', true, true],
    ['$.groups', 'equals', ['admins', 'staff'], true],
    ['$.groups[*]', 'equals', ['admins', 'staff'], true],
    ['$.groups[*]', 'equals', 'admins', false],
    ['$.groups', 'contains', 'admins', true],
    ['$.groups[*]', 'contains', 'admins', true],
    ['$.groups', 'contains', 'admin', false],
    ['$.email', 'contains', 'example', false],
    ['$.realm_access.roles[*]', 'contains', 'manager', true],
    ['$.sub', 'in', ['bob', 'ada'], true],
    ['$.groups', 'in', ['bob', 'staff'], true],
    ['$.groups[*]', 'in', ['bob'], false],
    ['$.email', 'match', '@example\\.com$', true],
    ['$.email', 'match', '^example', false],
    ['$.groups', 'match', '^adm', true],
    ['$.level', 'match', '3', false],
    ['$.nothing', 'equals', null, false],
    ['$.nothing', 'match', '.*', false],
    ['$.constructor.name', 'match', '.*', false],
    ['$.__proto__', 'match', '.*', false],
  ])('%s %s %j: %s', (jsonpath, operator, value, expected) => {
    expect(holds(jsonpath, operator, value)).toBe(expected);
    expect(holds(jsonpath, operator, value, true)).toBe(!expected);
  });

  it('in linear time, whatever the pattern and the claim', () => {
    const claims = { email: `${'a'.repeat(50_000)}!` };
    expect(
      rolesFor([{ jsonpath: '$.email', operator: 'match', value: '^(a+)+$', roles: ['r'] }], claims),
    ).toEqual([]);
  });
});

it('gives the roles of all rules that hold, each once', () => {
  const rules: readonly RuleInput[] = [
    { jsonpath: '$.groups[*]', operator: 'contains', value: 'admins', roles: ['admin', 'reader'] },
    { jsonpath: '$.sub', operator: 'equals', value: 'ada', roles: ['reader', 'owner'] },
    { jsonpath: '$.sub', operator: 'equals', value: 'bob', roles: ['bob'] },
  ];
  expect(rolesFor(rules)).toEqual(['admin', 'reader', 'owner']);
});
