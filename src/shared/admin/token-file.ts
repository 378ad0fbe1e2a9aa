import { join } from 'node:path';

/**
 * The file of the token that a gateway makes itself when it is given none. One for each admin port, because several
 * gateways of one user may share STATE_DIR.
 */
export const tokenFileOf = (stateDir: string, adminPort: number): string => join(stateDir, `admin-token-${adminPort}`);

/** What such a file holds, blanks around it left out; anything else was written by somebody else, or only half. */
export const isMadeToken = (text: string): boolean => /^[\w-]{43}$/.test(text);
