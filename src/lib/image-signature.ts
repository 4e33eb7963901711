/** Telling images by their first bytes. Nothing is decoded. */

/** PNG (RFC 2083 §3.1) and JPEG (ITU-T T.81 §B.1.1.3: start of image, then a marker). */
const SIGNATURES: Readonly<Record<string, readonly number[]>> = {
  'image/png': [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
  'image/jpeg': [0xff, 0xd8, 0xff],
};

/** Whether the bytes begin as those of the media type do; false for a type without a signature here. */
export function hasSignature(mediaType: string, bytes: Uint8Array): boolean {
  const signature = SIGNATURES[mediaType];
  return signature?.every((byte, index) => bytes[index] === byte) ?? false;
}
