import { initialConfiguration, type Message, type Role, type Status } from '../../src/index.ts';
import { checkInvariants, History } from './invariants.ts';
import { type CoreOptions, type Packet, TestServer } from './test-server.ts';

/** What happens to a packet on its way. */
type Filter = (packet: Packet) => boolean;

/** Servers in one process, joined by a list of packets. Nothing moves but by the test; the invariants are checked whenever something has. */
export class Cluster {
  readonly servers = new Map<string, TestServer>();
  readonly history: History = new History();
  packets: Packet[] = [];
  /** Packets that it refuses are lost. */
  #filter: Filter = () => true;
  readonly #options: CoreOptions;
  readonly #voters: readonly string[];

  constructor(voters: readonly string[], options: CoreOptions = {}) {
    this.#voters = voters;
    this.#options = options;
    for (const id of voters) this.add(id);
  }

  /** A server that isn't a member yet starts like those that were there from the beginning. */
  add(id: string, options: CoreOptions = {}): TestServer {
    // Unlike timeouts, the earlier one's the shorter: no split votes unless a test wants them.
    const offset = 2 * this.servers.size + 1;
    const randomInt = (below: number) => Math.min(offset, below - 1);
    const initial = initialConfiguration(this.#voters);
    const all = { randomInt, ...this.#options, ...options };
    const server = new TestServer(id, initial, all, (packet) => this.packets.push(packet));
    this.servers.set(id, server);
    return server;
  }

  server(id: string): TestServer {
    const server = this.servers.get(id);
    if (server === undefined) throw new Error(`no server ${id}`);
    return server;
  }

  status(id: string): Status {
    return this.server(id).status;
  }

  get leader(): TestServer {
    const leader = this.findLeader();
    if (leader === undefined) throw new Error('nobody leads');
    return leader;
  }

  /** The leader of the highest term. */
  findLeader(): TestServer | undefined {
    const leaders = this.#up.filter((server) => server.status.role === 'leader');
    return leaders.sort((a, b) => b.status.term - a.status.term)[0];
  }

  roles(): Record<string, Role> {
    return Object.fromEntries(this.#up.map(({ id, status }) => [id, status.role]));
  }

  get #up(): TestServer[] {
    return [...this.servers.values()].filter(({ isUp }) => isUp);
  }

  /** Loses what `filter` refuses, from now on. */
  lose(filter: (packet: Packet) => boolean): void {
    this.#filter = (packet) => !filter(packet);
  }

  /** Loses everything to and from these servers. */
  isolate(...ids: string[]): void {
    this.lose(({ from, to }) => ids.includes(from) || ids.includes(to));
  }

  heal(): void {
    this.#filter = () => true;
  }

  /** Delivers, stores, reads and applies until nothing moves any more. */
  settle(): void {
    for (let rounds = 0; this.#moveAll(); rounds++)
      if (rounds > 10_000) throw new Error('the cluster does not come to rest');
  }

  #moveAll(): boolean {
    let moved = false;
    for (const server of this.#up) {
      while (server.storeNext()) moved = true;
      while (server.fillNext()) moved = true;
      moved = server.apply() || moved;
    }
    const packets = this.packets.splice(0);
    for (const packet of packets) this.deliver(packet);
    this.check();
    return moved || packets.length > 0;
  }

  deliver(packet: Packet): void {
    const receiver = this.servers.get(packet.to);
    if (receiver?.isUp && this.#filter(packet)) receiver.receive(packet);
    else this.lost(packet);
  }

  /** A host notices when a snapshot doesn't get through; nobody notices a lost message. */
  lost(packet: Packet): void {
    if (packet.kind === 'snapshot') this.server(packet.from).snapshotEnded(packet.order, undefined);
    if (packet.kind === 'installed') this.server(packet.to).snapshotEnded(packet.order, undefined);
  }

  /** Ticks of one server, or of all in turn; the cluster settles after each. */
  tick(count: number, id?: string): void {
    for (let tick = 0; tick < count; tick++) {
      for (const server of id === undefined ? this.#up : [this.server(id)])
        if (server.isUp) server.input((core) => core.tick());
      this.settle();
    }
  }

  /** Makes this server leader, by its own campaign: nobody has heard from another one for the shortest election timeout, and nobody's own has passed. */
  elect(id: string): TestServer {
    this.pass(this.#options.electionTicks ?? 10);
    const server = this.server(id);
    // The first attempt may end with no more than learning the term.
    for (let attempt = 0; attempt < 2 && server.status.role !== 'leader'; attempt++) {
      server.input((core) => core.campaign());
      this.settle();
    }
    if (server.status.role !== 'leader') throw new Error(`${id} was not elected`);
    return server;
  }

  /** Time passes for all, and nothing that is sent meanwhile arrives. */
  pass(ticks: number): void {
    this.settle();
    for (let tick = 0; tick < ticks; tick++) for (const server of this.#up) server.input((core) => core.tick());
    this.packets = [];
  }

  propose(command: string, id: string = this.leader.id): void {
    const proposal = this.server(id).input((core) => core.propose([Buffer.from(command)]));
    if (!proposal.accepted) throw new Error(`refused: ${proposal.refusal.reason}`);
  }

  crash(id: string): void {
    this.server(id).crash();
  }

  restart(id: string): void {
    this.server(id).crash();
    this.server(id).start();
  }

  /** A server with a log of these terms, all durable, that has seen `currentTerm` and voted for nobody in it. */
  preload(id: string, terms: readonly number[], currentTerm: number = terms.at(-1) ?? 0): void {
    const server = this.server(id);
    server.crash();
    const entries = terms.map((term, position) => {
      const data = Buffer.from(`${term}-${position + 1}`);
      return { index: position + 1, term, kind: 'command' as const, data };
    });
    server.storage.write({ id: 0, hardState: { currentTerm, votedFor: undefined }, entries });
    server.storage.storeNext();
    server.start();
  }

  /** The commands that a server has applied. */
  commands(id: string): string[] {
    return this.server(id)
      .applied.filter(({ kind }) => kind === 'command')
      .map(({ data }) => Buffer.from(data).toString());
  }

  /** Terms of a server's log, from the first entry on. */
  terms(id: string): number[] {
    return this.server(id).storage.entries.map(({ term }) => term);
  }

  check(): void {
    checkInvariants(this.#up, this.history);
  }

  /** Messages on their way, of one kind. */
  messages<Type extends Message['type']>(type: Type): Extract<Message, { type: Type }>[] {
    const messages = this.packets.flatMap((packet) => (packet.kind === 'message' ? [packet.message] : []));
    return messages.filter((message): message is Extract<Message, { type: Type }> => message.type === type);
  }
}
