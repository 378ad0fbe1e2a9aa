import type { Gateway } from './gateway.ts';

/** Writes the gateway's YAML and reloads; resolves when every thread uses it. Make one for a gateway, before its first reload. */
export function reloadsOf(gateway: Gateway): (yaml: string) => Promise<void> {
  let version = 1;
  return async (yaml) => {
    gateway.writeYaml(yaml);
    gateway.process.kill('SIGHUP');
    version++;
    await gateway.waitForLog((line) => line['msg'] === 'configuration applied' && line['configVersion'] === version);
  };
}
