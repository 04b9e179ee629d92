import { setupOrExit } from './setup.mjs';

await setupOrExit({ quiet: true });
await import('../dist/bench/main.js');
