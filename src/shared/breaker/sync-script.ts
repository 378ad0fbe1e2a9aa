import { readScript } from '../redis/scripts.ts';

/** The script that holds the truth of all breakers in Redis. */
export const syncScript = readScript(new URL('sync-1.lua', import.meta.url));
