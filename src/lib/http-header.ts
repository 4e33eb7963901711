/** Which names and values an HTTP header can carry (RFC 9110 §5.1, §5.5). */

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

export function isHeaderName(text: string): boolean {
  return NAME.test(text);
}

/** False for line breaks, other control characters, and letters beyond Latin-1. */
export function isHeaderValue(text: string): boolean {
  return VALUE.test(text);
}
