/** The secret that coupon codes are made with. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readJson, writePrivateFile } from '../servers/private-file.js';
import type { Context } from './context.js';

/**
 * The environment's, or else one of this installation: 192 random bits, kept in the data directory for its owner alone. A
 * code is recorded with its decision, so a shard that moves to a machine with another secret contradicts no coupon.
 */
export function couponSecret({ config, dataDir }: Context): string {
  if (config.AFTERCARE_COUPON_BUDGET_MINOR === 0 || config.AFTERCARE_COUPON_SECRET !== '') return config.AFTERCARE_COUPON_SECRET;
  const path = join(dataDir, 'coupon-secret.json');
  const kept = (readJson(path) ?? {}) as { secret?: string };
  if (kept.secret !== undefined) return kept.secret;
  const secret = randomBytes(24).toString('base64url');
  writePrivateFile(path, `${JSON.stringify({ secret })}\n`);
  return secret;
}
