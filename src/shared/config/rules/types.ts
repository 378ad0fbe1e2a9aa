/** Rules of a route as the rest of the gateway sees them: checked, plain data. */

/** A header field or query parameter; names of fields are in lower case. */
export interface NameValue {
  readonly name: string;
  readonly value: string;
}

/** What a request must have beside host, path and method; all of it. At least one condition. */
export interface MatchConfig {
  readonly headers: readonly NameValue[];
  readonly query: readonly NameValue[];
}

/** What becomes of header fields: the names in `set` and `remove` go, then those of `set` and `add` come. */
export interface FieldRulesConfig {
  /** Values may have variables. */
  readonly set: readonly NameValue[];
  readonly add: readonly NameValue[];
  /** Lower case. */
  readonly remove: readonly string[];
}

export type RewriteConfig =
  /** Takes the place of the route's path; starts with `/` and has none at its end, or is `''`. */
  | { readonly kind: 'prefix'; readonly prefix: string }
  /** The first place where the pattern fits a path becomes `to`, with `$1` to `$9` for its groups. */
  | { readonly kind: 'pattern'; readonly pattern: string; readonly to: string };

/** What the gateway answers itself, in place of an upstream. */
export type RouteAnswerConfig =
  | {
      readonly kind: 'redirect';
      /** A URL or a path; without a slash at its end where the path asked for follows. */
      readonly to: string;
      readonly status: number;
      /** The path asked for (without the route's, where that is stripped) follows. */
      readonly keepPath: boolean;
    }
  | {
      readonly kind: 'respond';
      readonly status: number;
      /** Content-Type; `''` = none. */
      readonly type: string;
      readonly text: string;
    };

/** A redirect of those requests only that it means; the others get what else the route has. */
export type DetourConfig =
  /** Who came by http: to the same host, path and query by https. `port` 443 is not said. */
  | { readonly kind: 'scheme'; readonly port: number; readonly status: number }
  /** Whose path the pattern fits: to `to`, a URL or path, with `$1` to `$9` for its groups. */
  | { readonly kind: 'pattern'; readonly pattern: string; readonly to: string; readonly status: number };

/** Who may ask at all, by the client's address as far as TRUSTED_PROXIES makes it known. */
export interface IpListConfig {
  readonly from: 'environment' | 'route';
  /** Addresses and CIDR blocks; empty = all but those of `deny`. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** Which pages may use a route (CORS). */
export interface CorsConfig {
  /** As browsers say them, or with `*.` in front of the host (http/origin.ts). */
  readonly origins: readonly string[] | 'any';
  readonly methods: readonly string[];
  /** Fields that they may send. */
  readonly headers: readonly string[];
  /** Fields that they may read. */
  readonly expose: readonly string[];
  readonly credentials: boolean;
  readonly maxAgeSeconds: number;
}

/** What a route does beside forwarding; `undefined` = nothing. */
export interface RouteRulesConfig {
  readonly answer: RouteAnswerConfig | undefined;
  readonly detour: DetourConfig | undefined;
  /** Each must let a client pass. */
  readonly ip: readonly IpListConfig[] | undefined;
  readonly cors: CorsConfig | undefined;
  readonly rewrite: RewriteConfig | undefined;
  readonly requestHeaders: FieldRulesConfig | undefined;
  readonly responseHeaders: FieldRulesConfig | undefined;
}
