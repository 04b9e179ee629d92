/** How the channels are weighed: made by the workflow `tuneBlend`, live from its promotion on; all the same before. */
import { decodeBlend } from '../../models/blend/artefact.js';
import type { Blend } from '../../models/recommend/fuse.js';

/** @throws RangeError when the parts are not a whole blend of this build */
export const readBlend = (parts: readonly Uint8Array[]): Blend => decodeBlend([...parts]);
