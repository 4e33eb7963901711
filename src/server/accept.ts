/** Which media type answers a request, by its Accept header (RFC 9110 §12.5.1). */

export const JSON_TYPE = 'application/json';
export const GRAPHQL_JSON_TYPE = 'application/graphql-response+json';
export const EVENT_STREAM_TYPE = 'text/event-stream';
export const MULTIPART_TYPE = 'multipart/mixed';

export type SingleType = typeof JSON_TYPE | typeof GRAPHQL_JSON_TYPE;
export type StreamType = typeof EVENT_STREAM_TYPE | typeof MULTIPART_TYPE;

interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  /** From 0, not acceptable, to 1. */
  readonly quality: number;
}

/** What the server offers, the preferred first; `wildcard` says that a range with an asterisk may stand for it. */
interface Offer<Type extends string> {
  readonly type: Type;
  readonly wildcard: boolean;
  readonly parameter?: readonly [name: string, value: string];
}

const SINGLE_OFFERS: readonly Offer<SingleType | StreamType>[] = [
  { type: GRAPHQL_JSON_TYPE, wildcard: false },
  { type: JSON_TYPE, wildcard: true },
  { type: EVENT_STREAM_TYPE, wildcard: false },
];
const STREAM_OFFERS: readonly Offer<StreamType>[] = [
  { type: EVENT_STREAM_TYPE, wildcard: true },
  { type: MULTIPART_TYPE, wildcard: false, parameter: ['subscriptionspec', '1.0'] },
];

/** For a query or mutation; undefined when nothing that is offered is acceptable. */
export function negotiateSingle(accept: string | null): SingleType | StreamType | undefined {
  return negotiate(accept, SINGLE_OFFERS);
}

/** For a subscription. Multipart only with `subscriptionSpec=1.0`: without it the client means another protocol. */
export function negotiateStream(accept: string | null): StreamType | undefined {
  return negotiate(accept, STREAM_OFFERS);
}

function negotiate<Type extends string>(
  accept: string | null,
  offers: readonly Offer<Type>[],
): Type | undefined {
  const ranges = parseAccept(accept ?? '*/*');
  const ranked = offers
    .map((offer) => ({ type: offer.type, quality: qualityOf(offer, ranges) }))
    .filter(({ quality }) => quality > 0)
    .sort((left, right) => right.quality - left.quality);
  return ranked[0]?.type;
}

/** The most specific range that matches decides. */
function qualityOf(offer: Offer<string>, ranges: readonly MediaRange[]): number {
  const exact = ranges.find((range) => range.type === offer.type && hasParameter(range, offer.parameter));
  if (exact || !offer.wildcard) return exact?.quality ?? 0;
  const family = `${offer.type.split('/')[0]}/*`;
  const wildcard = ranges.find(({ type }) => type === family) ?? ranges.find(({ type }) => type === '*/*');
  return wildcard?.quality ?? 0;
}

function hasParameter(range: MediaRange, parameter: readonly [string, string] | undefined): boolean {
  return parameter === undefined || range.parameters.get(parameter[0]) === parameter[1];
}

function parseAccept(accept: string): readonly MediaRange[] {
  return accept.split(',').map(parseRange).filter(isUtf8);
}

function parseRange(text: string): MediaRange {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim());
  const parameters = new Map(rest.map(parseParameter));
  const quality = Number(parameters.get('q') ?? 1);
  return { type: type.toLowerCase(), parameters, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

function parseParameter(text: string): readonly [string, string] {
  const [name = '', value = ''] = text.split('=', 2);
  return [name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, '$1')];
}

/** Answers are UTF-8; a range that asks for another charset cannot be served. */
function isUtf8({ parameters }: MediaRange): boolean {
  return /^utf-?8$/i.test(parameters.get('charset') ?? 'utf-8');
}
