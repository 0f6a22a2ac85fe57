import type { Central } from '../central/central.ts';
import type { CentralAnswer, CentralRequest } from '../central/http/request.ts';
import type { Db } from '../central/db/sql.ts';
import type { Dice } from './dice.ts';
import { mortal } from './gateway-watch.ts';
import type { Life } from './slot.ts';
import type { Timeline } from './timeline.ts';

export interface CentralSiteParts {
  readonly timeline: Timeline;
  readonly dice: Dice;
  readonly db: Db;
  /** Central's process, over its own hold on the database. */
  readonly make: (life: Life, db: Db) => Central;
  readonly onCut: (where: string) => void;
}

/** Central's machine: its database stays, its process dies and comes back by itself. */
export class CentralSite {
  readonly #parts: CentralSiteParts;
  /** It dies at the so-many-th point from now; 0: it does not. */
  cutIn = 0;
  #life: { alive: boolean; point: (name: string) => boolean } = { alive: false, point: () => true };
  #central: Central | null = null;

  constructor(parts: CentralSiteParts) {
    this.#parts = parts;
  }

  /** The process that serves now; null: none. */
  get central(): Central | null {
    return this.#central;
  }

  async boot(): Promise<void> {
    const life: Life = {
      alive: true,
      point: (name) => {
        if (!life.alive) return true;
        if (this.cutIn === 0 || --this.cutIn > 0) return false;
        this.#die(name);
        return true;
      },
    };
    this.#life = life;
    const central = this.#parts.make(life, mortal(this.#parts.db, life));
    await central.open();
    this.#central = central;
  }

  #die(where: string): void {
    this.#life.alive = false;
    this.#central = null;
    this.cutIn = 0;
    this.#parts.onCut(where);
    this.#parts.timeline.after(this.#parts.dice.between(500, 9_000), () => void this.boot());
  }

  /** Null: nobody answers, now or any more. */
  async handle(request: CentralRequest): Promise<CentralAnswer | null> {
    const central = this.#central;
    return central === null ? null : central.handle(request);
  }
}
