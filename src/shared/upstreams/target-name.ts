import type { TargetConfig } from '../config/types.ts';

/**
 * What a target is called in metrics, logs and commands: its origin with its base path, and behind a `#`, which no URL of
 * a target has, the one address of its name that it is.
 */
export const targetName = ({ origin, basePath, address }: TargetConfig): string =>
  origin + basePath + (address === undefined ? '' : `#${address}`);
