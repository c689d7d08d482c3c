import type { Random } from '@raftlog/core/conformance';
import type { Envelope, Transport } from '@raftlog/node';
import type { ProcessLife } from '../time/process-life.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import { deliveriesOn, type LinkQuality } from './link.ts';

/** What a {@link SimulatedNetwork} tells of its traffic. */
export interface NetworkObserver {
  sent(envelope: Envelope): void;
  /** Just before the receiver gets it. */
  delivered(envelope: Envelope): void;
}

/** Least time between two messages that must not overtake each other, in milliseconds: at the same instant they would come in any order. */
const SPACING = 0.001;

interface Receiver {
  readonly life: ProcessLife;
  readonly receive: (envelope: Envelope) => void;
}

/** Carries messages as real networks do: late, twice, in another order, or not at all. */
export class SimulatedNetwork {
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #observer: NetworkObserver;
  readonly #receivers = new Map<string, Receiver>();
  /** By direction; where there is none, `#usual`. */
  readonly #links = new Map<string, LinkQuality>();
  readonly #cuts = new Map<string, number>();
  readonly #lastArrivals = new Map<string, number>();
  #usual: LinkQuality;

  constructor(time: VirtualTime, random: Random, usual: LinkQuality, observer: NetworkObserver) {
    this.#time = time;
    this.#random = random;
    this.#usual = usual;
    this.#observer = observer;
  }

  /** The transport of one process. What is on its way to it when it crashes is lost; what it has sent goes on. */
  transport(node: string, life: ProcessLife): Transport {
    let own: Receiver | undefined;
    return {
      start: async (receive) => {
        own = { life, receive };
        this.#receivers.set(node, own);
      },
      send: (envelope) => {
        if (own !== undefined && life.isAlive()) this.#send(envelope);
      },
      close: async () => {
        // Another process of the node may have its place by now.
        if (this.#receivers.get(node) === own) this.#receivers.delete(node);
        own = undefined;
      },
    };
  }

  /** Sets how one direction behaves; `undefined`: as all the others. */
  setLink(from: string, to: string, quality: LinkQuality | undefined): void {
    if (quality === undefined) this.#links.delete(wayOf(from, to));
    else this.#links.set(wayOf(from, to), quality);
  }

  /** How all directions behave that have no setting of their own. */
  setUsual(quality: LinkQuality): void {
    this.#usual = quality;
  }

  /** Cuts one direction. Cuts add up: each is undone by the function it returns. */
  cut(from: string, to: string): () => void {
    const way = wayOf(from, to);
    this.#cuts.set(way, (this.#cuts.get(way) ?? 0) + 1);
    let isCut = true;
    return () => {
      const cuts = this.#cuts.get(way) ?? 0;
      if (isCut && cuts > 0) this.#cuts.set(way, cuts - 1);
      isCut = false;
    };
  }

  /** Undoes all that is not usual. */
  heal(): void {
    this.#links.clear();
    this.#cuts.clear();
  }

  isCut(from: string, to: string): boolean {
    return (this.#cuts.get(wayOf(from, to)) ?? 0) > 0;
  }

  #send(envelope: Envelope): void {
    this.#observer.sent(envelope);
    const { from, to } = envelope;
    const way = wayOf(from, to);
    const link = this.#links.get(way) ?? this.#usual;
    for (const delay of deliveriesOn(link, this.#random)) {
      const at = this.#time.now + delay;
      const arrival = link.isOrdered ? Math.max(at, (this.#lastArrivals.get(way) ?? 0) + SPACING) : at;
      this.#lastArrivals.set(way, arrival);
      this.#time.schedule(arrival - this.#time.now, () => this.#arrive(envelope));
    }
  }

  #arrive(envelope: Envelope): void {
    // A partition swallows what is on its way when it begins.
    if (this.isCut(envelope.from, envelope.to)) return;
    const receiver = this.#receivers.get(envelope.to);
    receiver?.life.whenReceivable(() => {
      if (!receiver.life.isAlive() || this.#receivers.get(envelope.to) !== receiver) return;
      this.#observer.delivered(envelope);
      receiver.receive(envelope);
    });
  }
}

function wayOf(from: string, to: string): string {
  return `${from}>${to}`;
}
