import type { Machine } from '../cluster/machine.ts';
import { describeEvent, type Fault, type FaultEvent, type Occasion, type Target } from '../plan/fault-event.ts';
import type { World } from './world.ts';

type NetworkFault = Extract<Fault, { readonly kind: 'partition' | 'isolate' | 'cut' | 'noise' | 'bad-link' }>;
type MachineFault = Exclude<Extract<Fault, { readonly target: Target }>, NetworkFault>;

/** Lets the faults of a plan happen, and ends them. */
export class FaultInjector {
  readonly #world: World;
  /** Ends what still goes on. */
  readonly #ongoing = new Set<() => void>();
  readonly #ambushes: (Fault & { readonly kind: 'ambush' })[] = [];
  #isOver = false;

  constructor(world: World) {
    this.#world = world;
  }

  schedule(events: readonly FaultEvent[]): void {
    for (const event of events) {
      this.#world.time.schedule(event.at, () => {
        this.#world.trace.add(describeEvent(event));
        if (!this.#isOver) this.#inject(event.fault);
      });
    }
  }

  /** Ends all faults: the network is whole and quiet, disks are fast and have room, every machine that a member runs on is on. */
  end(): void {
    this.#isOver = true;
    for (const undo of this.#ongoing) undo();
    for (const machine of this.#world.machines) machine.clock.resume();
    this.#world.network.heal();
  }

  /** Something delicate has begun. */
  occurred(occasion: Occasion): void {
    const place = this.#ambushes.findIndex(({ on }) => on === occasion);
    if (place < 0 || this.#isOver) return;
    for (const { after, fault } of this.#ambushes.splice(place, 1)) {
      this.#world.time.schedule(after, () => {
        this.#world.trace.add(`ambush: ${fault.kind}`);
        if (!this.#isOver) this.#inject(fault);
      });
    }
  }

  #inject(fault: Fault): void {
    switch (fault.kind) {
      case 'partition':
      case 'isolate':
      case 'cut':
      case 'noise':
      case 'bad-link':
        this.#disturbNetwork(fault);
        break;
      case 'crash-all':
        for (const machine of this.#on) machine.crash(fault.how, fault.downFor);
        break;
      case 'ambush':
        this.#ambushes.push(fault);
        break;
      case 'membership':
        void this.#world.operator.change(fault.step, fault.pick);
        break;
      case 'transfer':
        void this.#world.operator.transfer(fault.pick);
        break;
      default: {
        const machine = this.#targetOf(fault.target);
        if (machine !== undefined) this.#hit(machine, fault);
      }
    }
  }

  #hit(machine: Machine, fault: MachineFault): void {
    switch (fault.kind) {
      case 'crash':
        machine.crash(fault.how, fault.downFor);
        break;
      case 'pause':
        machine.clock.pause(fault.lasts, fault.first);
        break;
      case 'slow-disk':
        machine.disk.setSlowness(fault.factor);
        this.#until(fault.lasts, () => machine.disk.setSlowness(1));
        break;
      case 'full-disk':
        machine.setFull(true);
        this.#until(fault.lasts, () => machine.setFull(false));
        break;
      case 'failing-sync':
        machine.failNextSync();
        break;
      case 'clock-rate':
        machine.clock.setRate(fault.rate);
    }
  }

  #disturbNetwork(fault: NetworkFault): void {
    const { network, plan } = this.#world;
    switch (fault.kind) {
      case 'partition': {
        const side = this.#sideOf(fault.side);
        this.#cutAll((from, to) => side.has(from) !== side.has(to), fault.lasts);
        break;
      }
      case 'isolate': {
        const target = this.#targetOf(fault.target);
        const { direction } = fault;
        const isCut = (from: Machine, to: Machine): boolean =>
          (direction !== 'inbound' && from === target) || (direction !== 'outbound' && to === target);
        this.#cutAll(isCut, fault.lasts);
        break;
      }
      case 'cut': {
        const ends = this.#linkOf(fault.from, fault.to);
        const isCut = (from: Machine, to: Machine): boolean => from === ends?.from && to === ends.to;
        this.#cutAll((from, to) => isCut(from, to) || (fault.bothWays && isCut(to, from)), fault.lasts);
        break;
      }
      case 'noise':
        network.setUsual(fault.quality);
        this.#until(fault.lasts, () => network.setUsual(plan.link));
        break;
      case 'bad-link': {
        const ends = this.#linkOf(fault.from, fault.to);
        if (ends === undefined) return;
        network.setLink(ends.from.id, ends.to.id, fault.quality);
        this.#until(fault.lasts, () => network.setLink(ends.from.id, ends.to.id, undefined));
      }
    }
  }

  get #on(): readonly Machine[] {
    return this.#world.machines.filter(({ isOff }) => !isOff);
  }

  #targetOf(target: Target): Machine | undefined {
    if (target === 'leader') return this.#world.leader;
    if (target === 'rival') return this.#world.rival;
    return this.#on[target % this.#on.length];
  }

  #linkOf(from: Target, to: number): { readonly from: Machine; readonly to: Machine } | undefined {
    const sender = this.#targetOf(from);
    const others = this.#on.filter((machine) => machine !== sender);
    const receiver = others[to % Math.max(1, others.length)];
    return sender === undefined || receiver === undefined ? undefined : { from: sender, to: receiver };
  }

  #sideOf(side: number | 'voters'): ReadonlySet<Machine> {
    const { machines, leader } = this.#world;
    const voters = leader?.node?.status().configuration.voters ?? [];
    const isIn = ({ id }: Machine, number: number): boolean =>
      side === 'voters' ? voters.includes(id) : ((side >>> number) & 1) === 1;
    return new Set(machines.filter(isIn));
  }

  #cutAll(isCut: (from: Machine, to: Machine) => boolean, lasts: number): void {
    const { machines, network } = this.#world;
    const undos = machines.flatMap((from) =>
      machines.filter((to) => to !== from && isCut(from, to)).map((to) => network.cut(from.id, to.id)),
    );
    this.#until(lasts, () => {
      for (const undo of undos) undo();
    });
  }

  #until(lasts: number, undo: () => void): void {
    const once = (): void => {
      if (this.#ongoing.delete(once)) undo();
    };
    this.#ongoing.add(once);
    this.#world.time.schedule(lasts, once);
  }
}
