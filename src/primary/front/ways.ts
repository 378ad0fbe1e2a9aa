import type { Config } from '../../shared/config/types.ts';
import { nodeHandles } from '../../shared/net/handles.ts';
import type { Handles } from '../../shared/net/handles.ts';

/** Node's own handles, unless a test wants the way without them. */
export const handlesFor = ({ testNoHandles }: Pick<Config, 'testNoHandles'>): Handles | undefined =>
  testNoHandles ? undefined : nodeHandles();

/** Whether several threads can listen on one port: Node 23.1 brought `reusePort`. */
export function canReusePort(version = process.versions.node): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 23 || (major === 23 && minor >= 1);
}
