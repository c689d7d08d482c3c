import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    allowOnly: false,
    // The summary of `npm test` counts from this report.
    reporters: ['default', 'json'],
    outputFile: { json: 'test-report.json' },
  },
});
