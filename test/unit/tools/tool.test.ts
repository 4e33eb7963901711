/** What is shown of a tool. */
import { describe, expect, it } from 'vitest';
import { toTool } from '../../../src/tools/tool.ts';

const nest = (depth: number): unknown => {
  let value: unknown = {};
  for (let level = 0; level < depth; level += 1) value = { properties: value };
  return value;
};

describe('toTool', () => {
  it('keeps name, description and schema', () => {
    const entry = { name: 'find', description: 'Finds.\nSlowly.', inputSchema: { type: 'object' }, more: 1 };
    expect(toTool(entry)).toEqual({
      name: 'find',
      description: 'Finds.\nSlowly.',
      inputSchema: { type: 'object' },
    });
  });

  it.each([undefined, null, 'find', {}, { name: 7 }, { name: '' }, { name: ' \u0000\u202e ' }])(
    'leaves out what has no name: %j',
    (entry) => {
      expect(toTool(entry)).toBeUndefined();
    },
  );

  it('takes __proto__ for a name like any other', () => {
    expect(toTool({ name: '__proto__' })?.name).toBe('__proto__');
  });

  it('removes escape sequences, control characters and turns of direction', () => {
    const entry = { name: '\u001b[31mfi\u202end\u0007\n', description: 'a\u0000b\u001b]0;title\u0007c' };
    expect(toTool(entry)).toMatchObject({ name: 'find', description: 'abc' });
  });

  it('cuts long names and descriptions without breaking a character', () => {
    const tool = toTool({ name: 'n'.repeat(500), description: `${'d'.repeat(4_095)}😀` });
    expect(tool?.name).toHaveLength(128);
    expect(tool?.description).toBe(`${'d'.repeat(4_095)}\uFFFD`);
  });

  it('keeps a description that is no text out', () => {
    expect(toTool({ name: 'find', description: { text: 'x' } })?.description).toBeNull();
  });

  it.each([
    ['deep', nest(10_000)],
    ['large', { enum: ['e'.repeat(70_000)] }],
    ['no object', []],
  ])('shows no schema that is %s', (_what, inputSchema) => {
    expect(toTool({ name: 'find', inputSchema })?.inputSchema).toBeNull();
  });

  it('shows a schema of ordinary depth', () => {
    expect(toTool({ name: 'find', inputSchema: nest(20) })?.inputSchema).toEqual(nest(20));
  });
});
