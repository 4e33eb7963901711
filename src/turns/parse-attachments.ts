/** Checks the attachments of a question, as far as they are in it. Pure: what is in an upload is looked at in attachments.ts. */
import { AppError } from '../errors.ts';
import { hasSignature } from '../lib/image-signature.ts';
import { isStorable } from '../lib/text.ts';
import {
  ATTACHMENT_TYPES,
  type Attachment,
  type AttachmentType,
  CONTENT_TYPES,
  type ContentType,
  IMAGE_TYPES,
  type ImageAttachment,
  type ImageType,
  type TextAttachment,
} from '../types/turn.ts';
import type { AttachmentContent, AttachmentInput } from './engine.ts';

const MAX_ATTACHMENTS = 10;
/** Bytes of all inline attachments together: of text in UTF-8, of images as they are behind the base64. */
const MAX_INLINE_BYTES = 512 * 1024;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** An attachment whose content is still to be fetched. */
export type UploadedAttachment = (
  | Omit<TextAttachment, 'kind' | 'content'>
  | (Omit<ImageAttachment, 'kind' | 'base64'> & { readonly attachmentType: 'image' })
) & { readonly kind: 'upload'; readonly uploadId: string };

export type ParsedAttachment = Attachment | UploadedAttachment;

const refuse = (message: string, explanation: string): AppError =>
  new AppError('BAD_USER_INPUT', message, { details: { explanation } });

const invalid = (explanation: string): AppError => refuse('Invalid attribute value', explanation);

function requireAllowed<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const match = allowed.find((candidate) => candidate === value);
  if (match !== undefined) return match;
  throw invalid(`Invalid ${name} '${value}', it must be one of: ${allowed.join(', ')}`);
}

function requireSignature(contentType: ImageType, bytes: Buffer): void {
  if (!hasSignature(contentType, bytes))
    throw invalid(`The content is not ${contentType}: it begins otherwise`);
}

function parseImage(
  contentType: ImageType,
  content: AttachmentContent,
): ImageAttachment | UploadedAttachment {
  if ('uploadId' in content) {
    return { kind: 'upload', attachmentType: 'image', contentType, uploadId: content.uploadId };
  }
  if ('text' in content) throw invalid('The content of an image must be base64 or uploadId, not text');
  const { base64 } = content;
  if (base64.length % 4 !== 0 || !BASE64.test(base64))
    throw invalid('The content of the image is not base64');
  requireSignature(contentType, Buffer.from(base64, 'base64'));
  return { kind: 'image', contentType, base64 };
}

function parseText(
  attachmentType: TextAttachment['attachmentType'],
  contentType: ContentType,
  content: AttachmentContent,
): TextAttachment | UploadedAttachment {
  if ('uploadId' in content) {
    return { kind: 'upload', attachmentType, contentType, uploadId: content.uploadId };
  }
  if ('base64' in content)
    throw invalid(`The content of ${contentType} must be text or uploadId, not base64`);
  if (isStorable(content.text)) return { kind: 'text', attachmentType, contentType, content: content.text };
  throw refuse(
    'attachment content contains a NUL character or a lone surrogate',
    'Neither can be stored as text',
  );
}

function parseAttachment(input: AttachmentInput): ParsedAttachment {
  const type = requireAllowed<AttachmentType>('attachment type', input.attachmentType, ATTACHMENT_TYPES);
  if (type === 'image') {
    const contentType = requireAllowed<ImageType>('content type', input.contentType, IMAGE_TYPES);
    return parseImage(contentType, input.content);
  }
  const contentType = requireAllowed<ContentType>('content type', input.contentType, CONTENT_TYPES);
  return parseText(type, contentType, input.content);
}

function countInlineBytes(attachment: ParsedAttachment): number {
  switch (attachment.kind) {
    case 'text':
      return Buffer.byteLength(attachment.content);
    case 'image':
      return Buffer.byteLength(attachment.base64, 'base64');
    case 'upload':
      return 0;
    default:
      return attachment satisfies never;
  }
}

/** Throws BAD_USER_INPUT. */
export function parseAttachments(inputs: readonly AttachmentInput[]): readonly ParsedAttachment[] {
  if (inputs.length > MAX_ATTACHMENTS) {
    throw refuse(`At most ${MAX_ATTACHMENTS} attachments are allowed`, `There are ${inputs.length}`);
  }
  const attachments = inputs.map(parseAttachment);
  const bytes = attachments.reduce((sum, attachment) => sum + countInlineBytes(attachment), 0);
  if (bytes <= MAX_INLINE_BYTES) return attachments;
  throw refuse(
    `Attachments must have at most ${MAX_INLINE_BYTES} bytes together`,
    `They have ${bytes}; larger ones can be uploaded and referred to by uploadId`,
  );
}
