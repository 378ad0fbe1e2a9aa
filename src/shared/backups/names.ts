import type { BackupKind, Manifest } from './manifest.ts';

/*
 * Names in a store. Other versions of the gateway read them, and people: they do not change. What begins with a dot is
 * never a backup's.
 */

const ID = /^(redis|full)-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
const MANIFEST_END = '.manifest.json';
const MEMBER = /^((?:redis|full)-\d{8}T\d{6}Z)\./;

/** `redis-20261126T020000Z`: the same slot gives the same name, so that nothing is made twice. */
export function backupId(kind: BackupKind, slotMs: number): string {
  const at = new Date(slotMs).toISOString(); // 2026-11-26T02:00:00.000Z
  return `${kind}-${at.slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}

/** @returns `undefined` where it is no id */
export function readBackupId(id: string): { readonly kind: BackupKind; readonly slotMs: number } | undefined {
  const [, kind, ...digits] = ID.exec(id) ?? [];
  if (kind !== 'redis' && kind !== 'full') return undefined;
  const [year, month, day, hour, minute, second] = digits.map(Number);
  const slotMs = Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second);
  return backupId(kind, slotMs) === id ? { kind, slotMs } : undefined;
}

export const manifestName = (id: string): string => `${id}${MANIFEST_END}`;

export const isManifestName = (name: string): boolean => name.endsWith(MANIFEST_END) && idOfMember(name) !== undefined;

/** The backup that a name in the store belongs to; `undefined`: it is somebody else's file, and is left alone. */
export function idOfMember(name: string): string | undefined {
  const id = MEMBER.exec(name)?.[1];
  return id !== undefined && readBackupId(id) !== undefined ? id : undefined;
}

type FileFacts = Pick<Manifest['files'][number], 'content' | 'recipient'>;

const ENDS = { rdb: 'rdb', logical: 'keys', files: 'tar' } as const;

interface Which {
  /** From 1, and of how many. */
  readonly part?: readonly [number, number] | undefined;
  /** Of one try to make the backup: nobody else has files of this name. */
  readonly tag?: string;
}

/** `redis-20261126T020000Z.rdb.gz.age`; of a cluster `….1of3.rdb.gz`; with a tag `….3f9a1c2b.rdb.gz`. */
export function memberName(id: string, { content, recipient }: FileFacts, { part, tag }: Which = {}): string {
  const which = part === undefined || part[1] === 1 ? '' : `.${part[0]}of${part[1]}`;
  return `${id}${which}${tag === undefined ? '' : `.${tag}`}.${ENDS[content]}.gz${recipient === null ? '' : '.age'}`;
}
