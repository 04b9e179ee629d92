/**
 * The loops of the LSTM network. Free functions over addresses; the caller lays the memory out (../memory.ts). All numbers are
 * f32, row-major; a width (columns of a matrix) is a multiple of 8, and addresses are multiples of 16.
 * No fused or relaxed arithmetic, and a fixed order of every sum: the same bits on every machine.
 */
export { packed, packedTransposed, product, productOfTransposed, useBlock } from './product';
export { cells, cellsBack } from './cells';
export { softmaxCrossEntropy } from './softmax';
export { exponentials, hyperbolicTangents } from './functions';
export { adam, adamRows, sumOfSquares } from './adam';
export { add, addColumns, copy, dropOut, gather, repeatRow, scatter, scatterAdd, zero } from './rows';

/** First address that is free. */
export function base(): f64 { return <f64>((__heap_base + 63) & ~63); }
