import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import type { ListedBackup } from './catalog.ts';
import type { BackupKind, Manifest } from './manifest.ts';
import { backupId, manifestName, memberName } from './names.ts';
import { planPrune } from './retention.ts';

const DAY_MS = 24 * 3_600_000;
const START_MS = Date.UTC(2026, 0, 1, 2);

function backup(kind: BackupKind, day: number, verified: boolean): ListedBackup {
  const slotMs = START_MS + day * DAY_MS;
  const id = backupId(kind, slotMs);
  const manifest = {
    id,
    kind,
    files: [{ name: memberName(id, { content: 'rdb', recipient: null }) }],
    verification: { result: verified ? 'verified' : 'stored' },
  } as unknown as Manifest;
  return { manifest, slotMs, bytes: 1 };
}

const backups = fc
  .uniqueArray(fc.record({ kind: fc.constantFrom('redis', 'full'), day: fc.nat(60), verified: fc.boolean() }), {
    selector: ({ kind, day }) => `${kind}${day}`,
  })
  .map((facts) => facts.map(({ kind, day, verified }) => backup(kind, day, verified)));
const keep = fc.record({ redis: fc.integer({ min: 1, max: 8 }), full: fc.integer({ min: 1, max: 8 }) });

describe('retention', () => {
  property.prop([backups, keep])('keeps the newest of each kind, and the newest verified one', (list, keep) => {
    const plan = planPrune({ backups: list, broken: [], unlisted: [] }, { keep, nowMs: START_MS });
    const removed = plan.removed.map(({ id }) => id);
    expect([...plan.kept, ...removed].toSorted()).toEqual(list.map(({ manifest }) => manifest.id).toSorted());
    for (const kind of ['redis', 'full'] as const) {
      const ofKind = list.filter(({ manifest }) => manifest.kind === kind).toSorted((a, b) => b.slotMs - a.slotMs);
      const kept = ofKind.filter(({ manifest }) => plan.kept.includes(manifest.id));
      const newest = ofKind.slice(0, keep[kind]);
      const verified = ofKind.find(({ manifest }) => manifest.verification.result === 'verified');
      expect(new Set(kept)).toEqual(new Set(verified === undefined ? newest : [...newest, verified]));
    }
  });

  property.prop([backups, keep])('done once leaves nothing to do', (list, keep) => {
    const plan = planPrune({ backups: list, broken: [], unlisted: [] }, { keep, nowMs: START_MS });
    const left = list.filter(({ manifest }) => plan.kept.includes(manifest.id));
    expect(planPrune({ backups: left, broken: [], unlisted: [] }, { keep, nowMs: START_MS }).removed).toEqual([]);
  });

  property.prop([backups, keep, fc.record({ days: fc.integer({ min: 1, max: 60 }), today: fc.nat(90) })])(
    'of those it keeps by number none is too old, but for the newest and the newest verified one of a kind',
    (list, keep, { days, today }) => {
      const retention = { keep, nowMs: START_MS + today * DAY_MS };
      const [catalog, longestMs] = [{ backups: list, broken: [], unlisted: [] }, days * DAY_MS];
      const byNumber = new Set(planPrune(catalog, retention).kept);
      const { kept } = planPrune(catalog, { ...retention, longestMs });
      for (const kind of ['redis', 'full'] as const) {
        const ofKind = list.filter(({ manifest }) => manifest.kind === kind).toSorted((a, b) => b.slotMs - a.slotMs);
        const always = [ofKind[0], ofKind.find(({ manifest }) => manifest.verification.result === 'verified')];
        for (const each of ofKind) {
          const isYoung = retention.nowMs - each.slotMs <= longestMs && byNumber.has(each.manifest.id);
          expect(kept.includes(each.manifest.id)).toBe(always.includes(each) || isYoung);
        }
      }
    },
  );

  test('takes the manifest first, so that nothing half there is listed', () => {
    const plan = planPrune(
      { backups: [backup('redis', 0, true), backup('redis', 1, true)], broken: [], unlisted: [] },
      { keep: { redis: 1, full: 1 }, nowMs: START_MS },
    );
    expect(plan.removed.map(({ names }) => names)).toEqual([
      ['redis-20260101T020000Z.manifest.json', 'redis-20260101T020000Z.rdb.gz'],
    ]);
  });

  test('takes what interrupted runs have left a day later, and broken ones once they are older than the rest', () => {
    const [old, young] = [backupId('redis', START_MS), backupId('redis', START_MS + 3 * DAY_MS)];
    const plan = planPrune(
      {
        backups: [backup('redis', 1, true)],
        broken: [old, young].map((id) => ({ id, problem: '' })),
        unlisted: [`${old}.rdb.gz`, `${young}.rdb.gz`],
      },
      { keep: { redis: 7, full: 5 }, nowMs: START_MS + 3 * DAY_MS },
    );
    expect(plan).toMatchObject({
      removed: [{ id: old, names: [manifestName(old)] }],
      leftovers: [`${old}.rdb.gz`],
    });
  });
});
