/** Writes a transcript of an ended turn to a file. What stands in it is transcript.ts's. */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { Database } from '../db/client.ts';
import { AppError } from '../errors.ts';
import { isUuid, randomId } from '../lib/ids.ts';
import { selectRecordedTurn } from './store.ts';
import { hashViewerId, toTranscript } from './transcript.ts';

export interface TranscriptDeps {
  readonly database: Database;
  readonly config: Pick<Config, 'transcripts'>;
}

const OWNER_ONLY_FOLDER = 0o700;
const OWNER_ONLY_FILE = 0o600;
/** What a conversation's id consists of: nothing that means something in a path. */
const PLAIN_NAME = /^[0-9a-f-]{36,48}$/;

/**
 * Writes `directory/viewer/conversation/turn.json`, whole or not at all; writing it again writes the same. Does nothing
 * while transcripts are off, for a turn that runs, and for one whose conversation is deleted. Rejects with what the file
 * system or the database rejects with, and then is to be called again.
 */
export async function writeTranscript({ database, config }: TranscriptDeps, turnId: string): Promise<void> {
  const { enabled, directory, hmacKey, redactions } = config.transcripts;
  if (!enabled || directory === undefined || hmacKey === undefined) return;
  requirePlain(isUuid(turnId), 'turn');
  const turn = await database.asWorker((tx) => selectRecordedTurn(tx, turnId));
  if (turn === undefined) return;
  requirePlain(PLAIN_NAME.test(turn.conversationId), 'conversation');
  const text = JSON.stringify(toTranscript(turn, { hmacKey, redactions }), null, 2);
  const folder = join(directory, hashViewerId(turn.ownerId, hmacKey), turn.conversationId);
  await mkdir(folder, { recursive: true, mode: OWNER_ONLY_FOLDER });
  const file = join(folder, `${turn.id}.json`);
  await writeWhole(file, `${text}\n`);
  // Deleted while it was written: whoever deletes the viewer's transcripts may have been here before.
  const stillThere = await database.asWorker((tx) => selectRecordedTurn(tx, turnId));
  if (stillThere === undefined) await rm(file, { force: true });
}

/** Deletes every transcript of the viewer that is in this node's folder. Rejects with what the file system rejects with. */
export async function deleteTranscripts(
  { config }: Pick<TranscriptDeps, 'config'>,
  viewerId: string,
): Promise<void> {
  const { directory, hmacKey } = config.transcripts;
  if (directory === undefined || hmacKey === undefined) return;
  await rm(join(directory, hashViewerId(viewerId, hmacKey)), { recursive: true, force: true });
}

function requirePlain(isPlain: boolean, what: string): void {
  if (!isPlain)
    throw new AppError('INTERNAL_SERVER_ERROR', `The id of a ${what} cannot be the name of a file`);
}

/** Nobody ever sees a part of the file, not even after a crash. */
async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomId()}.draft`;
  try {
    await using file = await open(draft, 'wx', OWNER_ONLY_FILE);
    await file.writeFile(text);
    await file.sync();
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
