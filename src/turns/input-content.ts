/** A question as the backend receives it: the query, its texts behind it, its images behind those. Pure. */
import type { InputPart } from '../backend/backend.ts';
import type { Attachment, ImageAttachment, TextAttachment } from '../types/turn.ts';

/** An attachment as it stands in the text; without content it is only named. */
export interface AttachmentText {
  readonly attachmentType: string;
  readonly content: string | null;
}

/** The text that goes to the backend: the query, then each attachment under its type. */
export function toInputText(query: string, attachments: readonly AttachmentText[]): string {
  return attachments.reduce(
    (text, { attachmentType, content }) =>
      `${text}\n\n[Attachment: ${attachmentType}]${content === null ? '' : `\n${content}`}`,
    query,
  );
}

/** The text of a question: what the length of the prompt is reckoned by. */
export function toQuestionText(query: string, attachments: readonly Attachment[]): string {
  return toInputText(query, attachments.filter(isText));
}

/** The question as the shields judge it and the backend receives it: one text, and behind it the images, if there are any. */
export function toInputContent(
  query: string,
  attachments: readonly Attachment[],
): string | readonly InputPart[] {
  const text = toQuestionText(query, attachments);
  const images = attachments.filter(isImage).map(toImagePart);
  return images.length === 0 ? text : [{ type: 'text', text }, ...images];
}

const isText = (attachment: Attachment): attachment is TextAttachment => attachment.kind === 'text';
const isImage = (attachment: Attachment): attachment is ImageAttachment => attachment.kind === 'image';

function toImagePart({ contentType, base64 }: ImageAttachment): InputPart {
  return { type: 'image', mediaType: contentType, base64 };
}
