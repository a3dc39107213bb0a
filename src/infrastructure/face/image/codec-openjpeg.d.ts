/** The package ships no types. Only what is used here; the shapes were read off the build at version 1.3.6. */
declare module '@cornerstonejs/codec-openjpeg/wasmjs' {
  export interface J2KFrame {
    width: number;
    height: number;
    bitsPerSample: number;
    componentCount: number;
    isSigned: boolean;
  }
  export interface J2KDecoder {
    getEncodedBuffer(length: number): Uint8Array;
    /** Garbage does not throw: the frame is then 0 x 0. An empty input throws a bare number. */
    decode(): void;
    getFrameInfo(): J2KFrame;
    /** A view of the WASM heap: copy it before `delete`. */
    getDecodedBuffer(): Uint8Array;
    delete(): void;
  }
  export interface J2KEncoder {
    getDecodedBuffer(frame: J2KFrame): Uint8Array;
    setQuality(lossless: boolean, layers: number): void;
    setCompressionRatio(layer: number, ratio: number): void;
    encode(): void;
    /** A raw codestream (no JP2 boxes), a view of the WASM heap. */
    getEncodedBuffer(): Uint8Array;
    delete(): void;
  }
  export interface OpenJpegModule {
    J2KDecoder: new () => J2KDecoder;
    J2KEncoder: new () => J2KEncoder;
    HEAPU8: Uint8Array;
  }
  export default function factory(options: {
    print(text: string): void;
    printErr(text: string): void;
  }): Promise<OpenJpegModule>;
}
