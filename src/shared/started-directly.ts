import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Whether the module is the program that node was started with, rather than imported by it. */
export function startedDirectly(moduleUrl: string): boolean {
  const program = process.argv[1];
  if (program === undefined) return false;
  try {
    return realpathSync(program) === fileURLToPath(moduleUrl);
  } catch {
    return false; // `node -e … argument`: not a file
  }
}
