import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import { findOnPath } from '../../scripts/setup/find-on-path.mjs';
import { ENV } from '../../src/shared/config/env-table.ts';

/* The files of a deployment: each is taken by the program that reads it, and they fit each other. */

const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`;
const has = (program: string): boolean => findOnPath(program, PATH) !== undefined;
const text = (path: string): string => readFileSync(path, 'utf8');

/** @returns what it said, where it ends with 0 */
function run(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, PATH } });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${String(status)}\n${stdout}${stderr}`);
  return stdout + stderr;
}

const SCRIPTS = [
  'deploy.sh',
  'test-endpoints.sh',
  'compose/image/gateway',
  'compose/redis/start-redis',
  'compose/redis/redis-cli',
  ...readdirSync('test/deploy').flatMap((name) => (name.endsWith('.sh') ? [`test/deploy/${name}`] : [])),
];
const COMPOSE_FILES = ['docker-compose.yml', 'docker-compose.prod.yml', 'docker-compose.monitoring.yml'];

interface Service {
  readonly image?: string;
  readonly stop_grace_period?: string;
  readonly extends?: { readonly file: string; readonly service: string };
  readonly deploy?: { readonly resources?: { readonly limits?: { readonly memory?: string } } };
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
}
const services = (path: string): Record<string, Service> =>
  (parse(text(path), { merge: true }) as { services: Record<string, Service> }).services;

const settingsOf = (path: string): Map<string, string> =>
  new Map(
    text(path)
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

describe('each file is taken by what reads it', () => {
  test.runIf(has('shellcheck')).each(SCRIPTS)('%s: shellcheck', (path) => {
    expect(run('shellcheck', path)).toBe('');
  });

  test.runIf(has('docker-compose')).each(COMPOSE_FILES)('%s: docker-compose config', (path) => {
    // The secrets that deploy.sh makes, and .env, need not be there for the file to be right.
    expect(() => run('docker-compose', '--env-file', '.env.prod', '-f', path, 'config', '-q')).not.toThrow();
  });

  test.runIf(has('nginx'))('nginx.conf: nginx -t, as a site inside http {}', () => {
    const folder = mkdtempSync(join(tmpdir(), 'gateway-nginx-'));
    try {
      const main = join(folder, 'nginx.conf');
      writeFileSync(
        main,
        `pid ${folder}/pid; error_log ${folder}/error; events {} http { access_log off; include ${process.cwd()}/nginx.conf; }`,
      );
      expect(run('nginx', '-t', '-q', '-c', main, '-p', folder)).toBe('');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test.runIf(has('promtool'))('the rules: promtool', () => {
    expect(run('promtool', 'check', 'rules', 'compose/prometheus/alerts.yml')).toMatch(/SUCCESS: \d+ rules found/);
  });

  test.runIf(has('promtool'))('the rules: each alert comes where it must, and does not where it must not', () => {
    expect(run('promtool', 'test', 'rules', 'compose/prometheus/alerts_test.yml')).toContain('SUCCESS');
    const names = (path: string): readonly string[] =>
      [...text(path).matchAll(/alert(?:name)?: (\w+)/g)].map(([, name = '']) => name);
    expect(new Set(names('compose/prometheus/alerts_test.yml'))).toEqual(
      new Set(names('compose/prometheus/alerts.yml')),
    );
  });

  test.runIf(has('systemd-analyze'))('the units: systemd-analyze', () => {
    const units = ['resilient-api-gateway.service', 'resilient-api-gateway.socket'];
    expect(run('systemd-analyze', 'verify', ...units.map((name) => `compose/systemd/${name}`))).toBe('');
    // Of 10; what is left is the network that it is there for, and that V8 compiles while it runs.
    expect(run('systemd-analyze', 'security', '--offline=true', `compose/systemd/${units[0]}`)).toMatch(
      /exposure level for resilient-api-gateway\.service: [12]\.\d OK/,
    );
  });

  test.runIf(has('amtool'))('alertmanager.yml: amtool', () => {
    expect(run('amtool', 'check-config', 'compose/alertmanager/alertmanager.yml')).toContain('SUCCESS');
  });
});

describe('they fit each other', () => {
  test('a container is given the time that its drain may take, and five seconds', () => {
    const delay = Number(/DRAIN_DELAY_SECONDS=(\d+)/.exec(text('compose/Dockerfile'))?.[1]);
    const drain = Number(settingsOf('.env.prod').get('DRAIN_TIMEOUT_SECONDS') ?? ENV.DRAIN_TIMEOUT_SECONDS.default);
    const least = delay + drain + 5;
    expect(least).toBeGreaterThan(5);
    const short = Object.entries(services('compose/services.yml'))
      .filter(([name, { image }]) => image?.startsWith('resilient-api-gateway') === true && name !== 'upstream-service')
      .filter(([, { stop_grace_period }]) => Number.parseInt(stop_grace_period ?? '10', 10) < least);
    expect(short.map(([name]) => name)).toEqual([]);
  });

  test('maxmemory is 75 % of what the container may have', () => {
    const prod = services('docker-compose.prod.yml');
    for (const [service, file] of [
      ['redis', 'limits.conf'],
      ['redis-jobs', 'jobs.conf'],
    ] as const) {
      const limit = Number.parseInt(prod[service]?.deploy?.resources?.limits?.memory ?? '', 10);
      const most = Number(/^maxmemory (\d+)mb$/m.exec(text(`compose/redis/${file}`))?.[1]);
      expect([service, most]).toEqual([service, limit * 0.75]);
    }
  });

  test('.env.prod holds no secret, and only settings that there are', () => {
    const ofCompose = new Set(['COMPOSE_FILE', 'COMPOSE_PROJECT_NAME', 'COMPOSE_IGNORE_ORPHANS']);
    const settings = [...settingsOf('.env.prod')].filter(([name]) => !ofCompose.has(name));
    expect(settings.length).toBeGreaterThan(5);
    for (const [name] of settings) expect(Object.keys(ENV)).toContain(name);
    const isSecret = ([name, value]: [string, string]): boolean =>
      ENV[name as keyof typeof ENV].secret && !/^redis:\/\/[\w-]+:\d+$/.test(value);
    expect(settings.filter(isSecret)).toEqual([]);
  });

  test('TRUSTED_PROXIES is the gateway of the network that the compose file fixes', () => {
    const { networks } = parse(text('docker-compose.prod.yml'), { merge: true }) as {
      networks: { default: { ipam: { config: readonly { gateway: string }[] } } };
    };
    expect(settingsOf('.env.prod').get('TRUSTED_PROXIES')).toBe(networks.default.ipam.config[0]?.gateway);
  });

  test('nginx asks the kernel, not docker-proxy, which accepts for a gateway that is gone', () => {
    const servers = [...text('nginx.conf').matchAll(/^ +server (?<host>[\d.]+):(?<port>\d+)/gm)].map(
      ({ groups }) => `${groups?.['host']}:${groups?.['port']}`,
    );
    const end = settingsOf('.env.prod').get('TRUSTED_PROXIES') ?? '';
    const published = Object.entries(services('docker-compose.prod.yml'))
      .filter(([name]) => name.startsWith('proxy-service'))
      .map(([, { ports = [] }]) => `${end}:${ports[0]?.split(':')[0] ?? ''}`);
    expect(servers).toEqual(published);
  });

  test('every file that is mounted from here is here', () => {
    for (const [path, root] of [
      ['docker-compose.prod.yml', '.'],
      ['compose/services.yml', 'compose'],
    ] as const)
      for (const { volumes = [] } of Object.values(services(path)))
        for (const volume of volumes) {
          const from = volume.split(':')[0] ?? '';
          if (!from.startsWith('./') || from === './.env' || from === './redis-backups') continue;
          expect([from, existsSync(join(root, from))]).toEqual([from, true]);
        }
  });

  test('what the alerts and the dashboard ask for are metrics that there are', () => {
    const documented = text('docs/metrics.md');
    const rules = text('compose/prometheus/alerts.yml');
    const queries = [...rules.matchAll(/expr: (?:\|\n(?<block>(?: {10}.*\n)+)|(?<line>.*))/g)].map(
      ({ groups }) => groups?.['block'] ?? groups?.['line'] ?? '',
    );
    const dashboard = JSON.parse(text('compose/grafana/dashboards/api-gateway.json')) as {
      panels: readonly { targets: readonly { expr: string }[] }[];
    };
    queries.push(...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)));
    const names = new Set(
      queries.flatMap(
        (query) =>
          query.match(
            /\b(?!redis_node)(?:http|circuit|rate_limit|redis|gateway|upstream|backup|limits|jobs|health|tls|jwks)_[a-z0-9_]+/g,
          ) ?? [],
      ),
    );
    expect(names.size).toBeGreaterThan(15);
    for (const name of names) {
      expect(documented).toContain(name.replace(/_(?:bucket|count|sum)$/, ''));
    }
  });

  test('every alert has a severity and a section of the runbook', () => {
    const { groups } = parse(text('compose/prometheus/alerts.yml')) as {
      groups: readonly { rules: readonly { labels: Record<string, string>; annotations: Record<string, string> }[] }[];
    };
    const anchors = text('RUNBOOK.md')
      .split('\n')
      .flatMap((line) =>
        /^#+ /.test(line)
          ? [
              `#${line
                .replace(/^#+ /, '')
                .toLowerCase()
                .replaceAll(/[^\w\- ]/g, '')
                .replaceAll(' ', '-')}`,
            ]
          : [],
      );
    for (const { labels, annotations } of groups.flatMap(({ rules }) => rules)) {
      expect(['page', 'ticket']).toContain(labels['severity']);
      expect(anchors).toContain((annotations['runbook_url'] ?? '').replace('RUNBOOK.md', ''));
    }
  });
});
