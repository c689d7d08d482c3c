import { type Configuration, quorumValue } from './configuration.ts';

/**
 * The answers to one campaign. A grant stands, whatever else its sender says: a refusal names no campaign, and may be one of an earlier one that came late.
 */
export class Votes {
  readonly #answers = new Map<string, boolean>();

  record(voter: string, granted: boolean): void {
    this.#answers.set(voter, granted || this.#answers.get(voter) === true);
  }

  /** Won with a majority of each half; lost when there can be no such majority any more. */
  outcome(configuration: Configuration): 'won' | 'lost' | 'open' {
    const granted = quorumValue(configuration, (id) => (this.#answers.get(id) === true ? 1 : 0));
    if (granted === 1) return 'won';
    const possible = quorumValue(configuration, (id) => (this.#answers.get(id) === false ? 0 : 1));
    return possible === 1 ? 'open' : 'lost';
  }
}
