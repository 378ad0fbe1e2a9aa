import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 100;
/** Far longer than taking a lock away takes. */
const GUARD_MS = 5_000;

/**
 * Runs `body` while no other process on this machine runs one for the same folder. The lock is a folder that holds its
 * owner's pid; it appears by one rename, so it is never seen without. A lock whose owner is gone is taken away.
 * @template T
 * @param {{ folder: string, say: (line: string) => void }} options
 * @param {() => T} body
 * @returns {Promise<T>}
 */
export async function withLock({ folder, say }, body) {
  if (!makeFolder(folder)) return body();
  const lock = join(folder, 'lock');
  let waiting = false;
  while (!tryTake(folder, lock)) {
    const owner = readOwner(lock);
    if (owner !== undefined && !isAlive(owner)) {
      takeAway(lock, owner);
    } else if (owner !== undefined) {
      if (!waiting) say(`Another setup is running here (process ${owner.pid}): waiting for it.`);
      waiting = true;
    }
    await delay(POLL_MS);
  }
  try {
    return body();
  } finally {
    remove(lock);
  }
}

/**
 * @param {string} folder
 * @returns {boolean} `false` in an image that is read-only or another user's: there is nothing to guard
 */
function makeFolder(folder) {
  try {
    mkdirSync(folder, { recursive: true });
    return true;
  } catch (error) {
    if (!['EROFS', 'EACCES', 'EPERM'].includes(codeOf(error))) throw error;
    return false;
  }
}

/**
 * @param {string} folder
 * @param {string} lock
 */
function tryTake(folder, lock) {
  const candidate = mkdtempSync(join(folder, 'taking-'));
  try {
    writeFileSync(join(candidate, 'owner.json'), JSON.stringify({ pid: process.pid, host: hostname() }));
    renameSync(candidate, lock); // fails while `lock` is a folder with something in it
    return true;
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(codeOf(error))) throw error;
    return false;
  } finally {
    rmSync(candidate, { recursive: true, force: true });
  }
}

/**
 * @param {string} lock
 * @returns {{ pid: number, host: string } | undefined} `undefined` when it is gone by now
 */
function readOwner(lock) {
  try {
    return JSON.parse(readFileSync(join(lock, 'owner.json'), 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** @param {{ pid: number, host: string }} owner */
function isAlive({ pid, host }) {
  if (host !== hostname()) return true; // another container on the same volume: nothing can be known
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/**
 * Takes a dead owner's lock away. Several processes may try: a folder that only one can make lets them do it one after
 * another, so that a lock that was taken anew in between is never removed.
 * @param {string} lock
 * @param {{ pid: number, host: string }} deadOwner
 */
function takeAway(lock, deadOwner) {
  const guard = `${lock}.takeover`;
  try {
    mkdirSync(guard);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    dropOld(guard);
    return;
  }
  try {
    if (readOwner(lock)?.pid === deadOwner.pid) remove(lock);
  } finally {
    rmSync(guard, { recursive: true, force: true });
  }
}

/**
 * The guard of a process that was killed while it had one.
 * @param {string} guard
 */
function dropOld(guard) {
  const made = statSync(guard, { throwIfNoEntry: false });
  if (made !== undefined && Date.now() - made.mtimeMs > GUARD_MS) rmSync(guard, { recursive: true, force: true });
}

/**
 * In one step: while its file is deleted, an empty lock could be taken by another process.
 * @param {string} lock
 */
function remove(lock) {
  const aside = `${lock}.${process.pid}`;
  renameSync(lock, aside);
  rmSync(aside, { recursive: true, force: true });
}

/** @param {unknown} error */
const codeOf = (error) => (error instanceof Error && 'code' in error ? String(error.code) : '');
