/** `node dist/test/golden/credit-matrix.js plain.bin derived.bin`: the data set as scikit-learn is given it. */
import { creditFile, deriveCredit, readCredit } from '../../bench/risk-credit.js';
import { writeMatrix } from '../../bench/risk-peers.js';

const [plainFile, derivedFile] = process.argv.slice(2);
if (derivedFile === undefined) throw new Error('usage: node dist/test/golden/credit-matrix.js <plain.bin> <derived.bin>');
const plain = readCredit();
if (plain === undefined) throw new Error(`${creditFile} is not here`);
writeMatrix(plainFile, plain);
writeMatrix(derivedFile, deriveCredit(plain));
