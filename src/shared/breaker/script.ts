import { readFileSync } from 'node:fs';

/** The text of the script that holds the truth in Redis; one key (the hash). Read once, at start. */
export const readSyncScript = (): string => readFileSync(new URL('sync-1.lua', import.meta.url), 'utf8');
