/** The part of the WebAssembly API that this project uses: Node's types leave it to the DOM library, which we do not want. */
type BufferSource = ArrayBuffer | ArrayBufferView;

declare namespace WebAssembly {
  class Module {
    constructor(bytes: BufferSource);
    private readonly brand;
  }
  class Memory {
    /** pages of 64 KiB; one that is shared needs a maximum */
    constructor(descriptor: { initial: number; maximum: number; shared: boolean });
    /** a SharedArrayBuffer where it is shared */
    readonly buffer: ArrayBuffer;
    /** by so many pages; views of the buffer are detached, or, where it is shared, as long as they were */
    grow(pages: number): number;
  }
  class Instance {
    constructor(module: Module, imports?: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, unknown>;
  }
}
