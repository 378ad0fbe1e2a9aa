import { pathText } from '../path-text.ts';
import { showValue } from '../problems.ts';
import type { Problem } from '../problems.ts';
import type { YamlSource } from '../yaml-source.ts';

type Path = readonly PropertyKey[];
type Mapping = Readonly<Record<string, unknown>>;

/** One file of the configuration as data. */
export interface YamlPart {
  readonly file: string;
  readonly source: YamlSource;
}

/** All files as one: lists one after the other, mappings together. Numbers of list items count through all files. */
export interface MergedYaml extends YamlSource {
  /** At least one, in order. */
  readonly parts: readonly YamlPart[];
  /** The file that a part of it stands in. */
  readonly fileOf: (path: Path) => string;
}

/** Where a part of the whole is. */
interface Place {
  readonly part: YamlPart;
  readonly path: Path;
}

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const kindOf = (value: unknown): 'list' | 'mapping' | 'other' => {
  if (Array.isArray(value)) return 'list';
  return isMapping(value) ? 'mapping' : 'other';
};

/** One key at the top, in all files that have it. */
interface Section {
  readonly key: string;
  readonly parts: readonly { readonly part: YamlPart; readonly value: unknown }[];
}

function sectionsOf(parts: readonly YamlPart[]): readonly Section[] {
  const sections = new Map<string, { part: YamlPart; value: unknown }[]>();
  for (const part of parts) {
    for (const [key, value] of Object.entries(part.source.value as Mapping)) {
      const before = sections.get(key) ?? [];
      sections.set(key, [...before, { part, value }]);
    }
  }
  return [...sections].map(([key, of]) => ({ key, parts: of }));
}

export const placeText = ({ file, line }: Pick<Problem, 'file' | 'line'>): string => `${file}:${line}`;

interface MergedSection {
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** Where a part of it stands, by what follows its key. */
  readonly at: (rest: Path) => Place | undefined;
}

function mergeLists({ key, parts }: Section): MergedSection {
  const from = parts.flatMap(({ part, value }) =>
    (value as readonly unknown[]).map((_item, index) => ({ part, path: [key, index] })),
  );
  return {
    value: parts.flatMap(({ value }) => value),
    problems: [],
    at: ([index, ...rest]) => {
      const item = from[Number(index)];
      return item === undefined ? undefined : { part: item.part, path: [...item.path, ...rest] };
    },
  };
}

function mergeMappings({ key, parts }: Section): MergedSection {
  const entries = new Map<string, { part: YamlPart; value: unknown }>();
  const problems: Problem[] = [];
  for (const { part, value } of parts) {
    for (const [name, own] of Object.entries(value as Mapping)) {
      const first = entries.get(name);
      if (first === undefined) entries.set(name, { part, value: own });
      else {
        const reason = `it stands in ${placeText(first.part.source.locate([key, name]))} too`;
        const problem = { key: pathText([key, name]), value: undefined, expected: 'every name only once', reason };
        problems.push({ ...problem, ...part.source.locate([key, name]) });
      }
    }
  }
  return {
    value: Object.fromEntries([...entries].map(([name, { value }]) => [name, value])),
    problems,
    at: (rest) => {
      const entry = entries.get(String(rest[0]));
      return entry === undefined ? undefined : { part: entry.part, path: [key, ...rest] };
    },
  };
}

/** A list here and a mapping there: what is meant, nobody can say. */
function mergeOthers({ key, parts: [first, ...others] }: Section): MergedSection {
  const there = first === undefined ? '' : placeText(first.part.source.locate([key]));
  const problems = others.map(({ part, value }) => ({
    key,
    value: showValue(value),
    expected: `lists in all files, or mappings in all; it stands in ${there} too`,
    ...part.source.locate([key]),
  }));
  return { value: first?.value, problems, at: () => undefined };
}

function mergeSection(section: Section): MergedSection {
  const kinds = new Set(section.parts.map(({ value }) => kindOf(value)));
  if (kinds.size === 1 && kinds.has('list')) return mergeLists(section);
  return kinds.size === 1 && kinds.has('mapping') ? mergeMappings(section) : mergeOthers(section);
}

const notMappings = (parts: readonly YamlPart[]): readonly Problem[] =>
  parts
    .filter(({ source }) => !isMapping(source.value))
    .map(({ source }) => ({
      key: 'top level',
      value: showValue(source.value),
      expected: 'a mapping',
      ...source.locate([]),
    }));

/**
 * Puts the files of a configuration together. A name that two of them have is a problem that names both places.
 * @param parts at least one, each without problems
 */
export function mergeYaml(parts: readonly [YamlPart, ...YamlPart[]]): MergedYaml {
  const [first, ...others] = parts;
  const secrets = parts.flatMap(({ source }) => source.secrets);
  const secretFiles = parts.flatMap(({ source }) => source.secretFiles);
  if (others.length === 0) return { ...first.source, parts, fileOf: () => first.file };
  const wrong = notMappings(parts);
  if (wrong.length > 0) return { ...first.source, problems: wrong, parts, fileOf: () => first.file };

  const sections = sectionsOf(parts);
  const merged = new Map(sections.map((section) => [section.key, mergeSection(section)]));
  const placeOf = (path: Path): Place => {
    const [key, ...rest] = path;
    const section = sections.find((each) => each.key === String(key));
    const part = section?.parts[0]?.part ?? first;
    return merged.get(String(key))?.at(rest) ?? { part, path: path.slice(0, 1) };
  };
  const on =
    <T>(ask: (source: YamlSource, path: Path) => T) =>
    (path: Path): T => {
      const place = placeOf(path);
      return ask(place.part.source, place.path);
    };
  return {
    value: Object.fromEntries([...merged].map(([key, { value }]) => [key, value])),
    problems: [...merged.values()].flatMap(({ problems }) => problems),
    locate: on((source, path) => source.locate(path)),
    isReference: on((source, path) => source.isReference(path)),
    holdsSecret: on((source, path) => source.holdsSecret(path)),
    secrets,
    secretFiles,
    parts,
    fileOf: (path) => placeOf(path).part.file,
  };
}
