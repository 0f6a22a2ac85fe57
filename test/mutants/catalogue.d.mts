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
    readonly project?: string;
    readonly files?: readonly string[];
    readonly name?: string;
  }[];
}
export declare const MUTANTS: readonly Mutant[];
