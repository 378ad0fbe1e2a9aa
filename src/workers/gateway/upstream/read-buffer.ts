/**
 * Every socket of the thread reads into this one buffer: libuv fills it and calls back before anything else runs, so no
 * two reads overlap, it stays in the cache, and 128 connections do not hold 8 MB.
 */
export const readBuffer: Buffer = Buffer.allocUnsafeSlow(64 * 1024);
