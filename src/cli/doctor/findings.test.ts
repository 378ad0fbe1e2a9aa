import { describe, expect, test } from 'vitest';
import { judgeClock } from './clock.ts';
import { worstOf } from './finding.ts';
import type { Finding } from './finding.ts';
import { judgeLocalPorts } from './local-ports.ts';
import { judgePort } from './ports.ts';
import { judgeRedis, parseInfo } from './redis-findings.ts';
import type { RedisFacts } from './redis-findings.ts';
import { fileNeed, judgeFiles, judgeMemory, judgeProcessors } from './resources.ts';
import { judgeLibrary, judgeNode } from './runtime.ts';

const NOW_MS = Date.parse('2026-11-23T12:00:00Z');

function expectAdvice(finding: Finding): void {
  expect(finding.advice !== undefined, JSON.stringify(finding)).toBe(finding.level !== 'ok');
}

describe('Node.js', () => {
  test.each([
    ['24.1.0', 'ok'],
    ['22.12.0', 'ok'],
    ['20.20.2', 'warn'], // no fixes since April 2026
    ['22.11.0', 'fail'],
    ['18.20.0', 'fail'],
    ['23.5.0', 'fail'],
  ])('%s: %s', (version, level) => {
    const finding = judgeNode(version, NOW_MS);
    expect(finding.level).toBe(level);
    expectAdvice(finding);
  });
});

describe('glibc', () => {
  test.each([
    [{ glibc: '2.36', loadError: undefined }, 'ok', ''],
    [{ glibc: '2.36', loadError: 'GLIBC_2.38 not found' }, 'fail', 'setup.mjs'],
    [{ glibc: '2.31', loadError: 'GLIBC_2.38 not found' }, 'fail', 'Debian 12'],
    [{ glibc: '2.41', loadError: 'it is not installed' }, 'fail', 'npm ci'],
    [{ glibc: undefined, loadError: 'x' }, 'fail', 'trixie'],
  ] as const)('%j: %s, %s', (library, level, advice) => {
    const finding = judgeLibrary(library);
    expect(finding.level).toBe(level);
    expect(finding.advice ?? '').toContain(advice);
  });
});

describe('resources', () => {
  const need = { clients: 40_000, total: 40_800 };
  test.each([
    [40_800, 'ok'],
    [Number.POSITIVE_INFINITY, 'ok'],
    [undefined, 'ok'],
    [20_000, 'warn'],
    [1_024, 'fail'],
  ])('%s open files: %s', (limit, level) => expect(judgeFiles(need, limit, 'it').level).toBe(level));

  test('files are needed for clients and for upstreams, in every thread', () => {
    const server = { maxConnections: 1_000, workers: 3 };
    const upstreams = [
      { connections: 10, targets: [{}, {}] },
      { connections: 5, targets: [{}] },
    ];
    const config = { server, upstreams } as unknown as Parameters<typeof fileNeed>[0];
    expect(fileNeed(config)).toEqual({ clients: 1_000, total: 1_000 + 3 * 25 + 256 });
  });

  const GIB = 1024 ** 3;
  test.each([
    [{ totalBytes: 2 * GIB, availableBytes: GIB }, false, 'ok'],
    [{ totalBytes: 2 * GIB, availableBytes: GIB / 16 }, false, 'warn'],
    [{ totalBytes: 2 * GIB, availableBytes: GIB / 16 }, true, 'ok'],
    [{ totalBytes: GIB / 8, availableBytes: GIB / 8 }, true, 'fail'],
  ])('memory %j, running %j: %s', (memory, running, level) => {
    expect(judgeMemory(memory, 2, running).level).toBe(level);
  });

  test('more threads than processors', () => {
    expect([judgeProcessors(2, 2).level, judgeProcessors(3, 2).level]).toEqual(['ok', 'warn']);
  });
});

describe('ports', () => {
  const place = { host: '127.0.0.1', port: 5000, portSetting: 'PORT', hostSetting: 'HOST' };
  const holder = { pid: 7, command: 'nginx: master' };
  test.each([
    [{ code: undefined, holder: undefined }, false, 'ok', 'free'],
    [{ code: 'EADDRINUSE', holder }, true, 'ok', 'running gateway'],
    [{ code: 'EADDRINUSE', holder }, false, 'fail', 'nginx: master (pid 7)'],
    [{ code: 'EADDRINUSE', holder: undefined }, false, 'fail', 'cannot be seen'],
    [{ code: 'EACCES', holder: undefined }, false, 'fail', 'EACCES'],
    [{ code: 'EADDRNOTAVAIL', holder: undefined }, false, 'fail', 'EADDRNOTAVAIL'],
  ])('%j, ours %j: %s, %s', (...[trial, ours, level, words]) => {
    const finding = judgePort(place, trial, ours);
    expect(finding.level).toBe(level);
    expect(finding.found).toContain(words);
    expectAdvice(finding);
  });
});

describe('local ports', () => {
  test.each([
    [{ taken: 100, most: 28_232, needed: 256 }, 'ok', '28,132 of 28,232 left'],
    [{ taken: 100, most: 2_000, needed: 4_096 }, 'warn', 'may need 4,096'],
    [{ taken: 23_000, most: 28_232, needed: 256 }, 'warn', '5,232 of 28,232 left'],
    [{ taken: 28_232, most: 28_232, needed: 256 }, 'fail', '0 of 28,232 left'],
  ])('%j: %s, %s', (...[ports, level, words]) => {
    const finding = judgeLocalPorts('api', { target: 'http://10.0.0.1', ...ports });
    expect([finding.level, finding.found.includes(words)]).toEqual([level, true]);
    expectAdvice(finding);
  });
});

test('the clock', () => {
  const levels = [{ by: 'x', yes: true }, { by: 'x', yes: false }, undefined].map((each) => judgeClock(each).level);
  expect(levels).toEqual(['ok', 'warn', 'warn']);
});

describe('Redis', () => {
  const good: RedisFacts = {
    info: parseInfo(
      '# Server\r\nredis_version:7.2.5\r\nrole:master\r\nconnected_slaves:1\r\nused_memory:50\r\nmaxmemory:100\r\n' +
        'maxmemory_policy:noeviction\r\naof_enabled:1\r\naof_last_write_status:ok\r\nrdb_last_bgsave_status:ok\r\n',
    ),
    save: '',
    scriptError: undefined,
    channelError: undefined,
    pingMs: 0.3,
    clockAheadMs: 2,
  };
  const judged = (part: Partial<RedisFacts>, info: Record<string, string> = {}): readonly Finding[] =>
    judgeRedis('redis', { ...good, ...part, info: { ...good.info, ...info } }, { startMs: 10, maxMs: 50 });

  test('as it should be', () => {
    expect(worstOf(judged({}))).toBe('ok');
  });

  test.each<[string, 'ok' | 'warn' | 'fail', Partial<RedisFacts>, Record<string, string>]>([
    ['version', 'fail', {}, { redis_version: '6.2.14' }],
    ['role', 'fail', {}, { role: 'slave', master_host: '10.0.0.1', master_port: '6379' }],
    ['maxmemory', 'warn', {}, { maxmemory: '0' }],
    ['maxmemory', 'warn', {}, { used_memory: '85' }],
    ['maxmemory', 'fail', {}, { used_memory: '97' }],
    ['policy', 'warn', {}, { maxmemory_policy: 'allkeys-lru' }],
    ['policy', 'ok', {}, { maxmemory_policy: 'volatile-ttl' }],
    ['persistence', 'warn', { save: '' }, { aof_enabled: '0' }],
    ['persistence', 'ok', { save: '3600 1' }, { aof_enabled: '0' }],
    ['persistence', 'ok', { save: undefined }, { aof_enabled: '0' }],
    ['persistence', 'fail', {}, { rdb_last_bgsave_status: 'err' }],
    ['scripts', 'fail', { scriptError: 'NOPERM' }, {}],
    ['channel', 'warn', { channelError: 'NOPERM' }, {}],
    ['latency', 'ok', { pingMs: 15 }, {}],
    ['latency', 'warn', { pingMs: 26 }, {}],
    ['latency', 'fail', { pingMs: 50 }, {}],
    ['clock', 'warn', { clockAheadMs: -5_000 }, {}],
    ['clock', 'warn', { clockAheadMs: 90_000 }, {}],
  ])('%s: %s', (...[check, level, part, info]) => {
    const findings = judged(part, info);
    expect(findings.find((each) => each.check === `redis ${check}`)?.level).toBe(level);
    expect(worstOf(findings)).toBe(level);
    for (const finding of findings) expectAdvice(finding);
  });
});
