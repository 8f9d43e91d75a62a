import type { Cancellation } from "../core/cancellation.ts";

/** A place in a {@link Line}. */
export interface Place {
  /** Resolves when its turn comes; rejects, and gives the place up, when cancelled before that. */
  take(cancellation: Cancellation): Promise<void>;
  /** Ends the turn, or gives up a place that has not come to one. */
  leave(): void;
}

interface Waiting {
  order: number;
  /** Absent until the place is taken up: nobody behind it may pass. */
  begin?: () => void;
  begun: boolean;
}

/** Who waits for one of a few turns: they come in the order of their numbers. */
export class Line {
  readonly #turns: number;
  readonly #places: Waiting[] = [];

  /** @param turns how many may have their turn at once */
  constructor(turns: number) {
    this.#turns = turns;
  }

  get empty(): boolean {
    return this.#places.length === 0;
  }

  /** How many have their turn now. */
  get begun(): number {
    return this.#places.filter((place) => place.begun).length;
  }

  /** The last place. */
  append(): Place {
    return this.reserve((this.#places.at(-1)?.order ?? 0) + 1) as Place;
  }

  /** A place by its number, or `undefined` when that number is taken or one behind it has begun. */
  reserve(order: number): Place | undefined {
    if (this.#places.some((place) => place.order === order || (place.begun && place.order > order)))
      return undefined;
    const place: Waiting = { order, begun: false };
    const behind = this.#places.findIndex((other) => other.order > order);
    this.#places.splice(behind < 0 ? this.#places.length : behind, 0, place);
    return {
      take: (cancellation) => this.#take(place, cancellation),
      leave: () => this.#leave(place),
    };
  }

  #take(place: Waiting, cancellation: Cancellation): Promise<void> {
    return new Promise((resolve, reject) => {
      const forget = cancellation.onCancel((error) => {
        if (place.begun) return;
        this.#leave(place);
        reject(error);
      });
      place.begin = () => {
        forget();
        resolve();
      };
      this.#advance();
    });
  }

  #leave(place: Waiting): void {
    const at = this.#places.indexOf(place);
    if (at < 0) return;
    this.#places.splice(at, 1);
    this.#advance();
  }

  #advance(): void {
    for (const place of this.#places.slice(0, this.#turns)) {
      if (!place.begin) return;
      if (place.begun) continue;
      place.begun = true;
      place.begin();
    }
  }
}
