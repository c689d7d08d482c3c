import type { VoteRequest } from './message.ts';
import type { Server } from './server.ts';

/** Answers a request of the server's own term or a lower one, or one for a pre-vote (Raft paper, sections 5.2 and 5.4.1; thesis, section 9.6). */
export function answerVoteRequest(server: Server, request: VoteRequest): void {
  const { from, preVote } = request;
  const granted = isFree(server, request) && server.log.isUpToDate(request.lastLog);
  if (granted && !preVote) server.voteFor(from);
  // A refusal carries this server's term, from which a candidate that is behind learns it; the grant of a pre-vote the term that was asked for.
  server.send(from, { type: 'vote-response', preVote, granted }, { term: granted ? request.term : server.currentTerm });
}

function isFree(server: Server, { from, term, preVote, transfer }: VoteRequest): boolean {
  // What a damaged log has lost may be committed with this server's help: it can't tell whether the candidate has it.
  if (server.isDamaged) return false;
  if (server.isLoyal && !transfer) return false;
  if (preVote && term > server.currentTerm) return true;
  if (term !== server.currentTerm) return false;
  return server.votedFor === from || (server.votedFor === undefined && server.leader === undefined);
}
