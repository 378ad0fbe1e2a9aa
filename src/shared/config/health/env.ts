import { optional } from '../env-variable.ts';
import { fromText } from '../parsed.ts';
import { parseHealthPath } from './path.ts';

/** Variables of the probes of the one upstream that UPSTREAM_URL names; those of the YAML have `health`. */
export const HEALTH_ENV = {
  HEALTH_PATH: optional(
    fromText(parseHealthPath),
    'Path that the targets of UPSTREAM_URL are probed at, every 5 s, behind the path of the URL; default: they are not ' +
      'probed. Upstreams of the YAML have health instead.',
  ),
} as const;
