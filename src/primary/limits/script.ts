import { readFileSync } from 'node:fs';

type ScriptName = 'change-override-1' | 'read-buckets' | 'read-overrides-1' | 'set-tokens';

/** A Lua script that lies beside this file. */
export const readScript = (name: ScriptName): string => readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8');
