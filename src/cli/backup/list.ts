import { readCatalog } from '../../shared/backups/catalog.ts';
import type { Catalog, ListedBackup } from '../../shared/backups/catalog.ts';
import { wallClockMs } from '../../shared/clock.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { bytes, count, duration } from '../output/quantities.ts';
import { table } from '../output/table.ts';
import { span } from '../output/text.ts';
import type { Line } from '../output/text.ts';
import { show } from '../show.ts';
import { madeByNodes } from './other-nodes.ts';
import { withBackups } from './session.ts';

export interface ListOptions {
  readonly json: boolean;
  /** Milliseconds. */
  readonly maxAge?: number | undefined;
}

/** `gateway backup list`: what lies in the store, the newest first. @returns 1 when the newest verified one is too old */
export const listBackups = (io: CliIo, { json, maxAge }: ListOptions): Promise<number> =>
  withBackups(io, {}, async ({ config, access: { store, dir, signal } }) => {
    const catalog = await readCatalog(store, { tempDir: dir, signal });
    const here = new Set([
      ...catalog.backups.map(({ manifest }) => manifest.id),
      ...catalog.broken.map(({ id }) => id),
    ]);
    const made = config.store?.kind === 'directory' ? await madeByNodes(io) : [];
    const elsewhere = made.filter(({ id }) => !here.has(id));
    const nowMs = wallClockMs();
    const newest = catalog.backups.find(isVerified);
    const ageMs = newest === undefined ? undefined : nowMs - newest.slotMs;
    const tooOld = maxAge !== undefined && (ageMs === undefined || ageMs > maxAge);
    const answer = {
      where: store.where,
      newestVerified:
        newest === undefined ? null : { id: newest.manifest.id, ageSeconds: Math.round((ageMs ?? 0) / 1000) },
      tooOld,
      backups: catalog.backups.map((each) => ({ ...each.manifest, bytes: each.bytes, ageSeconds: ageOf(each, nowMs) })),
      broken: catalog.broken,
      unlisted: catalog.unlisted,
      elsewhere,
    };
    const elsewhereLines = elsewhere.map(({ id, node }): Line => [
      span(`${id} is not here: the node ${node} has made it, in a BACKUP_DIR of its own`, 'faint'),
    ]);
    show({ io, json }, answer, [...linesOf(catalog, { where: store.where, nowMs }), ...elsewhereLines]);
    if (!tooOld) return EXIT.ok;
    const limit = duration(maxAge / 1_000);
    io.err(
      ageMs === undefined
        ? `There is no verified backup in ${store.where}.`
        : `The newest verified backup is ${duration(ageMs / 1_000)} old, more than ${limit}.`,
    );
    return EXIT.negative;
  });

const isVerified = ({ manifest }: ListedBackup): boolean => manifest.verification.result === 'verified';
const ageOf = ({ slotMs }: ListedBackup, nowMs: number): number => Math.round((nowMs - slotMs) / 1_000);

const COLUMNS = [
  { title: 'ID' },
  { title: 'AGE', right: true },
  { title: 'SIZE', right: true },
  { title: 'KEYS', right: true },
  { title: 'NODE' },
  { title: 'STATE' },
];

function linesOf(
  { backups, broken, unlisted }: Catalog,
  { where, nowMs }: { readonly where: string; readonly nowMs: number },
): readonly Line[] {
  const rows = backups.map((each) => {
    const { id, node, files, verification, leftOut } = each.manifest;
    const keys = files.reduce<number | undefined>(
      (sum, file) => (file.keys === null ? sum : (sum ?? 0) + file.keys),
      undefined,
    );
    const state =
      verification.result === 'verified'
        ? span('verified', 'good')
        : span(`stored, not verified: ${verification.reason}`, 'warn');
    const encrypted = files.some(({ recipient }) => recipient !== null) ? ', encrypted' : '';
    const left = leftOut.length === 0 ? '' : `, ${leftOut.length} files left out`;
    return [
      id,
      duration(ageOf(each, nowMs)),
      bytes(each.bytes),
      keys === undefined ? '-' : count(keys),
      node,
      { ...state, text: state.text + encrypted + left },
    ];
  });
  const lines: Line[] = [];
  if (rows.length === 0) lines.push([span(`There is no backup in ${where}.`)]);
  else lines.push(...table(COLUMNS, rows), [span(`${count(rows.length)} in ${where}`, 'faint')]);
  for (const { id, problem } of broken) lines.push([span(`${id} is broken: ${problem}`, 'bad')]);
  if (unlisted.length > 0) {
    const words = `${count(unlisted.length)} files of runs that were interrupted; the next prune after a day removes them`;
    lines.push([span(words, 'faint')]);
  }
  return lines;
}
