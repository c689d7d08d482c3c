import { type Configuration, quorumValue } from './configuration.ts';

/** The answers to one campaign. Who has answered once has answered. */
export class Votes {
  readonly #answers = new Map<string, boolean>();

  record(voter: string, granted: boolean): void {
    if (!this.#answers.has(voter)) this.#answers.set(voter, granted);
  }

  /** Won with a majority of each half; lost when there can be no such majority any more. */
  outcome(configuration: Configuration): 'won' | 'lost' | 'open' {
    const granted = quorumValue(configuration, (id) => (this.#answers.get(id) === true ? 1 : 0));
    if (granted === 1) return 'won';
    const possible = quorumValue(configuration, (id) => (this.#answers.get(id) === false ? 0 : 1));
    return possible === 1 ? 'open' : 'lost';
  }
}
