import type { Entry } from '@raftlog/core';
import { decodeConfiguration } from './configuration.ts';
import { RaftError } from './errors.ts';
import type { AppendRequest, Message } from './message.ts';

/** Refuses what no core sends, before anything has changed: a log with a gap or a falling term could not be mended. */
export function checkMessage(message: Message, receiver: string): void {
  if (message.to !== receiver || message.from === receiver) {
    throw malformed(message, `it is addressed to ${message.to}`);
  }
  if (!Number.isSafeInteger(message.term) || message.term < 0) throw malformed(message, `its term is ${message.term}`);
  if (message.type === 'append-request') checkEntries(message);
}

function checkEntries(request: AppendRequest): void {
  let { index, term } = request.previous;
  for (const entry of request.entries) {
    if (entry.index !== index + 1) throw malformed(request, `entry ${entry.index} follows entry ${index}`);
    if (entry.term < term || entry.term > request.term)
      throw malformed(request, `entry ${entry.index} has the term ${entry.term}`);
    if (entry.kind === 'config') checkConfiguration(request, entry);
    ({ index, term } = entry);
  }
}

function checkConfiguration(request: AppendRequest, entry: Entry): void {
  try {
    decodeConfiguration(entry.data);
  } catch (cause) {
    throw malformed(request, `entry ${entry.index} holds no configuration`, { cause });
  }
}

function malformed(message: Message, problem: string, options?: { readonly cause: unknown }): RaftError {
  return new RaftError(
    'MALFORMED_MESSAGE',
    `The ${message.type} from ${message.from} can't be right: ${problem}. Drop it.`,
    options,
  );
}
