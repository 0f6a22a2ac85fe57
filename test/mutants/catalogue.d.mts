/** One deliberate sabotage: what it breaks, the words exchanged, and what must then fail. */
export interface Mutant {
  readonly id: string;
  readonly what: string;
  readonly edits: readonly {
    readonly file: string;
    readonly find: string;
    readonly replace: string;
  }[];
  readonly by: readonly {
    readonly kind: 'tests' | 'simulate';
    readonly files?: readonly string[];
  }[];
}
export declare const MUTANTS: readonly Mutant[];
