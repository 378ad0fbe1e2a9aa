import { fileURLToPath } from 'node:url';

/** The folder package.json lies in, with a slash at the end. */
export const PROJECT_ROOT = fileURLToPath(new URL('../../', import.meta.url));
