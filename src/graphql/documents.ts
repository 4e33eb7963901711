/** The documents of the built-in store: listing, searching, importing, deleting. */
import { z } from 'zod';
import {
  deleteDocument,
  type ImportOutcome,
  importDocuments,
  listDocuments,
  MAX_FOUND,
  searchDocuments,
} from '../documents/documents.ts';
import type { Document, DocumentFormat, DocumentSource, FoundPassage } from '../types/document.ts';
import { getUploads, MAX_UPLOAD_BYTES, toUploadText } from '../uploads/uploads.ts';
import type { Builder } from './builder.ts';
import {
  declareConnection,
  forwardPageArgs,
  type PlaceFormat,
  placeText,
  toConnection,
} from './connections.ts';
import type { GraphQLContext } from './context.ts';
import { describe } from './enums.ts';
import { parseId } from './ids.ts';
import { declareListSize } from './list-size.ts';
import type { Parts } from './parts.ts';

const DEFAULT_FOUND = 10;

const documentPlace: PlaceFormat<Document, Pick<Document, 'name' | 'id'>> = {
  toValues: ({ name, id }) => [name, id],
  values: z.tuple([placeText, z.uuid()]).transform(([name, id]) => ({ name, id })),
};

type DocumentTypes = ReturnType<typeof declareDocumentType>;

export function declareDocuments(parts: Parts): void {
  const types = declareDocumentType(parts.builder);
  declareDocumentList(parts, types);
  declareSearch(parts.builder);
  declareImport(parts.builder, types);
  declareDocumentDeletion(parts.builder, types);
}

function declareDocumentType(builder: Builder) {
  const format = builder.enumType('DocumentFormat', {
    description: 'What the text of a document is written in.',
    values: describe<DocumentFormat>({
      MARKDOWN: 'Markdown (CommonMark).',
      TEXT: 'Plain text with blank lines between paragraphs.',
      HTML: 'HTML; scripts, styles and navigation are left out.',
    }),
  });
  const document = builder.objectRef<Document>('Document').implement({
    description: 'An imported document. All viewers share it.',
    fields: (t) => ({
      id: t.exposeID('id', { description: 'A UUID.' }),
      name: t.exposeString('name', { description: 'Its unique name; importing the name again replaces it.' }),
      title: t.exposeString('title', { description: 'Its title.' }),
      url: t.expose('url', { type: 'URL', nullable: true, description: 'Where it can be read.' }),
      format: t.expose('format', { type: format, description: 'What its text is written in.' }),
      passageCount: t.exposeInt('passageCount', { description: 'Number of passages that can be found.' }),
      byteSize: t.expose('byteSize', {
        type: 'Count',
        description: 'Size of its source text in bytes of UTF-8.',
      }),
      importedAt: t.expose('importedAt', { type: 'DateTime', description: 'When it was imported last.' }),
    }),
  });
  return { format, document };
}

function declareDocumentList({ builder, pageInfo }: Parts, { document }: DocumentTypes): void {
  const connection = declareConnection(
    builder,
    { pageInfo, node: document },
    { name: 'Document', items: 'imported documents' },
  );
  builder.queryField('documents', (t) =>
    t.field({
      type: connection,
      description: 'The imported documents, by name.',
      authScopes: { action: 'LIST_RAGS' },
      args: forwardPageArgs(builder),
      resolve: (_root, args, { services, viewer }) =>
        toConnection(args, documentPlace, ({ limit, after }) =>
          listDocuments(services, viewer, { limit, after }),
        ),
    }),
  );
}

function declareSearch(builder: Builder): void {
  const passage = builder.objectRef<FoundPassage>('FoundPassage').implement({
    description: 'A passage of an imported document that a search has found.',
    fields: (t) => ({
      documentId: t.exposeID('documentId', { description: 'The document.' }),
      documentName: t.exposeString('documentName', { description: "The document's name." }),
      title: t.exposeString('title', { description: "The document's title." }),
      url: t.expose('url', { type: 'URL', nullable: true, description: 'Where the document can be read.' }),
      ordinal: t.exposeInt('ordinal', { description: 'Position of the passage in its document, from 0.' }),
      heading: t.exposeString('heading', {
        nullable: true,
        description: 'The headings above the passage, outermost first; null at the top of a document.',
      }),
      text: t.exposeString('text', { description: 'The passage.' }),
      score: t.exposeFloat('score', { description: 'How well it matches (BM25); higher is better.' }),
    }),
  });
  builder.queryField('searchDocuments', (t) =>
    t.field({
      type: [passage],
      description: 'The passages of imported documents that match best, best first.',
      authScopes: { action: 'GET_RAG' },
      args: {
        query: t.arg.string({ required: true, description: 'Words to look for, or a question.' }),
        limit: t.arg.int({
          description: `The most passages to return, 1 to ${MAX_FOUND}; default ${DEFAULT_FOUND}.`,
          ...declareListSize({ default: DEFAULT_FOUND, max: MAX_FOUND }),
        }),
      },
      resolve: (_root, { query, limit }, { services, viewer }) =>
        searchDocuments(services, viewer, { query, limit: limit ?? DEFAULT_FOUND }),
    }),
  );
}

function declareSource(builder: Builder, { format }: DocumentTypes) {
  const content = builder.inputType('DocumentContent', {
    description: 'The text of a document, or where it is.',
    isOneOf: true,
    fields: (t) => ({
      text: t.string({ description: 'The text, up to 1 MiB.' }),
      uploadId: t.id({
        description:
          'A text of up to 10 MiB that was sent to `POST /uploads` within the hour; together up to 20 MiB.',
      }),
    }),
  });
  return builder.inputType('DocumentSourceInput', {
    description: 'A document to import.',
    fields: (t) => ({
      name: t.string({
        required: true,
        description: 'Its unique name, 1 to 512 characters, such as a path.',
      }),
      title: t.string({ description: 'Its title; absent: its first heading or HTML title, else its name.' }),
      url: t.field({ type: 'URL', description: 'Where it can be read; answers link to it.' }),
      format: t.field({ type: format, required: true, description: 'What its text is written in.' }),
      content: t.field({ type: content, required: true, description: 'Its text.' }),
    }),
  });
}

function declareImport(builder: Builder, types: DocumentTypes): void {
  const { document } = types;
  const source = declareSource(builder, types);
  const input = builder.inputType('ImportDocumentsInput', {
    description: 'Documents to import.',
    fields: (t) => ({
      documents: t.field({ type: [source], required: true, description: 'Imported in this order.' }),
    }),
  });
  const imported = declareImported(builder, document);
  const payload = builder
    .objectRef<{ readonly documents: readonly ImportOutcome[] }>('ImportDocumentsPayload')
    .implement({
      description: 'What an import did.',
      fields: (t) => ({
        documents: t.expose('documents', { type: [imported], description: 'In the order of the input.' }),
      }),
    });
  builder.mutationField('importDocuments', (t) =>
    t.field({
      type: payload,
      description: 'Imports documents for all viewers. When one of them is not acceptable, none is imported.',
      authScopes: { action: 'MANAGE_DOCUMENTS' },
      args: { input: t.arg({ type: input, required: true, description: 'The documents.' }) },
      resolve: async (_root, args, context) => ({
        documents: await importAll(context, args.input.documents),
      }),
    }),
  );
}

type SourceFields = Omit<DocumentSource, 'title' | 'url' | 'content'> & {
  readonly title?: string | null | undefined;
  readonly url?: string | null | undefined;
  /** One of the two is there: the schema says so. */
  readonly content: {
    readonly text?: string | null | undefined;
    readonly uploadId?: string | null | undefined;
  };
};

async function importAll(
  { services, viewer }: GraphQLContext,
  documents: readonly SourceFields[],
): Promise<readonly ImportOutcome[]> {
  const ids = documents.flatMap(({ content }) => content.uploadId ?? []);
  const uploaded = (await getUploads(services, viewer, ids)).map(toUploadText).values();
  const sources = documents.map(({ title, url, content, ...rest }) => ({
    ...rest,
    title: title ?? undefined,
    url: url ?? undefined,
    content: content.text ?? uploaded.next().value ?? '',
  }));
  const deps = ids.length === 0 ? services : { ...services, maxContentBytes: MAX_UPLOAD_BYTES };
  return importDocuments(deps, viewer, sources);
}

function declareImported(builder: Builder, document: DocumentTypes['document']) {
  const outcome = builder.enumType('ImportOutcome', {
    description: 'What the import of a document did.',
    values: describe<ImportOutcome['outcome']>({
      CREATED: 'The name was new.',
      REPLACED: 'The document of this name was replaced; it keeps its id.',
      UNCHANGED: 'The document was there already, just like that.',
    }),
  });
  return builder.objectRef<ImportOutcome>('ImportedDocument').implement({
    description: 'An imported document and what its import did.',
    fields: (t) => ({
      document: t.expose('document', { type: document, description: 'The document as it is now.' }),
      outcome: t.expose('outcome', { type: outcome, description: 'What the import did.' }),
    }),
  });
}

function declareDocumentDeletion(builder: Builder, { document }: DocumentTypes): void {
  const input = builder.inputType('DeleteDocumentInput', {
    description: 'The document to delete.',
    fields: (t) => ({ documentId: t.id({ required: true, description: 'The document.' }) }),
  });
  const payload = builder.objectRef<{ readonly document: Document }>('DeleteDocumentPayload').implement({
    description: 'The deleted document.',
    fields: (t) => ({
      document: t.expose('document', { type: document, description: 'The document as it was.' }),
    }),
  });
  builder.mutationField('deleteDocument', (t) =>
    t.field({
      type: payload,
      description: 'Deletes an imported document for all viewers. NOT_FOUND when there is none.',
      authScopes: { action: 'MANAGE_DOCUMENTS' },
      args: { input: t.arg({ type: input, required: true, description: 'The document to delete.' }) },
      resolve: async (_root, args, { services, viewer }) => ({
        document: await deleteDocument(services, viewer, parseId(args.input.documentId, 'document')),
      }),
    }),
  );
}
