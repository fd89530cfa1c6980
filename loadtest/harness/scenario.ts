import type { Lab } from './lab.ts';
import type { Report } from './report.ts';

/** A number that a run can be given as a flag of the same name. */
export interface Setting {
  readonly default: number;
  /** What, unit. */
  readonly doc: string;
}

/** One kind of load and what must hold under it. */
export interface Scenario<Name extends string = string> {
  readonly name: string;
  readonly summary: string;
  readonly settings: Readonly<Record<Name, Setting>>;
  run(lab: Lab, values: Readonly<Record<Name, number>>): Promise<Report>;
}

/** Returns its argument, typed so that `run` sees the settings' names. */
export function defineScenario<const Name extends string>(scenario: Scenario<Name>): Scenario {
  return scenario;
}
