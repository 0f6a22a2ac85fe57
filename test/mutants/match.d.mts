/** Where `find` stands in `text` by its tokens, as [from, to); all its places. */
export declare function places(text: string, find: string): readonly (readonly [number, number])[];
/**
 * `text` with `replace` where `find` stands; null: it does not stand there exactly once, or nothing
 * would change.
 */
export declare function sabotaged(text: string, find: string, replace: string): string | null;
