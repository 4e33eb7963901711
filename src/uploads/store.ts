/** All SQL of uploads. One that is past its time is invisible, whether or not it has been swept away. */
import { and, asc, count, inArray, sql } from 'drizzle-orm';
import type { ViewerTx, WorkerTx } from '../db/client.ts';
import { isInReach } from '../db/reach.ts';
import { uploads } from '../db/tables/uploads.ts';

/** An upload without its bytes. */
export interface UploadFacts {
  readonly id: string;
  readonly contentType: string;
  readonly byteSize: number;
  readonly expiresAt: Date;
}

export interface NewUpload {
  readonly id: string;
  readonly contentType: string;
  readonly bytes: Buffer;
}

const LIFETIME = sql`interval '1 hour'`;
const isLive = sql`${uploads.createdAt} > now() - ${LIFETIME}`;
const FACTS = {
  id: uploads.id,
  contentType: uploads.contentType,
  byteSize: uploads.byteSize,
  expiresAt: sql<Date>`${uploads.createdAt} + ${LIFETIME}`.mapWith(uploads.createdAt),
};

/** Makes the caller the only one that counts and adds this viewer's uploads until the end of its transaction. */
export async function lockUploads(tx: ViewerTx): Promise<void> {
  await tx.execute(
    sql`SELECT pg_advisory_xact_lock(hashtextextended(${`millrace.upload ${tx.viewerId}`}, 0))`,
  );
}

export async function countLive(tx: ViewerTx): Promise<number> {
  const [row] = await tx
    .select({ count: count() })
    .from(uploads)
    .where(and(isInReach(tx, uploads.ownerId), isLive));
  return row?.count ?? 0;
}

export async function insertUpload(tx: ViewerTx, upload: NewUpload): Promise<UploadFacts | undefined> {
  const [row] = await tx
    .insert(uploads)
    .values({ ...upload, ownerId: tx.viewerId, byteSize: upload.bytes.length })
    .returning(FACTS);
  return row;
}

/** Those of the given ids that are this viewer's and live, by id. */
export async function selectFacts(
  tx: ViewerTx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, UploadFacts>> {
  const rows = await tx
    .select(FACTS)
    .from(uploads)
    .where(and(inArray(uploads.id, [...ids]), isInReach(tx, uploads.ownerId), isLive));
  return new Map(rows.map((row) => [row.id, row]));
}

/** The bytes of uploads that `selectFacts` has found in the same transaction, by id. */
export async function selectBytes(
  tx: ViewerTx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Buffer>> {
  const rows = await tx
    .select({ id: uploads.id, bytes: uploads.bytes })
    .from(uploads)
    .where(and(inArray(uploads.id, [...ids]), isInReach(tx, uploads.ownerId)));
  return new Map(rows.map(({ id, bytes }) => [id, bytes]));
}

/** Deletes uploads that are past their time, the oldest first; returns how many. Sweeps side by side do not wait for each other. */
export async function deleteExpired(tx: WorkerTx, limit: number): Promise<number> {
  const expired = tx
    .select({ id: uploads.id })
    .from(uploads)
    .where(sql`NOT (${isLive})`)
    .orderBy(asc(uploads.createdAt))
    .limit(limit)
    .for('update', { skipLocked: true });
  const rows = await tx.delete(uploads).where(inArray(uploads.id, expired)).returning({ id: uploads.id });
  return rows.length;
}
