import { RaftError } from './errors.ts';

/**
 * Who takes part. While two configurations are joint (Raft paper, section 6), `voters` is the new one's and `outgoing` the old one's, and every decision
 * needs a majority of each.
 */
export interface Configuration {
  readonly voters: readonly string[];
  /** Voters of the configuration that is being left; empty unless joint. */
  readonly outgoing: readonly string[];
  /** They get all entries and count for nothing (thesis, section 4.2.1). One that is still in `outgoing` votes until the joint configuration is left. */
  readonly learners: readonly string[];
  /** The leader leaves the joint configuration by itself as soon as it is committed. */
  readonly autoLeave: boolean;
}

/** The configuration of a new cluster. */
export function initialConfiguration(voters: readonly string[], learners: readonly string[] = []): Configuration {
  const configuration = { voters: sorted(voters), outgoing: [], learners: sorted(learners), autoLeave: false };
  const problem = problemOf(configuration);
  if (problem !== undefined) throw new RaftError('INVALID_ARGUMENT', `${problem} Name every server once.`);
  return configuration;
}

export function isJoint(configuration: Configuration): boolean {
  return configuration.outgoing.length > 0;
}

/** True if the server's vote counts, in either half. */
export function isVoter(configuration: Configuration, id: string): boolean {
  return configuration.voters.includes(id) || configuration.outgoing.includes(id);
}

/** Everyone who gets entries. */
export function membersOf({ voters, outgoing, learners }: Configuration): ReadonlySet<string> {
  return new Set([...voters, ...outgoing, ...learners]);
}

/** The highest value that a majority has reached, of each half where there are two: what a quorum vouches for. */
export function quorumValue({ voters, outgoing }: Configuration, value: (id: string) => number): number {
  return Math.min(majorityValue(voters, value), majorityValue(outgoing, value));
}

/** Of nobody: infinite, since an absent half doesn't hold back the other one. */
function majorityValue(ids: readonly string[], value: (id: string) => number): number {
  if (ids.length === 0) return Number.POSITIVE_INFINITY;
  const values = ids.map(value).sort((a, b) => b - a);
  return values[Math.floor(ids.length / 2)] ?? 0;
}

const FORMAT_VERSION = 1;

/** The bytes of a configuration, for entries of kind `config` and the context of snapshots. */
export function encodeConfiguration({ voters, outgoing, learners, autoLeave }: Configuration): Uint8Array {
  return Buffer.from(JSON.stringify({ version: FORMAT_VERSION, voters, outgoing, learners, autoLeave }));
}

/** Reads what {@link encodeConfiguration} wrote. Throws `MALFORMED_CONFIGURATION`. */
export function decodeConfiguration(data: Uint8Array): Configuration {
  const value = parse(data);
  if (value.version !== FORMAT_VERSION) {
    throw malformed(`is of version ${String(value.version)}; this server knows ${FORMAT_VERSION}: update it first`);
  }
  const { voters, outgoing, learners, autoLeave } = value;
  if (!isIds(voters) || !isIds(outgoing) || !isIds(learners) || typeof autoLeave !== 'boolean') {
    throw malformed('lacks a part, or has one of the wrong type');
  }
  const configuration = { voters, outgoing, learners, autoLeave };
  const problem = problemOf(configuration);
  if (problem !== undefined) throw malformed(`makes no sense. ${problem}`);
  return configuration;
}

function parse(data: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8'));
  } catch (cause) {
    throw malformed('is not JSON', { cause });
  }
  if (typeof value !== 'object' || value === null) throw malformed('is not an object');
  return value as Record<string, unknown>;
}

function isIds(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((id) => typeof id === 'string');
}

/** What is wrong with a configuration, as a sentence; `undefined` if nothing is. */
function problemOf({ voters, outgoing, learners }: Configuration): string | undefined {
  if (voters.length === 0) return 'There is no voter.';
  for (const ids of [voters, outgoing, learners]) {
    if (new Set(ids).size < ids.length) return 'A server is named twice.';
    if (ids.includes('')) return 'A server has an empty id.';
  }
  const both = voters.find((id) => learners.includes(id));
  return both === undefined ? undefined : `${both} is a voter and a learner.`;
}

/** In one order everywhere, so that equal configurations have equal bytes. */
export function sorted(ids: Iterable<string>): readonly string[] {
  return [...ids].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

function malformed(what: string, options?: { readonly cause: unknown }): RaftError {
  return new RaftError('MALFORMED_CONFIGURATION', `The stored configuration ${what}.`, options);
}
