/** The part of the WebAssembly API that this project uses: Node's types leave it to the DOM library, which we do not want. */
type BufferSource = ArrayBuffer | ArrayBufferView;

declare namespace WebAssembly {
  class Module {
    constructor(bytes: BufferSource);
    private readonly brand;
  }
  class Memory {
    readonly buffer: ArrayBuffer;
    /** by so many pages of 64 KiB; views of the buffer are detached */
    grow(pages: number): number;
  }
  class Instance {
    constructor(module: Module, imports?: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, unknown>;
  }
}
