/** The settings of MCP servers: where their tools are, and which headers go there. */
import { z } from 'zod';
import { isHeaderName, isHeaderValue } from '../../lib/http-header.ts';
import { findUrlFault } from '../../lib/public-url.ts';
import { HTTP_URL, IDENTIFIER, identifier, notes, text } from '../vocabulary.ts';
import { refuseRepeated } from './unique.ts';

const HEADER_VALUE = 'text, {file: path}, {from: kubernetes} or {from: client}';

const headerSchema = z
  .union([
    text.refine(isHeaderValue),
    z.strictObject({ file: text.describe('File that holds the value; read again while the server runs') }),
    z.strictObject({
      from: z
        .enum(['kubernetes', 'client'])
        .describe("The viewer's own bearer token, or what the request brings in MCP-HEADERS"),
    }),
  ])
  .meta(
    notes({
      description: 'A header that is sent to it: the value itself, or where the value comes from',
      expected: HEADER_VALUE,
      secret: true,
    }),
  );

const headersSchema = z.record(z.string(), headerSchema).superRefine((headers, context) => {
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  const wrong = Object.keys(headers).find(
    (name, index) => !isHeaderName(name) || names.indexOf(name.toLowerCase()) < index,
  );
  if (wrong === undefined) return;
  const message = isHeaderName(wrong) ? 'is there twice' : 'is not the name of a header';
  context.addIssue({ code: 'custom', path: [wrong], message, params: { isProblem: true } });
});

const mcpServerSchema = z
  .strictObject({
    name: identifier.meta(
      notes({ description: 'The name of the server in the API and to the model', expected: IDENTIFIER }),
    ),
    url: text.meta(
      notes({ description: 'Its address for streamable HTTP; the backend calls it', expected: HTTP_URL }),
    ),
    requireApproval: z
      .enum(['never', 'always'])
      .default('never')
      .describe('Whether a call of its tools has to be approved'),
    tools: z
      .array(text)
      .min(1)
      .optional()
      .describe('Its tools that may be called, by their names; absent: all of them'),
    roles: z.array(text).min(1).default(['*']).describe('Roles of those whose questions may use it'),
    headers: headersSchema
      .default({})
      .describe('Headers that are sent to it; without one of them it is left out of a turn'),
    allowPrivateAddresses: z
      .boolean()
      .default(false)
      .describe('Whether its URL may lead to this machine or a private network'),
  })
  .superRefine(({ url, allowPrivateAddresses }, context) => {
    const fault = findUrlFault(url, { allowPrivateAddresses });
    if (fault === undefined) return;
    const message = allowPrivateAddresses ? fault : `${fault} (allowPrivateAddresses is false)`;
    context.addIssue({ code: 'custom', path: ['url'], message, params: { isProblem: true } });
  });

export const mcpServersSchema = z.array(mcpServerSchema).superRefine(refuseRepeated('name'));
