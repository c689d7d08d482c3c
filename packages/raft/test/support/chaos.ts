import type { MembershipChange } from '../../src/index.ts';
import { Cluster } from './cluster.ts';
import { Random } from './random.ts';
import type { TestServer } from './test-server.ts';

const IDS = ['a', 'b', 'c', 'd', 'e'];

type Action = readonly [weight: number, act: () => void];

/**
 * A cluster to which anything happens that may happen, as the seed will have it: ticks, messages late, twice or never, slow disks, crashes that lose
 * what isn't durable, compactions, changes of the membership. After every step the invariants hold, and no read is older than what was committed when it
 * was asked for.
 */
export class Chaos {
  readonly cluster: Cluster;
  readonly #random: Random;
  readonly #actions: readonly Action[];
  /** Ticks so far; those of a server are never more than one behind: clocks that run equally fast, if not in step. */
  readonly #ticked = new Set<string>();
  #proposals = 0;
  #readCount = 0;
  readonly #readsAskedAt = new Map<number, number>();
  readonly #lossRate: number;
  readonly #duplicateRate: number;
  /** For the test of the test: that things did happen. */
  readonly counts: Map<string, number> = new Map();

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#lossRate = this.#random.next() * 0.1;
    this.#duplicateRate = this.#random.next() * 0.2;
    this.cluster = new Cluster(IDS.slice(0, 3), {
      randomInt: (below) => this.#random.below(below),
      electionTicks: 5,
      leaseMarginTicks: 3,
      preVote: this.#random.next() < 0.8,
      checkQuorum: this.#random.next() < 0.75,
      maxMessageBytes: 1 + this.#random.below(200),
      maxInFlightMessages: 1 + this.#random.below(6),
      maxUncommittedBytes: 2000,
    });
    for (const id of IDS.slice(3)) this.cluster.add(id);
    this.#actions = this.#weighActions();
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step++) {
      this.#act();
      this.#checkLeases();
      this.#collectReads();
      this.cluster.check();
    }
  }

  /**
   * The trouble ends: the cluster must find a leader and bring everyone up to date. Where neither pre-vote nor loyalty keep them from it, servers that
   * were removed go on forcing elections (thesis, section 4.2.3), so it may take some attempts.
   */
  recover(): void {
    this.cluster.heal();
    for (const server of this.cluster.servers.values()) if (!server.isUp) server.start();
    this.cluster.settle();
    for (let attempt = 0; attempt < 30; attempt++) {
      this.cluster.tick(20);
      if (this.#isWhole(`the end, ${attempt}`)) return;
    }
    // Where its vote is needed, a damaged server waits for its host.
    if (this.#isAnyDamaged && this.cluster.findLeader() === undefined) return;
    throw new Error('the cluster does not recover');
  }

  #isWhole(command: string): boolean {
    const leader = this.cluster.findLeader();
    if (leader === undefined || !leader.input((core) => core.propose([Buffer.from(command)])).accepted) return false;
    this.cluster.tick(5);
    const { voters, learners } = leader.status.configuration;
    return [...voters, ...learners].every((id) => this.cluster.commands(id).at(-1) === command);
  }

  /** Another temperament for each seed: what is rare in most runs, and what never happens beside something else, gets its turn (swarm testing). */
  #weighActions(): readonly Action[] {
    const usual: readonly Action[] = [
      [200, () => this.#deliver()],
      [30, () => this.#tickOne()],
      [80, () => this.#onServer((server) => server.storeNext())],
      [80, () => this.#onServer((server) => server.fillNext())],
      [10, () => this.#onServer((server) => server.apply())],
      [16, () => this.#propose()],
      [8, () => this.#read()],
    ];
    const unusual: readonly Action[] = [
      [1, () => this.#onServer((server) => this.#crash(server))],
      [0.5, () => this.#onLeader((leader) => this.#crash(leader))],
      [10, () => this.#restart()],
      [0.5, () => this.#onServer((server) => server.compact())],
      [6, () => this.#changeMembership()],
      [
        1,
        () =>
          this.#onLeader((leader) => leader.input((core) => core.transferLeadership(this.#random.pick(IDS) ?? 'a'))),
      ],
      [2, () => this.#onServer((server) => server.input((core) => core.campaign()))],
      [1, () => this.#partition()],
      [4, () => this.cluster.heal()],
      [
        0.3,
        () => this.#onLeader((leader) => leader.input((core) => core.reportUnreachable(this.#random.pick(IDS) ?? 'a'))),
      ],
    ];
    return [...usual, ...unusual.map(([weight, act]): Action => [weight * (this.#random.pick([0.2, 1, 3]) ?? 1), act])];
  }

  #act(): void {
    const total = this.#actions.reduce((sum, [weight]) => sum + weight, 0);
    let choice = this.#random.next() * total;
    for (const [weight, act] of this.#actions) {
      choice -= weight;
      if (choice >= 0) continue;
      act();
      return;
    }
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  #onServer(act: (server: TestServer) => void): void {
    const server = this.#random.pick([...this.cluster.servers.values()].filter(({ isUp }) => isUp));
    if (server !== undefined) act(server);
  }

  /** Also a leader that isn't one any more and doesn't know. */
  #onLeader(act: (leader: TestServer) => void): void {
    const leaders = [...this.cluster.servers.values()].filter(
      (server) => server.isUp && server.status.role === 'leader',
    );
    const leader = this.#random.pick(leaders);
    if (leader !== undefined) act(leader);
  }

  #deliver(): void {
    const { packets } = this.cluster;
    // Mostly in order, for otherwise little else than rejections would be seen.
    const position = this.#random.next() < 0.7 ? 0 : this.#random.below(packets.length);
    const packet = packets[position];
    if (packet === undefined) return;
    if (this.#random.next() >= this.#duplicateRate) packets.splice(position, 1);
    if (this.#random.next() >= this.#lossRate) this.cluster.deliver(packet);
    else this.cluster.lost(packet);
  }

  #tickOne(): void {
    const waiting = IDS.filter((id) => !this.#ticked.has(id));
    const id = this.#random.pick(waiting) ?? 'a';
    this.#ticked.add(id);
    if (waiting.length === 1) this.#ticked.clear();
    const server = this.cluster.server(id);
    if (server.isUp) server.input((core) => core.tick());
  }

  #propose(): void {
    this.#onLeader((leader) => {
      const commands = Array.from({ length: 1 + this.#random.below(3) }, () =>
        Buffer.from(`${++this.#proposals}`.padEnd(this.#random.below(30))),
      );
      const proposal = leader.input((core) => core.propose(commands));
      this.#count(proposal.accepted ? 'proposed' : `refused: ${proposal.refusal.reason}`);
    });
  }

  #read(): void {
    this.#onServer((server) => {
      const id = ++this.#readCount;
      this.#readsAskedAt.set(id, this.cluster.history.highestCommit);
      server.input((core) => core.readIndex(id));
    });
  }

  #collectReads(): void {
    for (const server of this.cluster.servers.values()) {
      for (const { id, index } of server.reads.splice(0)) {
        const committed = this.#readsAskedAt.get(id) ?? Number.POSITIVE_INFINITY;
        if (index < committed)
          throw new Error(`stale read: ${server.id} may read at ${index} when ${committed} was committed`);
        this.#count('read');
      }
      server.refusedReads.splice(0);
    }
  }

  /** While there is a lease nobody else commits. */
  #checkLeases(): void {
    for (const server of this.cluster.servers.values()) {
      if (!server.isUp) continue;
      const index = server.core.leaseReadIndex();
      if (index === undefined) continue;
      this.#count('lease');
      const { highestCommit } = this.cluster.history;
      if (index < highestCommit)
        throw new Error(`stale lease: ${server.id} reads at ${index} when ${highestCommit} is committed`);
    }
  }

  /** Some of what isn't durable yet may have reached the disk. */
  #crash(server: TestServer): void {
    for (let writes = this.#random.below(server.storage.openWrites + 1); writes > 0; writes--)
      server.storage.storeNext();
    server.crash();
    this.#count('crash');
  }

  #restart(): void {
    const server = this.#random.pick([...this.cluster.servers.values()].filter(({ isUp }) => !isUp));
    if (server === undefined) return;
    const { boundary, entries } = server.storage;
    // One at a time: servers that can't vote don't elect anyone.
    if (entries.length > 0 && !this.#isAnyDamaged && this.#random.next() < 0.2) {
      server.storage.damageFrom(boundary.index + 1 + this.#random.below(entries.length));
      this.#count('damage');
    }
    server.start();
  }

  get #isAnyDamaged(): boolean {
    return [...this.cluster.servers.values()].some(({ storage }) => storage.isDamaged);
  }

  #changeMembership(): void {
    this.#onLeader((leader) => {
      const changes: MembershipChange[] = Array.from({ length: 1 + this.#random.below(2) }, () => ({
        kind: this.#random.pick(['add-voter', 'add-voter', 'add-learner', 'remove'] as const) ?? 'remove',
        id: this.#random.pick(IDS) ?? 'a',
      }));
      const autoLeave = this.#random.next() < 0.8;
      const proposal = leader.input((core) => core.changeMembership(changes, { autoLeave }));
      this.#count(proposal.accepted ? 'membership' : `membership ${proposal.refusal.reason}`);
      if (this.#random.next() < 0.5) leader.input((core) => core.leaveJoint());
    });
  }

  /** Into two halves, or one way only, or around the leader. */
  #partition(): void {
    const far = new Set(IDS.filter(() => this.#random.next() < 0.5));
    if (this.#random.next() < 0.4) {
      far.clear();
      this.#onLeader(({ id }) => far.add(id));
    }
    const isOneWay = this.#random.next() < 0.3;
    this.cluster.lose(
      ({ from, to }) => (far.has(from) && !far.has(to)) || (!isOneWay && !far.has(from) && far.has(to)),
    );
    this.#count('partition');
  }
}
