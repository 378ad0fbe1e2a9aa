import type { RouteConfig } from '../config/types.ts';

/** A route with what matching and forwarding need at hand. */
export interface CompiledRoute<Stages> {
  readonly kind: 'route';
  readonly config: RouteConfig;
  /** What else the finder of routes wants to find with it. */
  readonly stages: Stages;
  /** `config.path` without a trailing slash: the root is `''`. What comes after it starts with `/` or is empty. */
  readonly base: string;
  /** Shortest path the route takes: a prefix such as `/orders/` takes `/orders/` but not `/orders`. */
  readonly minLength: number;
  readonly methods: ReadonlySet<string> | undefined;
}

/** A route; or why there is none in the table: no path fits, or only the methods did not. */
export type Found<Stages> = CompiledRoute<Stages> | 'wrong_method' | undefined;

export function compileRoute<Stages>(config: RouteConfig, stages: Stages): CompiledRoute<Stages> {
  const base = config.path.endsWith('/') ? config.path.slice(0, -1) : config.path;
  return {
    kind: 'route',
    config,
    stages,
    base,
    minLength: config.path.length,
    methods: config.methods === undefined ? undefined : new Set(config.methods),
  };
}

export function takesPath(route: CompiledRoute<unknown>, path: string): boolean {
  if (route.config.exact) return path === route.config.path;
  const end = route.base.length;
  if (path.length < route.minLength || !path.startsWith(route.base)) return false;
  return path.length === end || path.charCodeAt(end) === 0x2f;
}

export function takesMethod(route: CompiledRoute<unknown>, method: string): boolean {
  return route.methods === undefined || route.methods.has(method);
}

/** The routes of one host. Cost: one look-up per path depth that some prefix has, however many routes there are. */
export class PathTable<Stages> {
  /** Routes of one path in order of precedence. */
  readonly #exact = new Map<string, CompiledRoute<Stages>[]>();
  /** By base. */
  readonly #prefixes = new Map<string, CompiledRoute<Stages>[]>();
  /** `#lengths[n] === 1` where some base has n characters; other cuts of a path need no look-up. */
  #lengths = new Uint8Array(0);

  /** Routes that tie on path must be added in order of precedence. */
  add(route: CompiledRoute<Stages>): void {
    const length = route.base.length;
    const [map, key] = route.config.exact ? [this.#exact, route.config.path] : [this.#prefixes, route.base];
    const chain = map.get(key);
    if (chain === undefined) map.set(key, [route]);
    else chain.push(route);
    if (route.config.exact) return;
    if (length >= this.#lengths.length) {
      const longer = new Uint8Array(length + 1);
      longer.set(this.#lengths);
      this.#lengths = longer;
    }
    this.#lengths[length] = 1;
  }

  /** @param path normalised */
  find(path: string, method: string): Found<Stages> {
    let wrongMethod: Found<Stages>;
    if (this.#exact.size > 0) {
      const found = pick(this.#exact.get(path), path, method);
      if (typeof found === 'object') return found;
      wrongMethod = found;
    }
    const longest = this.#lengths.length - 1;
    // A prefix ends where the path ends or a slash follows: try those cuts, longest first.
    let end = path.length <= longest ? path.length : longest < 0 ? -1 : path.lastIndexOf('/', longest);
    for (; end >= 0; end = end === 0 ? -1 : path.lastIndexOf('/', end - 1)) {
      if (this.#lengths[end] !== 1) continue;
      const found = pick(this.#prefixes.get(path.slice(0, end)), path, method);
      if (typeof found === 'object') return found;
      wrongMethod ??= found;
    }
    return wrongMethod;
  }
}

function pick<Stages>(
  chain: readonly CompiledRoute<Stages>[] | undefined,
  path: string,
  method: string,
): Found<Stages> {
  if (chain === undefined) return undefined;
  let found: Found<Stages>;
  for (const route of chain) {
    if (path.length < route.minLength) continue;
    if (takesMethod(route, method)) return route;
    found = 'wrong_method';
  }
  return found;
}
