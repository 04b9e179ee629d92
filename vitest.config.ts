import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    pool: 'forks', // servers, native modules and kill -9 want processes of their own
    maxWorkers: 2, // the tests start real servers; more at a time only make each other late
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
