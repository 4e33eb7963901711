/** `millrace config print | explain | schema`: what the configuration is, why it is so, and what it may be. */
import { toEditorSchema } from '../config/editor-schema.ts';
import { explainSettings, type LoadedConfig } from '../config/explain.ts';
import { toPrintable } from '../config/printable.ts';
import { EXIT, type Shell } from './shell.ts';

/** Prints the effective configuration as JSON, secrets masked. */
export async function runConfigPrint({ config }: LoadedConfig, shell: Shell): Promise<number> {
  shell.out(toText(toPrintable(config)));
  return EXIT.ok;
}

/** Prints what is known of the settings at or below a path; without one, of all. */
export async function runConfigExplain(
  loaded: LoadedConfig,
  path: string | undefined,
  shell: Shell,
): Promise<number> {
  const blocks = explainSettings(loaded, path);
  if (blocks.length === 0) {
    shell.err(`millrace: there is no setting '${path}'; 'millrace config explain' tells of all\n`);
    return EXIT.failure;
  }
  shell.out(`${blocks.join('\n\n')}\n`);
  return EXIT.ok;
}

/** Prints the JSON Schema of the YAML file. */
export function printConfigSchema(shell: Shell): void {
  shell.out(toText(toEditorSchema()));
}

function toText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
