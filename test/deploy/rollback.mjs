// A new image that does not start: deploy.sh goes back to the one that ran, and leaves the upstream alone.
import { spawnSync } from 'node:child_process';

/** Newer than what runs; whoever starts it sees it end. */
const BROKEN = `FROM resilient-api-gateway:latest
ENTRYPOINT ["sh", "-c", "echo broken on purpose >&2; exit 3"]
`;

/**
 * @param {{ folder: string, enter: readonly string[], env: NodeJS.ProcessEnv }} where an engine with what deploy.sh prod has started
 * @returns {string} what was seen, for people
 * @throws when something is not as it should
 */
export function rollBack({ folder, enter, env }) {
  const [command = '', ...before] = enter;
  /** @type {(script: string, input?: string) => { status: number | null, said: string }} */
  const type = (script, input = '') => {
    const { status, stdout, stderr } = spawnSync(command, [...before, 'bash', '-euo', 'pipefail', '-c', script], {
      cwd: folder,
      env,
      input,
      encoding: 'utf8',
      timeout: 400_000,
    });
    return { status, said: `${stdout}${stderr}` };
  };
  const seen = () =>
    type(`docker image inspect -f '{{.Id}}' resilient-api-gateway:latest
      docker inspect -f '{{.Image}}' proxy-service proxy-service-2
      docker inspect -f '{{.State.StartedAt}}' upstream-service`).said;

  const former = seen();
  type('docker build -q -t resilient-api-gateway:latest -', BROKEN);
  const broken = seen();
  const { status, said } = type('bash deploy.sh prod --no-build');
  if (former === broken) throw new Error(`no broken image was made:\n${broken}`);
  if (status !== 1 || !said.includes('the new image failed; the former one serves again'))
    throw new Error(`deploy.sh ended with ${String(status)}:\n${said}`);
  if (seen() !== former) throw new Error(`before:\n${former}\nafter:\n${seen()}\n${said}`);
  const again = type('bash deploy.sh prod --no-build');
  if (again.status !== 0) throw new Error(`once more, with the image that runs:\n${again.said}`);
  return 'the former image serves again, the upstream was left alone';
}
