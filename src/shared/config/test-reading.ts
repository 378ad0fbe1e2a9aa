import { basename, dirname, normalize } from 'node:path';
import { formatProblems } from './problems.ts';
import { readConfig } from './read-config.ts';
import type { ConfigResult, Environment } from './read-config.ts';
import type { Machine } from './server/machine.ts';
import type { ReadFile } from './text-file.ts';
import type { Config } from './types.ts';

export type Files = Readonly<Record<string, string>>;

/** A reader of files that exist only in a test; any other path fails as node:fs does. */
export const memoryFiles =
  (files: Files): ReadFile =>
  (path) => {
    const text = files[path];
    if (text !== undefined) return text;
    throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' });
  };

/** Gives the node's default name its end: `8000`. */
export const CHANCE = 0.5;

const MACHINE: Machine = {
  chance: CHANCE,
  openFilesLimit: 1_048_576,
  pids: [100, 99],
  user: { id: 1000, home: '/home/a' },
  factsOf: (path) => ({ mode: path.includes('open-to-all') ? 0o100644 : 0o100600, ownerId: 1000, bytes: 0 }),
  entriesOf: () => undefined,
};

/** Names of what lies in a folder; `undefined`: no file does. */
function entriesIn(files: Files, folder: string): readonly string[] | undefined {
  const inside = Object.keys(files).filter((path) => dirname(path) === normalize(folder));
  return folder in files || inside.length === 0 ? undefined : inside.map((path) => basename(path));
}

export const read = (env: Environment, files: Files = {}): ConfigResult =>
  readConfig(env, memoryFiles(files), { ...MACHINE, entriesOf: (folder) => entriesIn(files, folder) });

/** The configuration, which must be good. */
export function configOf(env: Environment, files: Files = {}): Config {
  const result = read(env, files);
  if (!result.ok) throw new Error(formatProblems(result.problems));
  return result.config;
}

/** The problems as people see them. */
export function problemsOf(env: Environment, files: Files = {}): readonly string[] {
  const result = read(env, files);
  return result.ok ? [] : formatProblems(result.problems).split('\n');
}

/** The same for a YAML file `g.yaml`. */
export const yamlProblemsOf = (yaml: string, env: Environment = {}): readonly string[] =>
  problemsOf({ GATEWAY_CONFIG: 'g.yaml', ...env }, { 'g.yaml': yaml });
