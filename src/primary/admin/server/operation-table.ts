import type { AdminMethod, AnyOperation } from '../contract/operation.ts';

/** Characters of a value in a path. */
const LONGEST_PARAM = 1_024;

interface Template {
  readonly path: string;
  readonly segments: readonly string[];
  readonly methods: Map<AdminMethod, AnyOperation>;
}

export type Found =
  | { readonly kind: 'operation'; readonly operation: AnyOperation; readonly params: Readonly<Record<string, string>> }
  /** A path that exists, by a method that it does not take. */
  | { readonly kind: 'wrong-method'; readonly allow: readonly string[] }
  /** A value in the path that is no text, or too long. */
  | { readonly kind: 'bad-param'; readonly name: string; readonly expected: string }
  | { readonly kind: 'nothing' };

const paramName = (segment: string): string | undefined => /^\{(\w+)\}$/.exec(segment)?.[1];

/** Finds the operation of a request by path and method. */
export class OperationTable {
  readonly #templates: readonly Template[];
  readonly operations: readonly AnyOperation[];

  /** Throws when two operations have the same method and path, or the same id. */
  constructor(operations: readonly AnyOperation[]) {
    this.operations = operations;
    const templates = new Map<string, Template>();
    const ids = new Set<string>();
    for (const operation of operations) {
      const { path, method, id } = operation;
      const template = templates.get(path) ?? { path, segments: path.split('/'), methods: new Map() };
      if (template.methods.has(method) || ids.has(id)) throw new Error(`two operations ${method} ${path} (${id})`);
      template.methods.set(method, operation);
      templates.set(path, template);
      ids.add(id);
    }
    // A fixed path comes before one with values in it: `limits/top` is not the client `top` (which is `limits/%74op`).
    const values = ({ segments }: Template): number => segments.filter((each) => paramName(each) !== undefined).length;
    this.#templates = [...templates.values()].sort((a, b) => values(a) - values(b));
  }

  /** Paths as they were declared, in alphabetical order. */
  paths(): readonly string[] {
    return this.#templates.map(({ path }) => path).sort();
  }

  /** Whether everybody may read this path. */
  isOpen(path: string): boolean {
    return this.#template(path)?.methods.get('GET')?.access === 'open';
  }

  /** Whether this is where the operator's page signs in. */
  isLogin(method: string, path: string): boolean {
    return this.#template(path)?.methods.get(method as AdminMethod)?.access === 'login';
  }

  /** @param path without query; HEAD finds what GET finds */
  find(method: string, path: string): Found {
    const template = this.#template(path);
    const given = path.split('/');
    if (template === undefined) return { kind: 'nothing' };
    const operation = template.methods.get((method === 'HEAD' ? 'GET' : method) as AdminMethod);
    if (operation === undefined) return { kind: 'wrong-method', allow: allowed(template) };
    const params: Record<string, string> = {};
    for (const [at, segment] of template.segments.entries()) {
      const name = paramName(segment);
      if (name === undefined) continue;
      const value = decoded(given[at] ?? '');
      if (value === undefined) return { kind: 'bad-param', name, expected: 'percent-encoded UTF-8' };
      if (value.length > LONGEST_PARAM) {
        return { kind: 'bad-param', name, expected: `at most ${LONGEST_PARAM} characters` };
      }
      params[name] = value;
    }
    return { kind: 'operation', operation, params };
  }

  #template(path: string): Template | undefined {
    const given = path.split('/');
    return this.#templates.find(({ segments }) => matches(segments, given));
  }
}

const matches = (segments: readonly string[], given: readonly string[]): boolean =>
  segments.length === given.length &&
  segments.every((segment, at) => (paramName(segment) === undefined ? segment === given[at] : given[at] !== ''));

function allowed({ methods }: Template): readonly string[] {
  const names: string[] = [...methods.keys()];
  return names.includes('GET') ? ['GET', 'HEAD', ...names.filter((name) => name !== 'GET')] : names;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
