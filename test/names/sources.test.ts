import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NameSources } from '../../src/primary/names/name-sources.ts';
import { SystemLookUp } from '../../src/primary/names/system-look-up.ts';
import { dnsServer } from '../support/dns.ts';
import type { DnsServer } from '../support/dns.ts';
import { eventually } from '../support/wait.ts';

const SEARCH = ['default.svc.cluster.local', 'svc.cluster.local'];
const NOBODY = { kind: 'none', code: 'ENOTFOUND' };

let folder: string;
let server: DnsServer;
/** Names that the system's other sources were asked for. */
let system: string[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-test-names-'));
  server = await dnsServer();
  system = [];
});
afterEach(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server[Symbol.asyncDispose]();
});

interface SetUp {
  readonly hosts?: string;
  readonly ndots?: number;
  readonly servers?: readonly string[];
  readonly knownToSystem?: Readonly<Record<string, readonly string[]>>;
}

function sources({ hosts = '', ndots = 5, servers = [server.address], knownToSystem = {} }: SetUp = {}): NameSources {
  const [hostsFile, resolvConfFile] = [join(folder, 'hosts'), join(folder, 'resolv.conf')];
  writeFileSync(hostsFile, hosts);
  writeFileSync(
    resolvConfFile,
    `nameserver 192.0.2.1\nsearch ${SEARCH.join(' ')}\noptions ndots:${ndots} timeout:1 attempts:1\n`,
  );
  const ask = async (name: string): Promise<readonly string[]> => {
    system.push(name);
    const addresses = knownToSystem[name];
    if (addresses === undefined) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
    return addresses;
  };
  return new NameSources({ hostsFile, resolvConfFile, servers, system: new SystemLookUp(ask) });
}

describe('who is asked for a name', () => {
  test('nobody for an address and for localhost', async () => {
    const names = sources();
    expect(await names.find('10.0.0.1')).toMatchObject({ addresses: ['10.0.0.1'] });
    expect(await names.find('::1')).toMatchObject({ addresses: ['::1'] });
    expect(await names.find('localhost')).toMatchObject({ addresses: ['127.0.0.1', '::1'] });
    expect([server.questions, system]).toEqual([[], []]);
  });

  test('the hosts file first, also when it has changed since', async () => {
    server.names.set('orders.default.svc.cluster.local', ['10.0.0.1']);
    const names = sources({ hosts: '10.0.0.7 orders\n' });
    expect(await names.find('orders')).toMatchObject({ addresses: ['10.0.0.7'] });
    expect(server.questions).toEqual([]);
    writeFileSync(join(folder, 'hosts'), '10.0.0.70 orders\n');
    const seen = async (): Promise<boolean> => {
      const found = await names.find('orders');
      return found.kind === 'found' && found.addresses[0] === '10.0.0.70';
    };
    await eventually(seen, 'the new file is read');
  });

  test('a short name is found by the search list, with both kinds of addresses and how long they hold', async () => {
    server.names.set('orders.svc.cluster.local', ['fd00::5', '10.0.0.5', '10.0.0.6']);
    server.ttlSeconds = 7;
    expect(await sources().find('orders')).toEqual({
      kind: 'found',
      addresses: ['10.0.0.5', '10.0.0.6', 'fd00::5'],
      ttlMs: 7_000,
    });
    expect(system).toEqual([]);
  });

  test('a name with a dot at the end is that name and no other', async () => {
    const names = sources();
    server.names.set('orders.example.default.svc.cluster.local', ['10.0.0.1']);
    expect(await names.find('orders.example.')).toEqual(NOBODY);
    server.names.set('orders.example', ['10.0.0.2']);
    expect(await names.find('orders.example.')).toMatchObject({ addresses: ['10.0.0.2'] });
    expect(new Set(server.questions)).toEqual(new Set(['orders.example A', 'orders.example AAAA']));
  });

  test('a name of enough dots is tried as it is before the search list', async () => {
    server.names.set('api.example.com', ['10.0.0.3']);
    expect(await sources({ ndots: 2 }).find('api.example.com')).toMatchObject({ addresses: ['10.0.0.3'] });
    expect(new Set(server.questions)).toEqual(new Set(['api.example.com A', 'api.example.com AAAA']));
  });

  test('a name that has only IPv6', async () => {
    server.names.set('six.example', ['fd00::6']);
    expect(await sources().find('six.example.')).toMatchObject({ addresses: ['fd00::6'] });
  });

  test('one of two servers is silent: the other is asked', async () => {
    await using silent = await dnsServer();
    silent.silent = true;
    server.names.set('orders.example', ['10.0.0.4']);
    const names = sources({ servers: [silent.address, server.address] });
    expect(await names.find('orders.example.')).toMatchObject({ addresses: ['10.0.0.4'] });
  });

  test('all are silent: it fails, and no other of the search list is tried', async () => {
    server.silent = true;
    expect(await sources().find('orders')).toEqual({ kind: 'failed', code: 'ETIMEOUT' });
    expect(new Set(server.questions.map((each) => each.split(' ')[0]))).toEqual(new Set([`orders.${SEARCH[0]}`]));
  });

  test('a server that fails on one of the search list is asked for the next', async () => {
    server.names.set(`orders.${SEARCH[0]}`, 'servfail').set(`orders.${SEARCH[1]}`, ['10.0.0.9']);
    expect(await sources().find('orders')).toMatchObject({ addresses: ['10.0.0.9'] });
    server.names.set(`orders.${SEARCH[1]}`, 'nxdomain');
    expect(await sources().find('orders')).toEqual({ kind: 'failed', code: 'ESERVFAIL' });
  });

  test('the system last, for what only it knows', async () => {
    const names = sources({ knownToSystem: { 'printer.local': ['fe80::1', '192.168.0.9'] } });
    expect(await names.find('printer.local')).toEqual({
      kind: 'found',
      addresses: ['192.168.0.9', 'fe80::1'],
      ttlMs: undefined,
    });
    expect(await names.find('nobody')).toEqual(NOBODY);
    expect(system).toEqual(['printer.local', 'nobody']);
  });
});

describe('the system', () => {
  test('looks up one name at a time, and whoever waits too long for that has failed', async () => {
    const ends: (() => void)[] = [];
    const asked: string[] = [];
    const look = new SystemLookUp((name) => {
      asked.push(name);
      return new Promise((done) => ends.push(() => done(['10.0.0.1'])));
    });
    const first = look.find('a', 20_000);
    const second = look.find('b', 20_000);
    const third = look.find('c', 0);
    expect(asked).toEqual(['a']);
    ends[0]?.();
    expect(await first).toMatchObject({ addresses: ['10.0.0.1'] });
    expect(asked).toEqual(['a', 'b']);
    ends[1]?.();
    expect(await second).toMatchObject({ addresses: ['10.0.0.1'] });
    expect(await third).toEqual({ kind: 'failed', code: 'ETIMEOUT' });
    expect(asked).toEqual(['a', 'b']);
  });

  test('is not asked in a while for a name that took long, so that others get their turn', async () => {
    const clock = { ms: 0 };
    const asked: string[] = [];
    const ask = async (name: string): Promise<string[]> => {
      asked.push(name);
      clock.ms += name === 'slow' ? 10_000 : 10;
      return ['10.0.0.1'];
    };
    const look = new SystemLookUp(ask, () => clock.ms);
    expect(await look.find('slow', 1)).toMatchObject({ kind: 'found' });
    expect(await look.find('slow', 1)).toEqual({ kind: 'failed', code: 'ETIMEOUT' });
    await look.find('quick', 1);
    await look.find('quick', 1);
    clock.ms += 60_000;
    await look.find('slow', 1);
    expect(asked).toEqual(['slow', 'quick', 'quick', 'slow']);
  });
});
