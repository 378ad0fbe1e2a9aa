import {
  configHistoryAnswer,
  configPush,
  configPushAnswer,
  configRollback,
  MOST_CONFIG_BYTES,
} from '../../../shared/admin/config.ts';
import type { ConfigPush, ConfigRollback } from '../../../shared/admin/config.ts';
import type { ConfigVersions, PushOutcome, PushWish } from '../../config/versions/config-versions.ts';
import { json, problem } from '../contract/answer.ts';
import type { AdminAnswer } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import type { AnyOperation, Caller, OperationRequest } from '../contract/operation.ts';

export interface ConfigVersionsParts {
  readonly versions: Pick<ConfigVersions, 'push' | 'store' | 'book'>;
  readonly isDraining: () => boolean;
}

/** JSON takes more than the text in it. */
const MOST_BODY_BYTES = MOST_CONFIG_BYTES + MOST_CONFIG_BYTES / 2;
const DRY_RUN = { in: 'query', description: '1 = say what would change, and change nothing.' } as const;
const IF_MATCH = {
  in: 'header',
  description: 'Number of the version that this is based on, in quotes, as ETag of GET /admin/config has it; * = any.',
} as const;

/** Why a push comes to nothing, besides what any call is refused for. */
const PROBLEMS = {
  409: 'The configuration comes from files (CONFIG_STORE), or the process is about to end.',
  412: 'Another version has come since, or is being pushed.',
  422: 'The configuration is invalid, here or on another node; `problems` lists why.',
  503: 'Redis cannot be asked, a node does not answer, or this node cannot keep the version.',
} as const;

function answerOf(outcome: PushOutcome, dryRun: boolean): AdminAnswer {
  switch (outcome.kind) {
    case 'done': {
      const { kind: _, ...about } = outcome;
      const { version, changes } = about;
      return { ...json(200, { ...about, dryRun }), audited: { version, dry_run: dryRun, changes: changes.length } };
    }
    case 'off':
      return problem(409, 'config_store_files', {
        detail:
          'The configuration comes from the files of GATEWAY_CONFIG; with CONFIG_STORE=local or redis it can be pushed.',
      });
    case 'changed':
      return problem(412, 'config_changed', {
        detail: 'Another version has come since, or is being pushed: look at it first.',
      });
    case 'invalid':
      return problem(422, 'invalid_configuration', {
        detail: 'The configuration is invalid; nothing has changed.',
        problems: outcome.problems,
      });
    case 'refused':
      return problem(422, 'refused_by_node', {
        detail: `Node ${outcome.node} cannot use it; nothing has changed.`,
        node: outcome.node,
        problems: outcome.problems,
      });
    case 'silent': {
      const names = outcome.nodes.join(', ');
      return problem(503, 'nodes_silent', {
        detail: `These nodes have not said whether they can use it: ${names}. Nothing has changed. One that has gone is not asked after 13 s.`,
        nodes: outcome.nodes,
      });
    }
    case 'redis':
      return problem(503, 'redis_unavailable', { detail: 'Redis cannot be asked; what is in use stays.' });
    case 'not-kept':
      return problem(503, 'not_kept', {
        detail: `STATE_DIR does not take the version, so nothing has changed: ${outcome.reason}`,
      });
    default:
      return outcome satisfies never;
  }
}

/** @returns `undefined`: it is missing or no version */
function versionOf(ifMatch: string | undefined): number | '*' | undefined {
  if (ifMatch === '*') return '*';
  const number = /^(?:W\/)?"?(\d{1,15})"?$/.exec(ifMatch ?? '')?.[1];
  return number === undefined ? undefined : Number(number);
}

const callerText = ({ who, remoteAddress }: Caller): string => `${who} ${remoteAddress}`;

/** Versions of the configuration. */
export function configVersionOperations({ versions, isDraining }: ConfigVersionsParts): readonly AnyOperation[] {
  const push = async (
    request: Pick<OperationRequest<unknown>, 'query' | 'headers' | 'caller'>,
    wish: Pick<PushWish, 'files' | 'comment'>,
    ifMatch: number | '*' | undefined,
  ): Promise<AdminAnswer> => {
    const dryRun = request.query.get('dry_run') === '1';
    if (isDraining() && !dryRun) return problem(409, 'draining', { detail: 'The process is about to end.' });
    const on = ifMatch === '*' ? undefined : ifMatch;
    const by = callerText(request.caller);
    return answerOf(await versions.push({ ...wish, by, on, dryRun }), dryRun);
  };
  return [
    operation<ConfigPush>({
      method: 'PUT',
      path: '/admin/config',
      id: 'pushConfig',
      summary:
        'Makes these YAML files the configuration: with CONFIG_STORE=redis on all nodes, or on none when one cannot use it. ' +
        'Asked by dry_run=1 it only says what would change, whatever CONFIG_STORE is.',
      longWork: true,
      hidesBody: true,
      maxBodyBytes: MOST_BODY_BYTES,
      parameters: { dry_run: DRY_RUN, 'If-Match': IF_MATCH },
      body: configPush,
      answer: configPushAnswer,
      problems: { 428: 'If-Match is missing.', ...PROBLEMS },
      handle(request) {
        const { files, comment = '' } = request.body;
        const ifMatch = versionOf(request.headers['if-match']);
        if (ifMatch === undefined && request.query.get('dry_run') !== '1') {
          return problem(428, 'precondition_required', {
            detail: 'If-Match must say which version this is based on; * is any.',
          });
        }
        return push(request, { files, comment }, ifMatch);
      },
    }),
    operation<ConfigRollback>({
      method: 'POST',
      path: '/admin/config/rollback',
      id: 'rollbackConfig',
      summary: 'Pushes an earlier version once more, as a new one; by default that before the one in use.',
      longWork: true,
      parameters: { dry_run: DRY_RUN },
      body: configRollback,
      answer: configPushAnswer,
      problems: { 404: 'There is no such version (any more).', ...PROBLEMS },
      async handle(request) {
        const { version, comment } = request.body;
        await versions.book.refresh();
        const [, before] = versions.book.all;
        const wanted = version === undefined ? before : versions.book.all.find((each) => each.version === version);
        if (versions.store === 'files') return answerOf({ kind: 'off' }, false);
        if (wanted === undefined) {
          const kept = versions.book.all.map((each) => String(each.version));
          return problem(404, 'unknown_version', {
            detail:
              version === undefined && kept.length > 0
                ? 'The version in use is the first one: "gateway config push" without paths brings back what the files of GATEWAY_CONFIG say.'
                : 'There is no such version to go back to.',
            versions: kept,
          });
        }
        const text = comment ?? `back to version ${wanted.version}`;
        return push(request, { files: wanted.files, comment: text }, versions.book.number);
      },
    }),
    operation({
      method: 'GET',
      path: '/admin/config/history',
      id: 'configHistory',
      summary: 'The last 20 versions, and which node has which; what was in them stays out.',
      answer: configHistoryAnswer,
      async handle() {
        await versions.book.refresh(); // who follows, and has which
        return json(200, {
          store: versions.store,
          version: versions.book.number,
          versions: versions.book.all.map(({ version, at, by, comment, changes, files }) => ({
            version,
            at,
            by,
            comment,
            changes,
            files: files.map(({ name }) => name),
          })),
          nodes: versions.book.nodes,
        });
      },
    }),
  ];
}
