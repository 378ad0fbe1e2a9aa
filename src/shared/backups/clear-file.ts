import type { Manifest } from './manifest.ts';

/** A file of a backup as it was taken, in the clear. */
export interface ClearFile extends Pick<Manifest['files'][number], 'content' | 'source' | 'redisVersion'> {
  readonly path: string;
}
