/** The command line: which commands there are and which flags they take. What a command does lives in its own file. */
import { Command, CommanderError, Option } from 'commander';
import type { Config } from '../config/config.ts';
import type { LoadedConfig } from '../config/explain.ts';
import { findNode } from '../config/outline.ts';
import { CONFIG_FILE, SETTINGS } from '../config/settings.ts';
import { readVersion } from '../config/version.ts';
import { createFaults, FAULTS_VARIABLE, parseFaults } from '../faults.ts';
import { printConfigSchema, runConfigExplain, runConfigPrint } from './config-commands.ts';
import { EXIT, type Flags, runWithConfig, type Shell } from './shell.ts';

/** Runs one command line, without the names of node and script, and resolves with the exit code; a server then goes on running. */
export async function runProgram(args: readonly string[], shell: Shell): Promise<number> {
  let exitCode: number = EXIT.ok;
  const onExit = (code: number): void => {
    exitCode = code;
  };
  const program = createProgram(shell, onExit);
  const [first = ''] = args;
  const known = ['help', ...program.commands.map((command) => command.name())];
  if (/^\w/.test(first) && !known.includes(first)) {
    shell.err(`millrace: unknown command '${first}', the commands are ${known.join(', ')}\n`);
    return EXIT.failure;
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
}

/** Does what a command says, with the operands of its command line; resolves with the exit code. */
type Work = (loaded: LoadedConfig, operands: readonly string[]) => Promise<number>;
/** Gives a command its flags and its work. */
type Run = (command: Command, work: Work) => void;

function createProgram(shell: Shell, onExit: (code: number) => void): Command {
  const program = new Command('millrace')
    .description('A GraphQL server for language-model answers')
    .version(readVersion())
    .exitOverride()
    .configureOutput({
      writeOut: shell.out,
      writeErr: shell.err,
      outputError: (text, write) => write(text.replace(/^error: /, 'millrace: ')),
    });
  const run: Run = (command, work) => {
    addFlags(command).action(async () => {
      onExit(await runWithConfig(shell, toFlags(command), (loaded) => work(loaded, command.args)));
    });
  };

  const serve = program.command('serve', { isDefault: true });
  run(serve.description('Start the server (the default command)'), ({ config }) => runServe(config, shell));

  const documents = program
    .command('documents')
    .description('The documents that the built-in backend quotes');
  const importing = documents.command('import').argument('<path...>', 'Files, and folders with all in them');
  run(
    importing.description('Import documents; the same name again replaces a document'),
    ({ config }, paths) => runImport(config, paths, shell),
  );

  declareConfigCommands(program, run, shell);

  const db = program.command('db').description('The database');
  run(db.command('migrate').description('Bring the database to the form of this version'), ({ config }) =>
    runMigrate(config, shell),
  );
  return program;
}

function declareConfigCommands(program: Command, run: Run, shell: Shell): void {
  const configuration = program.command('config').description('The configuration');
  const add = (name: string, description: string): Command =>
    configuration.command(name).description(description);
  run(add('check', 'Say whether the configuration is valid'), async () => {
    shell.out('ok\n');
    return EXIT.ok;
  });
  run(add('print', 'Print the effective configuration, secrets masked'), (loaded) =>
    runConfigPrint(loaded, shell),
  );
  const explain = add('explain', 'Say of settings what they mean, what they are, and who said so');
  run(
    explain.argument('[path]', 'A setting, or what it stands in: server, backends[0].baseUrl'),
    (loaded, [path]) => runConfigExplain(loaded, path, shell),
  );
  add('schema', 'Print the JSON Schema of the configuration file, for editors').action(() =>
    printConfigSchema(shell),
  );
}

// Commands load what they need when they run: checking a configuration does not wait for a GraphQL schema.

async function runServe(config: Config, shell: Shell): Promise<number> {
  const [{ serve }, { createApp }] = await Promise.all([import('./serve.ts'), import('../app.ts')]);
  const faults = parseFaults(shell.env[FAULTS_VARIABLE], config.mode);
  await serve(config, {
    createApp: (checked, signal) => createApp(checked, { signal, faults: faults && createFaults(faults) }),
    shell,
  });
  return EXIT.ok;
}

async function runImport(config: Config, paths: readonly string[], shell: Shell): Promise<number> {
  const { withDatabase } = await import('./database.ts');
  const { runDocumentsImport } = await import('./documents-import.ts');
  const { exitCode } = await withDatabase(config, (database) =>
    runDocumentsImport({ database }, paths, shell),
  );
  return exitCode;
}

async function runMigrate(config: Config, shell: Shell): Promise<number> {
  const { withDatabase } = await import('./database.ts');
  await withDatabase(config, async () => shell.out('The database is up to date.\n'));
  return EXIT.ok;
}

/** Every command takes the settings as flags: `config check` checks them, the others need the database. */
function addFlags(command: Command): Command {
  const add = (flag: string, description: string): Command =>
    command.addOption(new Option(flag, description));
  add(`--${CONFIG_FILE.flag} <${CONFIG_FILE.value}>`, `${CONFIG_FILE.description} [${CONFIG_FILE.env}]`);
  for (const { flag, value, path, env } of SETTINGS) {
    add(`--${flag} <${value}>`, `${findNode(path.split('.')).description} [${env}]`);
  }
  return command;
}

function toFlags(command: Command): Flags {
  const values = command.opts<Flags>();
  return Object.fromEntries(
    command.options.map((option) => [option.long?.slice(2) ?? '', values[option.attributeName()]]),
  );
}
