import type { RewriteConfig } from '../../../shared/config/rules/types.ts';
import { pathBelow } from '../../../shared/http/router.ts';
import type { CompiledRoute } from '../../../shared/http/router.ts';
import { normalizePath } from '../../../shared/http/target.ts';

/** The path to forward for one that the route took; `undefined` = there is none: it would climb above the root. */
export type Rewrite = (route: CompiledRoute<unknown>, path: string) => string | undefined;

export function compileRewrite(config: RewriteConfig): Rewrite {
  if (config.kind === 'prefix') {
    const { prefix } = config;
    return (route, path) => {
      const rewritten = prefix + pathBelow(route, path);
      return rewritten === '' ? '/' : rewritten;
    };
  }
  const pattern = new RegExp(config.pattern);
  const { to } = config;
  return (_route, path) => {
    const rewritten = path.replace(pattern, to);
    // What groups bring together may be dots that climb, or a second slash at the start.
    return rewritten === path ? path : normalizePath(rewritten);
  };
}
