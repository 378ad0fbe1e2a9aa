import type { Difference } from '../../../shared/admin/config.ts';
import { describeConfig } from '../../../shared/config/describe-config.ts';
import type { Config } from '../../../shared/config/types.ts';

type Mapping = Readonly<Record<string, unknown>>;

/** A part of a configuration as it is, and as it may be shown. */
interface Part {
  readonly real: unknown;
  readonly shown: unknown;
}

/** Of this node, or shown elsewhere. */
const NOT_COMPARED: ReadonlySet<string> = new Set(['node', 'source', 'secretTexts', 'demoUpstream']);
const LONGEST_VALUE = 200;

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isNamed = (value: unknown): value is Mapping & { readonly name: string } =>
  isMapping(value) && typeof value['name'] === 'string';

/** Lists of things with names are compared by them; `undefined`: it is no such list, or names are there twice. */
function byName(list: unknown): ReadonlyMap<string, number> | undefined {
  if (!Array.isArray(list) || !list.every(isNamed)) return undefined;
  const names = new Map(list.map(({ name }, index) => [name, index]));
  return names.size === list.length ? names : undefined;
}

function text(value: unknown): string {
  const whole = JSON.stringify(value) ?? 'nothing';
  return whole.length > LONGEST_VALUE ? `${whole.slice(0, LONGEST_VALUE)}…` : whole;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const at = (part: unknown, key: PropertyKey): unknown => (part as Readonly<Record<PropertyKey, unknown>>)[key];

function compare(path: string, before: Part, after: Part): readonly Difference[] {
  if (same(before.real, after.real)) return [];
  if (before.real === undefined) return [{ path, change: 'added', after: text(after.shown) }];
  if (after.real === undefined) return [{ path, change: 'removed', before: text(before.shown) }];
  if (isMapping(before.real) && isMapping(after.real)) {
    const keys = new Set([...Object.keys(before.real), ...Object.keys(after.real)]);
    return [...keys].flatMap((key) => {
      const inside = path === '' ? key : `${path}.${key}`;
      return path === '' && NOT_COMPARED.has(key) ? [] : compare(inside, child(before, key), child(after, key));
    });
  }
  const [old, next] = [byName(before.real), byName(after.real)];
  if (old !== undefined && next !== undefined && old.size + next.size > 0) {
    const names = new Set([...old.keys(), ...next.keys()]);
    const inside = [...names].flatMap((name) =>
      compare(`${path}[${name}]`, child(before, old.get(name)), child(after, next.get(name))),
    );
    if (inside.length > 0) return inside;
    return [{ path, change: 'changed', before: text([...old.keys()]), after: text([...next.keys()]) }];
  }
  const change: Difference = { path, change: 'changed', before: text(before.shown), after: text(after.shown) };
  return [same(before.shown, after.shown) ? { ...change, after: `${text(after.shown)} (another)` } : change];
}

function child({ real, shown }: Part, key: PropertyKey | undefined): Part {
  if (key === undefined) return { real: undefined, shown: undefined };
  // What is shown may be one mask for all of it.
  const isWhole = typeof shown !== 'object' || shown === null;
  return { real: at(real, key), shown: isWhole ? '***' : at(shown, key) };
}

const partOf = (config: Config): Part => ({
  real: JSON.parse(JSON.stringify(config)) as unknown,
  shown: describeConfig(config),
});

/** What differs between two configurations; secrets are compared, and shown as `***`. */
export const configDiff = (before: Config, after: Config): readonly Difference[] =>
  compare('', partOf(before), partOf(after));

const LONGEST_SUMMARY = 300;
const MARKS = { added: '+', changed: '~', removed: '-' } as const;

/** The same in a line: the routes, upstreams and so on that are others. */
export function summaryOf(differences: readonly Difference[]): string {
  const things = differences.map(({ path, change }) => {
    const thing = /^[^.[]*(?:\.[^.[]*)?(?:\[.*?\])?/.exec(path)?.[0] ?? path;
    return `${thing === path ? MARKS[change] : MARKS.changed}${thing}`;
  });
  const line = [...new Set(things)].join(' ');
  return line.length > LONGEST_SUMMARY ? `${line.slice(0, LONGEST_SUMMARY)}…` : line;
}
