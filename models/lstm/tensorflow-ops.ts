/**
 * TensorFlow's kernels as plain functions over handles, through the native binding of @tensorflow/tfjs-node: its stock layers make
 * some three thousand calls a training step, the fused kernels called by name some fifty.
 */

/** A tensor of TensorFlow's. */
export interface Handle {
  id: number;
  shape: number[];
}

interface Attribute {
  name: string;
  type: number;
  value: number | boolean | string | readonly number[];
}

/** The part of the binding that is used. Source: @tensorflow/tfjs-node 4.22, binding/tfjs_backend.cc */
export interface Binding {
  createTensor(shape: readonly number[], dtype: number, values: Float32Array | Int32Array): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Float32Array;
  executeOp(name: string, attributes: readonly Attribute[], inputs: readonly number[], outputs: number): Handle[];
  TF_FLOAT: number;
  TF_INT32: number;
  TF_INT64: number;
  TF_ATTR_TYPE: number;
  TF_ATTR_FLOAT: number;
  TF_ATTR_BOOL: number;
  TF_ATTR_SHAPE: number;
  TF_ATTR_STRING: number;
}

/** What `import('@tensorflow/tfjs-node')` gives, as far as it is used. */
export interface TensorFlow {
  backend(): { binding?: Binding };
}

export interface Ops {
  floats(values: Float32Array, shape: readonly number[]): Handle;
  integers(values: Int32Array, shape: readonly number[]): Handle;
  /** Never freed: asked for again it is the same. */
  constant(name: string, make: () => Handle): Handle;
  int64(value: number): Handle;
  read(handle: Handle): Float32Array;
  /** Frees what was made in it, but for what it returns. */
  scope<T extends readonly Handle[]>(work: () => T): T;
  free(handle: Handle): void;
  /** @param types  type attributes, and others */
  run(name: string, attributes: Record<string, number | boolean | 'float' | 'int32'>, inputs: readonly Handle[], outputs?: number): Handle[];
  matMul(a: Handle, b: Handle, transposeA?: boolean, transposeB?: boolean): Handle;
  reshape(x: Handle, shape: readonly number[]): Handle;
  gather(table: Handle, rows: Handle): Handle;
  /** Sums rows into `count` rows; those whose place is negative are left out. */
  scatterAdd(rows: Handle, places: Handle, count: number): Handle;
  multiply(a: Handle, b: Handle): Handle;
  /** A resource that keeps numbers from call to call. */
  variable(name: string, shape: readonly number[]): Handle;
  assign(variable: Handle, value: Handle): void;
  value(variable: Handle): Handle;
}

/** @throws Error when the module is not the native one */
export function createOps(tf: TensorFlow): Ops {
  const { binding } = tf.backend();
  if (binding === undefined) throw new Error('lstm: the TensorFlow backend has no native binding: @tensorflow/tfjs-node is not what was loaded');
  const constants = new Map<string, Handle>();
  let made: Handle[] = [];
  const keep = (handle: Handle): Handle => {
    made.push(handle);
    return handle;
  };
  const create = (values: Float32Array | Int32Array, shape: readonly number[], dtype: number): Handle => keep({ id: binding.createTensor(shape, dtype, values), shape: [...shape] });
  const attribute = (name: string, value: number | boolean | 'float' | 'int32'): Attribute => {
    if (typeof value === 'boolean') return { name, type: binding.TF_ATTR_BOOL, value };
    if (typeof value === 'number') return { name, type: binding.TF_ATTR_FLOAT, value };
    return { name, type: binding.TF_ATTR_TYPE, value: value === 'float' ? binding.TF_FLOAT : binding.TF_INT32 };
  };
  const run: Ops['run'] = (name, attributes, inputs, outputs = 1) => {
    const found = binding.executeOp(name, Object.entries(attributes).map(([key, value]) => attribute(key, value)), inputs.map(({ id }) => id), outputs);
    return found.map(({ id, shape }) => keep({ id, shape }));
  };
  const ops: Ops = {
    floats: (values, shape) => create(values, shape, binding.TF_FLOAT),
    integers: (values, shape) => create(values, shape, binding.TF_INT32),
    constant(name, make) {
      const found = constants.get(name) ?? make();
      made = made.filter((handle) => handle !== found);
      constants.set(name, found);
      return found;
    },
    int64: (value) => ops.constant(`int64 ${value}`, () => create(Int32Array.of(value, 0), [], binding.TF_INT64)),
    read: ({ id }) => binding.tensorDataSync(id),
    scope(work) {
      const outer = made;
      made = [];
      let kept: readonly Handle[] = [];
      try {
        const found = work();
        kept = found;
        return found;
      } finally {
        for (const handle of made) if (!kept.includes(handle)) binding.deleteTensor(handle.id);
        made = outer;
      }
    },
    free: ({ id }) => binding.deleteTensor(id),
    run,
    matMul: (a, b, transposeA = false, transposeB = false) => run('MatMul', { transpose_a: transposeA, transpose_b: transposeB, T: 'float' }, [a, b])[0],
    reshape: (x, shape) => run('Reshape', { T: 'float', Tshape: 'int32' }, [x, ops.integers(Int32Array.from(shape), [shape.length])])[0],
    gather: (table, rows) => run('GatherV2', { Tparams: 'float', Tindices: 'int32', Taxis: 'int32' }, [table, rows, ops.constant('axis', () => ops.integers(Int32Array.of(0), []))])[0],
    scatterAdd: (rows, places, count) => run('UnsortedSegmentSum', { T: 'float', Tindices: 'int32', Tnumsegments: 'int32' }, [rows, places, ops.integers(Int32Array.of(count), [])])[0],
    multiply: (a, b) => run('Mul', { T: 'float' }, [a, b])[0],
    variable(name, shape) {
      const attributes: Attribute[] = [
        { name: 'dtype', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
        { name: 'shape', type: binding.TF_ATTR_SHAPE, value: shape },
        { name: 'shared_name', type: binding.TF_ATTR_STRING, value: name },
      ];
      return binding.executeOp('VarHandleOp', attributes, [], 1)[0];
    },
    assign: (variable, value) => void run('AssignVariableOp', { dtype: 'float' }, [variable, value], 0),
    value: (variable) => run('ReadVariableOp', { dtype: 'float' }, [variable])[0],
  };
  return ops;
}
