import type { RedisConfig } from '../../config/types.ts';

/** One server of a deployment, and how it is spoken to. */
export interface RedisServerAt {
  readonly host: string;
  readonly port: number;
  readonly config: RedisConfig;
}

/** As manifests and messages name it. */
export const showServer = ({ host, port }: Pick<RedisServerAt, 'host' | 'port'>): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;
