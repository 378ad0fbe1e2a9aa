import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './setup-error.mjs';

/**
 * @typedef {{ integrity?: unknown, resolved?: unknown, link?: unknown, inBundle?: unknown }} LockedPackage
 * @typedef {Readonly<Record<string, string>> | undefined} Wanted
 * @typedef {{ dependencies?: Wanted, devDependencies?: Wanted, optionalDependencies?: Wanted }} Wishes
 */

/** @type {readonly (keyof Wishes)[]} */
const KINDS = ['dependencies', 'devDependencies', 'optionalDependencies'];

/**
 * Whether npm can check all that it would download: each package of package-lock.json has a hash and comes from a
 * registry, and package.json wants nothing that is not in there, which npm would look for by itself.
 * @param {string} root
 * @throws {SetupError} naming what cannot be checked
 */
export function checkLockEntries(root) {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const wishes = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  /** @type {[string, LockedPackage][]} */
  const packages = Object.entries(lock.packages ?? {});
  const unchecked = packages.filter(([path, entry]) => path !== '' && !isChecked(entry)).map(([path]) => path);
  if (unchecked.length > 0) {
    throw new SetupError(
      `package-lock.json does not say how to check these packages, so none is installed: ${unchecked.join(', ')}.`,
    );
  }
  const locked = lock.packages?.[''] ?? {};
  const differs = KINDS.filter((kind) => !isSame(wishes[kind], locked[kind]));
  if (differs.length === 0) return;
  throw new SetupError(
    `package.json and package-lock.json differ (${differs.join(', ')}), so nothing is installed: run "npm install" by hand and look at what it brings.`,
  );
}

/** @param {LockedPackage} entry */
function isChecked({ integrity, resolved, link, inBundle }) {
  if (inBundle === true) return true; // comes in the package that holds it
  if (link === true) return false;
  if (resolved !== undefined && !(typeof resolved === 'string' && /^https?:\/\//.test(resolved))) return false;
  return typeof integrity === 'string' && /^sha(512|384|256)-/.test(integrity);
}

/**
 * @param {Wanted} a
 * @param {Wanted} b
 */
function isSame(a = {}, b = {}) {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name]);
}
