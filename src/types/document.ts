/** Documents of the built-in store, and the references that answers make to documents anywhere. */

/** A document that an answer refers to. At least one of the two is there. */
export interface ReferencedDocument {
  readonly title: string | null;
  /** An absolute http(s) URL, or null. */
  readonly url: string | null;
}

/** One retrieved passage that the backend reported for a turn. */
export interface RagChunk {
  readonly content: string;
  readonly source: string | null;
  readonly score: number | null;
}

/** Where an imported document's text comes from. */
export type DocumentFormat = 'MARKDOWN' | 'TEXT' | 'HTML';

/** An imported document, shared by all viewers. */
export interface Document {
  readonly id: string;
  /** Unique; importing the same name again replaces the document. */
  readonly name: string;
  readonly title: string;
  readonly url: string | null;
  readonly format: DocumentFormat;
  readonly passageCount: number;
  /** Size of the source text in UTF-8 bytes. */
  readonly byteSize: number;
  readonly importedAt: Date;
}

/** A document as it is handed in for import. */
export interface DocumentSource {
  readonly name: string;
  /** Absent: taken from the text's first heading or `<title>`, else the name. */
  readonly title?: string | undefined;
  readonly url?: string | undefined;
  readonly format: DocumentFormat;
  readonly content: string;
}

/** A passage found by a search; higher scores match better (BM25). */
export interface FoundPassage {
  readonly documentId: string;
  readonly documentName: string;
  readonly title: string;
  readonly url: string | null;
  /** Position of the passage in its document, from 0. */
  readonly ordinal: number;
  readonly heading: string | null;
  readonly text: string;
  readonly score: number;
}
