/**
 * Solving A x = b for a symmetric positive definite A.  D = order; A is Float64Array(D * D), row-major, lower triangle read.
 *
 *   A = L L^T,  L_jj = sqrt(A_jj - sum_k L_jk^2),  L_ij = (A_ij - sum_k L_ik L_jk) / L_jj
 */

/** Replaces the lower triangle of A by L. @returns false when A is not positive definite (A is then half done) */
export function factor(A: Float64Array, D: number): boolean {
  for (let i = 0; i < D; i += 1) {
    const rowI = i * D;
    for (let j = 0; j <= i; j += 1) {
      const rowJ = j * D;
      let sum = A[rowI + j];
      for (let k = 0; k < j; k += 1) sum -= A[rowI + k] * A[rowJ + k];
      if (j < i) A[rowI + j] = sum / A[rowJ + j];
      else if (!(sum > 0)) return false;
      else A[rowI + i] = Math.sqrt(sum);
    }
  }
  return true;
}

/** Solves L L^T x = b in place of b.  Worked: A = [4 2; 2 3] has L = [2 0; 1 1.414], and b = [8, 7] gives x = [1.25, 1.5] */
export function solve(L: Float64Array, D: number, b: Float64Array): void {
  for (let i = 0; i < D; i += 1) {
    let sum = b[i];
    for (let k = 0; k < i; k += 1) sum -= L[i * D + k] * b[k];
    b[i] = sum / L[i * D + i];
  }
  for (let i = D - 1; i >= 0; i -= 1) {
    let sum = b[i];
    for (let k = i + 1; k < D; k += 1) sum -= L[k * D + i] * b[k];
    b[i] = sum / L[i * D + i];
  }
}
