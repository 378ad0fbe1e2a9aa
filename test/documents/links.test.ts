import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { anchorsOf, DOCUMENTS, filesWith, proseOf, ROOT, textOf } from './documents.ts';

/** Links of a document with where they lead, but for those out of the project. */
const linksOf = (text: string): readonly string[] =>
  Array.from(proseOf(text).matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target).filter(
    (target) => !/^https?:|^mailto:/.test(target),
  );

/** What is wrong with a link, if anything. */
function faultOf(document: string, target: string): string | undefined {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? document : join(dirname(document), path);
  if (!existsSync(join(ROOT, file))) return `${document}: ${target}: no such file`;
  if (anchor === undefined || anchorsOf(textOf(file)).has(anchor)) return undefined;
  return `${document}: ${target}: no such heading`;
}

test.each(DOCUMENTS)('every link in %s leads somewhere', (document) => {
  expect(linksOf(textOf(document)).flatMap((target) => faultOf(document, target) ?? [])).toEqual([]);
});

test('a link that leads nowhere is found', () => {
  expect(faultOf('README.md', 'docs/nothing.md')).toContain('no such file');
  expect(faultOf('docs/limits.md', '../README.md#nothing')).toContain('no such heading');
  expect(faultOf('docs/limits.md', '../README.md#limits')).toBeUndefined();
});

test('what the runbook has always linked is there', () => {
  const links = linksOf(textOf('RUNBOOK.md'));
  expect(links).toEqual(expect.arrayContaining(['DEPLOYMENT.md#troubleshooting', 'README.md#api', 'README.md#design']));
});

test('every document is reached from README.md', () => {
  const reached = new Set(['README.md']);
  for (const document of reached) {
    if (!document.endsWith('.md')) continue;
    for (const target of linksOf(textOf(document))) {
      const path = target.split('#')[0] ?? '';
      if (path !== '') reached.add(join(dirname(document), path));
    }
  }
  expect(DOCUMENTS.filter((document) => !reached.has(document))).toEqual([]);
});

test('documents that the program speaks of are there', () => {
  const sources = ['src', 'bench', 'scripts', 'compose', 'test'].flatMap((folder) =>
    ['.ts', '.mjs', '.yml', '.sh'].flatMap((ending) => filesWith(ending, folder)),
  );
  const named = sources.flatMap((source) =>
    Array.from(textOf(source).matchAll(/\bdocs\/[\w-]+\.md\b/g), ([path]) => [source, path] as const),
  );
  expect(named.length).toBeGreaterThan(5);
  const missing = named.filter(([source, path]) => !existsSync(join(ROOT, path)) && !source.includes('links.test'));
  expect(missing).toEqual([]);
});
