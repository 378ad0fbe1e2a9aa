import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');
const NOT_OURS = new Set(['node_modules', 'dist', '.git', '.setup', 'results', 'out']);

/** Files below the folder whose names end so, as paths from the root; what is generated or not ours is left out. */
export const filesWith = (ending: string, folder = ''): readonly string[] =>
  readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : filesWith(ending, path);
    return entry.isFile() && entry.name.endsWith(ending) ? [path] : [];
  });

/** Every document of the project. */
export const DOCUMENTS = filesWith('.md');

export const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const FENCED = /^( *)```(\w*)\n([^]*?)^\1```$/gm;

/** Blocks of code in a document. */
export const blocksOf = (text: string, language: string): readonly string[] =>
  Array.from(text.matchAll(FENCED), ([, , spoken = '', block = '']) => [spoken, block] as const)
    .filter(([spoken]) => spoken === language)
    .map(([, block]) => block);

/** The text without its blocks of code, which hold no links. */
export const proseOf = (text: string): string => text.replaceAll(FENCED, '');

/** Pieces of code in the prose: what stands between backticks. */
export const codeOf = (text: string): readonly string[] =>
  Array.from(proseOf(text).matchAll(/`([^`\n]+)`/g), ([, piece = '']) => piece);

/** Names that links can jump to, as GitHub makes them of headings. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of proseOf(text).matchAll(/^#+ (.*)$/gm)) {
    const plain = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-');
    let anchor = plain;
    for (let more = 1; anchors.has(anchor); more++) anchor = `${plain}-${more}`;
    anchors.add(anchor);
  }
  return anchors;
}
