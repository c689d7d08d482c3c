import { defineConfig } from 'vitest/config';
/** What every package of the workspace runs its tests with; `test` of a package's own goes on top. */
export function raftlogTests(test = {}) {
    return defineConfig({
        test: {
            include: ['test/**/*.test.ts'],
            // A test that fails sometimes is a finding: no retries, here or in CI.
            retry: 0,
            // A forgotten `test.only` would leave out the rest and pass.
            allowOnly: false,
            // Catches what hangs. A figure of the machine is no test: how long a sweep over every byte takes depends on what else runs.
            testTimeout: 60_000,
            // `turbo` runs two packages at once already, and most tests wait for a disk.
            maxWorkers: 2,
            reporters: ['default', 'json'],
            // `npm test` counts from this report; without one the package counts as failed.
            outputFile: { json: 'test-report.json' },
            ...test,
        },
    });
}
//# sourceMappingURL=vitest.shared.js.map