import type { RouteConfig } from '../config/types.ts';
import { meets } from './conditions.ts';
import type { Asked } from './conditions.ts';

/** A route with what matching and forwarding need at hand. */
export interface CompiledRoute<Stages> {
  readonly kind: 'route';
  readonly config: RouteConfig;
  /** What else the finder of routes wants to find with it. */
  readonly stages: Stages;
  /** `config.path` as it is compared: in lower case where case does not matter. */
  readonly path: string;
  /** The same of an exact route with or without the slash at its end that does not matter. */
  readonly otherPath: string | undefined;
  /** `path` without a trailing slash: the root is `''`. What comes after it starts with `/` or is empty. */
  readonly base: string;
  /** Shortest path the route takes: a prefix such as `/orders/` takes `/orders/` but not `/orders`. */
  readonly minLength: number;
  readonly methods: ReadonlySet<string> | undefined;
}

/** A route; or why there is none in the table: no path fits, or only the methods did not. */
export type Found<Stages> = CompiledRoute<Stages> | 'wrong_method' | undefined;

export function compileRoute<Stages>(config: RouteConfig, stages: Stages): CompiledRoute<Stages> {
  const path = config.ignoreCase ? config.path.toLowerCase() : config.path;
  const base = path.endsWith('/') ? path.slice(0, -1) : path;
  const hasOther = config.exact && config.ignoreTrailingSlash && base !== '';
  const otherPath = hasOther ? (path === base ? `${base}/` : base) : undefined;
  return {
    kind: 'route',
    config,
    stages,
    path,
    otherPath,
    base,
    minLength: Math.min(path.length, otherPath?.length ?? path.length),
    methods: config.methods === undefined ? undefined : new Set(config.methods.flatMap(withHead)),
  };
}

/** HEAD is GET without the body (RFC 9110 9.3.2): who may ask for one asks for the other, and pays the same. */
const withHead = (method: string): readonly string[] => (method === 'GET' ? ['GET', 'HEAD'] : [method]);

export function takesPath(route: CompiledRoute<unknown>, asked: string): boolean {
  const path = route.config.ignoreCase ? asked.toLowerCase() : asked;
  if (route.config.exact) return path === route.path || path === route.otherPath;
  const end = route.base.length;
  if (path.length < route.minLength || !path.startsWith(route.base)) return false;
  return path.length === end || path.charCodeAt(end) === 0x2f;
}

/** A method's case matters (RFC 9110 9.1), but not to every upstream: `get` must not lead past the route for GET. */
export function takesMethod({ methods }: CompiledRoute<unknown>, method: string): boolean {
  return methods === undefined || methods.has(method) || methods.has(method.toUpperCase());
}

/** Whether it has what the route asks for beside host, path and method. */
export function takesRest({ config: { match } }: CompiledRoute<unknown>, asked: Asked): boolean {
  return match === undefined || meets(match, asked);
}

/** The routes of one host. Cost: one look-up per path depth that some prefix has, however many routes there are. */
export class PathTable<Stages> {
  readonly #foldsCase: boolean;
  /** Routes of one path in order of precedence. Keys are in lower case where case does not matter to some route. */
  readonly #exact = new Map<string, CompiledRoute<Stages>[]>();
  /** By `otherPath`. */
  readonly #others = new Map<string, CompiledRoute<Stages>[]>();
  /** By base. */
  readonly #prefixes = new Map<string, CompiledRoute<Stages>[]>();
  /** `#lengths[n] === 1` where some base has n characters; other cuts of a path need no look-up. */
  #lengths = new Uint8Array(0);

  /** @param foldsCase the case of a path may not matter to some route */
  constructor(foldsCase: boolean) {
    this.#foldsCase = foldsCase;
  }

  /** Routes that tie on path must be added in order of precedence. */
  add(route: CompiledRoute<Stages>): void {
    const length = route.base.length;
    if (route.config.exact) {
      this.#addTo(this.#exact, route.path, route);
      if (route.otherPath !== undefined) this.#addTo(this.#others, route.otherPath, route);
      return;
    }
    this.#addTo(this.#prefixes, route.base, route);
    if (length >= this.#lengths.length) {
      const longer = new Uint8Array(length + 1);
      longer.set(this.#lengths);
      this.#lengths = longer;
    }
    this.#lengths[length] = 1;
  }

  #addTo(map: Map<string, CompiledRoute<Stages>[]>, path: string, route: CompiledRoute<Stages>): void {
    const key = this.#foldsCase ? path.toLowerCase() : path;
    const chain = map.get(key);
    if (chain === undefined) map.set(key, [route]);
    else chain.push(route);
  }

  /** @param path normalised */
  find(path: string, asked: Asked): Found<Stages> {
    const key = this.#foldsCase ? path.toLowerCase() : path;
    let wrongMethod: Found<Stages>;
    if (this.#exact.size > 0) {
      const found = this.#pick(this.#exact.get(key), path, asked);
      if (typeof found === 'object') return found;
      wrongMethod = found;
    }
    if (this.#others.size > 0) {
      const found = this.#pick(this.#others.get(key), path, asked);
      if (typeof found === 'object') return found;
      wrongMethod ??= found;
    }
    const longest = this.#lengths.length - 1;
    // A prefix ends where the path ends or a slash follows: try those cuts, longest first.
    let end = path.length <= longest ? path.length : longest < 0 ? -1 : path.lastIndexOf('/', longest);
    for (; end >= 0; end = end === 0 ? -1 : path.lastIndexOf('/', end - 1)) {
      if (this.#lengths[end] !== 1) continue;
      const found = this.#pick(this.#prefixes.get(key.slice(0, end)), path, asked);
      if (typeof found === 'object') return found;
      wrongMethod ??= found;
    }
    return wrongMethod;
  }

  #pick(chain: readonly CompiledRoute<Stages>[] | undefined, path: string, asked: Asked): Found<Stages> {
    if (chain === undefined) return undefined;
    let found: Found<Stages>;
    for (const route of chain) {
      if (this.#foldsCase ? !takesPath(route, path) : path.length < route.minLength) continue;
      if (route.config.match !== undefined && !takesRest(route, asked)) continue;
      if (takesMethod(route, asked.method)) return route;
      found = 'wrong_method';
    }
    return found;
  }
}
