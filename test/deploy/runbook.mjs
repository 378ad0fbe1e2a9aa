// The blocks of a runbook, and what is expected of them.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * @typedef {object} Step commands, and what must be in what they print
 * @property {string} commands
 * @property {readonly string[]} expected text, or a /pattern/ over lines
 *
 * @typedef {object} Block
 * @property {string} section
 * @property {number} line of the file
 * @property {readonly Step[]} steps
 * @property {string | undefined} notRun why it is not
 * @property {string | undefined} before what brings about what the block is for
 */

/**
 * Reads the bash blocks. `#> text` in a block says what the lines since the last one are expected to print;
 * `<!-- not run: why -->` or `<!-- before: commands -->` stand on the line before a block.
 * @param {string} text
 * @returns {readonly Block[]}
 */
export function readBlocks(text) {
  /** @type {Block[]} */
  const blocks = [];
  let section = '';
  /** @type {{ line: number, steps: Step[], commands: string[], expected: string[] } | undefined} */
  let open;
  /** @type {{ kind: string, text: string } | undefined} */
  let note;
  text.split('\n').forEach((line, at) => {
    if (open === undefined) {
      if (line.startsWith('#')) section = line.replace(/^#+ /, '');
      const found = /^<!-- (?<kind>not run|before): (?<text>.*) -->$/.exec(line)?.groups;
      if (found !== undefined) note = { kind: String(found['kind']), text: String(found['text']) };
      else if (line === '```bash') open = { line: at + 1, steps: [], commands: [], expected: [] };
      else if (line !== '') note = undefined;
      return;
    }
    const close = () => {
      if (open === undefined) return;
      if (open.commands.length > 0 || open.expected.length > 0)
        open.steps.push({ commands: open.commands.join('\n'), expected: open.expected });
      open.commands = [];
      open.expected = [];
    };
    if (line === '```') {
      close();
      blocks.push({
        section,
        line: open.line,
        steps: open.steps,
        notRun: note?.kind === 'not run' ? note.text : undefined,
        before: note?.kind === 'before' ? note.text : undefined,
      });
      open = undefined;
      note = undefined;
    } else if (line.startsWith('#> ')) open.expected.push(line.slice('#> '.length));
    else {
      if (open.expected.length > 0) close();
      open.commands.push(line);
    }
  });
  return blocks;
}

const MARK = '@@@ end of step';

/**
 * Types a block into a bash on a terminal of its own, as a person would: a command that fails does not end it.
 * @param {Block} block
 * @param {{ folder: string, enter: readonly string[], env: NodeJS.ProcessEnv }} where
 * @returns {readonly string[]} what is not as expected
 */
export function runBlock(block, { folder, enter, env }) {
  const scratch = mkdtempSync(join(tmpdir(), 'gateway-runbook-'));
  try {
    if (block.before !== undefined) {
      const { status, stdout, stderr } = spawnSync(enter[0] ?? 'env', [...enter.slice(1), 'bash', '-c', block.before], {
        cwd: folder,
        env,
        encoding: 'utf8',
      });
      if (status !== 0) return [`before: ended with ${String(status)}\n${stdout}${stderr}`];
    }
    const script = join(scratch, 'block.sh');
    writeFileSync(script, block.steps.map(({ commands }) => `${commands}\necho; echo '${MARK}'\n`).join(''));
    const { stdout } = spawnSync(
      enter[0] ?? 'env',
      [...enter.slice(1), 'script', '-qefc', `bash ${script}`, '/dev/null'],
      {
        cwd: folder,
        env: { ...env, TERM: 'xterm', COLUMNS: '200' },
        encoding: 'utf8',
        input: '',
        timeout: 600_000,
        maxBuffer: 64 * 2 ** 20,
      },
    );
    // oxlint-disable-next-line no-control-regex -- what terminals are steered with
    const plain = stdout.replaceAll(/\u001B\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\r', '');
    const printed = plain.replaceAll(/^ *(?:[\u2800-\u28FF] |\[\+\] Running ).*\n/gm, ''); // what docker-compose draws again and again
    const parts = printed.split(`${MARK}\n`);
    return block.steps.flatMap(({ commands, expected }, i) => {
      const part = parts[i];
      if (part === undefined || (i === parts.length - 1 && expected.length > 0))
        return [`never came to its end:\n${commands}\n${printed.slice(-2_000)}`];
      return expected
        .filter(
          (each) => !(/^\/.*\/$/.test(each) ? new RegExp(each.slice(1, -1), 'm').test(part) : part.includes(each)),
        )
        .map((each) => `expected ${each} of\n${commands}\nbut it printed\n${part.slice(-3_000)}`);
    });
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
