/** The part of the configuration that says which roles a viewer has and what a role may do. */
import parsePath from 'jsonpath-rfc9535/parser';
import { RE2JS } from 're2js';
import { z } from 'zod';
import { ACTIONS } from '../../types/action.ts';
import type { JsonValue } from '../../types/json.ts';
import { notes, text } from '../vocabulary.ts';

const OPERATORS = ['equals', 'contains', 'in', 'match'] as const;
const MAX_PATTERN_LENGTH = 500;

const JSONPATH = 'a JSONPath (RFC 9535) without scripts and without the functions match and search';

const roleRuleSchema = z
  .strictObject({
    jsonpath: text
      .max(MAX_PATTERN_LENGTH)
      .refine(isPath)
      .meta(
        notes({
          description: 'What of the claims is looked at, such as `$.realm_access.roles[*]`',
          expected: JSONPATH,
        }),
      ),
    operator: z
      .enum(OPERATORS)
      .describe(
        'equals: it is the value; contains: the value is among it; in: some of it is in the value, a list; match: some text of it matches the value',
      ),
    value: z.json().meta(
      notes({
        description: 'What it is compared with; for match a regular expression (RE2), which finds anywhere',
        expected: 'any value; for in a list, for match a regular expression',
      }),
    ),
    negate: z
      .boolean()
      .default(false)
      .describe('Turn the rule round: it holds too where the path finds nothing'),
    roles: z.array(text).min(1).describe('Roles of those for whom the rule holds'),
  })
  .superRefine(({ operator, value }, context) => {
    const message = findValueFault(operator, value as JsonValue);
    if (message === undefined) return;
    context.addIssue({ code: 'custom', path: ['value'], message, params: { isProblem: true } });
  });

const accessRuleSchema = z
  .strictObject({
    role: text.describe('The role; `*` is everyone'),
    actions: z
      .array(z.enum(ACTIONS))
      .min(1)
      .describe('What it may do; ADMIN, which is everything, stands alone'),
  })
  .superRefine(({ actions }, context) => {
    if (!actions.includes('ADMIN') || actions.length === 1) return;
    const message = 'ADMIN is everything: it stands alone in its rule';
    context.addIssue({ code: 'custom', path: ['actions'], message, params: { isProblem: true } });
  });

export const authorizationSchema = z.strictObject({
  roleRules: z
    .array(roleRuleSchema)
    .default([])
    .describe('Roles that follow from the claims of a token, or from what else the module found out'),
  accessRules: z
    .array(accessRuleSchema)
    .default([])
    .describe('What roles may do, all rules together; none: everyone may do everything about themselves'),
});

/** Syntax only: scripts are none. Functions with regular expressions would be run by an engine that can be stalled. */
function isPath(path: string): boolean {
  try {
    return !usesPattern(parsePath(path));
  } catch {
    return false;
  }
}

function usesPattern(node: unknown): boolean {
  if (typeof node !== 'object' || node === null) return false;
  const { type, name } = node as { readonly type?: unknown; readonly name?: unknown };
  if (type === 'FunctionExpr' && (name === 'match' || name === 'search')) return true;
  return Object.values(node).some(usesPattern);
}

function findValueFault(operator: (typeof OPERATORS)[number], value: JsonValue): string | undefined {
  if (operator === 'in') return Array.isArray(value) ? undefined : 'in needs a list';
  if (operator !== 'match') return undefined;
  if (typeof value !== 'string' || value.length > MAX_PATTERN_LENGTH) {
    return `match needs a regular expression of up to ${MAX_PATTERN_LENGTH} characters`;
  }
  try {
    RE2JS.compile(value);
    return undefined;
  } catch (error) {
    return `is not a regular expression: ${(error as Error).message}`;
  }
}
