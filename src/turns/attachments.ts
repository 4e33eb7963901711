/** Fetches those attachments of a question that were uploaded. What is made of them all stands in input-content.ts. */
import { AppError } from '../errors.ts';
import type { Attachment } from '../types/turn.ts';
import type { Viewer } from '../types/viewer.ts';
import { getUploads, type LoadedUpload, toUploadText, type UploadDeps } from '../uploads/uploads.ts';
import type { ParsedAttachment, UploadedAttachment } from './parse-attachments.ts';
import type { ParsedRequest, TurnRequest } from './request.ts';

/**
 * The request with the content of all its attachments. Throws NOT_FOUND for an upload that the viewer does not have, and
 * BAD_USER_INPUT when one is of another type than the attachment says or when they are too large together.
 */
export async function resolveAttachments(
  deps: UploadDeps,
  viewer: Viewer,
  parsed: ParsedRequest,
): Promise<TurnRequest> {
  const wanted = parsed.attachments.filter((attachment) => attachment.kind === 'upload');
  const loaded = await getUploads(
    deps,
    viewer,
    wanted.map(({ uploadId }) => uploadId),
  );
  const found = new Map(wanted.map((attachment, index) => [attachment, loaded[index]]));
  const resolve = (attachment: ParsedAttachment): Attachment =>
    attachment.kind === 'upload' ? toAttachment(attachment, found.get(attachment)) : attachment;
  return { ...parsed, attachments: parsed.attachments.map(resolve) };
}

function toAttachment(wanted: UploadedAttachment, upload: LoadedUpload | undefined): Attachment {
  if (upload === undefined) throw new TypeError('every upload was loaded');
  if (upload.contentType !== wanted.contentType) {
    throw new AppError('BAD_USER_INPUT', 'Invalid attribute value', {
      details: { explanation: `The upload ${upload.id} is ${upload.contentType}, not ${wanted.contentType}` },
    });
  }
  if (wanted.attachmentType === 'image') {
    return { kind: 'image', contentType: wanted.contentType, base64: upload.bytes.toString('base64') };
  }
  const { attachmentType, contentType } = wanted;
  return { kind: 'text', attachmentType, contentType, content: toUploadText(upload) };
}
