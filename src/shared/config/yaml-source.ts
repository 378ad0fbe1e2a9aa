import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node } from 'yaml';
import type { Problem } from './problems.ts';

/** A YAML text as plain data that still knows where each part stands. */
export interface YamlSource {
  readonly value: unknown;
  /** Syntax errors; with any, `value` means nothing. */
  readonly problems: readonly Problem[];
  /** File, line and column of a key or list item; of the nearest thing around it when it is not there. */
  locate(path: readonly PropertyKey[]): Pick<Problem, 'file' | 'line' | 'column'>;
}

function childOf(
  node: Node | undefined,
  step: PropertyKey,
): { readonly at: Node; readonly value: Node | undefined } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
    return isScalar(pair?.key) ? { at: pair.key, value: isNode(pair.value) ? pair.value : undefined } : undefined;
  }
  const item: unknown = isSeq(node) ? node.items[Number(step)] : undefined;
  return isNode(item) ? { at: item, value: item } : undefined;
}

function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let node: Node | undefined = document.contents ?? undefined;
  let offset = node?.range?.[0] ?? 0;
  for (const step of path) {
    const child = childOf(isAlias(node) ? node.resolve(document) : node, step);
    if (child === undefined) break;
    offset = child.at.range?.[0] ?? offset;
    node = child.value;
  }
  return offset;
}

const NOT_YAML = { key: '', value: undefined, expected: 'YAML 1.2', reason: 'not valid YAML' } as const;
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');

const unreadable = (file: string, why: string): YamlSource => ({
  value: undefined,
  problems: [{ ...NOT_YAML, hint: why, file }],
  locate: () => ({ file }),
});

/** One bracket left open can make hundreds of errors; after the first few they say nothing new. */
const MOST_ERRORS = 10;

const MESSAGE: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'this key is here twice',
  MULTIPLE_DOCS: 'only one document (no ---) is read',
};

function parse(text: string, file: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number): Pick<Problem, 'file' | 'line' | 'column'> => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const problems = [...document.errors, ...document.warnings].slice(0, MOST_ERRORS).map(({ code, message, pos }) => ({
    ...NOT_YAML,
    hint: oneLine(MESSAGE[code] ?? message),
    ...place(pos[0]),
  }));
  if (problems.length > 0) return { value: undefined, problems, locate: () => ({ file }) };
  // An empty file is a file without settings.
  const value: unknown = document.contents === null ? {} : document.toJS();
  return { value, problems, locate: (path) => place(offsetOf(document, path)) };
}

/**
 * Parses a configuration file; never throws.
 * @param file its name in problems
 */
export function parseYaml(text: string, file: string): YamlSource {
  try {
    return parse(text, file);
  } catch (error) {
    // An alias to nothing or too many of them, or nesting deeper than the stack.
    return unreadable(file, error instanceof Error ? oneLine(error.message) : 'it cannot be read');
  }
}
