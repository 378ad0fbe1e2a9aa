import { extname } from 'node:path';

/**
 * Where the entry of a thread or child process lies, as `.ts` beside sources and `.js` in `dist`.
 * @param path relative to `src/`, without extension, such as `workers/gateway/main`
 */
export const entryUrl = (path: string): URL => new URL(`../../${path}${extname(import.meta.url)}`, import.meta.url);
