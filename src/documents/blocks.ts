/** What a parser makes of a source: a flat run of headings and blocks. How blocks become passages lives in passages.ts. */

export interface HeadingBlock {
  readonly kind: 'heading';
  /** 1 to 6. */
  readonly level: number;
  readonly text: string;
}

export interface TextBlock {
  /** Code is kept whole unless it is huge; a paragraph may be cut between sentences, lines or words. */
  readonly kind: 'paragraph' | 'code';
  readonly text: string;
}

export type Block = HeadingBlock | TextBlock;

export interface ParsedSource {
  /** What the source calls itself, when it does. */
  readonly title: string | undefined;
  readonly blocks: readonly Block[];
}

/** The title that the first heading gives, when there is a heading. */
export function findHeadingTitle(blocks: readonly Block[]): string | undefined {
  return blocks.find((block) => block.kind === 'heading')?.text;
}
