/** What a question may not be, at every entry point: the rules of its values and of what it refers to. */
import { newId } from '../../src/lib/ids.ts';
import type { AttachmentInput, StartTurnInput } from '../../src/turns/engine.ts';
import type { Refused } from './entries.ts';

interface Refusal extends Refused {
  readonly rule: string;
  readonly input: Partial<StartTurnInput>;
}

/** The smallest thing that passes for a PNG: its signature, 8 bytes. */
export const PNG = Buffer.from('89504e470d0a1a0a', 'hex');

const image: AttachmentInput = {
  attachmentType: 'image',
  contentType: 'image/png',
  content: { base64: PNG.toString('base64') },
};
const text: AttachmentInput = { attachmentType: 'log', contentType: 'text/plain', content: { text: 'x' } };
/** One question that breaks one rule each, with what it is told. */
export const REFUSALS: readonly Refusal[] = [
  {
    rule: 'an empty query',
    input: { query: '' },
    code: 'BAD_USER_INPUT',
    message: 'query must not be empty',
  },
  {
    rule: 'a blank query',
    input: { query: ' \n\t ' },
    code: 'BAD_USER_INPUT',
    message: 'query must not be empty',
  },
  {
    rule: 'a query of 32,769 characters',
    input: { query: 'x'.repeat(32_769) },
    code: 'BAD_USER_INPUT',
    message: /at most 32768/,
  },
  { rule: 'a query with NUL', input: { query: 'a\0b' }, code: 'BAD_USER_INPUT', message: /NUL/ },
  {
    rule: 'a query with a lone surrogate',
    input: { query: 'a\ud800b' },
    code: 'BAD_USER_INPUT',
    message: /surrogate/,
  },
  {
    rule: 'an improper conversation id',
    input: { conversationId: 'x1' },
    code: 'BAD_USER_INPUT',
    message: "Improper conversation ID 'x1'",
  },
  {
    rule: 'a model without provider',
    input: { model: 'm' },
    code: 'BAD_USER_INPUT',
    message: 'Provider must be specified if model is specified',
  },
  {
    rule: 'a provider without model',
    input: { provider: 'p' },
    code: 'BAD_USER_INPUT',
    message: 'Model must be specified if provider is specified',
  },
  {
    rule: 'an unknown model',
    input: { provider: 'fake', model: 'other' },
    code: 'NOT_FOUND',
    message: 'Model not found',
    explanation: /Model with ID other is not configured/,
  },
  {
    rule: 'an unknown provider',
    input: { provider: 'nobody', model: 'other' },
    code: 'NOT_FOUND',
    message: 'Model not found',
  },
  {
    rule: 'an unknown conversation',
    input: { conversationId: newId() },
    code: 'NOT_FOUND',
    message: 'Conversation not found',
    explanation: /does not exist/,
  },
  {
    rule: 'an unknown attachment type',
    input: { attachments: [{ ...text, attachmentType: 'virus' }] },
    code: 'BAD_USER_INPUT',
    message: 'Invalid attribute value',
    explanation: /'virus'.*stack trace/,
  },
  {
    rule: 'an unknown content type',
    input: { attachments: [{ ...text, contentType: 'text/html' }] },
    code: 'BAD_USER_INPUT',
    message: 'Invalid attribute value',
    explanation: /'text\/html'.*application\/xml/,
  },
  {
    rule: 'eleven attachments',
    input: { attachments: Array.from({ length: 11 }, () => text) },
    code: 'BAD_USER_INPUT',
    message: /At most 10/,
  },
  {
    rule: 'attachments of more than 512 KiB together',
    input: { attachments: [{ ...text, content: { text: 'x'.repeat(524_289) } }] },
    code: 'BAD_USER_INPUT',
    message: /524288 bytes together/,
  },
  {
    rule: 'an attachment with NUL',
    input: { attachments: [{ ...text, content: { text: '\0' } }] },
    code: 'BAD_USER_INPUT',
    message: /NUL/,
  },
  {
    rule: 'an image that is a text',
    input: { attachments: [{ ...image, content: { text: 'x' } }] },
    code: 'BAD_USER_INPUT',
    message: 'Invalid attribute value',
    explanation: /image must be base64 or uploadId/,
  },
  {
    rule: 'an image that is not base64',
    input: { attachments: [{ ...image, content: { base64: 'iVBORw0KGgo' } }] },
    code: 'BAD_USER_INPUT',
    message: 'Invalid attribute value',
    explanation: /not base64/,
  },
  {
    rule: 'an image that begins like none of its type',
    input: { attachments: [{ ...image, contentType: 'image/jpeg' }] },
    code: 'BAD_USER_INPUT',
    message: 'Invalid attribute value',
    explanation: /not image\/jpeg/,
  },
  {
    rule: 'an image of a text type',
    input: { attachments: [{ ...image, contentType: 'text/plain' }] },
    code: 'BAD_USER_INPUT',
    message: 'Invalid attribute value',
    explanation: /'text\/plain'.*image\/png, image\/jpeg/,
  },
  {
    rule: 'a text in base64',
    input: { attachments: [{ ...text, content: { base64: 'eA==' } }] },
    code: 'BAD_USER_INPUT',
    message: 'Invalid attribute value',
    explanation: /text or uploadId, not base64/,
  },
  {
    rule: 'images and texts of more than 512 KiB together',
    input: { attachments: [{ ...text, content: { text: 'x'.repeat(524_281) } }, image] },
    code: 'BAD_USER_INPUT',
    message: /524288 bytes together/,
    explanation: /They have 524289/,
  },
  {
    rule: 'an upload that is not there',
    input: { attachments: [{ ...text, content: { uploadId: newId() } }] },
    code: 'NOT_FOUND',
    message: 'Upload not found',
  },
  {
    rule: 'an upload id that is none',
    input: { attachments: [{ ...image, content: { uploadId: '../1' } }] },
    code: 'NOT_FOUND',
    message: 'Upload not found',
  },
  {
    rule: 'a key of 256 characters',
    input: { clientTurnId: 'k'.repeat(256) },
    code: 'BAD_USER_INPUT',
    message: /1 to 255/,
  },
  { rule: 'an empty key', input: { clientTurnId: '' }, code: 'BAD_USER_INPUT', message: /1 to 255/ },
];
