import type { DetourConfig } from '../../../shared/config/rules/types.ts';
import { singleField } from '../../../shared/http/field-value.ts';
import { hostWithoutPort } from '../../../shared/http/host.ts';
import { placeByPattern } from '../../../shared/http/pattern-place.ts';
import { withQuery } from './location.ts';

/** What a redirect looks at, of an exchange. */
export interface DetouredRequest {
  /** Normalised, as the client asked for it. */
  readonly path: string;
  /** Path and query, as an upstream would get them. */
  readonly forwardTarget: string;
  /** What an upstream would be told: X-Forwarded-Proto and -Host as far as they are believed. */
  readonly fields: string;
}

/** Sends some of a route's requests elsewhere. */
export interface Detour {
  readonly status: number;
  /** @returns `undefined` = it goes on; `''` = it would have to be sent elsewhere, and says no host */
  locationFor(request: DetouredRequest): string | undefined;
}

export const compileDetour = (config: DetourConfig): Detour =>
  config.kind === 'scheme' ? byScheme(config) : byPattern(config);

function byScheme({ port, status }: { readonly port: number; readonly status: number }): Detour {
  const behind = port === 443 ? '' : `:${port}`;
  return {
    status,
    locationFor: ({ path, forwardTarget, fields }) => {
      if (singleField(fields, 'x-forwarded-proto') === 'https') return undefined;
      const host = singleField(fields, 'x-forwarded-host') ?? '';
      if (host === '') return '';
      const query = forwardTarget.indexOf('?');
      return `https://${hostWithoutPort(host)}${behind}${path}${query === -1 ? '' : forwardTarget.slice(query)}`;
    },
  };
}

function byPattern(config: Extract<DetourConfig, { kind: 'pattern' }>): Detour {
  const pattern = new RegExp(config.pattern);
  const { status, to } = config;
  return {
    status,
    locationFor: ({ path, forwardTarget }) => {
      const place = placeByPattern(path, pattern, to);
      return place === undefined ? undefined : withQuery(place, forwardTarget);
    },
  };
}
