/** What the bench's upstream answers; the subjects must hand it on byte by byte. */
export const SMALL_BODY = `${JSON.stringify({ status: 'ok', service: 'cost upstream', padding: '.'.repeat(75) })}\n`;
export const LARGE_BODY = 'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(2000).slice(0, 64 * 1024);
/** The answer to an upload: the number of bytes it had. */
export const sinkAnswer = (bytes: number): string => `{"received":${bytes}}\n`;
