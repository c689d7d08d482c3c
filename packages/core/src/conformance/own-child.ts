const variable = 'RAFTLOG_CONFORMANCE_CHILD';

/** The environment of a process that the suite starts to open a place, and to kill. */
export function childEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, [variable]: '1' };
}

/**
 * Throws in such a process. A module that exports `open` and runs the suite as well would start a suite in each child, which starts
 * children of its own: processes without end.
 */
export function refuseInOwnChild(): void {
  if (process.env[variable] === undefined) return;
  throw new Error(
    'This process is a child of the conformance suite or of the benchmark, and was to run them again: the module of `child` must only export `open`. Move `open` to a module of its own, and name that.',
  );
}
