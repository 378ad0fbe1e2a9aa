// Both gateways restarted as the runbook types it, behind the shipped nginx site, while requests come: none is lost, none comes twice.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const REQUESTS_A_SECOND = 500;
/** The engine's end of the containers' network (docker-compose.prod.yml): there they reach what listens beside the engine. */
const HERE = '172.30.57.1';
const UPSTREAM_PORT = 5999;
const LOAD = 'test/deploy/restart-load.mjs';
const CHECK = './test-endpoints.sh --wait 60';
const CHECK_2 = `${CHECK} --url http://localhost:5001 --admin http://localhost:9902`;
const RESTART = `
  docker-compose restart proxy-service 2> /dev/null; ${CHECK}
  docker-compose restart proxy-service-2 2> /dev/null; ${CHECK_2}`;

/**
 * @param {{ scratch: string, folder: string, enter: readonly string[], env: NodeJS.ProcessEnv }} where what is in `folder` is deployed
 * @returns {Promise<string>} what was seen, for people
 * @throws when a request was lost, or came twice
 */
export async function restartUnderLoad({ scratch, folder, enter, env }) {
  const [command = '', ...before] = enter;
  /** @type {(script: string) => void} */
  const type = (script) => {
    const { status, stdout, stderr } = spawnSync(command, [...before, 'bash', '-euo', 'pipefail', '-c', script], {
      cwd: folder,
      env,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${script}: ended with ${String(status)}\n${stdout}${stderr}`);
  };
  const nginx = `nginx -c ${scratch}/nginx.conf -p ${scratch}`;
  const log = join(scratch, 'nginx.log');
  writeFileSync(log, '');
  writeFileSync(
    join(scratch, 'nginx.conf'),
    `pid ${scratch}/nginx.pid; error_log ${log}; events {} http { access_log off; include ${folder}/nginx.conf; }`,
  );
  // The load is the upstream too, and counts: nobody else can say what came twice.
  const settings = readFileSync(join(folder, '.env'), 'utf8');
  const upstream = `UPSTREAM_URL=http://${HERE}:${UPSTREAM_PORT}`;
  writeFileSync(join(folder, '.env'), settings.replace(/^UPSTREAM_URL=.*$/m, upstream));
  const outcome = join(scratch, 'restart-load.json');
  const out = openSync(outcome, 'w');
  const args = [LOAD, 'http://127.0.0.1/proxy/numbered', String(UPSTREAM_PORT), String(REQUESTS_A_SECOND)];
  const load = spawn(command, [...before, process.execPath, ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', out, 'inherit'],
  });
  closeSync(out);
  const ended = once(load, 'exit');
  try {
    type(
      `docker-compose restart $(docker-compose config --services | grep ^proxy-service) 2> /dev/null; ${CHECK}; ${CHECK_2}`,
    ); // takes the upstream
    type(nginx);
    type('docker-compose exec -T proxy-service gateway limit exempt 127.0.0.1 --for 10m'); // the load is one client
    load.kill('SIGUSR2');
    type(`sleep 3; ${RESTART}; sleep 3`);
  } finally {
    load.kill('SIGTERM');
    await ended;
    writeFileSync(join(folder, '.env'), settings);
    type(`${nginx} -s stop || true; docker-compose exec -T proxy-service gateway limit auto 127.0.0.1`);
  }
  const seen = JSON.parse(readFileSync(outcome, 'utf8'));
  if (seen.answered < 1_000 || seen.failures.length + seen.twice.length > 0)
    throw new Error(`requests were lost: ${JSON.stringify(seen)}\n${readFileSync(log, 'utf8').slice(-3_000)}`);
  return `${seen.answered} answered, half of them POSTs, none lost, none twice; the slowest took ${seen.slowestMs} ms`;
}
