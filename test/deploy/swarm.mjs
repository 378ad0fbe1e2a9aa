// compose/swarm.yml in a swarm of one node: deployed, scaled, and every task replaced while requests go on.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';

const GATEWAY = 'api-gateway_proxy-service';
/** Of the engine's own bridge, see engine.sh. */
const ADDRESS = '172.31.255.1';
const WITHIN_S = 60;

/**
 * The stack for one node whose kernel may have no IPVS: no port of the node, names that give the addresses of the tasks
 * themselves, and a network that the load may join.
 * @param {string} text
 */
function onOneNode(text) {
  const stack = parse(text, { merge: true });
  for (const service of Object.values(stack.services)) service.deploy.endpoint_mode = 'dnsrr';
  delete stack.services['proxy-service'].ports;
  stack.networks.gateway.attachable = true;
  return stringify(stack, { aliasDuplicateObjects: false });
}

/**
 * @param {{ folder: string, enter: readonly string[], env: NodeJS.ProcessEnv }} where an engine in a network of its own, with our images
 * @returns {string} what was seen, for people
 * @throws when something is not as it should
 */
export function runSwarm({ folder, enter, env }) {
  /** @type {(script: string) => string} */
  const type = (script) => {
    const [command = '', ...before] = enter;
    const { status, stdout, stderr } = spawnSync(command, [...before, 'bash', '-euo', 'pipefail', '-c', script], {
      cwd: folder,
      env,
      encoding: 'utf8',
      timeout: 300_000,
    });
    if (status !== 0) throw new Error(`${script}: ended with ${String(status)}\n${stdout}${stderr}`);
    return stdout.trim();
  };
  /** @type {(wanted: string) => string} */
  const replicas = (wanted) =>
    `for ((i = 0; ; i++)); do [ "$(docker service ls --filter name=${GATEWAY} --format '{{.Replicas}}')" = ${wanted} ] && break;
       [ $i -lt ${WITHIN_S} ] || { docker service ps --no-trunc ${GATEWAY}; exit 1; }; sleep 1; done`;
  const here = 'compose/swarm-on-one-node.yml';
  writeFileSync(join(folder, here), onOneNode(readFileSync(join(folder, 'compose/swarm.yml'), 'utf8')));
  type(`docker swarm init --advertise-addr ${ADDRESS} > /dev/null`);
  try {
    type(`for name in admin_token redis_password; do openssl rand -hex 24 | tr -d '\\n' | docker secret create $name - > /dev/null; done
      docker stack deploy --detach=true --resolve-image never -c ${here} api-gateway
      ${replicas('3/3')}
      docker service scale ${GATEWAY}=5 > /dev/null
      ${replicas('5/5')}
      docker service scale ${GATEWAY}=3 > /dev/null`);
    const load = join('test', 'deploy', 'swarm-load.mjs');
    type(`docker run -d --name swarm-load --network api-gateway_gateway -v "$PWD/${load}:/load.mjs:ro" \
      resilient-api-gateway:latest node /load.mjs > /dev/null`);
    type(`sleep 3; docker service update --force --detach=false ${GATEWAY} > /dev/null; sleep 3`);
    const outcomes = JSON.parse(type('docker stop -t 20 swarm-load > /dev/null; docker logs swarm-load'));
    const { 200: ok = 0, ...others } = outcomes;
    if (ok < 500 || Object.keys(others).length > 0) throw new Error(`requests were lost: ${JSON.stringify(outcomes)}`);
    return `3 replicas, 5, 3, then each replaced: ${ok} answered, nothing else`;
  } finally {
    type(
      'docker rm -f swarm-load > /dev/null 2>&1 || true; docker stack rm --detach=false api-gateway > /dev/null 2>&1 || true; docker swarm leave --force > /dev/null',
    );
  }
}
