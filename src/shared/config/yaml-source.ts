import { isAlias, isCollection, isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { Document, Node, Scalar } from 'yaml';
import { duplicateKeys } from './duplicate-keys.ts';
import { expand } from './files/references.ts';
import type { ReferenceSources } from './files/references.ts';
import type { Problem } from './problems.ts';

type Path = readonly PropertyKey[];

/** A YAML text as plain data that still knows where each part stands. */
export interface YamlSource {
  readonly value: unknown;
  /** Syntax errors, and references to nothing; with any, `value` means nothing. */
  readonly problems: readonly Problem[];
  /** File, line and column of a key or list item; of the nearest thing around it when it is not there. */
  readonly locate: (path: Path) => Pick<Problem, 'file' | 'line' | 'column'>;
  /** What stands there came from elsewhere: `${…}`. */
  readonly isReference: (path: Path) => boolean;
  /** What stands there is a secret from elsewhere, or may have one in it. */
  readonly holdsSecret: (path: Path) => boolean;
  /** Texts of secrets that came from elsewhere. */
  readonly secrets: readonly string[];
  /** Files that they came from. */
  readonly secretFiles: readonly string[];
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

/** The node at a path, or the nearest around it, and where it begins. */
function nearest(
  document: Document,
  path: Path,
): { readonly offset: number; readonly node: Node | undefined; readonly whole: boolean } {
  let node: Node | undefined = document.contents ?? undefined;
  let offset = node?.range?.[0] ?? 0;
  for (const step of path) {
    const child = childOf(isAlias(node) ? node.resolve(document) : node, step);
    if (child === undefined) return { offset, node, whole: false };
    offset = child.at.range?.[0] ?? offset;
    node = child.value;
  }
  return { offset, node: isAlias(node) ? node.resolve(document) : node, whole: true };
}

const NOT_YAML = { key: '', value: undefined, expected: 'YAML 1.2', reason: 'not valid YAML' } as const;
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');

const withProblems = (file: string, problems: readonly Problem[]): YamlSource => ({
  value: undefined,
  problems,
  locate: () => ({ file }),
  isReference: () => false,
  holdsSecret: () => false,
  secrets: [],
  secretFiles: [],
});

/** One bracket left open can make hundreds of errors; after the first few they say nothing new. */
const MOST_ERRORS = 10;

const MESSAGE: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'only one document (no ---) is read',
};

/** Their values have variables of each request, written the same way. */
const OF_FIELD_RULES: ReadonlySet<unknown> = new Set(['request_headers', 'response_headers']);
const isInFieldRules = (ancestors: readonly unknown[]): boolean =>
  ancestors.some((node) => isPair(node) && isScalar(node.key) && OF_FIELD_RULES.has(node.key.value));

interface References {
  readonly nodes: Set<Node>;
  readonly secretNodes: Set<Node>;
  readonly secrets: string[];
  readonly secretFiles: string[];
  readonly problems: Problem[];
}

/** Puts in place what the texts of a document refer to: each once, however many aliases it has, and no key. */
function expandAll(
  document: Document,
  sources: ReferenceSources,
  placeOf: (node: Scalar, part: string) => Pick<Problem, 'file' | 'line' | 'column'>,
): References {
  const found: References = { nodes: new Set(), secretNodes: new Set(), secrets: [], secretFiles: [], problems: [] };
  visit(document, {
    Scalar: (key, node, ancestors) => {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return;
      const { text, secrets, files, broken } = expand(node.value, {
        ...sources,
        isReadAgain: isInFieldRules(ancestors),
      });
      for (const { text: part, reason, hint } of broken.slice(0, MOST_ERRORS)) {
        const problem = { key: '', value: undefined, expected: '', reason: `${oneLine(part)}: ${reason}`, hint };
        found.problems.push({ ...problem, ...placeOf(node, part) });
      }
      node.value = text;
      found.nodes.add(node);
      if (secrets.length > 0) found.secretNodes.add(node);
      found.secrets.push(...secrets);
      found.secretFiles.push(...files);
    },
  });
  return found;
}

function parse(text: string, sources: ReferenceSources): YamlSource {
  const { file } = sources;
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const place = (offset: number): Pick<Problem, 'file' | 'line' | 'column'> => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const errors = [...document.errors, ...document.warnings].map(({ code, message, pos: [offset] }) => ({
    hint: oneLine(MESSAGE[code] ?? message),
    offset,
  }));
  const twice = duplicateKeys(document).map((offset) => ({ hint: 'this key is here twice', offset }));
  const problems = [...errors, ...twice]
    .slice(0, MOST_ERRORS)
    .map(({ hint, offset }) => ({ ...NOT_YAML, hint, ...place(offset) }));
  if (problems.length > 0) return withProblems(file, problems);
  const placeOf = (node: Scalar, part: string): Pick<Problem, 'file' | 'line' | 'column'> => {
    const [start, end] = node.range ?? [0, 0];
    return place(start + Math.max(0, text.slice(start, end).indexOf(part)));
  };
  const references = expandAll(document, sources, placeOf);
  if (references.problems.length > 0) return withProblems(file, references.problems);
  // An empty file is a file without settings.
  const value: unknown = document.contents === null ? {} : document.toJS();
  const nodeAt = (path: Path): Node | undefined => {
    const { node, whole } = nearest(document, path);
    return whole ? node : undefined;
  };
  return {
    value,
    problems,
    locate: (path) => place(nearest(document, path).offset),
    isReference: (path) => references.nodes.has(nodeAt(path) as Node),
    holdsSecret: (path) => references.secretNodes.size > 0 && mayHold(document, nodeAt(path), references.secretNodes),
    secrets: references.secrets,
    secretFiles: references.secretFiles,
  };
}

/** Whether a node is one of these texts, or may have one in it: what an alias stands for is not looked through. */
function mayHold(document: Document, node: Node | undefined, texts: ReadonlySet<Node>): boolean {
  if (!isCollection(node)) return node !== undefined && texts.has(node);
  let found = false;
  visit(node, (_key, each) => {
    const real = isAlias(each) ? each.resolve(document) : each;
    found ||= isNode(real) && (texts.has(real) || (isAlias(each) && isCollection(real)));
    return found ? visit.BREAK : undefined;
  });
  return found;
}

/**
 * Parses a configuration file, and puts in place what its texts refer to; never throws.
 * @param sources what they may refer to, and the file's name in problems
 */
export function parseYaml(text: string, sources: ReferenceSources): YamlSource {
  try {
    return parse(text, sources);
  } catch (error) {
    // An alias to nothing or too many of them, or nesting deeper than the stack.
    const hint = error instanceof Error ? oneLine(error.message) : 'it cannot be read';
    return withProblems(sources.file, [{ ...NOT_YAML, hint, file: sources.file }]);
  }
}
