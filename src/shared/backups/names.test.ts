import { expect, test } from 'vitest';
import { backupId, idOfMember, isManifestName, memberName, readBackupId } from './names.ts';

test('an id says what a backup is of, and sorts by time', () => {
  const slotMs = Date.UTC(2026, 10, 26, 2, 0, 0);
  expect(backupId('redis', slotMs)).toBe('redis-20261126T020000Z');
  expect(readBackupId('redis-20261126T020000Z')).toEqual({ kind: 'redis', slotMs });
  expect(backupId('full', slotMs + 1000) > backupId('full', slotMs)).toBe(true);
});

test.each(['redis-20261326T020000Z', 'redis-20260230T020000Z', 'other-20261126T020000Z', 'redis-2026', ''])(
  '%j is none',
  (id) => {
    expect(readBackupId(id)).toBeUndefined();
    expect(idOfMember(`${id}.manifest.json`)).toBeUndefined();
  },
);

test('files are named after their backup', () => {
  const id = 'redis-20261126T020000Z';
  expect(memberName(id, { content: 'rdb', recipient: 'age1' }, { part: [2, 3] })).toBe(`${id}.2of3.rdb.gz.age`);
  expect(memberName(id, { content: 'logical', recipient: null }, { part: [1, 1] })).toBe(`${id}.keys.gz`);
  expect(memberName(id, { content: 'files', recipient: null })).toBe(`${id}.tar.gz`);
  expect(memberName(id, { content: 'rdb', recipient: null }, { part: [1, 2], tag: '3f9a' })).toBe(
    `${id}.1of2.3f9a.rdb.gz`,
  );
  expect(isManifestName(`${id}.manifest.json`)).toBe(true);
  expect(isManifestName('something.manifest.json')).toBe(false);
  expect(idOfMember(`${id}.2of3.rdb.gz`)).toBe(id);
  expect(idOfMember(`${id}.3f9a.rdb.gz`)).toBe(id);
});
