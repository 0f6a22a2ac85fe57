/** Loaded by name at run time. */
export declare const ADDONS: readonly string[];
/** Headers for compiling only. */
export declare const BUILD_ONLY: ReadonlySet<string>;
/** Whether a file or folder of a package ships. */
export declare function ships(inside: string, compiled: boolean, platform: string): boolean;
