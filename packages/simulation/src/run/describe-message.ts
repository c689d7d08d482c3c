import type { Envelope } from '@raftlog/node';

/** One line that tells messages apart, but not their bytes. */
export function describeMessage({ from, to, message }: Envelope): string {
  return `${from}>${to} ${message.type}${detailsOf(message)}`;
}

function detailsOf(message: Envelope['message']): string {
  switch (message.type) {
    case 'vote-request':
      return ` ${message.term}${message.preVote ? ' pre' : ''} last ${message.lastLog.index}.${message.lastLog.term}`;
    case 'vote-response':
      return ` ${message.term}${message.preVote ? ' pre' : ''} ${message.granted ? 'yes' : 'no'}`;
    case 'append-request': {
      const { term, previous, entries, commitIndex } = message;
      return ` ${term} after ${previous.index}.${previous.term} +${entries.length} commit ${commitIndex}`;
    }
    case 'append-accepted':
      return ` ${message.term} ${message.matchIndex}`;
    case 'append-rejected':
      return ` ${message.term} ${message.rejectedIndex} hint ${message.hint.index}.${message.hint.term}`;
    case 'heartbeat':
      return ` ${message.term} round ${message.round} commit ${message.commitIndex}`;
    case 'heartbeat-response':
      return ` ${message.term} round ${message.round}`;
    case 'commit-notice':
      return ` ${message.term} ${message.commitIndex}`;
    case 'snapshot-chunk':
      return ` ${message.lastIncluded.index} ${message.offset}+${message.data.byteLength} of ${message.size}`;
    case 'snapshot-progress':
      return ` ${message.offset}${message.installed ? ' installed' : ''}`;
    case 'proposal-response':
      return ` ${message.answer.kind}`;
    case 'read-index-response':
      return ` ${message.index ?? 'refused'}`;
    default:
      return '';
  }
}
