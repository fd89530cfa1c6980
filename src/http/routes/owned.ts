import { assertOwn } from '../../core/owner.ts';
import type { Admission } from '../admission.ts';
import type { Route } from '../route.ts';

export interface OwnedOptions {
  readonly admission: Admission;
  /** Rejects where there is nothing of this id (`not_found`, `gone`). */
  readonly find: (id: string) => Promise<unknown>;
}

/** Routes whose `{id}` names what one API key owns: others hear `forbidden`. */
export function owned(routes: readonly Route[], { admission, find }: OwnedOptions): readonly Route[] {
  return routes.map((route) => {
    if (!route.path.includes('{id}') || route.method === 'OPTIONS') return route;
    const handle: Route['handle'] = async (exchange, params) => {
      await assertOwn(admission.identify(exchange), params.id ?? '', find);
      await route.handle(exchange, params);
    };
    return { ...route, handle };
  });
}
