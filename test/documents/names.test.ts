import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import type { CliIo } from '../../src/cli/io.ts';
import { createProgram } from '../../src/cli/program.ts';
import { ENV_NAMES } from '../../src/shared/config/env-table.ts';
import { configOf } from '../../src/shared/config/test-reading.ts';
import { blocksOf, codeOf, DOCUMENTS, ROOT, textOf } from './documents.ts';

/* What the documents name is there: variables, commands with their options, and scripts of npm. */

/** Those that speak of the gateway as it is. */
const PRESENT = DOCUMENTS.filter((document) => document !== 'CHANGELOG.md');

/** Code of a document, in its text and in its blocks for a shell, there without what the shell does not run. */
const shownIn = (document: string): readonly string[] => {
  const text = textOf(document);
  const lines = blocksOf(text, 'bash').flatMap((block) => block.split('\n'));
  return [...codeOf(text), ...lines.map((line) => line.replace(/(?:^|\s)#.*$/, ''))];
};

/** Variables of other programs, and words that are none. */
const OTHERS = new Set(
  'GATEWAY_TEST_FRONT NODE_ENV X_CUSTOM X_FILE HALF_OPEN SCHED_IDLE CERT_HAS_EXPIRED HTTP_PROXY UV_THREADPOOL_SIZE'.split(
    ' ',
  ),
);

test('every variable that a document names is one that the gateway reads', () => {
  const unknown = PRESENT.flatMap((document) =>
    shownIn(document).flatMap((piece) =>
      Array.from(piece.matchAll(/(?<![\w$<{…])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![\w…*])/g), ([name]) => name)
        .filter((name) => !ENV_NAMES.includes(name) && !OTHERS.has(name))
        .map((name) => `${document}: ${name}`),
    ),
  );
  expect(unknown).toEqual([]);
});

const quiet: CliIo = { env: {}, readFile: () => '', out: () => {}, err: () => {}, colours: false };
const PROGRAM = createProgram(quiet, () => {});

/** What is wrong with the words behind `gateway`, if anything. */
function faultOf(words: readonly string[]): string | undefined {
  let command: Command = PROGRAM;
  for (const word of words) {
    if (word.startsWith('--')) {
      const option = word.split('=')[0] ?? '';
      if (!['--help', '--version', ...command.options.map(({ long }) => long)].includes(option))
        return `no option ${option}`;
      continue;
    }
    if (command.commands.length === 0) continue;
    const below = command.commands.find((each) => each.name() === word);
    if (below !== undefined) command = below;
    else if (command === PROGRAM) return `no command ${word}`;
  }
  return undefined;
}

/** Command lines of ours in a piece of code: what follows `gateway`, up to what ends it in a shell. */
const commandLines = (piece: string): readonly (readonly string[])[] =>
  Array.from(piece.matchAll(/(?:^|[\s(]|bin\/)gateway(?:\.mjs)? ([^|;&>)#…]+)/g), ([, rest = '']) =>
    rest.trim().split(/\s+/),
  ).filter(([first = '']) => /^[a-z-]+$/.test(first));

describe('commands', () => {
  test.each(PRESENT)('those that %s shows are there, with their options', (document) => {
    const faults = shownIn(document).flatMap((piece) =>
      commandLines(piece).flatMap((words) => {
        const fault = faultOf(words);
        return fault === undefined ? [] : [`gateway ${words.join(' ')}: ${fault}`];
      }),
    );
    expect(faults).toEqual([]);
  });

  test('one that is not there is found', () => {
    const faults = commandLines('docker-compose exec jobs gateway backups now; gateway limit ban 1.2.3.4 --fro 5m');
    expect(faults.map(faultOf)).toEqual(['no command backups', 'no option --fro']);
  });
});

test('every script of npm that a document names is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
  const named = PRESENT.flatMap((document) =>
    shownIn(document).flatMap((piece) => Array.from(piece.matchAll(/\bnpm run ([\w:-]+)/g), ([, name = '']) => name)),
  );
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

/** The keys that a file of the gateway's YAML may have at its top. */
const TOP = /^(?:routes|upstreams|consumers|profiles|issuers|authorities):/m;
const configurations = PRESENT.flatMap((document) =>
  blocksOf(textOf(document), 'yaml').flatMap((yaml, i) => (TOP.test(yaml) ? [[document, i + 1, yaml] as const] : [])),
);

interface Shown {
  readonly upstreams?: Readonly<Record<string, unknown>>;
  readonly routes?: readonly object[];
}

/** What a piece of a configuration leaves to the rest of it: its upstreams, a route, settings of the environment. */
function restOf({ upstreams = {}, routes }: Shown): string {
  const used = Array.from(JSON.stringify(routes ?? []).matchAll(/"upstream":"([^"]+)"/g), ([, name = '']) => name);
  const missing = new Set([...used, 'rest'].filter((name) => !(name in upstreams)));
  return stringify({
    upstreams: Object.fromEntries([...missing].map((name) => [name, { url: 'http://127.0.0.1:1' }])),
    ...(routes === undefined ? { routes: [{ path: '/rest', upstream: 'rest' }] } : {}),
  });
}
const ENVIRONMENT = { CLIENT_CERT_HEADER: 'on', TRUSTED_PROXIES: '10.0.0.1', IP_ALLOW: '0.0.0.0/0' };
/** Hashes are not written out in a document. */
const whole = (yaml: string): string =>
  yaml.replaceAll(/\b[0-9a-f]{6}…/g, 'ab'.repeat(32)).replaceAll(/(?:[0-9A-F]{2}:){3}…/g, `${'AB:'.repeat(31)}AB`);

test.each(configurations)('%s, YAML %i: is a configuration, or a piece of one', (document, _number, yaml) => {
  const files = {
    'g.yaml': whole(yaml),
    ...(document === 'README.md' ? {} : { 'rest.yaml': restOf(parse(yaml) as Shown) }),
  };
  const config = configOf({ ...ENVIRONMENT, GATEWAY_CONFIG: Object.keys(files).join(',') }, files);
  expect(config.routes.length).toBeGreaterThan(0);
});
